//! Simulated devices: they enrol by EST, hold MQTT sessions over mutual TLS, publish, and are cut off,
//! over real sockets, up to ten thousand in one process.
//!
//! Stage: outside all three; this is what the hub's doors meet. `ironroot sim` is [`SimCommand`],
//! `ironroot up --demo` plays [`demo`], and benchmarks call [`scenario`].
//! Never: talks to another machine, keeps a device's key after it ends, or takes a shortcut into the hub.
//! To add a scenario: a file in `scenario` with its plan and its report, its arguments in `command`. To add a
//! scene to the demonstration: a file in `demo/scene`, a variant of [`demo::Scene`].

pub mod api;
pub mod command;
pub mod demo;
pub mod est;
pub mod fleet;
pub mod hub;
pub mod limits;
mod mqtt;
pub mod process;
pub mod scenario;
pub mod tls;

pub use command::SimCommand;
