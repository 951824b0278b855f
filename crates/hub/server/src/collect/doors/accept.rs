//! How every door takes connections in: within its bounds, each as a task of its own, until the hub drains.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::admission::{Admission, AdmissionSettings, NotAdmitted};
use super::proxy;
use crate::drain::Drain;
use crate::fault::chain;

/// The tasks of a door's connections.
#[derive(Debug)]
pub struct Connections(JoinSet<()>);

/// Accepts connections and runs each as `serve` says; returns those that are left when the hub drains.
pub async fn accept<F>(
    door: &'static str,
    listener: TcpListener,
    settings: AdmissionSettings,
    drain: &mut Drain,
    serve: impl Fn(TcpStream, SocketAddr) -> F + Clone + Send + 'static,
) -> Connections
where
    F: Future<Output = ()> + Send + 'static,
{
    let admission = Admission::new(settings);
    let unannounced = Arc::new(Semaphore::new(UNANNOUNCED_MAX));
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
        if settings.proxy_from.contain(address.ip()) {
            let Ok(waiting) = unannounced.clone().try_acquire_owned() else {
                tracing::debug!(door, %address, "Too many connections wait for their PROXY header.");
                continue;
            };
            let (admission, serve) = (admission.clone(), serve.clone());
            connections.spawn(async move {
                let announced = announced(door, stream, address).await;
                drop(waiting);
                if let Some((stream, device)) = announced {
                    match admission.admit(device.ip()) {
                        Ok(_pass) => serve(stream, device).await,
                        Err(cause) => refuse(door, device, cause),
                    }
                }
            });
            continue;
        }
        match admission.admit(address.ip()) {
            Ok(pass) => {
                let connection = serve(stream, address);
                connections.spawn(async move {
                    connection.await;
                    drop(pass);
                });
            }
            Err(cause) => refuse(door, address, cause),
        }
    }
}

/// A connection from a load balancer, and whom it speaks for.
async fn announced(
    door: &'static str,
    mut stream: TcpStream,
    address: SocketAddr,
) -> Option<(TcpStream, SocketAddr)> {
    match proxy::read_header(&mut stream).await {
        Ok(device) => Some((stream, device.unwrap_or(address))),
        Err(cause) => {
            tracing::debug!(door, %address, error = %chain(&cause), "A load balancer's connection was refused.");
            None
        }
    }
}

fn refuse(door: &'static str, address: SocketAddr, cause: NotAdmitted) {
    tracing::debug!(door, %address, error = %cause, "A connection was refused.");
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

/// How many connections from load balancers may wait for their PROXY header.
const UNANNOUNCED_MAX: usize = 4_096;

/// How long to wait before accepting again after a failure.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long connections may take to end when the hub drains.
const DRAIN_MAX: Duration = Duration::from_secs(5);
