//! The journal as a signed tile log, as far as answers tell of it.

use std::fmt;

use ironroot_api::Checkpoint;
use ironroot_store::BoxFuture;
use ironroot_time::UnixTime;

use crate::NotShown;

/// The signed log over the journal.
pub trait Log: fmt::Debug + Send + Sync {
    /// The newest signed checkpoint and when it was signed; none before the first. From memory.
    fn newest(&self) -> Option<(Checkpoint, UnixTime)>;

    /// The proof that an entry is under the newest checkpoint, as a `.tlog-proof` file.
    ///
    /// # Errors
    /// [`NotShown`] when the entry is not there or not signed yet, or the log cannot be read.
    fn prove(&self, index: u64) -> BoxFuture<'_, Result<String, NotShown>>;

    /// A file of the tile log by its path: `checkpoint`, `tile/…`; none when there is no such file.
    ///
    /// # Errors
    /// [`NotShown`] when the log cannot be read.
    fn file<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, NotShown>>;
}
