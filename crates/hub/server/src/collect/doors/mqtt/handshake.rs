//! The TLS handshake: from an accepted socket to a verified certificate.

use std::io;

use ironroot_pki::peer::{PeerCertificate, PeerRefused};
use ironroot_pki::tls::DoorTls;
use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tls::Tls;

/// The most bytes that a client may send before it is in.
const HANDSHAKE_LEN_MAX: usize = 128 * 1024;

/// Bytes read at once.
const CHUNK_LEN: usize = 8 * 1024;

/// A finished handshake.
pub(super) struct Shaken {
    /// It belongs to no runtime yet: the session lives on a thread of its own choice.
    pub(super) stream: std::net::TcpStream,
    pub(super) tls: Tls,
    pub(super) certificate: PeerCertificate,
    /// The beginning of a record that came with the handshake's last.
    pub(super) partial: Vec<u8>,
    /// MQTT packets that came with it.
    pub(super) packets: Vec<u8>,
    /// Whether the client has said already that nothing more will come.
    pub(super) closed: bool,
}

/// Why a connection got no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeFailed {
    #[error("the socket failed")]
    Socket(#[from] io::Error),
    #[error("the client closed the connection")]
    Closed,
    #[error("the handshake takes more than {HANDSHAKE_LEN_MAX} bytes")]
    TooLong,
    #[error("the handshake took too long")]
    TooSlow,
    #[error("TLS refused the client")]
    Tls(#[from] rustls::Error),
    #[error("the client's certificate is refused")]
    Certificate(#[from] PeerRefused),
    #[error("the client showed no certificate")]
    NoCertificate,
    #[error("the certificate stands for nobody who is known here")]
    Unknown,
}

impl HandshakeFailed {
    /// Whether the client showed no certificate that is good here, and nothing else was wrong.
    pub(super) fn is_about_the_certificate(&self) -> bool {
        match self {
            Self::Certificate(_) | Self::NoCertificate | Self::Unknown => true,
            Self::Tls(cause) => matches!(
                cause,
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
            ),
            Self::Socket(_) | Self::Closed | Self::TooLong | Self::TooSlow => false,
        }
    }
}

/// Shakes hands with the client at the other end of `stream`.
pub(super) async fn shake(stream: TcpStream, door: &DoorTls) -> Result<Shaken, HandshakeFailed> {
    let mut shaking = Shaking {
        stream,
        incoming: Vec::new(),
        len: 0,
    };
    let mut tls = shaking.choose(door).await?;
    let mut packets = Vec::new();
    let closed = loop {
        let mut records = Vec::new();
        let received = |plaintext: &[u8]| packets.extend_from_slice(plaintext);
        let processed = tls.process(&mut shaking.incoming, received, &mut records);
        shaking.stream.write_all(&records).await?;
        let processed = processed?;
        shaking.incoming.drain(..processed.taken);
        if !tls.is_handshaking() {
            break processed.closed;
        }
        shaking.read().await?;
    };
    let certificate = tls.peer(door)?.ok_or(HandshakeFailed::NoCertificate)?;
    let Shaking {
        stream,
        incoming: mut partial,
        ..
    } = shaking;
    partial.shrink_to_fit();
    Ok(Shaken {
        stream: stream.into_std()?,
        tls,
        certificate,
        partial,
        packets,
        closed,
    })
}

struct Shaking {
    stream: TcpStream,
    /// Records that have come and are not done with.
    incoming: Vec<u8>,
    /// Bytes that have come in all.
    len: usize,
}

impl Shaking {
    /// Reads more; what came now.
    async fn read(&mut self) -> Result<&[u8], HandshakeFailed> {
        let start = self.incoming.len();
        self.incoming.reserve(CHUNK_LEN);
        let read = (&mut self.stream)
            .take(CHUNK_LEN as u64)
            .read_buf(&mut self.incoming)
            .await?;
        self.len += read;
        match read {
            0 => Err(HandshakeFailed::Closed),
            _ if self.len > HANDSHAKE_LEN_MAX => Err(HandshakeFailed::TooLong),
            _ => Ok(&self.incoming[start..]),
        }
    }

    /// Looks at the `ClientHello`, and begins with the configuration that suits it.
    async fn choose(&mut self, door: &DoorTls) -> Result<Tls, HandshakeFailed> {
        let mut acceptor = Acceptor::default();
        loop {
            let mut chunk = self.read().await?;
            while !chunk.is_empty() {
                acceptor.read_tls(&mut chunk)?;
            }
            match acceptor.accept() {
                // It is read once more, by a connection that needs no buffers of its own.
                Ok(Some(hello)) => return Ok(Tls::new(door.config_for(&hello.client_hello()))?),
                Ok(None) => {}
                Err((cause, mut alert)) => {
                    let mut records = Vec::new();
                    alert.write_all(&mut records)?;
                    self.stream.write_all(&records).await?;
                    return Err(cause.into());
                }
            }
        }
    }
}
