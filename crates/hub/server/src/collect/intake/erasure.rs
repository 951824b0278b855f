//! Erasure: a person's words are destroyed, the entry that names them by digest stays.

use ironroot_journal::SaltedDigest;
use ironroot_registry::{Actor, Fact, PayloadErased, Unreadable};

use ironroot_views::{NotShown, Views};

use crate::fault::{Blame, Fault};
use crate::ledger::{Ledger, NotRecorded, unreadable};

/// Why no words were erased.
#[derive(Debug, thiserror::Error)]
pub enum NotErased {
    /// There is no such entry.
    #[error("there is no entry {0}")]
    NoEntry(u64),
    /// The entry was written by another version.
    #[error("entry {index} cannot be read")]
    Unreadable {
        /// The entry.
        index: u64,
        /// Why.
        #[source]
        cause: Unreadable,
    },
    /// The entry cannot be had, perhaps because the archive cannot be reached.
    #[error("the entry cannot be read")]
    NotRead(#[source] NotShown),
    /// Nobody's words belong to the entry, or they were erased before.
    #[error("entry {0} has no words, or they were erased before")]
    NoWords(u64),
    /// The erasure could not be recorded, so nothing was erased.
    #[error("nothing was erased")]
    NotRecorded(#[from] NotRecorded),
}

impl NotErased {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoEntry(_) => Fault::Sender(Blame::Unknown),
            Self::NoWords(_) => Fault::Sender(Blame::State),
            Self::Unreadable { .. } => Fault::Ours,
            Self::NotRead(_) => Fault::Later,
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

/// Destroys the words of entry `index`; returns the entry that records it.
///
/// # Errors
/// [`NotErased`]; nothing was destroyed.
pub async fn erase(
    ledger: &Ledger,
    views: &Views,
    index: u64,
    by: Actor,
) -> Result<u64, NotErased> {
    let store = ledger.store();
    let found = views.recorded(index).await.map_err(NotErased::NotRead)?;
    let found = found.ok_or(NotErased::NoEntry(index))?;
    let fact = Fact::read(&found).map_err(|cause| NotErased::Unreadable { index, cause })?;
    let digest: SaltedDigest = fact
        .why()
        .and_then(|why| why.parse().ok())
        .ok_or(NotErased::NoWords(index))?;
    if store.payload(digest).await.map_err(unreadable)?.is_none() {
        return Err(NotErased::NoWords(index));
    }
    let erased = Fact::from(PayloadErased {
        entry: index,
        digest: digest.to_string(),
        by,
    });
    let receipt = ledger
        .record_with(&erased, |change| change.erasing(digest))
        .await?;
    Ok(receipt.indices.start)
}
