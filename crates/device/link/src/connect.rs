//! From a TCP connection to a TLS connection, in time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotConnected {
    /// The server's name is neither a DNS name nor an IP address.
    #[error("{0:?} is no name of a server")]
    Name(String),
    /// It took longer than a handshake may.
    #[error("the server does not finish the TLS handshake")]
    Late,
    /// The server was not trusted, or did not trust us, or the connection broke.
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),
}

/// Shakes hands with the server called `name`.
///
/// # Errors
/// [`NotConnected`] says why not.
pub async fn connect(
    stream: TcpStream,
    name: &str,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, NotConnected> {
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_no_name| NotConnected::Name(name.to_owned()))?;
    let handshake = TlsConnector::from(config).connect(name, stream);
    match timeout(HANDSHAKE_MAX, handshake).await {
        Ok(done) => done.map_err(NotConnected::Handshake),
        Err(_elapsed) => Err(NotConnected::Late),
    }
}

/// The longest that a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(30);
