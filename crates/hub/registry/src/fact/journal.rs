//! The journal itself: its key, erased words, what was moved to the archive, and snapshots of the rows.

use std::fmt::{self, Formatter};

use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::Step;
use crate::row::SegmentRow;

/// The journal's own key was changed. This is the last entry under the checkpoint by which the old key hands
/// over; without the old key, the new one speaks for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalKeyChanged {
    /// The verifier key until then.
    pub from: String,
    /// The verifier key from then on.
    pub to: String,
    /// Whether the old key was lost, so that it signs nothing of this.
    pub lost: bool,
}

impl Kind for JournalKeyChanged {
    const KIND: &'static str = "journal.key_changed";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { from, to, lost } = self;
        if *lost {
            write!(
                f,
                "The journal's key {from} was lost; {to} took its place, and only the tree ties the entries before to it."
            )
        } else {
            write!(f, "The journal's key was changed from {from} to {to}.")
        }
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// A person had the words of an entry erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadErased {
    /// The entry that the words belonged to.
    pub entry: u64,
    /// The salted digest that stays.
    pub digest: String,
    /// Who ordered it.
    pub by: Actor,
}

impl Kind for PayloadErased {
    const KIND: &'static str = "payload.erased";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { entry, by, .. } = self;
        write!(f, "{by} had the words of entry {entry} erased.")
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// A run of entries was copied to the archive, read back from there, and may leave the hub's database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentArchived {
    /// The index of its first entry.
    pub first: u64,
    /// How many entries it has.
    pub entries: u64,
    /// The root of the tree over its entries alone (RFC 6962), in hexadecimal digits.
    pub root: String,
    /// The archive's URL.
    pub place: String,
}

impl Kind for SegmentArchived {
    const KIND: &'static str = "segment.archived";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            entries,
            place,
            ..
        } = self;
        let last = first.saturating_add(*entries).saturating_sub(1);
        write!(f, "Entries {first} to {last} were archived at {place}.")
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let row = SegmentRow {
            first: self.first,
            entries: self.entries,
            root: self.root.clone(),
            place: self.place.clone(),
            entry: step.index,
        };
        step.put(&SegmentRow::key(self.first), &row)
    }
}

/// A snapshot of the rows was taken, from which they can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotTaken {
    /// How many entries are folded into the rows.
    pub entries: u64,
    /// The digest over all of them, in hexadecimal digits.
    pub state: String,
}

impl Kind for SnapshotTaken {
    const KIND: &'static str = "snapshot.taken";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "A snapshot was taken of the state after {} entries.",
            self.entries
        )
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}
