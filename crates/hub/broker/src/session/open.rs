//! A session that was let in: what it holds, and which packet goes where.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use ironroot_mqtt::{Frame, Malformed, Packet, Side, Version};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;

use super::alias::{ClientAliases, OwnAliases};
use super::close::Ending;
use super::gate::Gate;
use super::state::SessionState;
use super::will::Will;
use crate::broker::Broker;
use crate::counters::Counters;
use crate::outbox::Outbox;
use crate::rate::Pace;
use crate::refusal::Refusal;
use crate::topics::SessionTopics;

/// A session that was let in.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) broker: Arc<Broker>,
    pub(super) subject: Arc<Subject>,
    pub(super) state: SessionState,
    pub(super) gate: Gate,
    pub(super) version: Version,
    pub(super) client: ClientLimits,
    /// One and a half times the keep-alive; none when the client may be silent for ever.
    pub(super) silence_max: Option<Duration>,
    /// When the client was last heard, or last could have been.
    pub(super) heard: UnixTime,
    pub(super) will: Option<Box<Will>>,
    pub(super) client_aliases: ClientAliases,
    pub(super) own_aliases: OwnAliases,
    pub(super) pace: Pace,
    pub(super) topics: SessionTopics,
    pub(super) pause: Option<Pause>,
    /// Whether the client has published nothing since something was delivered to it: nobody there waits for the
    /// answer to a question.
    pub(super) only_listens: bool,
    /// When to deliver again what comes meanwhile.
    pub(super) gathers_until: Option<UnixTime>,
}

/// What the client takes, as its CONNECT said.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientLimits {
    /// The largest packet, in bytes.
    pub(super) packet_size_max: usize,
    pub(super) reasons: Reasons,
    /// How long the session waits for the client when that has gone (MQTT 5 section 3.1.2.11.2).
    pub(super) session_expiry: Duration,
}

/// Whether the client wants reasons in words (MQTT 5 section 3.1.2.11.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reasons {
    Wanted,
    Unwanted,
}

/// No further packet is handled for now.
#[derive(Debug)]
pub(super) struct Pause {
    until: UnixTime,
    /// The queue that must empty first; none when only time must pass.
    for_room_in: Option<Arc<Outbox>>,
}

/// Whether a pause is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PauseEnd {
    NoPause,
    NotYet,
    Now,
}

/// Whether a packet has been handled, or must wait for the end of a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handled {
    Done,
    Later,
}

impl Open {
    pub(super) fn counters(&self) -> &Counters {
        self.state.outbox.counters()
    }

    /// Handles one packet, unless the session pauses.
    pub(super) fn handle_frame(
        &mut self,
        frame: &Frame<'_>,
        now: UnixTime,
        out: &mut Vec<u8>,
    ) -> Result<Handled, Ending> {
        if self.pause.is_some() {
            return Ok(Handled::Later);
        }
        self.heard = now;
        let packet = Packet::parse(frame, self.version, Side::Client).map_err(Refusal::from)?;
        let handled = match self.throttle(&packet, frame.packet_len(), now)? {
            None => {
                self.handle_packet(&packet, now, out)?;
                Handled::Done
            }
            Some(handled) => handled,
        };
        if handled == Handled::Done {
            self.counters().bytes_in.add(frame.packet_len());
        }
        Ok(handled)
    }

    fn handle_packet(
        &mut self,
        packet: &Packet<'_>,
        now: UnixTime,
        out: &mut Vec<u8>,
    ) -> Result<(), Ending> {
        match packet {
            Packet::Publish(publish) => self.handle_publish(publish, now, out)?,
            Packet::Subscribe(subscribe) => self.handle_subscribe(subscribe, out),
            Packet::Unsubscribe(unsubscribe) => self.handle_unsubscribe(unsubscribe, out),
            Packet::PubAck(ack) => {
                let moved = self.state.in_flight.acknowledge(ack.packet_id)?;
                self.settle(moved);
            }
            Packet::PubRec(received) => self.handle_received(received, out)?,
            Packet::PubRel(release) => self.handle_release(release, out),
            Packet::PubComp(complete) => {
                let moved = self.state.in_flight.complete(complete.packet_id)?;
                self.settle(moved);
            }
            Packet::PingReq => {
                self.send(&Packet::PingResp, out);
            }
            Packet::Disconnect(disconnect) => return Err(self.leave(disconnect)),
            // MQTT 5 section 3.1.0 [MQTT-3.1.0-2].
            Packet::Connect(_) => return Err(Refusal::SecondConnect.into()),
            // MQTT 5 section 4.12.
            Packet::Auth(_) => return Err(Refusal::AuthWithoutMethod.into()),
            Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp => {
                return Err(Refusal::Malformed(Malformed::WrongSide).into());
            }
        }
        Ok(())
    }

    /// Handles no packet until `until`, or until there is room in a queue.
    pub(super) fn pause(&mut self, until: UnixTime, for_room_in: Option<Arc<Outbox>>) {
        self.pause = Some(Pause { until, for_room_in });
    }

    /// Ends the pause if it is time. If not, `waker` is woken as soon as there is room in the queue that is
    /// waited for.
    pub(super) fn end_pause(&mut self, now: UnixTime, waker: &Waker) -> PauseEnd {
        let Some(pause) = &self.pause else {
            // What is taken in now would only be answered later.
            return if self.gate.is_full() {
                PauseEnd::NotYet
            } else {
                PauseEnd::NoPause
            };
        };
        let queue = pause.for_room_in.as_ref();
        if now < pause.until && queue.is_none_or(|outbox| outbox.keeps_waiting(waker)) {
            return PauseEnd::NotYet;
        }
        self.pause = None;
        self.heard = now;
        PauseEnd::Now
    }

    pub(super) fn deadline(&self) -> Option<UnixTime> {
        let listened_to = match &self.pause {
            Some(pause) => Some(pause.until),
            None => self
                .silence_max
                .map(|silence_max| self.heard.plus(silence_max)),
        };
        [listened_to, self.gathers_until]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether the keep-alive has run out; while the session pauses, the client is not listened to.
    pub(super) fn is_silent_too_long(&self, now: UnixTime) -> bool {
        self.pause.is_none()
            && self
                .silence_max
                .is_some_and(|silence_max| now >= self.heard.plus(silence_max))
    }
}
