//! The connections that read beside the writer.

use ironroot_store::StoreError;
use parking_lot::Mutex;

use crate::error::unreadable;
use crate::io::Io;
use crate::reading::Stored;
use crate::session::Session;
use crate::{DatabaseError, Settings};

/// The most connections that are kept open while nobody reads.
const IDLE_MAX: usize = 8;

/// Connections for reading, opened when all others are busy and kept while they work.
#[derive(Debug)]
pub(crate) struct Readers {
    settings: Settings,
    idle: Mutex<Vec<Session>>,
}

impl Readers {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Closes the connections of the pool.
    pub(crate) fn close(&self) {
        self.idle.lock().clear();
    }

    /// A connection of its own, outside the pool.
    pub(crate) async fn connect(&self) -> Result<Session, DatabaseError> {
        Session::open(&self.settings).await
    }

    /// Runs `work` on a connection of the pool; it blocks.
    pub(crate) fn with<T, E: From<StoreError>>(
        &self,
        io: &Io,
        work: impl FnOnce(Stored<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = self.idle.lock().pop();
        let session = match idle.filter(|session| !session.is_closed()) {
            Some(session) => session,
            None => io.wait(self.connect()).map_err(unreadable)?,
        };
        let done = work(Stored::new(io, &session));
        if done.is_err() {
            // Something may still come on it, or a transaction be open.
            session.abandon();
            return done;
        }
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(session);
        }
        done
    }
}
