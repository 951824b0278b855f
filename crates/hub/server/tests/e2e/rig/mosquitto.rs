//! `mosquitto_pub` and `mosquitto_sub`: MQTT clients by somebody else's hand.

use std::process::{Command, Stdio};

use super::openssl::word;
use super::{Identity, Place, Running, Said, program};

/// A client of one principal, or of nobody.
pub(crate) struct Mosquitto<'a> {
    place: &'a Place,
    who: Option<&'a Identity>,
    version: &'static str,
}

impl<'a> Mosquitto<'a> {
    pub(super) fn new(place: &'a Place, who: Option<&'a Identity>) -> Self {
        Self {
            place,
            who,
            version: "5",
        }
    }

    /// Speaks this version: `311` or `5`, as mosquitto calls them.
    pub(crate) fn speaking(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    /// Publishes one message at QoS 1, so that it is in the hub when this returns.
    pub(crate) fn publishes(&self, topic: &str, payload: &str) -> Said {
        self.publishes_with(topic, payload, &[])
    }

    pub(crate) fn publishes_with(&self, topic: &str, payload: &str, more: &[&str]) -> Said {
        self.publishes_as(topic, &[&["-m", payload], more].concat())
    }

    pub(crate) fn publishes_as(&self, topic: &str, message: &[&str]) -> Said {
        let mut command = self.command("mosquitto_pub");
        Said::of(command.args(["-q", "1", "-t", topic]).args(message))
    }

    /// A publisher that stays and sends each line it hears.
    pub(crate) fn keeps_publishing(&self, topic: &str) -> Running {
        let mut command = self.command("mosquitto_pub");
        command
            .stdin(Stdio::piped())
            .args(["-d", "-q", "1", "-t", topic, "-l"]);
        Running::start(&mut command)
    }

    /// One who publishes a question, and waits for what is published in answer.
    pub(crate) fn asks(&self, topic: &str, question: &str, answer_topic: &str) -> Running {
        let mut command = self.command("mosquitto_rr");
        command.args([
            "-d",
            "-q",
            "1",
            "-t",
            topic,
            "-m",
            question,
            "-e",
            answer_topic,
        ]);
        Running::start(&mut command)
    }

    /// A subscriber that has its subscription.
    pub(crate) fn subscribes(&self, filter: &str) -> Running {
        self.subscribes_with(filter, &[])
    }

    pub(crate) fn subscribes_with(&self, filter: &str, more: &[&str]) -> Running {
        let subscriber = self.tries_to_subscribe(filter, more);
        subscriber.says("Subscribed (mid: 1): 1");
        subscriber
    }

    /// A subscriber that may be refused; it says what becomes of it.
    pub(crate) fn tries_to_subscribe(&self, filter: &str, more: &[&str]) -> Running {
        let mut command = self.command("mosquitto_sub");
        command.args(["-d", "-q", "1", "-t", filter, "-F", "got %t %p"]);
        Running::start(command.args(more))
    }

    fn command(&self, name: &str) -> Command {
        // Its standard output is a pipe, and a line is wanted as soon as it is written.
        let mut command = program("stdbuf");
        command.args(["-oL", name, "--cafile"]).arg(self.place.ca());
        let port = self.place.port("mqtt").to_string();
        command.args(["-V", self.version, "-h", "localhost", "-p", &port]);
        if let Some(who) = self.who {
            let (certificate, key) = (who.certificate(), who.key());
            command.args(["--cert", word(&certificate), "--key", word(&key)]);
            if !who.id.is_empty() {
                command.args(["-i", &who.id]);
            }
        }
        command
    }
}
