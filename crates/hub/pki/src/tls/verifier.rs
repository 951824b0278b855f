//! The client certificate verifier of both doors: path, identity and revocation, inside the handshake.

use std::fmt;
use std::sync::Arc;

use ironroot_time::UnixTime;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{self, CertificateDer};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

use super::anchors::{AnchorSet, Manufacturers};
use crate::peer::{ParsedCertificate, PeerCertificate, PeerRefused};

/// What the hub has on record about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It was issued and still holds.
    Good,
    /// It was revoked.
    Revoked,
    /// Nothing is known of it: refused like a revoked one.
    Unknown,
}

/// Who knows which certificates still hold; asked in every handshake, so it answers from memory.
pub trait RevocationStatus: Send + Sync + fmt::Debug {
    /// What is on record about the certificate of a peer whose path was verified.
    ///
    /// A manufacturer's certificate is asked about as well, so that a single stolen one can be kept out.
    fn status(&self, peer: &PeerCertificate) -> CertificateStatus;
}

/// Whether a door takes peers without a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientCertificate {
    Required,
    Optional,
}

/// Verifies clients of one door.
#[derive(Debug)]
pub(super) struct PeerVerifier {
    pub(super) anchors: Arc<AnchorSet>,
    pub(super) revocation: Arc<dyn RevocationStatus>,
    pub(super) manufacturers: Manufacturers,
    pub(super) client_certificate: ClientCertificate,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl PeerVerifier {
    /// Whose certificate passed this verifier's handshake.
    pub(super) fn recognise(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<PeerCertificate, PeerRefused> {
        let parsed = ParsedCertificate::parse(end_entity)?;
        if parsed.claims_our_namespace() {
            return parsed.issued_by_us();
        }
        let anchors = self.anchors.load();
        anchors.identify(end_entity, intermediates, self.manufacturers, now)
    }

    /// Path, identity and record of a client's certificate.
    fn admit(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<PeerCertificate, PeerRefused> {
        let anchors = self.anchors.load();
        let peer = anchors.identify(end_entity, intermediates, self.manufacturers, now)?;
        match self.revocation.status(&peer) {
            CertificateStatus::Good => Ok(peer),
            CertificateStatus::Revoked => Err(PeerRefused::Revoked),
            CertificateStatus::Unknown => Err(PeerRefused::NotOnRecord),
        }
    }
}

impl ClientCertVerifier for PeerVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.client_certificate == ClientCertificate::Required
    }

    /// None: a device has one certificate to show, and a list would tell strangers whose devices these are.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: pki_types::UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let now = UnixTime::from_s(now.as_secs());
        match self.admit(end_entity, intermediates, now) {
            Ok(_peer) => Ok(ClientCertVerified::assertion()),
            Err(refused) => Err(Error::InvalidCertificate(certificate_error(refused))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The error whose alert tells the peer what class of thing is wrong (RFC 8446 section 6.2).
fn certificate_error(refused: PeerRefused) -> CertificateError {
    match refused {
        PeerRefused::Path(cause) => path_error(cause),
        PeerRefused::Malformed(_) => CertificateError::BadEncoding,
        PeerRefused::Usage => CertificateError::InvalidPurpose,
        PeerRefused::Revoked => CertificateError::Revoked,
        PeerRefused::Names { .. }
        | PeerRefused::Urn(_)
        | PeerRefused::Serial(_)
        | PeerRefused::NoSerialNumber { .. }
        | PeerRefused::NotOnRecord => CertificateError::Other(OtherError(Arc::new(refused))),
    }
}

fn path_error(cause: webpki::Error) -> CertificateError {
    match cause {
        webpki::Error::UnknownIssuer => CertificateError::UnknownIssuer,
        webpki::Error::CertExpired { time, not_after } => {
            CertificateError::ExpiredContext { time, not_after }
        }
        webpki::Error::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        webpki::Error::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        webpki::Error::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        webpki::Error::BadDer | webpki::Error::TrailingData(_) => CertificateError::BadEncoding,
        other => CertificateError::Other(OtherError(Arc::new(other))),
    }
}
