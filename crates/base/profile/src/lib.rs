//! What a class of devices may do: the `DeviceProfile`, read from TOML.
//!
//! Stage: decide; a profile is one of the facts that a Grant follows from.
//! Never: opens a file, or judges a device.
//! To add a field: the raw struct in `device.rs`, its check beside it, and the three built-in profiles
//! where their value differs from the default.
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

mod built_in;
mod device;
mod topics;

pub use built_in::BUILT_IN;
pub use device::{
    BadProfile, DeviceProfile, EvidenceKind, Limits, PROFILE_SIZE_MAX, ProfileFault, ServerKey,
};
pub use topics::Topics;
