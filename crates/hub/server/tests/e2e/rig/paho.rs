//! Eclipse Paho's Python client: one that comes back by itself, and remembers its session.

use std::process::Command;

use super::{Identity, Place, Running, program};

/// Debian's own interpreter, which has the package `python3-paho-mqtt`.
const PYTHON: &str = "/usr/bin/python3";

const SUBSCRIBER: &str = include_str!("paho_subscriber.py");

const EDGE_NODE: &str = include_str!("paho_edge_node.py");

/// A program that is given the door's port, the hub's CA, and certificate and key of each of `who`.
pub(crate) fn paho(place: &Place, text: &str, who: &[&Identity]) -> Command {
    let mut command = program(PYTHON);
    command.args(["-c", text, &place.port("mqtt").to_string()]);
    command.arg(place.ca());
    for one in who {
        command.args([one.certificate(), one.key()]);
    }
    command
}

/// A Sparkplug B edge node of this group that was born, with a device `pump`.
pub(crate) fn edge_node(place: &Place, who: &Identity, group: &str) -> Running {
    let mut command = paho(place, EDGE_NODE, &[who]);
    let node = Running::start(command.args([&who.id, group]));
    node.says("born");
    node
}

/// A subscriber that has its subscription, and stays whatever happens to the hub.
pub(crate) fn stays_subscribed(
    place: &Place,
    who: &Identity,
    version: &str,
    (filter, qos): (&str, u8),
) -> Running {
    let mut command = paho(place, SUBSCRIBER, &[who]);
    command.args([&who.id, version, filter, &qos.to_string()]);
    let subscriber = Running::start(&mut command);
    subscriber.says("subscribed");
    subscriber
}
