//! `POST /sign-in-links`: a way into the console.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::{Problem, SignInLink};

use super::auth::Caller;
use super::{Api, Refusal};
use crate::collect::intake::tokens::ADMIN;

/// Makes a link that signs one person in to the console, once, within fifteen minutes.
#[utoipa::path(post, path = "/sign-in-links", tag = "hub", responses(
    (status = 201, body = SignInLink),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "The journal cannot append"),
))]
pub(crate) async fn make(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
) -> Result<(StatusCode, Json<SignInLink>), Refusal> {
    let link = api.sign_ins.link(ADMIN, by.clone(), &api.ledger).await;
    let link = link.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, "A sign-in link was made.");
    Ok((StatusCode::CREATED, Json(link)))
}
