//! `/backup`: the hub of this moment in one file, sent while it is made.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use futures_core::Stream;
use ironroot_api::Problem;
use ironroot_backup::{NotMade, Pace};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::auth::Caller;
use super::refusal::Class;
use super::{Api, Refusal};
use crate::backup::{self, Maker, NotBackedUp};
use crate::fault::chain;
use ironroot_time::{Clock, UnixTime};

/// How many bytes are sent at once.
const CHUNK_SIZE: usize = 64 << 10;

/// How many of them wait for the client.
const CHUNKS_MAX: usize = 8;

/// How long a client may take none.
const STALL_MAX: Duration = Duration::from_secs(30);

/// What makes the hub's backups, one at a time.
#[derive(Clone, Debug)]
pub struct Backups {
    maker: Arc<Maker>,
    pace: Pace,
    turn: Arc<Semaphore>,
}

impl Backups {
    /// Backups made by `maker`, no faster than `pace`.
    pub fn new(maker: Maker, pace: Pace) -> Self {
        Self {
            maker: Arc::new(maker),
            pace,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// When the last one was made, as far as is known.
    pub(crate) fn last(&self) -> Option<UnixTime> {
        backup::last(&self.maker.data)
    }

    fn remember(&self, made: UnixTime) {
        if let Err(cause) = backup::remember(&self.maker.data, made) {
            tracing::warn!(door = "api", error = %chain(&cause), "A backup was made, and the hub forgets when.");
        }
    }
}

/// Everything that the hub cannot make again, of this moment, in one file. Without its last part, the manifest,
/// it is no backup: whoever stores it checks that it came whole.
#[utoipa::path(get, path = "/backup", tag = "backup", responses(
    (status = 200, body = Vec<u8>, content_type = "application/zstd"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "Another backup is being made"),
))]
pub(crate) async fn make(
    State(api): State<Api>,
    Extension(Caller(by)): Extension<Caller>,
) -> Result<impl IntoResponse, Refusal> {
    let turn = api.backups.turn.clone().try_acquire_owned();
    let turn = turn
        .map_err(|_taken| api.refuse_as(Class::Later, "another backup is being made at present"))?;
    tracing::info!(door = "api", actor = %by, "A backup is being made.");
    let (send, parts) = mpsc::channel(CHUNKS_MAX);
    let mut out = Sender {
        send,
        runtime: Handle::current(),
        waiting: Vec::with_capacity(CHUNK_SIZE),
    };
    let (backups, store) = (api.backups.clone(), api.ledger.store().clone());
    let made_at = api.clock.now();
    spawn_blocking(move || {
        let _until_done = turn;
        let floor = store
            .floor()
            .map_err(|cause| NotBackedUp::NotMade(NotMade::Store(cause.into())));
        let made = floor.and_then(|floor| {
            let maker = &backups.maker;
            maker.make((&*store, floor), made_at, backups.pace, &mut out)
        });
        match made {
            Ok(info) => {
                backups.remember(made_at);
                tracing::info!(door = "api", entries = info.entries, "A backup was made.");
            }
            Err(cause) => {
                tracing::error!(door = "api", error = %chain(&cause), "No backup was made.");
                out.break_off();
            }
        }
    });
    let body = Body::from_stream(Parts(parts));
    Ok(([(header::CONTENT_TYPE, "application/zstd")], body))
}

/// The blocking end: gathers what is written and sends it.
struct Sender {
    send: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
    waiting: Vec<u8>,
}

impl Sender {
    fn send(&self, part: io::Result<Bytes>) -> io::Result<()> {
        let sent = timeout(STALL_MAX, self.send.send(part));
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Ends the body in the middle, so that nobody takes it for whole.
    fn break_off(&self) {
        let broken = self.send(Err(io::Error::other("the backup was given up")));
        // A client that has gone away is told nothing.
        broken.unwrap_or_default();
    }
}

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK_SIZE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK_SIZE));
        self.send(Ok(part.into()))
    }
}

/// The async end.
struct Parts(mpsc::Receiver<io::Result<Bytes>>);

impl Stream for Parts {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
