//! Enforce: carries out what was decided, and never chooses.

pub mod activation;
pub mod anchors;
pub mod archive;
pub mod ca_token;
pub mod certificates;
pub mod log_key;
pub mod ocsp;
pub mod revocation;
pub mod revocation_lists;
pub mod server_certificate;
pub mod snapshots;
pub mod tree;
pub mod two_places;
