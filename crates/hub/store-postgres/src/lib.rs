//! The store in a PostgreSQL database: for a fleet whose database is somebody's job already.
//!
//! Stage: all three of the hub, behind the traits of `hub/store`.
//! Never: acknowledges what is not durable, writes without holding the pen, or knows a kind of entry.
//! To add a question: a method of `Store`, its SQL in `reading.rs`, a test in `hub/suites`.
//!
//! - **Durable** is PostgreSQL's own `synchronous_commit=on`, set by us in each session; a server that
//!   runs with `fsync=off` is refused. A batch of up to [`BATCH_MAX`](ironroot_store::BATCH_MAX)
//!   changes is one statement, one round trip and one transaction.
//! - **One writer**: who holds the pen holds an advisory lock for as long as its session lives, and an
//!   epoch that every statement checks as it writes. Decision 0005 says how a hub takes over.
//! - **In doubt**: a statement whose connection broke is looked for under the next connection, by the
//!   number of its batch, before anything else is written or acknowledged.
//! - **Rows** come in the order of the bytes of their keys, as in every backend.
//! - **Erased** means deleted: old versions stay in the files until `VACUUM` reuses their room, and
//!   write-ahead log archives, replicas and backups keep what they have.
//! - **The schema** has a version; a database of a newer program is refused.

mod cache;
mod dumping;
mod error;
mod io;
mod loading;
mod passfile;
mod pen;
mod readers;
mod reading;
mod replaying;
mod schema;
mod seat;
mod session;
mod settings;
mod store;
mod url;
mod writing;

pub use error::{DatabaseError, OpenError};
pub use loading::PostgresLoader;
pub use passfile::NoPassword;
pub use reading::PostgresJournal;
pub use settings::Settings;
pub use store::PostgresStore;
pub use url::{BadUrl, PostgresUrl};
