//! How a session ends, and how packets other than deliveries are written to the client.

use std::time::Duration;

use ironroot_mqtt::{Disconnect, DisconnectProperties, Packet, ReasonCode, Version};
use ironroot_time::UnixTime;

use super::open::Open;
use super::state::Parked;
use super::will::DueWill;
use crate::outbox::Order;
use crate::refusal::Refusal;
use crate::shelf::Step;

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The client said goodbye.
    Left,
    /// The client said goodbye and wants its will published.
    LeftWithWill,
    /// The connection is gone without a word.
    Lost,
    /// We end it.
    Refused(Refusal),
}

impl From<Refusal> for Ending {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Order> for Refusal {
    fn from(order: Order) -> Self {
        match order {
            Order::Cut => Self::Cut,
            Order::TakenOver => Self::TakenOver,
            Order::TooSlow => Self::TooSlow,
            Order::ShuttingDown => Self::ShuttingDown,
        }
    }
}

impl Open {
    /// What the client's DISCONNECT means (MQTT 5 section 3.14).
    pub(super) fn leave(&mut self, disconnect: &Disconnect<'_>) -> Ending {
        if let Some(asked_for_s) = disconnect.properties.session_expiry_s {
            // MQTT 5 section 3.14.2.2.2.
            if asked_for_s > 0 && self.client.session_expiry.is_zero() {
                return Refusal::SessionExpiryRaised.into();
            }
            let session_expiry_s = asked_for_s.min(self.broker.settings.session_expiry_max_s);
            self.client.session_expiry = Duration::from_secs(session_expiry_s.into());
        }
        // MQTT 5 section 3.14.4 [MQTT-3.14.4-3]: only the normal end takes the will back.
        if disconnect.reason == ReasonCode::Success {
            Ending::Left
        } else {
            Ending::LeftWithWill
        }
    }

    /// Takes the client out of the broker, or the whole session if that ends now; writes the farewell to `out` and
    /// publishes the will, unless that waits.
    pub(super) fn close(self, ending: Ending, now: UnixTime, out: &mut Vec<u8>) {
        if let (Ending::Refused(refusal), Version::V5) = (ending, self.version) {
            self.send_disconnect(refusal, out);
        }
        let Self {
            broker,
            subject,
            state,
            will,
            client,
            ..
        } = self;
        let will = will.filter(|_| ending != Ending::Left);
        let (outbox, principal) = (state.outbox.clone(), subject.principal());
        if client.session_expiry.is_zero() {
            broker.sessions.leave(principal, &outbox, None);
            let ended = state.end(&broker);
            if let Some(will) = will {
                will.fire_after(ended, &broker, now);
            }
            return;
        }
        let (later, at_once) = match will {
            Some(will) if !will.delay().is_zero() => {
                let at = now.plus(will.delay());
                (Some(DueWill { will, at }), None)
            }
            will => (None, will),
        };
        let parked = Parked {
            state,
            expires: now.plus(client.session_expiry),
            will: later,
        };
        // Before another connection can go on with the session.
        let noted = broker.shelf.as_ref().map(|shelf| {
            shelf.note(Step::Park {
                session: outbox.number().0,
                expires: parked.expires,
                will_at: parked.will.as_ref().map(|will| will.at),
            })
        });
        let not_kept = broker
            .sessions
            .leave(principal, &outbox, Some(Box::new(parked)));
        if let Some(parked) = not_kept {
            parked.end(&broker, now);
        }
        if let Some(will) = at_once {
            will.fire_after(noted, &broker, now);
        }
    }

    fn send_disconnect(&self, refusal: Refusal, out: &mut Vec<u8>) {
        let words = refusal.to_string();
        let with = |reason, reason_string| {
            let properties = DisconnectProperties {
                reason_string,
                ..DisconnectProperties::default()
            };
            Packet::Disconnect(Disconnect { reason, properties })
        };
        let (reason, other) = (refusal.reason(), ReasonCode::UnspecifiedError);
        let packets = [
            with(reason, Some(&words)),
            with(reason, None),
            with(other, None),
        ];
        self.send_first_that_fits(packets, out);
    }

    /// Writes the first of the packets that the client takes by its size.
    pub(super) fn send_first_that_fits<const N: usize>(
        &self,
        packets: [Packet<'_>; N],
        out: &mut Vec<u8>,
    ) {
        for packet in packets {
            if self.send(&packet, out) {
                return;
            }
        }
    }

    /// Writes a packet to the end of `out`; false when the client takes none of this size
    /// (MQTT 5 section 3.1.2.11.4 [MQTT-3.1.2-24]).
    pub(super) fn send(&self, packet: &Packet<'_>, out: &mut Vec<u8>) -> bool {
        let sent = encode(packet, self.version, self.client.packet_size_max, out);
        self.counters().bytes_out.add(sent.unwrap_or(0));
        sent.is_some()
    }
}

/// Writes `packet` to the end of `out`, if it is at most `packet_size_max` long; says how long it is.
pub(super) fn encode(
    packet: &Packet<'_>,
    version: Version,
    packet_size_max: usize,
    out: &mut Vec<u8>,
) -> Option<usize> {
    let packet_len = packet
        .encoded_len(version)
        .ok()
        .filter(|len| *len <= packet_size_max)?;
    let start = out.len();
    out.resize(start + packet_len, 0);
    packet.encode(version, &mut out[start..]).ok()
}
