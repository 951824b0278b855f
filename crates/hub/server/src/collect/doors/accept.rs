//! How every door takes connections in: within its bounds, each as a task of its own, until the hub drains.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::admission::{Admission, AdmissionSettings};
use crate::drain::Drain;

/// The tasks of a door's connections.
#[derive(Debug)]
pub struct Connections(JoinSet<()>);

/// Accepts connections and runs each as `serve` says; returns those that are left when the hub drains.
pub async fn accept<F>(
    door: &'static str,
    listener: TcpListener,
    settings: AdmissionSettings,
    drain: &mut Drain,
    serve: impl Fn(TcpStream, SocketAddr) -> F,
) -> Connections
where
    F: Future<Output = ()> + Send + 'static,
{
    let admission = Admission::new(settings);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = drain.begun() => return Connections(connections),
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                note_fault(door, ended);
                continue;
            }
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                // Out of file descriptors, mostly: wait for some to be given back.
                tracing::warn!(door, error = %cause, "A connection could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match admission.admit(address.ip()) {
            Ok(pass) => {
                let connection = serve(stream, address);
                connections.spawn(async move {
                    connection.await;
                    drop(pass);
                });
            }
            Err(cause) => {
                tracing::debug!(door, %address, error = %cause, "A connection was refused.");
            }
        }
    }
}

/// A connection that panicked ended alone, and there is a fault in this program.
fn note_fault(door: &'static str, ended: Result<(), JoinError>) {
    if let Err(cause) = ended {
        tracing::error!(door, error = %cause, "A connection ended by a fault of the hub.");
    }
}

impl Connections {
    /// Waits for them to end, for a while; what is left then is cut off.
    pub async fn end(mut self) {
        let _cut_off = timeout(DRAIN_MAX, async {
            while self.0.join_next().await.is_some() {}
        })
        .await;
    }
}

/// How long to wait before accepting again after a failure.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to end when the hub drains.
const DRAIN_MAX: Duration = Duration::from_secs(5);
