//! `/ca`: the request for the next issuing CA, and its way into service.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ironroot_api::{CaRequest, IssuingCaInstalled, NewCaRequest, NewIssuingCa, Problem};

use super::auth::Caller;
use super::request::Body;
use super::{Api, Refusal};

/// Makes a key for the next issuing CA, and a request for its certificate; asked for again, it is the same one.
#[utoipa::path(post, path = "/ca/requests", tag = "issuing CAs", request_body = NewCaRequest, responses(
    (status = 200, body = CaRequest),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The token has a key of this name"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "No place for a key"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "The token makes no key"),
))]
pub(crate) async fn request(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewCaRequest>,
) -> Result<Json<CaRequest>, Refusal> {
    let csr = api.rotation.request(new.ca_key.as_deref()).await;
    let csr = csr.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, "An issuing CA was requested.");
    Ok(Json(CaRequest { csr }))
}

/// Puts a new issuing CA into service; the one before stays trusted until it ends.
#[utoipa::path(post, path = "/ca", tag = "issuing CAs", request_body = NewIssuingCa, responses(
    (status = 201, body = IssuingCaInstalled),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "None was requested"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "The certificate does not serve"),
))]
pub(crate) async fn install(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Body(new): Body<NewIssuingCa>,
) -> Result<(StatusCode, Json<IssuingCaInstalled>), Refusal> {
    let installed = api.rotation.install(&new.pem, by.clone()).await;
    let installed = installed.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, ca = installed.number, "An issuing CA was put into service.");
    let answer = IssuingCaInstalled {
        number: installed.number,
        fingerprint: installed.fingerprint,
        not_after: installed.not_after.to_string(),
        entry: installed.entry,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}
