//! Sessions against a real broker, without sockets: every feature and every refusal, by name.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bench;

mod alias;
mod attacks;
mod bounds;
mod connect;
mod cut;
mod deliver;
mod exactly_once;
mod gather;
mod pace;
mod places;
mod publish;
mod resume;
mod retained;
mod shared;
mod shelf;
mod sparkplug;
mod subscribe;
mod will;
