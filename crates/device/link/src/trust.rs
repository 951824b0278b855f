//! Whom a device trusts, by which clock, and which certificate it shows.

use std::fmt;
use std::sync::Arc;

use rustls::client::{Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

/// How keys are agreed on in TLS 1.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyExchange {
    /// X25519MLKEM768 if the server has it, else X25519: what a new device does.
    #[default]
    Hybrid,
    /// X25519 alone: what every peer has.
    X25519,
}

/// Whom a device trusts.
#[derive(Clone, Debug)]
pub struct Trust {
    provider: Arc<CryptoProvider>,
    verifier: Arc<WebPkiServerVerifier>,
    clock: Arc<dyn TimeProvider>,
}

/// Why certificates make no trust.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadTrust {
    /// Something is no PEM.
    #[error("the CA's certificates are no PEM")]
    Pem(#[source] pem::Error),
    /// Something is no certificate.
    #[error("a certificate of the CA cannot be read")]
    Certificate(#[source] rustls::Error),
    /// There is none.
    #[error("there is no certificate of a CA")]
    Empty(#[source] VerifierBuilderError),
}

/// A certificate chain and its private key.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Zeroizing<Vec<u8>>,
}

/// Why something is no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadIdentity {
    /// The certificate.
    #[error("the certificate is no PEM")]
    Certificate(#[source] pem::Error),
    /// The key.
    #[error("the key is no PKCS#8 in PEM")]
    Key(#[source] pem::Error),
    /// The two do not belong together, or are of a kind that TLS does not take.
    #[error("the certificate and the key are no identity for TLS")]
    Unfit(#[source] rustls::Error),
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.chain.len())
    }
}

impl Identity {
    /// The identity of these certificates, leaf first, and this PKCS#8 key.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: Zeroizing<Vec<u8>>) -> Self {
        Self { chain, key }
    }

    /// Reads an identity from PEM: certificates, leaf first, and a PKCS#8 key.
    ///
    /// # Errors
    /// [`BadIdentity`] when one of the two is no PEM of its kind.
    pub fn from_pem(certificates: &str, key: &str) -> Result<Self, BadIdentity> {
        let mut chain = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(certificates.as_bytes()) {
            chain.push(certificate.map_err(BadIdentity::Certificate)?);
        }
        if chain.is_empty() {
            return Err(BadIdentity::Certificate(pem::Error::NoItemsFound));
        }
        let key = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).map_err(BadIdentity::Key)?;
        let key = Zeroizing::new(key.secret_pkcs8_der().to_vec());
        Ok(Self::new(chain, key))
    }

    /// The certificates, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key, PKCS#8.
    pub fn key(&self) -> &Zeroizing<Vec<u8>> {
        &self.key
    }
}

impl Trust {
    /// Trusts the certificates in `pem`, and nobody else, by the machine's clock.
    ///
    /// # Errors
    /// [`BadTrust`] when there is no certificate in it.
    pub fn new(pem: &str, key_exchange: KeyExchange) -> Result<Self, BadTrust> {
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            anchors.push(certificate.map_err(BadTrust::Pem)?);
        }
        Self::in_anchors(anchors, key_exchange)
    }

    /// Trusts these certificates, and nobody else, by the machine's clock.
    ///
    /// # Errors
    /// [`BadTrust`] when there is none, or one cannot be read.
    pub fn in_anchors(
        anchors: impl IntoIterator<Item = CertificateDer<'static>>,
        key_exchange: KeyExchange,
    ) -> Result<Self, BadTrust> {
        let mut provider = aws_lc_rs::default_provider();
        if key_exchange == KeyExchange::X25519 {
            provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
        }
        let provider = Arc::new(provider);
        let mut roots = RootCertStore::empty();
        for certificate in anchors {
            roots.add(certificate).map_err(BadTrust::Certificate)?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .map_err(BadTrust::Empty)?;
        Ok(Self {
            provider,
            verifier,
            clock: Arc::new(DefaultTimeProvider),
        })
    }

    /// The same by another clock.
    #[must_use]
    pub fn by(self, clock: Arc<dyn TimeProvider>) -> Self {
        Self { clock, ..self }
    }

    /// What a client with this identity, or with none, begins a handshake from. No session is resumed.
    ///
    /// # Errors
    /// [`BadIdentity::Unfit`] when the identity is none for TLS.
    pub fn client(&self, identity: Option<&Identity>) -> Result<Arc<ClientConfig>, BadIdentity> {
        let builder = ClientConfig::builder_with_details(self.provider.clone(), self.clock.clone())
            .with_safe_default_protocol_versions()
            .map_err(BadIdentity::Unfit)?
            .with_webpki_verifier(self.verifier.clone());
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.as_slice()));
                builder
                    .with_client_auth_cert(identity.chain.clone(), key.clone_key())
                    .map_err(BadIdentity::Unfit)?
            }
        };
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}
