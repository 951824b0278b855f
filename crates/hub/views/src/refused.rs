//! Why a question has no answer.

use ironroot_journal::proof::BadProofFile;
use ironroot_store::StoreError;
use ironroot_tree::TreeError;
use tokio::task::JoinError;

/// Why a view is not shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotShown {
    /// There is no such thing.
    #[error("there is no {what} {name}")]
    Unknown {
        /// What was asked for: `device`, `service`, `entry`.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// The cursor was not made by this list.
    #[error("the cursor is none of this list's: read the list from its beginning")]
    BadCursor,
    /// The text is no moment.
    #[error("{0:?} is no moment: write it as 2026-11-22, or 2026-11-22T14:07, in UTC")]
    BadMoment(String),
    /// The journal has no signed checkpoint that covers the entry yet.
    #[error("entry {index} is not under a signed checkpoint yet: ask again in a few seconds")]
    NotSigned {
        /// The entry.
        index: u64,
    },
    /// The tile log could not be read.
    #[error("the journal's tile log could not be read")]
    Log(#[from] TreeError),
    /// The log gave a proof that cannot be read.
    #[error("the log gave a proof that cannot be read")]
    BadProof(#[source] BadProofFile),
    /// The hub is stopping.
    #[error("the hub is stopping")]
    Interrupted(#[source] JoinError),
    /// The store could not be read.
    #[error("the store could not be read")]
    Store(#[from] StoreError),
    /// A row of the state is damaged.
    #[error("a row of the state is damaged: `ironroot journal rebuild` makes it again")]
    DamagedRow(#[from] serde_json::Error),
}
