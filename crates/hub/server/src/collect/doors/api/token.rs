//! `POST /token/rotate`: a new API token in the place of the old one.

use axum::extract::State;
use axum::{Extension, Json};
use ironroot_api::{NewToken, Problem, Secret};

use super::auth::Caller;
use super::{Api, Refusal};

/// Makes a new API token. The old one, every session of the console and every sign-in link are void at once; the
/// hub writes the new one to `admin.token`, too.
#[utoipa::path(post, path = "/token/rotate", tag = "hub", responses(
    (status = 200, body = NewToken),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "The journal cannot append; the old token stays good"),
))]
pub(crate) async fn rotate(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
) -> Result<Json<NewToken>, Refusal> {
    let rotated = api
        .tokens
        .rotate(by.clone(), &api.ledger, api.rng.as_ref())
        .await;
    let token = rotated.map_err(|cause| api.refuse(&cause))?;
    api.sign_ins.end_all_but(None);
    tracing::info!(door = "api", actor = %by, "The API token was changed for a new one.");
    Ok(Json(NewToken {
        token: Secret::new(token.to_string()),
    }))
}
