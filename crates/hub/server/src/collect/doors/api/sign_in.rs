//! `POST /sign-in-links`: a way into the console.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::SignInLink;

use super::Api;
use super::auth::Caller;

/// Makes a link that signs one person in to the console, once, within fifteen minutes.
#[utoipa::path(post, path = "/sign-in-links", tag = "hub", responses((status = 201, body = SignInLink)))]
pub(crate) async fn make(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
) -> (StatusCode, Json<SignInLink>) {
    tracing::info!(door = "api", actor = %by, "A sign-in link was made.");
    (
        StatusCode::CREATED,
        Json(api.sign_ins.link(&by.to_string())),
    )
}
