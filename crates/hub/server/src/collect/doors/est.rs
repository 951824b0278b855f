//! The EST door (RFC 7030, RFC 8951): certificates for devices, over HTTPS.
//!
//! It knows EST and nothing of claims: what comes in is handed to [`Enrolment`], and whatever goes wrong
//! becomes a status code here and nowhere else. A peer is told a class and a reference; the log has the cause.

mod multipart;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::Authority;
use ironroot_pki::csr::{BadCsr, Csr};
use ironroot_pki::est::{self, BadBody, BadKeyRequest, KeyRequest};
use ironroot_time::Rng;
use zeroize::Zeroizing;

use super::http::Peer;
use crate::collect::intake::enrolment::{Applicant, EnrolRefused, Enrolment, Wanted, WantedKey};
use crate::fault::{Blame, Fault, Reference, chain};

/// What the door answers from.
#[derive(Debug)]
pub struct EstDoor {
    enrolment: Enrolment,
    rng: Arc<dyn Rng>,
    authority: Arc<Authority>,
    csr_attributes: String,
}

/// Why a request got no certificate.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the request carries no credentials")]
    NoCredentials,
    #[error("the Authorization header is no `Basic` one with a serial and a token")]
    BadCredentials,
    #[error("the body cannot be read")]
    Unread(#[from] BytesRejection),
    #[error("the body holds no CSR")]
    Body(#[from] BadBody),
    #[error("the CSR is refused")]
    Csr(#[from] BadCsr),
    #[error("the request for a key is refused")]
    KeyRequest(#[from] BadKeyRequest),
    #[error(transparent)]
    Enrol(#[from] EnrolRefused),
    #[error("the certificate could not be written as PKCS#7")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Refused {
    fn fault(&self) -> Fault {
        match self {
            Self::NoCredentials | Self::BadCredentials => Fault::Unproven,
            Self::Unread(_) | Self::Body(_) | Self::Csr(_) | Self::KeyRequest(_) => {
                Fault::Sender(Blame::Content)
            }
            Self::Enrol(cause) => cause.fault(),
            Self::Answer(_) => Fault::Ours,
        }
    }

    fn is_alarming(&self) -> bool {
        matches!(self, Self::Enrol(cause) if cause.is_alarming())
    }
}

impl EstDoor {
    /// The door of `enrolment`, which hands out the CA certificates of `authority`.
    pub fn new(enrolment: Enrolment, authority: Arc<Authority>, rng: Arc<dyn Rng>) -> Self {
        Self {
            enrolment,
            rng,
            authority,
            csr_attributes: est::csr_attributes(),
        }
    }

    /// Its routes, with and without a label (RFC 7030 section 3.2.2): one CA stands behind every label.
    pub fn router(self) -> Router {
        let routes = Router::new()
            .route("/cacerts", get(ca_certificates))
            .route("/csrattrs", get(csr_attributes))
            .route("/simpleenroll", post(simple_enroll))
            .route("/simplereenroll", post(simple_reenroll))
            .route("/serverkeygen", post(server_key_generation));
        Router::new()
            .nest("/.well-known/est", routes.clone())
            .nest("/.well-known/est/{label}", routes)
            .layer(DefaultBodyLimit::max(est::BODY_LENGTH_MAX))
            .with_state(Arc::new(self))
    }

    async fn enrol(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<Response, Refused> {
        let credentials = basic_credentials(headers)?;
        let applicant = applicant(credentials.as_ref(), peer)?;
        let csr = Csr::parse(&est::decode_request(&body?)?)?;
        let wanted = Wanted::Certificate(&csr);
        certificate(&self.enrolment.enrol(applicant, wanted).await?.certificate)
    }

    async fn reenrol(
        &self,
        peer: &Peer,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<Response, Refused> {
        let Some(presented) = &peer.certificate else {
            return Err(EnrolRefused::NoCertificate.into());
        };
        let csr = Csr::parse(&est::decode_request(&body?)?)?;
        let wanted = Wanted::Certificate(&csr);
        certificate(&self.enrolment.reenrol(presented, wanted).await?.certificate)
    }

    /// Enrolment or re-enrolment, whichever the credentials are for, with a key made here (RFC 7030 section
    /// 4.4).
    async fn generate_key(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<Response, Refused> {
        let credentials = basic_credentials(headers)?;
        let applicant = applicant(credentials.as_ref(), peer)?;
        let request = KeyRequest::parse(&est::decode_request(&body?)?)?;
        let wanted = Wanted::Key(WantedKey {
            request: &request,
            shown: peer.certificate.as_deref(),
        });
        let enrolled = match applicant {
            Applicant::Certificate(shown) if shown.principal().is_some() => {
                self.enrolment.reenrol(shown, wanted).await?
            }
            applicant => self.enrolment.enrol(applicant, wanted).await?,
        };
        let certificate = certs_only(&enrolled.certificate)?;
        let key = enrolled
            .key
            .ok_or_else(|| Refused::Answer("no key was made".into()))?;
        Ok(multipart::answer(key, &certificate))
    }

    fn refuse(&self, peer: &Peer, refused: &Refused) -> Response {
        let (fault, reference) = (refused.fault(), Reference::new(self.rng.as_ref()));
        let (status, class) = status_of(fault);
        let cause = chain(refused);
        match fault {
            Fault::Ours => {
                tracing::error!(door = "est", %reference, peer = %peer.address, error = cause, "An enrolment failed.");
            }
            Fault::Unproven if refused.is_alarming() => {
                tracing::error!(door = "est", %reference, peer = %peer.address, error = cause, "A claim token came a second time, with another key.");
            }
            // Clients ask without credentials first, to see what is wanted (RFC 7030 section 3.2.3).
            Fault::Unproven if matches!(refused, Refused::NoCredentials) => {
                tracing::debug!(door = "est", %reference, peer = %peer.address, "An enrolment came without credentials.");
            }
            Fault::Unproven | Fault::Sender(_) | Fault::Later => {
                tracing::warn!(door = "est", %reference, peer = %peer.address, error = cause, "An enrolment was refused.");
            }
        }
        let mut response = (status, format!("{class} Reference {reference}.\n")).into_response();
        match fault {
            Fault::Unproven => {
                response.headers_mut().insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(CHALLENGE),
                );
            }
            Fault::Later => {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
            }
            Fault::Sender(_) | Fault::Ours => {}
        }
        response
    }
}

/// Every issuing CA and every root (RFC 7030 section 4.1.3).
async fn ca_certificates(
    State(door): State<Arc<EstDoor>>,
    Extension(peer): Extension<Peer>,
) -> Response {
    match est::encode_certs_only(&door.authority.anchors()) {
        Ok(body) => base64_body("application/pkcs7-mime", body),
        Err(cause) => door.refuse(&peer, &Refused::Answer(cause.into())),
    }
}

async fn csr_attributes(State(door): State<Arc<EstDoor>>) -> Response {
    base64_body("application/csrattrs", door.csr_attributes.clone())
}

async fn simple_enroll(
    State(door): State<Arc<EstDoor>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answered = door.enrol(&peer, &headers, body).await;
    answered.unwrap_or_else(|refused| door.refuse(&peer, &refused))
}

async fn simple_reenroll(
    State(door): State<Arc<EstDoor>>,
    Extension(peer): Extension<Peer>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answered = door.reenrol(&peer, body).await;
    answered.unwrap_or_else(|refused| door.refuse(&peer, &refused))
}

async fn server_key_generation(
    State(door): State<Arc<EstDoor>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answered = door.generate_key(&peer, &headers, body).await;
    answered.unwrap_or_else(|refused| door.refuse(&peer, &refused))
}

/// A token counts before a certificate: a device that was claimed anew may still show an old one.
fn applicant<'a>(
    credentials: Option<&'a Credentials>,
    peer: &'a Peer,
) -> Result<Applicant<'a>, Refused> {
    match (credentials, &peer.certificate) {
        (Some(Credentials { serial, token }), _) => Ok(Applicant::Token { serial, token }),
        (None, Some(certificate)) => Ok(Applicant::Certificate(certificate)),
        (None, None) => Err(Refused::NoCredentials),
    }
}

/// What a claimed device logs in with.
struct Credentials {
    serial: String,
    token: Zeroizing<String>,
}

/// Reads serial and token from HTTP Basic (RFC 7617); `None` when there is no such header.
fn basic_credentials(headers: &HeaderMap) -> Result<Option<Credentials>, Refused> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let read = || {
        let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim()).ok()?);
        let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(Credentials {
            serial: user.to_owned(),
            token: Zeroizing::new(password.to_owned()),
        })
    };
    read().map(Some).ok_or(Refused::BadCredentials)
}

fn certificate(der: &CertificateDer<'_>) -> Result<Response, Refused> {
    Ok(base64_body(CERTS_ONLY, certs_only(der)?))
}

fn certs_only(der: &CertificateDer<'_>) -> Result<String, Refused> {
    est::encode_certs_only(std::slice::from_ref(der)).map_err(|cause| Refused::Answer(cause.into()))
}

fn base64_body(media_type: &'static str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (CONTENT_TRANSFER_ENCODING, "base64"),
    ];
    (headers, body).into_response()
}

const CERTS_ONLY: &str = "application/pkcs7-mime; smime-type=certs-only";

/// The status code of a fault, and the class that the peer is told.
fn status_of(fault: Fault) -> (StatusCode, &'static str) {
    match fault {
        Fault::Unproven => (
            StatusCode::UNAUTHORIZED,
            "Not authorised: no valid credentials.",
        ),
        Fault::Sender(Blame::Content) => {
            (StatusCode::BAD_REQUEST, "Refused: the request is faulty.")
        }
        Fault::Sender(Blame::Unknown | Blame::State | Blame::Right) => (
            StatusCode::FORBIDDEN,
            "Refused: this device may not have a certificate now.",
        ),
        Fault::Later => (StatusCode::SERVICE_UNAVAILABLE, "Not now: try again later."),
        Fault::Ours => (StatusCode::INTERNAL_SERVER_ERROR, "The hub failed."),
    }
}

/// What asks a client for its claim token (RFC 7030 section 3.2.3).
const CHALLENGE: &str =
    "Basic realm=\"Ironroot enrolment: serial and claim token\", charset=\"UTF-8\"";

const RETRY_AFTER_S: &str = "30";

/// RFC 7030 section 4.1.3 names it, and older clients look for it.
const CONTENT_TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");
