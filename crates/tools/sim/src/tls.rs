//! TLS as simulated devices speak it: from many source addresses, to one hub on this machine.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
pub use ironroot_link::{Identity, KeyExchange, Trust};
use rustls::ClientConfig;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::hub;

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
    ironroot_link::connect(stream, hub::NAME, config)
        .await
        .with_context(|| format!("shaking hands with {address}"))
}

/// The longest that connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(30);
