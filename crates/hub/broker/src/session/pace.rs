//! What comes of too much: a packet waits, is dropped, has the session held, or ends it.

use std::time::Duration;

use ironroot_mqtt::{Packet, Qos};
use ironroot_time::UnixTime;

use super::open::{Handled, Open};
use super::report;
use crate::rate::Excess;
use crate::refusal::Refusal;

impl Open {
    /// Whether a packet of so many bytes comes too fast to be handled now; then says what became of it.
    ///
    /// What is acknowledged waits, and all behind it: its sender finds out by itself. QoS 0 is dropped.
    pub(super) fn throttle(
        &mut self,
        packet: &Packet<'_>,
        bytes: usize,
        now: UnixTime,
    ) -> Result<Option<Handled>, Refusal> {
        if !self.is_paced(packet) {
            return Ok(None);
        }
        let taken = self.pace.take(self.subject.grant().limits(), bytes, now);
        let Err(wait) = taken else {
            return Ok(None);
        };
        self.counters().throttled.add(1);
        match packet {
            Packet::Publish(publish) if publish.delivery.qos() == Qos::AtMostOnce => {
                // The next PUBLISH may go without the topic.
                self.client_aliases.learn(publish)?;
                report::packet_refused(self.counters(), &self.subject, Refusal::RateExceeded);
                self.exceed(Refusal::Flooding, (1, bytes), now)?;
                Ok(Some(Handled::Done))
            }
            _ => {
                self.pause(now.plus(wait), None);
                Ok(Some(Handled::Later))
            }
        }
    }

    /// Notes that something was refused because it was too much, which weighs as so many messages and bytes;
    /// `at_last` ends the session that goes on so.
    pub(super) fn exceed(
        &mut self,
        at_last: Refusal,
        weight: (u32, usize),
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let settings = &self.broker.settings;
        let hold = Duration::from_millis(settings.hold_ms);
        let bound = (hold, settings.holds_max);
        let excess = self
            .pace
            .exceed(self.subject.grant().limits(), weight, bound, now);
        match excess {
            Excess::Borne => Ok(()),
            Excess::Hold => {
                self.counters().held.add(1);
                report::held(&self.subject, hold);
                self.pause(now.plus(hold), None);
                Ok(())
            }
            Excess::End => Err(at_last),
        }
    }

    /// Whether the packet is one that a client sends of its own accord, and as often as it likes.
    fn is_paced(&self, packet: &Packet<'_>) -> bool {
        match packet {
            Packet::Publish(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq => true,
            // The next step of a message that was counted, unless it is of none.
            Packet::PubRel(release) => !self.state.received.has(release.packet_id),
            _ => false,
        }
    }
}
