//! `/certificates`: every certificate of the hub, and the revocation of one.

use axum::extract::State;
use axum::{Extension, Json};
use ironroot_api::{
    CertificateItem, CertificateRevoked, NewRevocation, Page, PageQuery, Problem, RevocationReason,
};
use ironroot_identity::{self as identity, CertificateSerial};

use super::auth::Caller;
use super::request::{Asked, Body, Named};
use super::{Api, Class, Refusal};
use crate::collect::intake::revocation;

/// Every certificate that the hub issued, in the order of serial numbers.
#[utoipa::path(get, path = "/certificates", tag = "certificates", params(PageQuery), responses((status = 200, body = Page<CertificateItem>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<CertificateItem>>, Refusal> {
    let page = api.views.all_certificates(&query).await;
    page.map(Json).map_err(|cause| api.refuse(&cause))
}

/// Revokes one certificate for good, ended or not; a session that lives by it is cut.
#[utoipa::path(post, path = "/certificates/{serial}/revoke", tag = "certificates", params(("serial" = String, Path, description = "The serial number, 32 hexadecimal digits")), request_body = NewRevocation, responses(
    (status = 200, body = CertificateRevoked),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "It was revoked before"),
))]
pub(crate) async fn revoke(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
    Named(serial): Named<String>,
    Body(new): Body<NewRevocation>,
) -> Result<Json<CertificateRevoked>, Refusal> {
    new.check().map_err(Refusal::of_fields)?;
    let unknown = |_no_serial| {
        Refusal::new(
            Class::Unknown,
            format!("There is no certificate {serial:?}."),
        )
    };
    let number: CertificateSerial = serial.parse().map_err(unknown)?;
    let reason = reason(new.reason);
    let revoked = revocation::revoke(&api.ledger, number, reason, &new.why, by.clone()).await;
    let entry = revoked.map_err(|cause| api.refuse(&cause))?;
    tracing::info!(door = "api", actor = %by, certificate.serial = serial, "A certificate was revoked.");
    Ok(Json(CertificateRevoked { serial, entry }))
}

fn reason(reason: RevocationReason) -> identity::RevocationReason {
    match reason {
        RevocationReason::KeyCompromise => identity::RevocationReason::KeyCompromise,
        RevocationReason::AffiliationChanged => identity::RevocationReason::AffiliationChanged,
        RevocationReason::Superseded => identity::RevocationReason::Superseded,
        RevocationReason::CessationOfOperation => identity::RevocationReason::CessationOfOperation,
        RevocationReason::PrivilegeWithdrawn => identity::RevocationReason::PrivilegeWithdrawn,
    }
}
