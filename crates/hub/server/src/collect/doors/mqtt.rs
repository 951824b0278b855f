//! The MQTT door: sessions of the broker over mutual TLS on sockets of ours.
//!
//! It knows sockets and TLS, and neither topics nor Grants. Every connection is one task on one of a few
//! threads (`threads`); the bytes of all of them pass through a few buffers of that thread (`scratch`), so that
//! an idle session holds little more than its keys.

mod connection;
mod handshake;
mod scratch;
mod threads;
mod timeline;
mod tls;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ironroot_broker::{Broker, Peer};
use ironroot_pki::peer::PeerCertificate;
use ironroot_pki::tls::DoorTls;
use ironroot_registry::Subject;
use ironroot_time::Clock;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::accept::accept;
use super::admission::AdmissionSettings;
use crate::drain::Drain;
use crate::fault::chain;

use connection::Connection;
use handshake::{HandshakeFailed, Shaken, shake};
use timeline::Timeline;

pub use threads::SessionThreads;

/// Bounds of the MQTT door; those of a session stand in the broker's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MqttSettings {
    /// The longest a TLS handshake may take.
    pub handshake_timeout_s: u64,
    /// The longest a client may take nothing of what is sent to it before it is cut.
    pub write_timeout_s: u64,
    /// How long the connection of an ended session stays half open, so that the client can read why.
    pub linger_ms: u64,
    /// Seconds without traffic after which the other end is asked whether it is still there (TCP keep-alive).
    pub tcp_keep_alive_s: u64,
    /// Threads that sessions live on; 0 for one for every two processors.
    pub session_threads: usize,
    /// Whether TLS 1.2 is spoken beside 1.3, for devices in the field that stop there.
    pub tls12: bool,
    /// Who may connect.
    pub admission: AdmissionSettings,
}

impl Default for MqttSettings {
    fn default() -> Self {
        Self {
            handshake_timeout_s: 10,
            write_timeout_s: 20,
            linger_ms: 2_000,
            tcp_keep_alive_s: 120,
            session_threads: 0,
            tls12: false,
            admission: AdmissionSettings::default(),
        }
    }
}

/// Says who comes in with a certificate.
pub trait Subjects: Send + Sync + fmt::Debug {
    /// The principal that the certificate stands for; none when it is not known here (any more).
    fn subject(&self, certificate: &PeerCertificate) -> Option<Arc<Subject>>;
}

/// The MQTT door.
#[derive(Debug)]
pub struct MqttDoor {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its TLS; a client certificate is required.
    pub tls: Arc<DoorTls>,
    /// Who comes in.
    pub subjects: Arc<dyn Subjects>,
    /// What sessions live on.
    pub threads: SessionThreads,
    /// Whose sessions these are.
    pub broker: Arc<Broker>,
    /// The present moment, for the end of certificates.
    pub clock: Arc<dyn Clock>,
    /// Its bounds.
    pub settings: MqttSettings,
    /// Connections that it has refused for their certificate.
    pub certificates_refused: Arc<AtomicU64>,
}

impl MqttDoor {
    /// Serves until the hub drains; then tells every client so, and waits for them, for a while.
    pub async fn serve(self, mut drain: Drain) {
        let Self {
            listener,
            tls,
            subjects,
            threads,
            broker,
            clock,
            settings,
            certificates_refused,
        } = self;
        let timeline = Timeline::begin(clock.now());
        let door = Arc::new(Door {
            tls,
            subjects,
            threads,
            broker,
            clock,
            settings,
            certificates_refused,
            timeline,
        });
        let draining = drain.clone();
        let opened = Arc::clone(&door);
        let serve = move |stream, address| {
            let door = Arc::clone(&opened);
            // On the heap for as long as it lasts, like the connection after it: the task of an idle session
            // carries no room for its handshake, and no second one for what was moved into it.
            let opening = Box::pin(Arc::clone(&door).open(stream, address, draining.clone()));
            async move {
                let opened = opening.await;
                if let Some(opened) = opened {
                    let begin = Arc::clone(&door);
                    let begin = move || begin.connection(*opened);
                    door.threads.run(begin).await;
                }
            }
        };
        let ticking = tokio::spawn(tick(Arc::clone(&door)));
        let connections = accept(DOOR, listener, settings.admission, &mut drain, serve).await;
        ticking.abort();
        door.broker.drain();
        connections.end().await;
        door.broker.keep_all_figures(door.timeline.now());
    }
}

/// Has the broker do what is due for clients that are away, for as long as it is polled.
async fn tick(door: Arc<Door>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        second.tick().await;
        door.broker.tick(door.timeline.now());
    }
}

/// What all connections share.
#[derive(Debug)]
struct Door {
    tls: Arc<DoorTls>,
    subjects: Arc<dyn Subjects>,
    threads: SessionThreads,
    broker: Arc<Broker>,
    clock: Arc<dyn Clock>,
    settings: MqttSettings,
    certificates_refused: Arc<AtomicU64>,
    timeline: Timeline,
}

/// A finished handshake of somebody who is known.
struct Opened {
    shaken: Shaken,
    peer: Peer,
}

impl Door {
    /// From an accepted socket to a peer who is known.
    async fn open(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        mut drain: Drain,
    ) -> Option<Box<Opened>> {
        if let Err(cause) = set_up(&stream, &self.settings) {
            tracing::debug!(door = DOOR, error = %cause, "A socket option could not be set.");
        }
        let limit = Duration::from_secs(self.settings.handshake_timeout_s);
        let shaken = tokio::select! {
            shaken = timeout(limit, shake(stream, &self.tls)) => shaken.unwrap_or(Err(HandshakeFailed::TooSlow)),
            () = drain.begun() => return None,
        };
        let opened = shaken.and_then(|shaken| {
            let known = self.subjects.subject(&shaken.certificate);
            let (subject, certificate) = known
                .zip(shaken.certificate.serial())
                .ok_or(HandshakeFailed::Unknown)?;
            let peer = Peer {
                subject,
                certificate,
                address: address.ip(),
            };
            Ok(Box::new(Opened { shaken, peer }))
        });
        opened
            .inspect_err(|cause| {
                tracing::debug!(door = DOOR, %address, error = %chain(cause), "A handshake failed.");
                self.certificates_refused.fetch_add(cause.is_about_the_certificate().into(), Relaxed);
            })
            .ok()
    }

    /// A session whose CONNECT is still to come, on the thread that this is called on; none when the socket is
    /// gone.
    fn connection(self: Arc<Self>, opened: Opened) -> Option<Box<Connection>> {
        let not_after = opened.shaken.certificate.not_after();
        let valid_for = not_after.since(self.clock.now());
        let expires = self.timeline.now().plus(valid_for);
        Connection::new(self, opened, expires).ok().map(Box::new)
    }
}

/// Sets what every socket of the door has.
fn set_up(stream: &TcpStream, settings: &MqttSettings) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_socket_keepalive(stream, true)?;
    rustix::net::sockopt::set_tcp_keepidle(stream, Duration::from_secs(settings.tcp_keep_alive_s))?;
    Ok(())
}

/// Its name in logs.
const DOOR: &str = "mqtt";
