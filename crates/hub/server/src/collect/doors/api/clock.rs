//! `/clock`: a person confirms the machine's clock after it has jumped.

use axum::extract::State;
use axum::{Extension, Json};
use ironroot_api::{ClockConfirmed, NewClockConfirmation, Problem};

use super::auth::Caller;
use super::request::Body;
use super::{Api, Refusal};
use crate::collect::intake::clock;

/// Confirms that the machine's clock is right after it has jumped, so that certificates are issued again.
#[utoipa::path(post, path = "/clock/confirm", tag = "hub", request_body = NewClockConfirmation, responses(
    (status = 200, body = ClockConfirmed),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The clock has not jumped, or is right again"),
))]
pub(crate) async fn confirm(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewClockConfirmation>,
) -> Result<Json<ClockConfirmed>, Refusal> {
    new.check().map_err(Refusal::of_fields)?;
    let confirmed = clock::confirm(&api.ledger, &api.clock, &new.why, by.clone()).await;
    let (entry, time) = confirmed.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, clock.shown = %time, "The machine's clock was confirmed.");
    Ok(Json(ClockConfirmed {
        entry,
        time: time.to_string(),
    }))
}
