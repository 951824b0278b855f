//! A bare socket, with TLS or without, for bytes that no honest client sends.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Identity, LONGEST_WAIT, Place};

/// The near end of a connection to one of the hub's doors.
pub(crate) struct Socket(Box<dyn Stream>);

pub(crate) trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

impl Socket {
    /// A connection without TLS.
    pub(crate) fn plain(place: &Place, door: &str) -> Self {
        Self(Box::new(connect(place, door)))
    }

    /// A connection whose handshake is done.
    pub(crate) fn tls(place: &Place, door: &str, who: Option<&Identity>) -> Self {
        let config = Arc::new(config(place, who));
        Self(Box::new(shake(connect(place, door), config)))
    }

    /// Sends; gives whether the other end still took it.
    pub(crate) fn sends(&mut self, bytes: &[u8]) -> bool {
        let sent = self.0.write_all(bytes).and_then(|()| self.0.flush());
        sent.is_ok()
    }

    /// Everything until the other end closes; a door that stays open for too long fails the test.
    pub(crate) fn gets_all(&mut self) -> Vec<u8> {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => return bytes,
                Ok(read) => bytes.extend_from_slice(&buffer[..read]),
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => {
                    panic!("the door stays open; it sent {}", bytes.escape_ascii())
                }
                // A reset is an end as well.
                Err(_ended) => return bytes,
            }
        }
    }

    /// Adds what has come to `bytes`, after a wait if need be; gives how much it was, none at the end.
    pub(crate) fn reads(&mut self, bytes: &mut Vec<u8>) -> usize {
        let mut buffer = [0; 4096];
        let read = self.0.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..read]);
        read
    }

    /// Everything up to and with these bytes.
    pub(crate) fn gets(&mut self, end: &[u8]) -> Vec<u8> {
        let (mut bytes, mut byte) = (Vec::new(), [0]);
        while !bytes.ends_with(end) {
            self.0.read_exact(&mut byte).unwrap();
            bytes.push(byte[0]);
        }
        bytes
    }
}

/// A client's way to the MQTT door, for one that connects again and again and reads without waiting.
#[derive(Clone)]
pub(crate) struct Wire {
    address: (&'static str, u16),
    config: Arc<ClientConfig>,
}

impl Wire {
    pub(crate) fn new(place: &Place, who: &Identity) -> Self {
        Self {
            address: ("127.0.0.1", place.port("mqtt")),
            config: Arc::new(config(place, Some(who))),
        }
    }

    /// A connection whose handshake is done.
    pub(crate) fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        shake(connect_to(self.address), self.config.clone())
    }
}

fn shake(
    mut stream: TcpStream,
    config: Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut tls = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).unwrap();
    }
    StreamOwned::new(tls, stream)
}

fn connect(place: &Place, door: &str) -> TcpStream {
    connect_to(("127.0.0.1", place.port(door)))
}

fn connect_to(address: (&str, u16)) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LONGEST_WAIT)).unwrap();
    stream.set_write_timeout(Some(LONGEST_WAIT)).unwrap();
    stream
}

fn config(place: &Place, who: Option<&Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_file_iter(place.ca()).unwrap() {
        roots.add(ca.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let Some(who) = who else {
        return config.with_no_client_auth();
    };
    let chain = CertificateDer::pem_file_iter(who.certificate()).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(who.key()).unwrap();
    config.with_client_auth_cert(chain, key).unwrap()
}
