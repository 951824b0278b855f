//! Who is who: ids of devices and services, and how an identity is written into a certificate.
//!
//! Stage: all three; every program names a peer with these types.
//! Never: reads a certificate (that is `hub/pki`) or judges one.
//! To add a kind of peer: a variant of [`Principal`] with a SAN prefix of its own.
#![no_std]
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

mod certificate;
mod id;
mod principal;
mod revocation;

pub use certificate::{BadSerial, CaNumber, CertificateSerial, Fingerprint};
pub use id::{BadId, DeviceId, ProfileName, ServiceName, ViewName};
pub use principal::{BadUrn, Principal};
pub use revocation::{Revocation, RevocationReason};

/// The largest number of characters in an id.
pub const ID_LENGTH_MAX: usize = 64;
