//! The hub's own certificate at its doors: made in memory, replaced before it ends.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ironroot_identity::CertificateSerial;
use ironroot_time::UnixTime;
use rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::authority::{
    Authority, CertificateProfile, Issuance, IssueRefused, IssuedCertificate, PkiUrls,
};
use crate::key::{BadKey, SoftwareKey};

/// The certificate and key that doors show. The key never leaves memory: a restart makes another.
pub struct ServerCertificate(ArcSwap<CertifiedKey>);

/// Why a door has no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoServerCertificate {
    /// There is no key.
    #[error("the server's key")]
    Key(#[from] BadKey),
    /// The CA refuses.
    #[error("the server's certificate")]
    Issue(#[from] IssueRefused),
    /// The TLS library refuses the key.
    #[error("the TLS library does not take the server's key")]
    Tls(#[from] rustls::Error),
}

/// What a server's certificate is to be.
#[derive(Clone, Debug)]
pub struct ServerCertificateOrder<'a> {
    /// The names that clients reach the hub by.
    pub names: Vec<ServerName<'static>>,
    /// The certificate's number.
    pub serial: CertificateSerial,
    /// The present moment.
    pub now: UnixTime,
    /// When it is to end.
    pub not_after: UnixTime,
    /// Where to ask about it.
    pub urls: &'a PkiUrls,
}

/// A certificate that was made and that no door shows yet, so that it can be recorded first.
pub struct UnshownCertificate {
    certified: CertifiedKey,
    issued: IssuedCertificate,
}

impl UnshownCertificate {
    /// Makes a key and has the CA certify it.
    ///
    /// # Errors
    /// [`NoServerCertificate`] when the CA refuses, for instance an order without names.
    pub fn make(
        authority: &Authority,
        order: ServerCertificateOrder<'_>,
    ) -> Result<Self, NoServerCertificate> {
        let key = SoftwareKey::generate()?;
        let ca = authority.current();
        let issued = ca.issue(&Issuance {
            profile: &CertificateProfile::Server(order.names),
            public_key: &key.public_key(),
            serial: order.serial,
            now: order.now,
            not_after: order.not_after,
            urls: order.urls,
        })?;
        let pkcs8 = key.to_pkcs8()?;
        let key = any_ecdsa_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
            pkcs8.expose(),
        )))?;
        let chain = vec![issued.der.clone(), ca.certificate().clone()];
        let certified = CertifiedKey::new(chain, key);
        Ok(Self { certified, issued })
    }

    /// With an OCSP response that is sent along in every handshake (RFC 6066 section 8).
    #[must_use]
    pub fn with_staple(mut self, response: Option<Vec<u8>>) -> Self {
        self.certified.ocsp = response;
        self
    }

    /// The certificate, without its key.
    pub fn issued(&self) -> &IssuedCertificate {
        &self.issued
    }
}

impl ServerCertificate {
    /// Shows this one.
    pub fn new(first: UnshownCertificate) -> Self {
        Self(ArcSwap::from_pointee(first.certified))
    }

    /// Shows another, in every handshake from now on.
    pub fn replace(&self, next: UnshownCertificate) {
        self.0.store(Arc::new(next.certified));
    }

    /// The certificate of this moment and its key, to sign with at the door.
    pub fn current(&self) -> Arc<CertifiedKey> {
        self.0.load_full()
    }

    /// Sends another OCSP response along, in every handshake from now on; none where there is none to send.
    pub fn staple(&self, response: Option<Vec<u8>>) {
        let shown = self.0.load();
        self.0.store(Arc::new(CertifiedKey {
            cert: shown.cert.clone(),
            key: shown.key.clone(),
            ocsp: response,
        }));
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerCertificate")
    }
}

impl fmt::Debug for UnshownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnshownCertificate({})", self.issued.serial)
    }
}
