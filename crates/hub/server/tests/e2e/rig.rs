//! What every test stands on: a hub in a folder of its own, and the programs of others that talk with it.
//!
//! Nothing here sleeps: a test waits for what a program says, or asks again, and each wait has a bound.

mod account;
mod agent;
mod api;
mod application;
mod cable;
mod curl;
mod hub;
mod identity;
mod mosquitto;
mod openssl;
mod paho;
mod place;
mod program;
mod running;
mod small_disk;
mod socket;
mod softhsm;
mod swtpm;
mod talker;
mod tmux;
mod unit;

use std::time::Duration;

pub(crate) use account::Account;
pub(crate) use agent::{Agent, as_pkcs8};
pub(crate) use api::Api;
pub(crate) use application::Application;
pub(crate) use cable::Cable;
pub(crate) use curl::{Answer, Curl};
pub(crate) use hub::{Hub, InsideHub, up, up_args, up_at};
pub(crate) use identity::Identity;
pub(crate) use mosquitto::Mosquitto;
pub(crate) use openssl::{MakersCa, openssl, word};
pub(crate) use paho::{edge_node, paho, stays_subscribed};
pub(crate) use place::{IRONROOT, Place};
pub(crate) use program::program;
pub(crate) use running::{Running, Said};
pub(crate) use small_disk::SmallDisk;
pub(crate) use socket::{Socket, Wire};
pub(crate) use softhsm::{MODULE, SoftHsm};
pub(crate) use swtpm::SwTpm;
pub(crate) use talker::RoundTrips;
pub(crate) use tmux::Terminal;
pub(crate) use unit::{systemd_accepts, unit};

/// So that a test that would hang fails; nothing here takes a tenth of it, unless the machine is very busy.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(90);

/// Asks again and again until `found` gives something; a wait that never ends fails the test.
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(began.elapsed() < LONGEST_WAIT, "never: {what}");
        std::thread::yield_now();
    }
}
