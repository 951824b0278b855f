//! The MQTT broker: who may hold a session, what each may publish and receive, and who gets which message.
//!
//! Stage: collect and enforce; every step is allowed or refused by the principal's Grant of that moment.
//! Never: opens a socket, speaks TLS, reads a clock, or decides what a principal may do (that is
//! `decide/standing`). A session knows neither tokio nor TLS; the router knows no packets.
//! To add a check: a variant of [`Refusal`], the check in the one function that gathers those of its packet
//! (`Session::admit`, `accept`, `subscribe`, `deliver`), and a test named for it.
//!
//! Where to find what:
//! - [`Broker`]: what all sessions share; orders from outside arrive here.
//! - [`Session`]: one client, from CONNECT to its end, as a state machine.
//! - `router`: subscriptions and retained messages; `message`: one message, encoded once.
//! - `outbox`: the bounded queue between the two.
//! - [`shelf`]: what outlives the hub.

mod broker;
mod counters;
mod message;
mod outbox;
mod places;
mod rate;
mod refusal;
mod router;
mod session;
mod sessions;
mod settings;
pub mod shelf;
mod sparkplug;
mod topics;

pub use broker::{Broker, BrokerTotals};
pub use counters::CounterValues;
pub use places::{InTwoPlaces, Source, TwoPlaces};
pub use refusal::Refusal;
pub use session::{Output, Peer, Session};
pub use sessions::SessionInfo;
pub use settings::BrokerSettings;
pub use sparkplug::{EdgeDevice, EdgeNode};
