//! The formats of the tamper-evident journal: entries, and the C2SP tile log that holds them.
//!
//! Stage: all three; the hub writes these formats, and whoever checks a hub reads them.
//! Never: opens a file or a socket, reads a clock, or knows what a kind of entry means, but for the
//! change of the log's own key.
//! To add a kind of entry: nothing here; `hub/registry` gives kinds their fields.
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

mod canonical;
pub mod checkpoint;
pub mod entry;
pub mod merkle;
pub mod note;
pub mod payload;
pub mod proof;
pub mod succession;
mod text;
pub mod tile;

pub use canonical::NotCanonical;
pub use entry::{BadEntry, ENTRY_SIZE_MAX, Entry};
pub use payload::{BadDigest, SALT_SIZE, SaltedDigest};
