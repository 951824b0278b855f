//! The Online Certificate Status Protocol (RFC 6960, in the profile of RFC 5019, with nonces as in RFC 9654).

mod request;
mod responder;

pub use request::{BadRequest, CertId, OcspRequest, REQUEST_LENGTH_MAX};
pub use responder::{
    CertificateStatus, NoResponder, OCSP_LIFETIME, OcspResponse, Responder, UnrecordedResponder,
};

use crate::signed::{ENUMERATED, SEQUENCE, element};

/// Why a responder answers without a signature (RFC 6960 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorStatus {
    /// The bytes are no request.
    MalformedRequest,
    /// Nothing can be signed now.
    TryLater,
    /// The certificates asked about are of no CA that this responder speaks for (RFC 5019 section 2.2.3).
    Unauthorized,
}

impl ErrorStatus {
    /// The whole response: errors are not signed.
    pub fn response(self) -> Vec<u8> {
        let status = match self {
            Self::MalformedRequest => 1,
            Self::TryLater => 3,
            Self::Unauthorized => 6,
        };
        element(SEQUENCE, &[&element(ENUMERATED, &[&[status]])])
    }
}
