//! Sessions against a real broker, without sockets: every feature and every refusal, by name.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bench;

mod attacks;
mod bounds;
mod connect;
mod cut;
mod deliver;
mod publish;
mod retained;
mod subscribe;
mod will;
