//! MQTT sessions and retained messages that outlive the hub, in one SQLite file beside the journal's.
//!
//! Stage: enforce; what the broker has promised a client is kept even when the hub is killed.
//! Never: knows a Grant, a socket or a packet; has anything to do with the journal, which is apart.
//! To add a step: a variant of [`Step`], its SQL in `writing.rs`, and what it leaves in `reading.rs`.
//!
//! One thread writes all steps that wait in one transaction; `fdatasync` (journal mode WAL,
//! `synchronous=FULL`) comes before [`Shelf::durable`] says so. While the file cannot be written the thread
//! tries again, and nothing that rests on the steps leaves the broker.

mod error;
mod file;
mod reading;
mod shelf;
mod writing;

pub use error::OpenError;
pub use shelf::SqliteShelf;

#[cfg(doc)]
use ironroot_broker::shelf::{Shelf, Step};
