//! The other end: a TLS server that wants a client certificate, and reads and writes packets with the codec.

use std::sync::Arc;

use anyhow::Result;
use ironroot_link::Session;
use ironroot_mqtt::{Packet, Side, Version, frame};
use ironroot_sim::fleet::Device;
use ironroot_sim::tls::{Identity, KeyExchange, Trust};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

/// A CA, a server and a device.
pub(crate) struct World {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    trust: Trust,
    device: Device,
}

/// One connection, seen from the server.
pub(crate) struct Peer {
    stream: TlsStream<TcpStream>,
    version: Version,
    inbox: Vec<u8>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let issue = || {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            (CertificateDer::from(certificate), key.serialize_der())
        };
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let (certificate, key) = issue();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![certificate],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)),
            )
            .unwrap();
        let (certificate, key) = issue();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            trust: Trust::new(&ca.pem(), KeyExchange::Hybrid).unwrap(),
            device: Device {
                id: "pump-7".to_owned(),
                number: 7,
                identity: Identity::new(vec![certificate], Zeroizing::new(key)),
            },
        }
    }

    pub(crate) async fn connect(&self, version: Version) -> Result<Session> {
        self.connect_trusting(self, version).await
    }

    pub(crate) async fn connect_trusting(&self, whom: &Self, version: Version) -> Result<Session> {
        let door = self.listener.local_addr().unwrap();
        self.device.connect(door, &whom.trust, version).await
    }

    pub(crate) async fn accept(&self, version: Version) -> Peer {
        self.try_accept(version).await.expect("a handshake")
    }

    pub(crate) async fn try_accept(&self, version: Version) -> Option<Peer> {
        let (stream, from) = self.listener.accept().await.unwrap();
        assert_eq!(from.ip().to_string(), "127.1.0.7");
        Some(Peer {
            stream: self.acceptor.accept(stream).await.ok()?,
            version,
            inbox: Vec::new(),
        })
    }
}

impl Peer {
    /// Waits for one packet.
    pub(crate) async fn hear<T>(&mut self, read: impl Fn(&Packet<'_>) -> T) -> T {
        loop {
            if let Some(frame) = frame(&self.inbox, 4096).unwrap() {
                let packet = Packet::parse(&frame, self.version, Side::Client).unwrap();
                let heard = read(&packet);
                let taken = frame.packet_len();
                self.inbox.drain(..taken);
                return heard;
            }
            let more = self.stream.read_buf(&mut self.inbox).await.unwrap();
            assert!(more > 0, "the client is gone");
        }
    }

    pub(crate) fn bytes(&self, packet: &Packet<'_>) -> Vec<u8> {
        let mut bytes = vec![0; packet.encoded_len(self.version).unwrap()];
        packet.encode(self.version, &mut bytes).unwrap();
        bytes
    }

    pub(crate) async fn say(&mut self, packet: &Packet<'_>) {
        let bytes = self.bytes(packet);
        self.send(&bytes).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Closes TLS and TCP in order.
    pub(crate) async fn close(mut self) {
        self.stream.shutdown().await.unwrap();
    }
}
