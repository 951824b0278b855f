//! The will: checked when it is registered, and again when it fires.

use std::time::Duration;

use ironroot_mqtt::Will as Asked;
use ironroot_time::UnixTime;

use super::publish::may_publish;
use super::report;
use crate::broker::Broker;
use crate::message::{Message, Origin};
use crate::outbox::SessionNumber;
use crate::refusal::Refusal;

/// A message to be published when the client is gone.
#[derive(Debug)]
pub(crate) struct Will {
    message: Message,
    delay: Duration,
}

/// A will that fires at its moment, unless the client is back before.
#[derive(Debug)]
pub(crate) struct DueWill {
    pub(crate) will: Box<Will>,
    pub(crate) at: UnixTime,
}

impl Will {
    /// Takes a will from a CONNECT, if its topic is granted now.
    pub(super) fn register(
        broker: &Broker,
        origin: Origin,
        will: &Asked<'_>,
    ) -> Result<Box<Self>, Refusal> {
        if will.topic.levels().count() > broker.settings.topic_levels_max {
            return Err(Refusal::TopicTooDeep);
        }
        if !may_publish(&origin.publisher, will.topic) {
            return Err(Refusal::WillNotGranted);
        }
        Ok(Box::new(Self {
            message: Message::of_will(origin, will)?,
            delay: Duration::from_secs(will.properties.will_delay_s.unwrap_or(0).into()),
        }))
    }

    /// The same will, in a session that was resumed.
    pub(super) fn set_session(&mut self, session: SessionNumber) {
        self.message.set_session(session);
    }

    /// How long the client may be gone before it fires (MQTT 5 section 3.1.3.2.2).
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// Publishes it, if its topic is granted at this moment.
    pub(crate) fn fire(self, broker: &Broker, now: UnixTime) {
        let message = self.message.published_at(now);
        let publisher = message.publisher().clone();
        let granted = message
            .topic_name()
            .is_some_and(|topic| may_publish(&publisher, topic));
        let fired = if granted {
            broker.publish(message, now).map(drop)
        } else {
            Err(Refusal::WillNotGranted)
        };
        if let Err(refusal) = fired {
            report::will_refused(broker, &publisher, refusal);
        }
    }
}
