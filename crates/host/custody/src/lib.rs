//! Where the hub's secrets lie: sealed in files, under a sealing key whose source is the operator's choice.
//!
//! Stage: none of the three; it keeps what the others sign with.
//! Never: knows what a sealed secret is for, uses async, reads a clock, or puts a secret into an
//! argument, an error or a log line.
//! To add one more: a source of the sealing key is a variant of [`Source`](source::Source), a line in its
//! `FromStr`, and the module that has the key; the compiler lists the rest.

pub mod files;
pub mod folder;
mod passphrase;
mod program;
mod record;
pub mod reseal;
pub mod seal;
pub mod source;
mod tpm;

pub use passphrase::BadPassphrase;
pub use record::{BadRecord, RECORD_FILE, Record, Wrong};
pub use tpm::TpmRefused;
