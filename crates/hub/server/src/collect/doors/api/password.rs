//! `PUT /password`: the administrator's password for the console.

use axum::extract::State;
use axum::{Extension, Json};
use ironroot_api::{NewPassword, PasswordSet, Problem};
use ironroot_console::{Begun, Visitor};
use ironroot_secret::Secret;
use ironroot_time::Clock;

use super::auth::Caller;
use super::request::Body;
use super::{Api, Refusal};
use crate::collect::intake::password::PasswordRefused;
use crate::collect::intake::tokens::ADMIN;

/// Sets the password; every other session of the console ends. A session that was begun by password has to send
/// the present one; a token, or a session begun by a link, need not: so a lost password is replaced.
#[utoipa::path(put, path = "/password", tag = "hub", request_body = NewPassword, responses(
    (status = 200, body = PasswordSet),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "It is too short, or the present one is wrong"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Too many wrong ones were sent, or the journal cannot append"),
))]
pub(crate) async fn set(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    visitor: Option<Extension<Visitor>>,
    Body(new): Body<NewPassword>,
) -> Result<Json<PasswordSet>, Refusal> {
    let visitor = visitor.map(|Extension(visitor)| visitor);
    let set = set_as(&api, visitor.as_ref(), &by, &new).await;
    let entry = set.map_err(|cause| api.refuse_field(cause.field(), &cause))?;
    let sessions_ended = api.sign_ins.end_all_but(visitor.as_ref());
    tracing::info!(door = "api", actor = %by, "The password was set.");
    Ok(Json(PasswordSet {
        entry,
        sessions_ended,
    }))
}

async fn set_as(
    api: &Api,
    visitor: Option<&Visitor>,
    by: &ironroot_registry::Actor,
    new: &NewPassword,
) -> Result<u64, PasswordRefused> {
    let secret = |text: &ironroot_api::Secret| Secret::new(text.reveal().as_bytes().to_vec());
    let confirms = visitor.is_some_and(|visitor| visitor.begun == Begun::Password);
    if confirms && api.password.is_set() {
        let current = new.current.as_ref().map(secret);
        let current = current.unwrap_or_else(|| Secret::new(Vec::new()));
        let right = api.password.matches(ADMIN, current, None, api.clock.now());
        if !right.await? {
            return Err(PasswordRefused::WrongCurrent);
        }
    }
    let rng = api.rng.as_ref();
    api.password
        .set(secret(&new.password), by, &api.ledger, rng)
        .await
}
