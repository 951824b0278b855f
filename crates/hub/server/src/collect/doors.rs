//! The doors, one file per protocol. A door knows its protocol and nothing of what is asked through it.

pub mod accept;
pub mod admission;
pub mod api;
pub mod console;
pub mod est;
pub mod http;
pub mod mqtt;
pub mod pki;
pub mod proxy;
