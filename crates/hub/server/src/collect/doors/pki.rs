//! The door of the published PKI: CA certificates, CRLs and OCSP, over plain HTTP, because checking a certificate
//! must not need one (RFC 5280 section 8).
//!
//! It serves what others keep in memory; whatever goes wrong with an OCSP request becomes an answer of that
//! protocol.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ironroot_identity::CaNumber;
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::{Authority, OCSP_PATH, fingerprint};
use ironroot_pki::ocsp::{ErrorStatus, OcspRequest, REQUEST_LENGTH_MAX};
use ironroot_time::{Clock, UnixTime};

use crate::enforce::ocsp::{Answer, OcspDesk, REUSE};
use crate::enforce::revocation_lists::RevocationLists;

/// What the door serves from.
#[derive(Clone, Debug)]
pub struct PkiDoor {
    /// The CAs.
    pub authority: Arc<Authority>,
    /// Their lists.
    pub lists: Arc<RevocationLists>,
    /// Answers OCSP requests.
    pub ocsp: Arc<OcspDesk>,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
}

/// A document that others may keep until it is replaced.
struct Document {
    body: Bytes,
    media_type: &'static str,
    /// Changes with the content.
    tag: String,
    modified: UnixTime,
    expires: UnixTime,
    now: UnixTime,
}

impl PkiDoor {
    /// The routes. Issued certificates name `/crl/…`, `/ca/…` and `/ocsp`; the rest is for people.
    pub fn router(self) -> Router {
        let ocsp = get(|| async { StatusCode::BAD_REQUEST }).post(ocsp_post);
        Router::new()
            .route("/crl/{file}", get(crl))
            .route("/ca/{file}", get(issuing_ca))
            .route("/issuing.crt", get(current_ca))
            .route("/root.crt", get(root))
            .route("/ca.pem", get(ca_pem))
            .route(OCSP_PATH, ocsp)
            .route(&format!("{OCSP_PATH}/{{*request}}"), get(ocsp_get))
            .layer(DefaultBodyLimit::max(REQUEST_LENGTH_MAX))
            .with_state(self)
    }
}

/// `<number>.crl` is a full list, `<number>.delta.crl` its delta.
async fn crl(
    State(door): State<PkiDoor>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let name = file.strip_suffix(".crl").ok_or(StatusCode::NOT_FOUND)?;
    let (number, delta) = match name.strip_suffix(".delta") {
        Some(number) => (number, true),
        None => (name, false),
    };
    let lists = ca_number(number).and_then(|ca| door.lists.of(ca));
    let lists = lists.ok_or(StatusCode::NOT_FOUND)?;
    let document = Document {
        body: if delta { &lists.delta } else { &lists.full }.clone(),
        media_type: "application/pkix-crl",
        tag: lists.number.to_string(),
        modified: lists.this_update,
        expires: lists.next_update.min(lists.this_update.plus(REUSE)),
        now: door.clock.now(),
    };
    Ok(document.answer(&headers))
}

/// `<number>.crt` (RFC 5280 section 4.2.2.1).
async fn issuing_ca(
    State(door): State<PkiDoor>,
    Path(file): Path<String>,
) -> Result<Response, StatusCode> {
    let number = file.strip_suffix(".crt").and_then(ca_number);
    let cas = door.authority.issuing_cas();
    cas.iter()
        .find(|ca| Some(ca.number()) == number)
        .map(|ca| der(ca.certificate()))
        .ok_or(StatusCode::NOT_FOUND)
}

async fn current_ca(State(door): State<PkiDoor>) -> Response {
    der(door.authority.current().certificate())
}

async fn root(State(door): State<PkiDoor>) -> Response {
    der(door.authority.current().root())
}

async fn ca_pem(State(door): State<PkiDoor>) -> Response {
    let media_type = [(header::CONTENT_TYPE, "application/x-pem-file")];
    (media_type, door.authority.ca_pem()).into_response()
}

/// RFC 6960 appendix A.1: the request in the body.
async fn ocsp_post(State(door): State<PkiDoor>, headers: HeaderMap, body: Bytes) -> Response {
    door.ocsp_answer(&body, &headers)
}

/// RFC 6960 appendix A.1: the request in base64 in the path.
async fn ocsp_get(
    State(door): State<PkiDoor>,
    Path(request): Path<String>,
    headers: HeaderMap,
) -> Response {
    let request = BASE64_STANDARD.decode(request).unwrap_or_default();
    door.ocsp_answer(&request, &headers)
}

impl PkiDoor {
    fn ocsp_answer(&self, request: &[u8], headers: &HeaderMap) -> Response {
        let answer = match OcspRequest::parse(request) {
            Ok(request) => self.ocsp.answer(&request),
            Err(cause) => {
                tracing::debug!(door = "pki", error = %cause, "An OCSP request was refused.");
                Answer::error(ErrorStatus::MalformedRequest)
            }
        };
        let Some(fresh) = answer.fresh else {
            let headers = [
                (header::CONTENT_TYPE, OCSP_RESPONSE),
                (header::CACHE_CONTROL, "no-store"),
            ];
            return (headers, answer.body).into_response();
        };
        let document = Document {
            tag: fingerprint(&answer.body).to_string(),
            body: answer.body,
            media_type: OCSP_RESPONSE,
            modified: fresh.this_update,
            expires: fresh.next_update.min(fresh.this_update.plus(REUSE)),
            now: self.clock.now(),
        };
        document.answer(headers)
    }
}

impl Document {
    /// The whole, or only that the asker's copy still holds (RFC 9110 section 13.1, RFC 5019 section 6.2).
    fn answer(self, asked: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", self.tag);
        let modified = http_date(self.modified);
        let max_age = self.expires.since(self.now).as_secs();
        let headers = [
            (header::CONTENT_TYPE, self.media_type.to_owned()),
            (header::LAST_MODIFIED, modified.clone()),
            (header::EXPIRES, http_date(self.expires)),
            (
                header::CACHE_CONTROL,
                format!("max-age={max_age}, public, no-transform, must-revalidate"),
            ),
            (header::ETAG, tag.clone()),
        ];
        let has = |name, value: &dyn Display| {
            asked
                .get(name)
                .is_some_and(|has| has.as_bytes() == value.to_string().as_bytes())
        };
        let unchanged = if asked.contains_key(header::IF_NONE_MATCH) {
            has(header::IF_NONE_MATCH, &tag)
        } else {
            has(header::IF_MODIFIED_SINCE, &modified)
        };
        if unchanged {
            (StatusCode::NOT_MODIFIED, headers).into_response()
        } else {
            (headers, self.body).into_response()
        }
    }
}

/// Only as it is written in certificates, so that nobody fills caches with other spellings.
fn ca_number(text: &str) -> Option<CaNumber> {
    let number: CaNumber = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn der(certificate: &CertificateDer<'static>) -> Response {
    let media_type = [(header::CONTENT_TYPE, "application/pkix-cert")];
    (media_type, certificate.to_vec()).into_response()
}

fn http_date(at: UnixTime) -> String {
    let end = Duration::from_secs(END_OF_HTTP_DATES);
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(at.as_s()).min(end))
}

const OCSP_RESPONSE: &str = "application/ocsp-response";
/// 9999-12-31T23:59:59Z.
const END_OF_HTTP_DATES: u64 = 253_402_300_799;
