//! Questions asked of a whole state: store, registry, log and views, without doors.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod devices;
mod hub;
mod record;
