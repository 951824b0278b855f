//! What goes to the client: messages that wait in its queue, and retained messages for its new subscriptions.

use ironroot_mqtt::{Ack, Packet, Qos, ReasonCode, TopicFilter, Version};
use ironroot_time::UnixTime;
use smallvec::SmallVec;

use super::in_flight::{Again, Moved};
use super::open::Open;
use super::publish::may_publish;
use crate::message::{Head, Message, Outgoing, Written};
use crate::outbox::Wanted;
use crate::refusal::Refusal;
use crate::router::Options;
use crate::shelf::Step;

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
        // What is taken now would only wait for the disk, and the gate wakes the session when some of it may leave.
        if self.gate.is_full() {
            self.gathers_until = None;
            let order = self.state.outbox.order_waiting();
            return order.map_or(Ok(Output::Done), |order| Err(order.into()));
        }
        self.send_again(now, out.len() + bytes_max, out);
        let wanted = Wanted {
            window: self.state.in_flight.window(),
            bytes_max,
            gather: self.broker.settings.gather().filter(|_| self.only_listens),
        };
        let mut batch = SmallVec::new();
        let left = self.state.outbox.take(wanted, now, &mut batch);
        self.gathers_until = left.gathers_until;
        self.only_listens |= !batch.is_empty();
        if let Some(order) = left.order {
            return Err(order.into());
        }
        for outgoing in batch {
            let kept = left.kept && outgoing.number > 0;
            self.deliver(outgoing, kept, now, out);
        }
        let replays_go_on = self.replay_page(now, out);
        Ok(
            if left.more || replays_go_on || self.state.in_flight.has_more_again() {
                Output::More
            } else {
                Output::Done
            },
        )
    }

    /// Writes what a client that is back must get again (MQTT 5 section 4.4 [MQTT-4.4.0-1]).
    fn send_again(&mut self, now: UnixTime, len_max: usize, out: &mut Vec<u8>) {
        while out.len() < len_max
            && let Some(again) = self.state.in_flight.again()
        {
            match again {
                Again::Release(packet_id) => {
                    self.send(&Packet::PubRel(Ack::success(packet_id)), out);
                }
                Again::Publish(packet_id, outgoing) => {
                    let head = Head {
                        version: self.version,
                        packet_id: Some(packet_id),
                        topic: Written::Name,
                        dup: true,
                    };
                    if !self.may_deliver(&outgoing.message)
                        || !self.write(&outgoing, head, now, out)
                    {
                        let moved = self.state.in_flight.abandon(packet_id);
                        self.settle(moved);
                    }
                }
            }
        }
    }

    /// Writes one PUBLISH, unless the Grant withholds it, it has expired, or the client takes none so large.
    /// Where it is `kept`, it is sent again until the client has it.
    fn deliver(&mut self, outgoing: Outgoing, kept: bool, now: UnixTime, out: &mut Vec<u8>) {
        // MQTT 5 section 3.3.2.3.3 [MQTT-3.3.2-5].
        if outgoing.message.is_expired(now) || !self.may_deliver(&outgoing.message) {
            self.settle_unsent(kept.then_some(outgoing));
            return;
        }
        let packet_id = match outgoing.qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce | Qos::ExactlyOnce => {
                let Some(begun) = self.state.in_flight.begin(&outgoing, kept) else {
                    self.settle_unsent(kept.then_some(outgoing));
                    return;
                };
                self.note_if(kept, |session| Step::Send {
                    session,
                    delivery: outgoing.number,
                    place: begun.place,
                });
                Some(begun.packet_id)
            }
        };
        let head = Head {
            version: self.version,
            packet_id,
            topic: self.own_aliases.write(outgoing.message.topic()),
            dup: false,
        };
        if !self.write(&outgoing, head, now, out)
            && let Some(id) = packet_id
        {
            let moved = self.state.in_flight.abandon(id);
            self.settle(moved);
        }
    }

    /// Whether the Grant lets the client have the message: a right withdrawn after SUBSCRIBE stops the flow.
    fn may_deliver(&self, message: &Message) -> bool {
        let may = message.may_reach(&self.subject);
        if !may {
            self.counters().withheld.add(1);
        }
        may
    }

    /// Writes one PUBLISH; false when the client takes none so large.
    fn write(&mut self, outgoing: &Outgoing, head: Head, now: UnixTime, out: &mut Vec<u8>) -> bool {
        let Ok(packet_len) = outgoing.encode(head, self.client.packet_size_max, now, out) else {
            // MQTT 5 section 3.1.2.11.4 [MQTT-3.1.2-25]: as if it had been sent.
            self.counters().dropped.add(1);
            return false;
        };
        self.counters().messages_out.add(1);
        self.counters().bytes_out.add(packet_len);
        if let Written::NameAndNumber(number) = head.topic {
            self.own_aliases.keep(outgoing.message.topic(), number);
        }
        true
    }

    /// A delivery is done with, which may have been kept.
    pub(super) fn settle(&mut self, moved: Option<Moved>) {
        let Some(Moved { number, kept }) = moved else {
            return;
        };
        if let Some(kept) = kept {
            self.state.outbox.settle(&kept);
        }
        if number > 0 {
            self.gate.note_aside(Step::Settle {
                session: self.state.outbox.number().0,
                delivery: number,
            });
        }
    }

    /// The same of one that had not begun.
    fn settle_unsent(&mut self, kept: Option<Outgoing>) {
        self.settle(kept.map(|kept| Moved {
            number: kept.number,
            kept: Some(kept),
        }));
    }

    /// Notes a step of a session that outlives the hub; what is answered rests on it.
    pub(super) fn note_if(&mut self, outlives: bool, step: impl FnOnce(u64) -> Step) {
        if outlives {
            self.gate.note(step(self.state.outbox.number().0));
        }
    }

    /// PUBREC: the client has the message, and is told to forget its identifier (MQTT 5 section 4.3.3).
    pub(super) fn handle_received(
        &mut self,
        received: &Ack<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let (in_flight, id) = (&mut self.state.in_flight, received.packet_id);
        if received.reason.is_failure() {
            let moved = in_flight.refuse(id)?;
            self.settle(moved);
            return Ok(());
        }
        let reason = match (in_flight.receive(id)?, self.version) {
            (Some(moved), _) => {
                if let Some(kept) = moved.kept {
                    self.state.outbox.settle(&kept);
                }
                self.note_if(moved.number > 0, |session| Step::Release {
                    session,
                    delivery: moved.number,
                });
                ReasonCode::Success
            }
            (None, Version::V5) => ReasonCode::PacketIdentifierNotFound,
            (None, Version::V311) => ReasonCode::Success,
        };
        let answer = Ack {
            reason,
            ..Ack::success(received.packet_id)
        };
        self.send(&Packet::PubRel(answer), out);
        Ok(())
    }

    /// Writes the next retained messages of the oldest new subscription; true when there may be more at once.
    fn replay_page(&mut self, now: UnixTime, out: &mut Vec<u8>) -> bool {
        let Some(replay) = self.state.replays.front() else {
            return false;
        };
        let messages_max = match replay.options.qos {
            Qos::AtMostOnce => RETAINED_PAGE_MAX,
            Qos::AtLeastOnce | Qos::ExactlyOnce => {
                self.state.in_flight.window().min(RETAINED_PAGE_MAX)
            }
        };
        let (Ok(filter), 1..) = (TopicFilter::parse(&replay.filter), messages_max) else {
            return false;
        };
        let page = self
            .broker
            .router
            .retained(filter, replay.cursor.as_deref(), messages_max, now);
        let options = replay.options;
        match (page.cursor, self.state.replays.front_mut()) {
            (Some(cursor), Some(replay)) => replay.cursor = Some(cursor),
            (_, _) => drop(self.state.replays.pop_front()),
        }
        for message in page.messages {
            if !may_still_publish(&message) {
                self.counters().withheld.add(1);
                continue;
            }
            let qos = message.qos().min(options.qos);
            let subscription_ids = options.id.into_iter().collect();
            let mut outgoing = Outgoing {
                message,
                qos,
                retain: true,
                subscription_ids,
                number: 0,
            };
            let kept = self.state.outbox.keep(&mut outgoing);
            self.deliver(outgoing, kept, now, out);
        }
        !self.state.replays.is_empty()
    }
}

/// The check on every retained delivery: what a device in quarantine had published is withheld.
fn may_still_publish(message: &Message) -> bool {
    message
        .topic_name()
        .is_some_and(|topic| may_publish(message.publisher(), topic))
}
