//! The hub: one program that collects, decides and enforces for a whole fleet.
//!
//! Modules in the order data flows:
//! - [`collect`]: doors turn bytes of a protocol into what a peer asks for; intake checks who asks and
//!   records the fact.
//! - decide: nothing runs here yet; a Grant follows from its facts in `ironroot-standing`, called by the
//!   registry as it takes an entry in.
//! - [`enforce`]: carries out: issues certificates, lets peers in or not, grows the journal's tree.
//! - [`wiring`] builds all of it from [`settings`] and is the only place that knows them all.
//!
//! Invariants: a fact is durable before anybody is told of it; a Grant that shrinks does not wait for the
//! journal; nothing on a hot path waits for the database; a peer is told a class and a reference, never a
//! cause.

pub mod backup;
pub mod ca;
pub mod clock;
pub mod collect;
pub mod demonstration;
pub mod drain;
pub mod enforce;
pub mod fault;
pub mod files;
pub mod journal;
pub mod keys;
pub mod ledger;
pub mod migrate;
pub mod ops;
pub mod outside;
pub mod sampling;
pub mod settings;
pub mod storage;
pub mod supervisor;
pub mod upkeep;
pub mod wiring;
