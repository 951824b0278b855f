//! Why a question has no answer.

use ironroot_store::StoreError;

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
    /// The journal has no signed checkpoint that covers the entry yet.
    #[error("entry {index} is not under a signed checkpoint yet: ask again in a few seconds")]
    NotSigned {
        /// The entry.
        index: u64,
    },
    /// The store could not be read.
    #[error("the store could not be read")]
    Store(#[from] StoreError),
    /// A row of the state is damaged.
    #[error("a row of the state is damaged: `ironroot journal rebuild` makes it again")]
    DamagedRow(#[from] serde_json::Error),
}
