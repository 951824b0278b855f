//! How a device talks with the hub: EST over HTTPS, and MQTT, both over TLS with the device's certificate.
//!
//! Stage: collect and enforce; the agent and simulated devices speak through it.
//! Never: keeps a key or a certificate on disk, decides when to connect or to try again, or looks a name up.
//! To add a protocol: a file that speaks it over a stream that [`connect`] has made.

mod connect;
mod est;
mod http;
mod session;
mod trust;

pub use connect::{NotConnected, connect};
pub use est::{Applicant, Credentials, EstRefused, Issued, KeyFailed, Server, fresh_key};
pub use http::{Answer, Call, Http, HttpFailed};
pub use session::{Admitted, Flow, Opening, Outbox, Session, SessionFailed};
pub use trust::{BadIdentity, BadTrust, Identity, KeyExchange, Trust};
