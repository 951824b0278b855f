//! The whole crate against OpenSSL: chains, requests, EST bodies and handshakes.
//!
//! OpenSSL is on every machine, so nothing here is skipped.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attacks;
mod authority;
mod crl;
mod doors;
mod est;
mod fixture;
mod handshakes;
mod key_generation;
mod ocsp;
mod requests;
mod tool;
