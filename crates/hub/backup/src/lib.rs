//! What a backup is: one file with everything that a hub cannot make again, and how it proves itself.
//!
//! Stage: none of the three; it keeps what they have, for the day on which the machine is gone.
//! Never: holds a key that opens anything, opens a database or a socket, or puts anything in its place.
//! To add something to a backup: a file of the data folder needs nothing here; a new kind of member is
//! a variant of `Stage` and the arm of `read.rs` that takes it, under a new [`FORMAT`].
//!
//! A backup is a tar archive compressed with zstd. Its members, in this order:
//!
//! | member | what it is |
//! |---|---|
//! | `backup.json` | the format, and the moment that the rest is of |
//! | `files/…` | files of the data folder, keys sealed as they lie there |
//! | `secrets/…` | the keyring, sealed under the sealing key |
//! | `payloads/…` | what entries name by digest |
//! | `entries/…` | the journal, in the form of C2SP entry bundles; each is named for its first entry |
//! | `checkpoint` | the journal's root over exactly these entries, signed with the log's key |
//! | `SHA256SUMS` | the digest of each member above, as `sha256sum -c` reads it |
//! | `manifest` | the digest of `SHA256SUMS`, signed with the log's key; the last member |
//!
//! Without a manifest a backup was not written to its end. `tar --zstd -xf` opens it anywhere.

mod format;
mod read;
mod write;

pub use format::{FORMAT, Info};
pub use read::{BadBackup, Item, KeyHolder, Taker, Verified, read};
pub use write::{Contents, NotMade, Pace, write};

/// A file of the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedFile {
    /// Where it lies below the data folder: plain names with `/` between them.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}
