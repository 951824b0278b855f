//! The journal as a C2SP tile log on disk: written, checked, and exported entry by entry.
//!
//! Stage: enforce; what the store has committed is put where anybody can check it.
//! Never: signs a tree that its last checkpoint does not lead to, or holds a CA's key.
//! To add a thing to check: a variant of [`Fault`] and the step of `verify.rs` that finds it.
//!
//! The folder is the log: `checkpoint`, `tile/<level>/…` and `tile/entries/…`, as C2SP tlog-tiles
//! names them, ready to be served as it lies. A hub's log can show two histories to two readers as
//! long as nobody outside keeps or cosigns its checkpoints; a witness is what rules that out.

mod chain;
mod error;
mod export;
mod folder;
mod keys;
mod reader;
mod report;
mod verify;
mod writer;

pub use chain::Handover;
pub use error::TreeError;
pub use export::{
    ProofFileRefused, VerifiedEntry, export_entries, export_proof, prove_growth, verify_proof,
};
pub use folder::{LogFiles, LogPlace, read_file};
pub use keys::LogKeys;
pub use reader::{BUNDLES_MAX, LogReader};
pub use report::{FAULTS_MAX, Fault, Report};
pub use verify::verify_tree;
pub use writer::{GROWTH_MAX, TreeWriter, Written};
