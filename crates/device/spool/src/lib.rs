//! Readings that wait on disk until the hub has them: append-only files, bounded, safe from a power cut.
//!
//! Stage: collect; what an application hands over is here before it is answered, and what is enforced upstream is
//! read from here.
//! Never: loses a reading that was made durable without saying so, gives a number twice, uses a socket, async or a
//! clock, or looks into a payload.
//! To add a field to a reading: a new magic number for segments, and a reader for both.
//!
//! Numbers are dense: each reading has the next. So whatever is missing shows as a gap between two numbers, and a gap
//! is what is reported: [`Item::Gap`]. A reading is durable once [`Spool::sync`] has returned, and only durable
//! readings are handed out, so that no number ever stands for two readings.
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

mod checksum;
mod folder;
mod position;
mod record;
mod spool;

pub use record::{BODY_SIZE_MAX, Reading};
pub use spool::{Bounds, Item, Recovered, Spool, SpoolError, Waiting};
