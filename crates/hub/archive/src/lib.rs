//! What is kept beside the store: snapshots of the rows, and the journal's old segments.
//!
//! Stage: enforce; what the store holds is put where a rebuild can start, and where it needs no room.
//! Never: is believed. A snapshot must have the digest that the journal recorded, an archived entry the
//! hash that the signed tree has.
//! To add a kind of place: an implementation of [`Objects`] and its scheme in [`Place`].

mod objects;
mod segment;
mod snapshot;
mod start;

pub use objects::{BadPlace, BucketSettings, FolderObjects, NoBucket, Objects, Place};
pub use segment::{Archive, ArchiveError, SEGMENT_SIZE};
pub use snapshot::{NotTaken, Snapshot, Snapshots};
pub use start::from_newest;
