//! TLS as a device speaks it: whom it trusts, which certificate it shows, and a full handshake each time.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::hub;

/// How keys are agreed on in TLS 1.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
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
}

/// A certificate chain and its private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Zeroizing<Vec<u8>>,
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

    /// Reads an identity from PEM. Only the leaf is kept, as a device has it from EST.
    ///
    /// # Errors
    /// When one of the two is no PEM of its kind.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self> {
        let leaf = CertificateDer::from_pem_slice(certificate.as_bytes())
            .context("the certificate is no PEM")?;
        let key =
            PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).context("the key is no PKCS#8")?;
        let key = Zeroizing::new(key.secret_pkcs8_der().to_vec());
        Ok(Self::new(vec![leaf], key))
    }
}

impl Trust {
    /// Trusts the certificates in `pem`, and nobody else.
    ///
    /// # Errors
    /// When there is no certificate in it.
    pub fn new(pem: &str, key_exchange: KeyExchange) -> Result<Self> {
        let mut provider = aws_lc_rs::default_provider();
        if key_exchange == KeyExchange::X25519 {
            provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
        }
        let provider = Arc::new(provider);
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(certificate.context("the CA's certificates are no PEM")?)?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .context("the CA's certificates")?;
        Ok(Self { provider, verifier })
    }

    /// What a client with this identity, or with none, begins a handshake from. No session is resumed.
    pub(crate) fn client(&self, identity: Option<&Identity>) -> Result<Arc<ClientConfig>> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_webpki_verifier(self.verifier.clone());
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.as_slice()));
                builder.with_client_auth_cert(identity.chain.clone(), key.clone_key())?
            }
        };
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

/// Connects to `address` from the source of the device with this number.
pub(crate) async fn connect_tcp(address: SocketAddr, number: usize) -> Result<TcpStream> {
    let socket = match address.ip() {
        IpAddr::V4(_) => {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from((hub::source(number), 0)))?;
            socket
        }
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    let stream = timeout(CONNECT_MAX, socket.connect(address))
        .await
        .with_context(|| format!("{address} does not answer"))?
        .with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Connects to `address` as the device with this number, and shakes hands.
pub(crate) async fn connect(
    address: SocketAddr,
    number: usize,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>> {
    let stream = connect_tcp(address, number).await?;
    let name = ServerName::try_from("localhost")?;
    timeout(
        CONNECT_MAX,
        TlsConnector::from(config).connect(name, stream),
    )
    .await
    .with_context(|| format!("{address} does not finish the handshake"))?
    .with_context(|| format!("shaking hands with {address}"))
}

/// The longest that connecting, and then the handshake, may take.
const CONNECT_MAX: Duration = Duration::from_secs(30);
