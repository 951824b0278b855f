//! The door of the CA's certificates: plain HTTP, because checking a certificate must not need one.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::Authority;

/// Where the issuing CA's certificate lies, as it stands in the certificates that it issues.
pub const ISSUING_PATH: &str = "/issuing.crt";

/// Root and issuing CA, each as DER (RFC 5280 section 4.2.2.1), and both as PEM.
pub fn router(authority: &Authority) -> Router {
    let (root, issuing, pem) = (
        authority.current().root().clone(),
        authority.current().certificate().clone(),
        authority.ca_pem(),
    );
    Router::new()
        .route("/root.crt", get(async move || der(&root)))
        .route(ISSUING_PATH, get(async move || der(&issuing)))
        .route(
            "/ca.pem",
            get(async move || ([(header::CONTENT_TYPE, "application/x-pem-file")], pem)),
        )
}

fn der(certificate: &CertificateDer<'static>) -> Response {
    (
        [(header::CONTENT_TYPE, "application/pkix-cert")],
        certificate.to_vec(),
    )
        .into_response()
}
