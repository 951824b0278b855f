//! An MQTT session as a simulated device holds it: thrown away at its end, and silent as long as it likes.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use ironroot_link::{Opening, Session};
use ironroot_mqtt::Version;
use rustls::ClientConfig;

use crate::tls;

/// Connects to the MQTT door at `address`, as the device with this number, and is let in.
///
/// # Errors
/// When the handshake fails, or the server does not let the client in.
pub(crate) async fn connect(
    address: SocketAddr,
    number: usize,
    config: Arc<ClientConfig>,
    client_id: &str,
    version: Version,
) -> Result<Session> {
    let stream = tls::connect(address, number, config).await?;
    let opening = Opening {
        version,
        client_id,
        clean_start: true,
        keep_alive_s: 0,
        session_expiry_s: None,
        receive_maximum: None,
    };
    let (session, _terms) = Session::open(stream, &opening)
        .await
        .with_context(|| format!("{client_id} is not let in"))?;
    Ok(session)
}
