//! The MQTT door over real sockets and real TLS, with our own client and with others'.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says when it was skipped"
)]

mod client;
mod house;

mod attacks;
mod endings;
mod mosquitto;
mod neighbours;
mod sessions;
