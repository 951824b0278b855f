//! The store in one SQLite file: for a laptop and for a hub of its own.
//!
//! Stage: all three of the hub, behind the traits of `hub/store`.
//! Never: acknowledges what is not durable, writes without holding the pen, or knows a kind of entry.
//! To add a question: a method of `Store`, its SQL in `reading.rs`, a test in `hub/suites`.
//!
//! - **Durable** is `fdatasync` of the write-ahead log before the acknowledgement: journal mode WAL,
//!   `synchronous=FULL`. One writer thread commits all changes that wait, up to
//!   [`BATCH_MAX`](ironroot_store::BATCH_MAX), at once.
//! - **One writer**: a lock on `<file>.lock` keeps a second program out while the first runs, and a
//!   fence counter in the file, raised at each opening and checked in each transaction, stops the
//!   first one where locks fail (network file systems, a deleted lock file).
//! - **Full** is an answer, not an accident: [`Settings::size_max`] bounds the file, and like a full
//!   disk it refuses changes with `Later` until there is room again.
//! - **Erased** means overwritten: `secure_delete` is on, and after an erasure or a shredding the
//!   write-ahead log is folded into the file and cut to nothing. Copies that the file system, the disk
//!   or a backup keeps are beyond it.
//! - **The schema** has a version; a file of a newer program is refused.
//! - **Unfinished** is told from empty: a file that a [`SqliteLoader`] did not fill to the end is refused.

mod dumping;
mod error;
mod loading;
mod lock;
mod open;
mod pen;
mod readers;
mod reading;
mod replaying;
mod schema;
mod settings;
mod store;
mod writing;

pub use error::OpenError;
pub use loading::SqliteLoader;
pub use reading::SqliteJournal;
pub use settings::Settings;
pub use store::SqliteStore;
