//! The one fold from entries to rows, and who is told what came of it.

use std::error::Error;
use std::fmt;

use ironroot_journal::Entry;

use crate::{RowReader, RowWrite, StoreError, Table};

/// The fold from an entry to the rows that follow from it: the same when it is committed and when
/// the journal is replayed.
///
/// It depends on nothing but the entry, its index, and what it reads through `rows`. A row may rest on
/// a payload, as long as the entry that erases the payload leaves the rows as if it had never been
/// there; it never holds the payload's bytes, because rows go into snapshots, where nothing is erased.
pub trait Projection: Send + Sync {
    /// Writes the rows that follow from `entry`, or refuses it in the present state.
    ///
    /// # Errors
    /// [`ApplyError::Refused`] keeps the whole change out of the journal and leaves no trace;
    /// [`ApplyError::Store`] passes on what reading met.
    fn apply(&self, index: u64, entry: &Entry, rows: &mut dyn Rows) -> Result<(), ApplyError>;
}

/// The rows as they stand after the entries before this one.
pub trait Rows: RowReader {
    /// Writes a row, in place of the one that was there.
    fn put(&mut self, table: Table, key: &str, value: Vec<u8>);

    /// Deletes a row, if it is there.
    fn delete(&mut self, table: Table, key: &str);
}

/// Somebody who must know of every entry before its author does: the registry in memory.
pub trait Follower: Send + Sync {
    /// Takes note of durable entries, in the order of their indices, none left out.
    ///
    /// Called by the writer before it acknowledges them, so it must be brief. A rebuild is not
    /// followed: it is a thing to do before the follower reads the rows for the first time.
    fn follow(&self, committed: &[Committed]);
}

/// A durable entry and what it did.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The index in the journal, from 0.
    pub index: u64,
    /// The entry.
    pub entry: Entry,
    /// The rows it wrote and deleted, in the order in which the projection did so.
    pub writes: Vec<RowWrite>,
}

/// Why an entry was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The entry does not fit the present state.
    #[error("the entry does not fit the present state")]
    Refused(#[source] Refusal),
    /// The rows could not be read.
    #[error("the rows could not be read")]
    Store(#[source] StoreError),
}

/// A projection's own error, carried through a store that does not know its type.
pub struct Refusal(Box<dyn Error + Send + Sync>);

impl ApplyError {
    /// Refuses with `reason`, which the author of the change gets back.
    pub fn refuse(reason: impl Error + Send + Sync + 'static) -> Self {
        Self::Refused(Refusal(Box::new(reason)))
    }
}

impl From<StoreError> for ApplyError {
    fn from(cause: StoreError) -> Self {
        Self::Store(cause)
    }
}

impl Refusal {
    /// The projection's error, if it is an `R`.
    pub fn downcast_ref<R: Error + 'static>(&self) -> Option<&R> {
        self.0.downcast_ref()
    }

    /// Takes out the projection's error, if it is an `R`.
    ///
    /// # Errors
    /// The same refusal again when it is something else.
    pub fn downcast<R: Error + 'static>(self) -> Result<R, Self> {
        self.0.downcast().map(|reason| *reason).map_err(Self)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CommitError;

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("serial {0} is claimed already")]
    struct Claimed(u32);

    fn commit_error(error: ApplyError) -> CommitError {
        match error {
            ApplyError::Refused(refusal) => CommitError::Refused(refusal),
            ApplyError::Store(cause) => panic!("{cause}"),
        }
    }

    #[test]
    fn a_refusal_comes_back_as_the_type_it_was() {
        let error = commit_error(ApplyError::refuse(Claimed(7)));
        assert_eq!(error.refusal::<Claimed>(), Some(&Claimed(7)));
        assert_eq!(error.into_refusal::<Claimed>().unwrap(), Claimed(7));
    }

    #[test]
    fn another_refusal_stays_what_it_is() {
        let error = commit_error(ApplyError::refuse(fmt::Error));
        let error = error.into_refusal::<Claimed>().unwrap_err();
        assert!(error.refusal::<fmt::Error>().is_some());
    }
}
