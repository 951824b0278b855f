//! TLS at the doors: which peers get through the handshake, and with which protocol versions.
//!
//! Alike everywhere: TLS 1.3, X25519MLKEM768 and AES-128 preferred, no tickets, no resumption, no early data;
//! the time comes from the hub's [`Clock`].

mod anchors;
mod cipher_suites;
mod server_certificate;
mod signatures;
mod verifier;

use std::sync::Arc;
use std::time::Duration;

use ironroot_time::Clock;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::server::{ClientHello, NoServerSessionStorage};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{CommonState, ServerConfig, SupportedProtocolVersion, pki_types};

use cipher_suites::{CIPHER_SUITES, Chooser, chooser};

pub use anchors::{AnchorSet, BadAnchor, ManufacturerCa, Manufacturers, TrustAnchors};
pub use server_certificate::{
    NoServerCertificate, ServerCertificate, ServerCertificateOrder, UnshownCertificate,
};
pub use verifier::{CertificateStatus, RevocationStatus};

use crate::peer::{PeerCertificate, PeerRefused};
use verifier::{ClientCertificate, PeerVerifier};

/// Whether a door speaks TLS 1.2 beside 1.3, for devices in the field that stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls12 {
    /// With ECDHE, an AEAD and the extended master secret (RFC 7627) only.
    Accepted,
    /// TLS 1.3 alone.
    Refused,
}

/// What the doors share.
#[derive(Clone, Debug)]
pub struct TlsParts {
    /// Whose clients are known.
    pub anchors: Arc<AnchorSet>,
    /// Which certificates still hold.
    pub revocation: Arc<dyn RevocationStatus>,
    /// The hub's own certificate.
    pub certificate: Arc<ServerCertificate>,
    /// The present moment, for validity.
    pub clock: Arc<dyn Clock>,
}

/// One configuration, by who chooses the cipher suite.
#[derive(Debug)]
struct Configs {
    hub_chooses: Arc<ServerConfig>,
    client_chooses: Arc<ServerConfig>,
}

/// TLS of one door.
#[derive(Debug)]
pub struct DoorTls {
    /// For a client that offers this door's protocol by ALPN (RFC 7301).
    with_alpn: Configs,
    /// For a client that offers none, or, where that is allowed, others.
    without_alpn: Configs,
    verifier: Arc<PeerVerifier>,
    clock: Arc<dyn Clock>,
}

impl DoorTls {
    /// The MQTT door: a certificate of this hub's CA is required.
    ///
    /// # Errors
    /// [`rustls::Error`] when the provider lacks a version, which the tests of this crate exclude.
    pub fn mqtt(parts: &TlsParts, tls12: Tls12) -> Result<Self, rustls::Error> {
        let who = (ClientCertificate::Required, Manufacturers::Refused);
        Self::new(parts, who, tls12, b"mqtt")
    }

    /// The device port: a certificate is optional, and IDevID certificates of known manufacturers count.
    ///
    /// # Errors
    /// [`rustls::Error`] when the provider lacks a version, which the tests of this crate exclude.
    pub fn device(parts: &TlsParts) -> Result<Self, rustls::Error> {
        let who = (ClientCertificate::Optional, Manufacturers::Accepted);
        Self::new(parts, who, Tls12::Accepted, b"http/1.1")
    }

    fn new(
        parts: &TlsParts,
        (client_certificate, manufacturers): (ClientCertificate, Manufacturers),
        tls12: Tls12,
        alpn: &[u8],
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(provider());
        let verifier = Arc::new(PeerVerifier {
            anchors: parts.anchors.clone(),
            revocation: parts.revocation.clone(),
            manufacturers,
            client_certificate,
            algorithms: provider.signature_verification_algorithms,
        });
        let without_alpn = config(parts, provider, verifier.clone(), tls12)?;
        let mut with_alpn = without_alpn.clone();
        with_alpn.alpn_protocols.push(alpn.to_vec());
        Ok(Self {
            with_alpn: Configs::new(with_alpn),
            without_alpn: Configs::new(without_alpn),
            verifier,
            clock: parts.clock.clone(),
        })
    }

    /// The configuration for one client, by its first message: this door's protocol is confirmed to a
    /// client that offers it, and one that offers others only, like `x-amzn-mqtt-ca`, connects without.
    pub fn config_for(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let ours = &self.with_alpn.hub_chooses.alpn_protocols;
        let offered = hello
            .alpn()
            .is_some_and(|mut offered| offered.any(|one| ours.iter().any(|our| our == one)));
        let configs = if offered {
            &self.with_alpn
        } else {
            &self.without_alpn
        };
        match chooser(hello.cipher_suites()) {
            Chooser::Hub => configs.hub_chooses.clone(),
            Chooser::Client => configs.client_chooses.clone(),
        }
    }

    /// Whose certificate the client of a finished handshake showed; nobody's if it showed none.
    ///
    /// The connection must have been made with a configuration of this door: the path of a certificate
    /// of this hub's CA was verified in its handshake and is not verified again.
    ///
    /// # Errors
    /// [`PeerRefused`] when a manufacturer's CA was withdrawn since the handshake.
    pub fn peer(&self, connection: &CommonState) -> Result<Option<PeerCertificate>, PeerRefused> {
        match connection.peer_certificates() {
            None | Some([]) => Ok(None),
            Some([end_entity, intermediates @ ..]) => self
                .verifier
                .recognise(end_entity, intermediates, self.clock.now())
                .map(Some),
        }
    }
}

impl Configs {
    fn new(config: ServerConfig) -> Self {
        let mut hub_chooses = config.clone();
        hub_chooses.ignore_client_order = true;
        Self {
            hub_chooses: Arc::new(hub_chooses),
            client_chooses: Arc::new(config),
        }
    }
}

fn config(
    parts: &TlsParts,
    provider: Arc<CryptoProvider>,
    verifier: Arc<PeerVerifier>,
    tls12: Tls12,
) -> Result<ServerConfig, rustls::Error> {
    let versions: &[&SupportedProtocolVersion] = match tls12 {
        Tls12::Accepted => &[&TLS13, &TLS12],
        Tls12::Refused => &[&TLS13],
    };
    let time = Arc::new(HubTime(parts.clock.clone()));
    let mut config = ServerConfig::builder_with_details(provider, time)
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(parts.certificate.clone());
    // RFC 7627: without it, TLS 1.2 sessions can be spliced together.
    config.require_ems = true;
    // A resumed session would skip the verifier: every connection proves itself anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// The one crypto provider.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: KEY_EXCHANGE.to_vec(),
        cipher_suites: CIPHER_SUITES.to_vec(),
        ..aws_lc_rs::default_provider()
    }
}

/// The hub's clock, as rustls asks for it.
#[derive(Debug)]
struct HubTime(Arc<dyn Clock>);

impl TimeProvider for HubTime {
    fn current_time(&self) -> Option<pki_types::UnixTime> {
        let since_epoch = Duration::from_secs(self.0.now().as_s());
        Some(pki_types::UnixTime::since_unix_epoch(since_epoch))
    }
}

/// Hybrid with ML-KEM-768 first.
const KEY_EXCHANGE: &[&dyn SupportedKxGroup] = &[
    kx_group::X25519MLKEM768,
    kx_group::X25519,
    kx_group::SECP256R1,
    kx_group::SECP384R1,
];
