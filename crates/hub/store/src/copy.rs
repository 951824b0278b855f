//! A store copied whole: a dump of one moment on one side, an empty store that takes it in on the other.
//!
//! Backups and migrations are both made of this. Rows are not copied: they are made again from the
//! entries, and the digest of both sides must agree.

use std::error::Error;
use std::fmt;

use ironroot_secret::Secret;

use crate::{Head, JournalReader, Payload, RawEntry, StateDigest, StateError, StoreError};

/// A store that can be copied while it is written.
pub trait Dump: Send + Sync {
    /// Hands the store of this moment to `take`: first the [`Moment`], then secrets and payloads,
    /// last the entries from index `from` on, in order.
    ///
    /// It blocks, holds a few parts in memory and keeps no writer waiting. Nothing is locked while
    /// `take` has the entries, so that it may be slow with those.
    ///
    /// # Errors
    /// [`DumpError`]; what was handed out is then of no use.
    fn dump(&self, from: u64, take: &mut Taker<'_>) -> Result<(), DumpError>;
}

/// Who takes a dump, part by part.
pub type Taker<'a> = dyn FnMut(Part) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// One piece of a dump.
#[derive(Clone, Debug)]
pub enum Part {
    /// What the dump is of; the first part, once.
    Moment(Moment),
    /// A secret of the keyring.
    Secret {
        /// The name in the keyring.
        name: String,
        /// The bytes.
        secret: Secret,
    },
    /// A payload that is not erased.
    Payload(Payload),
    /// An entry; its bytes are as they are stored, unchecked.
    Entry(RawEntry),
}

/// The moment that a dump is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The index of the first entry in the dump.
    pub from: u64,
    /// Where the journal ended.
    pub head: Head,
    /// The digest over all rows; none where another version of the projection made them.
    pub state: Option<StateDigest>,
}

/// A store with whoever has the entries that it has dropped: dumped as if they were all still in it.
pub struct Whole<'a> {
    /// The store.
    pub store: &'a dyn Dump,
    /// The index of the first entry that it still has.
    pub floor: u64,
    /// Who has those below.
    pub archive: &'a dyn JournalReader,
}

impl Dump for Whole<'_> {
    fn dump(&self, from: u64, take: &mut Taker<'_>) -> Result<(), DumpError> {
        let (mut next, mut failed) = (from, None);
        let dumped = self
            .store
            .dump(from.max(self.floor), &mut |part| match part {
                Part::Moment(moment) => take(Part::Moment(Moment { from, ..moment })),
                Part::Entry(entry) => {
                    match self.archived(&mut next, entry.index, take) {
                        Err(DumpError::Taker(cause)) => return Err(cause),
                        Err(cause) => {
                            failed = Some(cause);
                            return Err("the archive failed".into());
                        }
                        Ok(()) => {}
                    }
                    next = entry.index + 1;
                    take(Part::Entry(entry))
                }
                Part::Secret { .. } | Part::Payload(_) => take(part),
            });
        failed.map_or(dumped, Err)
    }
}

impl Whole<'_> {
    /// Hands on the archived entries from `next` up to `end`.
    fn archived(&self, next: &mut u64, end: u64, take: &mut Taker<'_>) -> Result<(), DumpError> {
        while *next < end {
            let most = usize::try_from(end - *next).unwrap_or(CHUNK).min(CHUNK);
            let entries = self.archive.raw_entries(*next, most)?;
            let missing = StoreError::MissingEntry { index: *next };
            if entries.first().is_none_or(|entry| entry.index != *next) {
                return Err(missing.into());
            }
            for entry in entries {
                *next = entry.index + 1;
                take(Part::Entry(entry)).map_err(DumpError::Taker)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whole")
            .field("floor", &self.floor)
            .finish_non_exhaustive()
    }
}

/// How many archived entries are read at a time.
const CHUNK: usize = 256;

/// An empty store that is being filled from a dump.
///
/// Until [`Loader::finish`] has returned, the store refuses to be opened for anything else; a loader
/// that is opened on it again begins from nothing. Its calls block.
pub trait Loader: Send {
    /// Takes the next part, in the order in which the dump gave it.
    ///
    /// # Errors
    /// [`LoadError`]; the store stays unfinished.
    fn load(&mut self, part: Part) -> Result<(), LoadError>;

    /// Makes the rows from the entries, compares them with the dump's moment, and makes all of it
    /// durable; from then on it is a store like any other.
    ///
    /// # Errors
    /// [`LoadError`]; the store stays unfinished.
    fn finish(self: Box<Self>) -> Result<Moment, LoadError>;
}

/// Why a store was not dumped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// The store cannot be read, or something in it is damaged or missing.
    #[error("the store cannot be copied")]
    Store(#[from] StoreError),
    /// Whoever takes the dump has refused a part.
    #[error("the copy cannot be kept")]
    Taker(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a dump was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The database failed.
    #[error("the store cannot be filled")]
    Store(#[from] StoreError),
    /// The dump does not begin with its moment, or has two.
    #[error("the copy does not begin with what it is of")]
    NoMoment,
    /// The dump begins after entries that the store does not have either.
    #[error("the copy begins at entry {0}, and what came before it is not there")]
    NoBase(u64),
    /// An entry is not the next one.
    #[error("entry {found} stands in the copy where {expected} belongs")]
    OutOfOrder {
        /// The index that belongs there.
        expected: u64,
        /// The index that stands there.
        found: u64,
    },
    /// The dump ends early.
    #[error("the copy ends at entry {found} of {expected}")]
    Short {
        /// How many entries its moment has.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The rows cannot be made from the entries.
    #[error("the journal does not give a state")]
    State(#[from] StateError),
    /// The rows are not those of the moment.
    #[error("the state is {found} and was {expected} in the store that was copied")]
    Differs {
        /// The digest that the moment has.
        expected: StateDigest,
        /// The digest that the entries give.
        found: StateDigest,
    },
}

/// How far a dump has been taken in: the checks that are the same for every backend.
#[derive(Debug, Default)]
pub struct Intake {
    moment: Option<Moment>,
    next: u64,
}

impl Intake {
    /// Checks that `part` is the next one.
    ///
    /// # Errors
    /// [`LoadError`] when it is not.
    pub fn admit(&mut self, part: &Part) -> Result<(), LoadError> {
        match (part, &self.moment) {
            (Part::Moment(moment), None) => {
                if moment.from > 0 {
                    return Err(LoadError::NoBase(moment.from));
                }
                self.moment = Some(*moment);
                Ok(())
            }
            (Part::Moment(_), Some(_)) | (_, None) => Err(LoadError::NoMoment),
            (Part::Entry(entry), Some(_)) => {
                if entry.index != self.next {
                    let (expected, found) = (self.next, entry.index);
                    return Err(LoadError::OutOfOrder { expected, found });
                }
                self.next += 1;
                Ok(())
            }
            (Part::Secret { .. } | Part::Payload(_), Some(_)) => Ok(()),
        }
    }

    /// The moment, once every entry of it was taken.
    ///
    /// # Errors
    /// [`LoadError`] when the dump ended early, or went on.
    pub fn complete(&self) -> Result<Moment, LoadError> {
        let moment = self.moment.ok_or(LoadError::NoMoment)?;
        let (expected, found) = (moment.head.size, self.next);
        let whole = expected == found;
        whole
            .then_some(moment)
            .ok_or(LoadError::Short { expected, found })
    }
}

impl Moment {
    /// Checks that the rows made from the entries are those of this moment.
    ///
    /// # Errors
    /// [`LoadError::Differs`] has both digests.
    pub fn check_state(&self, found: StateDigest) -> Result<(), LoadError> {
        match self.state {
            Some(expected) if expected != found => Err(LoadError::Differs { expected, found }),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StateHasher;

    fn moment(from: u64, size: u64) -> Part {
        let at = ironroot_time::UnixTime::from_ms(0);
        Part::Moment(Moment {
            from,
            head: Head { size, at },
            state: Some(StateHasher::default().finish()),
        })
    }

    fn entry(index: u64) -> Part {
        let bytes = Vec::new();
        Part::Entry(RawEntry { index, bytes })
    }

    fn admit(parts: &[Part]) -> Result<Moment, LoadError> {
        let mut intake = Intake::default();
        for part in parts {
            intake.admit(part)?;
        }
        intake.complete()
    }

    #[test]
    fn takes_every_entry_of_the_moment() {
        let taken = admit(&[moment(0, 2), entry(0), entry(1)]).unwrap();
        assert_eq!(taken.head.size, 2);
    }

    #[test]
    fn refuses_a_dump_without_a_moment_or_with_two() {
        for parts in [&[] as &[Part], &[entry(0)], &[moment(0, 0), moment(0, 0)]] {
            assert!(matches!(admit(parts), Err(LoadError::NoMoment)));
        }
    }

    #[test]
    fn refuses_entries_left_out_repeated_or_missing_at_an_end() {
        let refused = |parts: &[Part]| admit(parts).unwrap_err();
        let hole = refused(&[moment(0, 3), entry(0), entry(2)]);
        assert!(matches!(
            hole,
            LoadError::OutOfOrder {
                expected: 1,
                found: 2
            }
        ));
        let twice = refused(&[moment(0, 3), entry(0), entry(0)]);
        assert!(matches!(
            twice,
            LoadError::OutOfOrder {
                expected: 1,
                found: 0
            }
        ));
        let short = refused(&[moment(0, 2), entry(0)]);
        assert!(matches!(
            short,
            LoadError::Short {
                expected: 2,
                found: 1
            }
        ));
        let long = refused(&[moment(0, 1), entry(0), entry(1)]);
        assert!(matches!(
            long,
            LoadError::Short {
                expected: 1,
                found: 2
            }
        ));
        assert!(matches!(refused(&[moment(4, 9)]), LoadError::NoBase(4)));
    }
}
