//! PUBLISH from the client: may it, is there room, and who is told.

use std::sync::Arc;

use ironroot_mqtt::{
    Ack, AckProperties, Delivery, Packet, Publish, Qos, ReasonCode, TopicName, Version,
};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;

use super::in_flight::Known;
use super::open::{Open, Reasons};
use super::report;
use crate::message::{Message, Origin};
use crate::refusal::Refusal;
use crate::router::Routed;
use crate::shelf::Step;

/// As how many messages a topic weighs that is one too many.
const TOPIC_WEIGHT: u32 = 10;

impl Open {
    /// Publishes, or refuses in the way that the QoS and the version have for it. A refusal that comes back
    /// ends the session.
    pub(super) fn handle_publish(
        &mut self,
        publish: &Publish<'_>,
        now: UnixTime,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        self.only_listens = false;
        self.client_aliases.learn(publish)?;
        let topic = self.client_aliases.topic(publish)?;
        if let Delivery::ExactlyOnce { packet_id, .. } = publish.delivery {
            // MQTT 5 section 4.3.3: it was taken before, and only the answer was lost.
            if self.state.received.has(packet_id) {
                self.send(&Packet::PubRec(Ack::success(packet_id)), out);
                return Ok(());
            }
            // MQTT 5 section 3.3.4 [MQTT-3.3.4-9]; 3.1.1 is bounded by its identifiers.
            let in_flight_max = usize::from(self.broker.settings.in_flight_max);
            if self.version == Version::V5 && self.state.received.count() >= in_flight_max {
                return Err(Refusal::ReceiveMaximum);
            }
        }
        let topics_max = self.subject.grant().limits().topics_max.into();
        let of_the_day = &self.state.outbox.counters().topics;
        let accepted = if !may_publish(&self.subject, topic) {
            Err(Refusal::PublishNotGranted)
        } else if !self
            .topics
            .admit(topic.as_str(), topics_max, of_the_day, now)
        {
            Err(Refusal::TooManyTopics)
        } else {
            self.accept(topic, publish, now)
        };
        match accepted {
            Ok(routed) => self.acknowledge(publish, routed, now, out),
            Err(refusal) => {
                self.refuse_publish(refusal, publish, out)?;
                if refusal == Refusal::TooManyTopics {
                    self.exceed(refusal, (TOPIC_WEIGHT, 0), now)?;
                }
            }
        }
        Ok(())
    }

    /// PUBREL: the client will not send the message again (MQTT 5 section 4.3.3).
    pub(super) fn handle_release(&mut self, release: &Ack<'_>, out: &mut Vec<u8>) {
        let known = self.state.received.release(release.packet_id);
        let kept = known == Known::Yes && self.state.is_shelved();
        self.note_if(kept, |session| Step::Free {
            session,
            packet_id: release.packet_id.get(),
        });
        let reason = match (known, self.version) {
            (Known::No, Version::V5) => ReasonCode::PacketIdentifierNotFound,
            (Known::Yes | Known::No, Version::V311 | Version::V5) => ReasonCode::Success,
        };
        let answer = Ack {
            reason,
            ..Ack::success(release.packet_id)
        };
        self.send(&Packet::PubComp(answer), out);
    }

    /// Every further check on a message whose topic may be published on; then it is kept and routed.
    fn accept(
        &self,
        topic: TopicName<'_>,
        publish: &Publish<'_>,
        now: UnixTime,
    ) -> Result<Routed, Refusal> {
        if topic.levels().count() > self.broker.settings.topic_levels_max {
            return Err(Refusal::TopicTooDeep);
        }
        if publish.delivery.qos() > Qos::AtMostOnce {
            if self.broker.bounds.hub_is_full() {
                return Err(Refusal::HubFull);
            }
            if self
                .broker
                .shelf
                .as_ref()
                .is_some_and(|shelf| shelf.is_full())
            {
                return Err(Refusal::ShelfFull);
            }
        }
        let origin = Origin {
            publisher: Arc::clone(&self.subject),
            session: self.state.outbox.number(),
            at: now,
        };
        self.broker
            .publish(Message::of_publish(origin, topic, publish)?, now)
    }

    fn acknowledge(
        &mut self,
        publish: &Publish<'_>,
        routed: Routed,
        now: UnixTime,
        out: &mut Vec<u8>,
    ) {
        self.counters().messages_in.add(1);
        self.gate.rest_on(routed.ticket);
        if let Some(packet_id) = publish.delivery.packet_id() {
            // MQTT 5 section 3.4.2.1.
            let reason = match (self.version, routed.subscribers) {
                (Version::V5, 0) => ReasonCode::NoMatchingSubscribers,
                (Version::V5 | Version::V311, _) => ReasonCode::Success,
            };
            let answer = Ack {
                reason,
                ..Ack::success(packet_id)
            };
            if publish.delivery.qos() == Qos::ExactlyOnce {
                self.state.received.keep(packet_id);
                self.note_if(self.state.is_shelved(), |session| Step::Receive {
                    session,
                    packet_id: packet_id.get(),
                });
                self.send(&Packet::PubRec(answer), out);
            } else {
                self.send(&Packet::PubAck(answer), out);
            }
        }
        if routed.congested.is_some() {
            self.pause(now.plus(self.broker.settings.pause_max()), routed.congested);
        }
    }

    /// Refuses one message. At QoS 0 it is only dropped. Else the PUBACK or PUBREC of MQTT 5 says why; 3.1.1 has no
    /// such word, and the connection is closed rather than a message acknowledged that went nowhere
    /// (MQTT 3.1.1 section 3.3.5 [MQTT-3.3.5-2]): the client still has it when it comes back.
    fn refuse_publish(
        &self,
        refusal: Refusal,
        publish: &Publish<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match (publish.delivery, self.version) {
            (Delivery::AtMostOnce, Version::V5 | Version::V311) => {}
            (
                Delivery::AtLeastOnce { packet_id, .. } | Delivery::ExactlyOnce { packet_id, .. },
                Version::V5,
            ) => {
                let exactly_once = publish.delivery.qos() == Qos::ExactlyOnce;
                let words = refusal.to_string();
                // MQTT 5 section 3.1.2.11.7 [MQTT-3.1.2-29].
                let words = (self.client.reasons == Reasons::Wanted).then_some(words.as_str());
                let with = |reason_string| {
                    let properties = AckProperties {
                        reason_string,
                        ..AckProperties::default()
                    };
                    let answer = Ack {
                        packet_id,
                        reason: refusal.reason(),
                        properties,
                    };
                    if exactly_once {
                        Packet::PubRec(answer)
                    } else {
                        Packet::PubAck(answer)
                    }
                };
                self.send_first_that_fits([with(words), with(None)], out);
            }
            (Delivery::AtLeastOnce { .. } | Delivery::ExactlyOnce { .. }, Version::V311) => {
                return Err(refusal);
            }
        }
        report::packet_refused(self.counters(), &self.subject, refusal);
        Ok(())
    }
}

/// Whether `publisher` may publish under `topic` at this moment.
pub(super) fn may_publish(publisher: &Subject, topic: TopicName<'_>) -> bool {
    publisher
        .grant()
        .may_publish(publisher.principal().id(), topic)
}
