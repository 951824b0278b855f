//! The will: checked when it is registered, and again when it fires.

use std::sync::Arc;

use ironroot_mqtt::{Qos, Version, Will};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;

use super::publish::may_publish;
use super::report;
use crate::broker::Broker;
use crate::message::{Message, Origin};
use crate::refusal::Refusal;

/// Takes a will from a CONNECT, if its topic is granted now.
pub(super) fn register(
    broker: &Broker,
    origin: Origin,
    will: &Will<'_>,
    version: Version,
) -> Result<Box<Message>, Refusal> {
    // MQTT 5 section 3.2.2.3.4 [MQTT-3.2.2-12]. In 3.1.1 there is no way to say it; nobody receives at QoS 2,
    // so nobody can tell the difference.
    if will.qos == Qos::ExactlyOnce && version == Version::V5 {
        return Err(Refusal::WillQos2);
    }
    if will.topic.levels().count() > broker.settings.topic_levels_max {
        return Err(Refusal::TopicTooDeep);
    }
    if !may_publish(&origin.publisher, will.topic) {
        return Err(Refusal::WillNotGranted);
    }
    Message::of_will(origin, will)
        .map(Box::new)
        .map_err(Refusal::from)
}

/// Publishes a will, if its topic is granted at this moment.
pub(super) fn fire(broker: &Broker, subject: &Arc<Subject>, will: Message, now: UnixTime) {
    let granted = will
        .topic_name()
        .is_some_and(|topic| may_publish(subject, topic));
    let fired = if granted {
        broker.publish(will.published_at(now), now).map(drop)
    } else {
        Err(Refusal::WillNotGranted)
    };
    if let Err(refusal) = fired {
        report::will_refused(broker, subject, refusal);
    }
}
