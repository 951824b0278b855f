//! What the hub keeps and how it asks for it: the journal, the rows folded from it, payloads, secrets.
//!
//! Stage: all three of the hub; collect and decide commit [`Change`]s, enforce reads what came of them.
//! Never: names a database, knows what a kind of entry means, or gives a second program the pen.
//! To add a backend: `hub/store-<name>` implementing [`Store`] with a [`Pen`] for the [`Sequencer`], and a test that runs `suites::store`.
//!
//! One writer per store, the sequencer, takes [`Change`]s in turn. It gives each entry a dense index
//! and a time, asks the [`Projection`] for the rows that follow from it, makes all of it durable in
//! one transaction, tells the [`Follower`], and acknowledges last. A change is kept whole or not at
//! all; what one change is refused for never touches another.

mod batch;
mod change;
mod copy;
mod digest;
mod error;
mod overlay;
mod payload;
mod projection;
mod replay;
mod row;
mod sequencer;
mod source;
mod store;

pub use batch::{Attachment, Batch, decide};
pub use change::{
    CHANGE_ENTRIES_MAX, CHANGE_SIZE_MAX, Change, Draft, Receipt, SECRET_SIZE_MAX, SecretWrite,
};
pub use copy::{Dump, DumpError, Intake, LoadError, Loader, Moment, Part, Taker, Whole};
pub use digest::{StateDigest, StateHasher};
pub use error::{Cause, CommitError, LaterCause, StateError, StoreError};
pub use overlay::{Overlay, Undo};
pub use payload::{PAYLOAD_SIZE_MAX, Payload};
pub use projection::{ApplyError, Committed, Follower, Projection, Refusal, Rows};
pub use replay::{Comparison, replay};
pub use row::{KeyRange, Row, RowReader, RowWrite, Table};
pub use sequencer::{BATCH_MAX, Failure, Pen, QUEUE_MAX, QUEUE_SIZE_MAX, Sequencer, Tended};
pub use source::{Base, RowTaker, Source, StateRow};
pub use store::{
    BoxFuture, DROP_MAX, Head, Health, IndexedEntry, JournalReader, RawEntry, Store, StoreReader,
};
