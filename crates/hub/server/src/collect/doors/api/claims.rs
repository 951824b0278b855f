//! `POST /claims`: a serial becomes this organisation's.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::{Claim, NewClaim, Problem, Secret};

use super::auth::Caller;
use super::request::{Body, id};
use super::{Api, Refusal};
use crate::collect::intake::claim::claim;
use ironroot_time::{Clock, Rng};

/// Claims a serial; the answer holds the token with which its device enrols, once.
#[utoipa::path(post, path = "/claims", tag = "devices", request_body = NewClaim, responses(
    (status = 201, body = Claim),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The device is in use"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
pub(crate) async fn make(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewClaim>,
) -> Result<(StatusCode, Json<Claim>), Refusal> {
    new.check().map_err(Refusal::of_fields)?;
    let device = id("serial", &new.serial)?;
    let profile = id("profile", &new.profile)?;
    let lifetime = Duration::from_secs(new.ttl_s);
    let outside: (&dyn Clock, &dyn Rng) = (api.clock.as_ref(), api.rng.as_ref());
    let made = claim(&api.ledger, outside, device, profile, lifetime, by).await;
    let made = made.map_err(|cause| api.refuse(&cause))?;
    let answer = Claim {
        serial: new.serial,
        token: Secret::new((*made.token).clone()),
        expires: made.expires.to_string(),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}
