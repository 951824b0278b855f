//! What goes to the client: messages that wait in its queue, and retained messages for its new subscriptions.

use ironroot_mqtt::{PacketId, Qos, TopicFilter};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;
use smallvec::SmallVec;

use super::open::Open;
use super::publish::may_publish;
use crate::message::{Message, Outgoing};
use crate::refusal::Refusal;
use crate::router::Options;

/// Retained messages taken from the router at once.
const RETAINED_PAGE_MAX: usize = 64;

/// Whether there is more to send as soon as this has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nothing until the session is woken, or something comes from the client.
    Done,
    /// Call again.
    More,
}

/// A subscription whose retained messages have not all been sent.
#[derive(Debug)]
pub(super) struct Replay {
    filter: Box<str>,
    options: Options,
    cursor: Option<Box<str>>,
}

impl Replay {
    pub(super) fn new(filter: &str, options: Options) -> Self {
        Self {
            filter: filter.into(),
            options,
            cursor: None,
        }
    }

    pub(super) fn is_for(&self, filter: &str) -> bool {
        *self.filter == *filter
    }
}

impl Open {
    /// Writes what the client may have now, about `bytes_max` of it; a refusal that comes back is an order to
    /// end the session.
    pub(super) fn write_deliveries(
        &mut self,
        now: UnixTime,
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<Output, Refusal> {
        let mut batch = SmallVec::new();
        let left = self
            .outbox
            .take(self.in_flight.window(), bytes_max, &mut batch);
        if let Some(order) = left.order {
            return Err(order.into());
        }
        for outgoing in &batch {
            self.deliver(outgoing, now, out);
        }
        let replays_go_on = self.replay_page(now, out);
        Ok(if left.more || replays_go_on {
            Output::More
        } else {
            Output::Done
        })
    }

    /// Writes one PUBLISH, unless the Grant withholds it, it has expired, or the client takes none so large.
    fn deliver(&mut self, outgoing: &Outgoing, now: UnixTime, out: &mut Vec<u8>) {
        let message = &*outgoing.message;
        // MQTT 5 section 3.3.2.3.3 [MQTT-3.3.2-5].
        if message.is_expired(now) {
            return;
        }
        if !may_receive(&self.subject, message) {
            self.counters().withheld.add(1);
            return;
        }
        let Ok(packet_id) = self.begin(outgoing.qos) else {
            return;
        };
        match outgoing.encode(
            self.version,
            packet_id,
            self.client.packet_size_max,
            now,
            out,
        ) {
            Ok(packet_len) => {
                self.counters().messages_out.add(1);
                self.counters().bytes_out.add(packet_len);
            }
            // MQTT 5 section 3.1.2.11.4 [MQTT-3.1.2-25]: as if it had been sent.
            Err(_too_large) => {
                self.counters().dropped.add(1);
                if let Some(id) = packet_id {
                    self.in_flight.abandon(id);
                }
            }
        }
    }

    /// The packet identifier for a delivery at `qos`, if that needs one.
    fn begin(&mut self, qos: Qos) -> Result<Option<PacketId>, WindowShut> {
        match qos {
            Qos::AtMostOnce => Ok(None),
            Qos::AtLeastOnce | Qos::ExactlyOnce => {
                self.in_flight.begin().map(Some).ok_or(WindowShut)
            }
        }
    }

    /// Writes the next retained messages of the oldest new subscription; true when there may be more at once.
    fn replay_page(&mut self, now: UnixTime, out: &mut Vec<u8>) -> bool {
        let Some(replay) = self.replays.front() else {
            return false;
        };
        let messages_max = match replay.options.qos {
            Qos::AtMostOnce => RETAINED_PAGE_MAX,
            Qos::AtLeastOnce | Qos::ExactlyOnce => self.in_flight.window().min(RETAINED_PAGE_MAX),
        };
        let (Ok(filter), 1..) = (TopicFilter::parse(&replay.filter), messages_max) else {
            return false;
        };
        let page = self
            .broker
            .router
            .retained(filter, replay.cursor.as_deref(), messages_max, now);
        let options = replay.options;
        match (page.cursor, self.replays.front_mut()) {
            (Some(cursor), Some(replay)) => replay.cursor = Some(cursor),
            (_, _) => drop(self.replays.pop_front()),
        }
        for message in page.messages {
            if !may_still_publish(&message) {
                self.counters().withheld.add(1);
                continue;
            }
            let qos = message.qos().min(options.qos);
            let subscription_ids = options.id.into_iter().collect();
            self.deliver(
                &Outgoing {
                    message,
                    qos,
                    retain: true,
                    subscription_ids,
                },
                now,
                out,
            );
        }
        !self.replays.is_empty()
    }
}

/// No packet identifier is free until the client acknowledges one.
struct WindowShut;

/// The check on every delivery: a right withdrawn after SUBSCRIBE stops the flow.
fn may_receive(subscriber: &Subject, message: &Message) -> bool {
    let id = subscriber.principal().id();
    message
        .topic_name()
        .is_some_and(|topic| subscriber.grant().may_receive(id, topic))
}

/// The check on every retained delivery: what a device in quarantine had published is withheld.
fn may_still_publish(message: &Message) -> bool {
    message
        .topic_name()
        .is_some_and(|topic| may_publish(message.publisher(), topic))
}
