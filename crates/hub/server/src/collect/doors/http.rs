//! HTTP/1.1 on a socket of ours, with TLS or without: every wait and every size bounded.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use ironroot_pki::peer::PeerCertificate;
use ironroot_pki::tls::DoorTls;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

use super::accept::accept;
use super::admission::AdmissionSettings;
use crate::drain::Drain;
use crate::fault::chain;

/// Bounds of an HTTP door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// The longest a TLS handshake may take.
    pub handshake_timeout_s: u64,
    /// The longest a client may take to send a request's head, or to begin the next request.
    pub head_timeout_s: u64,
    /// The longest a request may take from its head to the head of the response.
    pub request_timeout_s: u64,
    /// Who may connect.
    pub admission: AdmissionSettings,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            handshake_timeout_s: 10,
            head_timeout_s: 30,
            request_timeout_s: 30,
            admission: AdmissionSettings::default(),
        }
    }
}

/// The other end of a connection, handed to every request on it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it comes from.
    pub address: SocketAddr,
    /// The certificate that it showed, path verified.
    pub certificate: Option<Arc<PeerCertificate>>,
}

/// One HTTP door.
#[derive(Debug)]
pub struct HttpDoor {
    /// Its name in logs.
    pub name: &'static str,
    /// Where it listens.
    pub listener: TcpListener,
    /// Its TLS; none for a door that is plain by design.
    pub tls: Option<Arc<DoorTls>>,
    /// What it serves.
    pub router: Router,
    /// Its bounds.
    pub settings: HttpSettings,
}

impl HttpDoor {
    /// Serves until the hub drains; then lets running requests end, for a while.
    pub async fn serve(self, mut drain: Drain) {
        let Self {
            name,
            listener,
            tls,
            router,
            settings,
        } = self;
        let draining = drain.clone();
        let serve = move |stream, address| {
            let connection = Connection {
                door: name,
                address,
                tls: tls.clone(),
                router: router.clone(),
                settings,
                drain: draining.clone(),
            };
            connection.run(stream)
        };
        accept(name, listener, settings.admission, &mut drain, serve)
            .await
            .end()
            .await;
    }
}

struct Connection {
    door: &'static str,
    address: SocketAddr,
    tls: Option<Arc<DoorTls>>,
    router: Router,
    settings: HttpSettings,
    drain: Drain,
}

impl Connection {
    async fn run(self, stream: TcpStream) {
        if let Err(cause) = stream.set_nodelay(true) {
            tracing::debug!(door = self.door, error = %cause, "TCP_NODELAY could not be set.");
        }
        let Some(tls) = self.tls.clone() else {
            return self.serve(stream, None).await;
        };
        let wait = Duration::from_secs(self.settings.handshake_timeout_s);
        match timeout(wait, handshake(&tls, stream)).await {
            Ok(Ok((stream, certificate))) => self.serve(stream, certificate).await,
            Ok(Err(cause)) => {
                tracing::debug!(door = self.door, address = %self.address, error = %chain(cause.as_ref()), "A handshake failed.");
            }
            Err(_elapsed) => {
                tracing::debug!(door = self.door, address = %self.address, "A handshake took too long.");
            }
        }
    }

    async fn serve<S>(self, stream: S, certificate: Option<Arc<PeerCertificate>>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = Peer {
            address: self.address,
            certificate,
        };
        let (router, settings, mut drain) = (self.router, self.settings, self.drain);
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            answer(router.clone(), peer.clone(), settings, request)
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(settings.head_timeout_s))
            .max_headers(64)
            .max_buf_size(HEAD_SIZE_MAX);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = drain.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(cause) = ended {
            tracing::debug!(door = self.door, address = %self.address, error = %chain(&cause), "A connection ended early.");
        }
    }
}

async fn handshake(
    tls: &DoorTls,
    stream: TcpStream,
) -> Result<
    (TlsStream<TcpStream>, Option<Arc<PeerCertificate>>),
    Box<dyn std::error::Error + Send + Sync>,
> {
    let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let config = tls.config_for(&hello.client_hello());
    let stream = hello.into_stream(config).await?;
    let certificate = tls.peer(stream.get_ref().1)?.map(Arc::new);
    Ok((stream, certificate))
}

async fn answer(
    router: Router,
    peer: Peer,
    settings: HttpSettings,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(peer);
    let wait = Duration::from_secs(settings.request_timeout_s);
    let answered = timeout(wait, router.oneshot(request.map(axum::body::Body::new))).await;
    Ok(match answered {
        Ok(Ok(response)) => response,
        Err(_elapsed) => {
            (StatusCode::REQUEST_TIMEOUT, "The request took too long.\n").into_response()
        }
    })
}

/// The longest head of a request, in bytes.
const HEAD_SIZE_MAX: usize = 16 * 1024;
