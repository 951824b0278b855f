//! Standing and Grant: what a device's state is, and what it may therefore do right now.
//!
//! Stage: decide. Pure functions from facts (lifecycle, reasons for quarantine, tier, profile) to a
//! [`Grant`]; the same facts always give the same Grant.
//! Never: knows a clock, a socket, a file or a store; carries anything out.
//! To add a lifecycle event: a variant of [`Event`] and its column in `lifecycle.rs`; the compiler and the
//! printed table name the rest.
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

mod grant;
mod lifecycle;
mod standing;

pub use grant::{Grant, grant_device, grant_service};
pub use ironroot_profile::Limits;
pub use lifecycle::{Event, Lifecycle, NotAllowed, NotReleased, print_table, release, transition};
pub use standing::{QuarantineReason, Standing, Tier};
