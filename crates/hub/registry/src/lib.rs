//! What the hub knows: the facts its journal keeps, the rows they add up to, and the same in memory.
//!
//! Stage: between decide and enforce. [`Fact`] is what is appended, [`Fold`] turns facts into rows (when
//! they are committed, and again when the state is rebuilt), [`Registry`] keeps the rows in memory with a
//! live Grant for every [`Subject`], and tells a [`Watcher`] when one changes.
//! Never: opens a store, a socket or a file, or decides what a Standing is worth (`decide/standing` does).
//! To add a kind of fact: a struct with its sentence and its fold in the file of its subject under `fact/`, and its
//! name in the table in `fact.rs`.

mod fact;
mod fold;
mod live;
mod revoked;
mod row;
mod subject;

pub use fact::*;
pub use fold::{Fold, Refused};
pub use live::{CertificateStanding, Device, KnownCertificate, Profile, Registry, Service};
pub use revoked::RevokedCertificate;
pub use row::{
    CertificateRow, DeviceRow, FoldRow, InTwoPlacesRow, IssuingCaRow, ManufacturerRow, ProfileRow,
    ReasonRow, RevokedRow, Row, SegmentRow, ServiceRow, TIMELINE, TokenRow, ViewRow,
    timeline_index, timeline_key,
};
pub use subject::{Subject, Watcher};
