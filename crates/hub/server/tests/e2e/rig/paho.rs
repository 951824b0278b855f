//! Eclipse Paho's Python client: one that comes back by itself, and remembers its session.

use super::openssl::word;
use super::{Identity, Place, Running, program};

/// Debian's own interpreter, which has the package `python3-paho-mqtt`.
const PYTHON: &str = "/usr/bin/python3";

const SUBSCRIBER: &str = include_str!("paho_subscriber.py");

/// A subscriber that has its subscription, and stays whatever happens to the hub.
pub(crate) fn stays_subscribed(
    place: &Place,
    who: &Identity,
    version: &str,
    (filter, qos): (&str, u8),
) -> Running {
    let mut command = program(PYTHON);
    command.args(["-c", SUBSCRIBER, &place.port("mqtt").to_string()]);
    let (ca, certificate, key) = (place.ca(), who.certificate(), who.key());
    command.args([word(&ca), word(&certificate), word(&key), &who.id]);
    command.args([version, filter, &qos.to_string()]);
    let subscriber = Running::start(&mut command);
    subscriber.says("subscribed");
    subscriber
}
