//! What was sent to the client at QoS 1 and 2 and is not settled, and what came from it at QoS 2
//! (MQTT 5 section 4.3).

use std::collections::{BTreeSet, VecDeque};

use ironroot_mqtt::{PacketId, Qos};

use crate::message::Outgoing;
use crate::refusal::Refusal;

/// Room that an idle session keeps.
const IDLE_CAPACITY_MAX: usize = 8;

/// Deliveries in flight, oldest first.
///
/// Identifiers are given out in a circle. So, from the front, they lie in the order of that circle, and a
/// new one can only meet the oldest.
#[derive(Debug)]
pub(crate) struct InFlight {
    flights: VecDeque<Flight>,
    latest: u16,
    count_max: usize,
    /// How many, from the back, have not been sent on this connection yet.
    unsent: usize,
}

#[derive(Debug)]
struct Flight {
    id: PacketId,
    awaits: Awaits,
    /// What is sent again on the next connection, if there may be one.
    delivery: Option<Outgoing>,
}

/// What takes a delivery one step on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaits {
    /// PUBACK.
    Acknowledged,
    /// PUBREC.
    Received,
    /// PUBCOMP.
    Complete,
}

/// Whether the client's packet belongs to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Yes,
    No,
}

/// What is to be sent again to a client that is back.
#[derive(Debug)]
pub(crate) enum Again {
    /// PUBLISH, marked as a duplicate.
    Publish(PacketId, Outgoing),
    /// PUBREL.
    Release(PacketId),
}

impl InFlight {
    /// None in flight, and at most `count_max` at once.
    pub(crate) fn new(count_max: u16) -> Self {
        Self {
            flights: VecDeque::new(),
            latest: 0,
            count_max: count_max.into(),
            unsent: 0,
        }
    }

    /// The client is back: all must be sent again, at most `count_max` at once.
    pub(crate) fn resume(&mut self, count_max: u16) {
        self.count_max = count_max.into();
        self.unsent = self.flights.len();
    }

    /// The next to be sent again, if one may be sent now (MQTT 5 section 4.4).
    pub(crate) fn again(&mut self) -> Option<Again> {
        while self.unsent > 0 {
            let at = self.flights.len() - self.unsent;
            if at >= self.count_max {
                return None;
            }
            self.unsent -= 1;
            let flight = self.flights.get(at)?;
            match (flight.awaits, &flight.delivery) {
                (Awaits::Complete, _) => return Some(Again::Release(flight.id)),
                (Awaits::Acknowledged | Awaits::Received, Some(delivery)) => {
                    return Some(Again::Publish(flight.id, delivery.clone()));
                }
                // It was sent when the session was to end with its connection.
                (Awaits::Acknowledged | Awaits::Received, None) => self.flights.remove(at),
            };
        }
        None
    }

    /// How many more may be sent now; none before all is sent again that must be.
    pub(crate) fn window(&self) -> usize {
        if self.unsent > 0 {
            return 0;
        }
        self.count_max.saturating_sub(self.flights.len())
    }

    /// An identifier for a delivery at `qos`, which needs one; none when the window is shut. `delivery` is what
    /// to keep until it is settled.
    pub(crate) fn begin(&mut self, qos: Qos, delivery: Option<Outgoing>) -> Option<PacketId> {
        if self.window() == 0 {
            return None;
        }
        let mut next = self.latest;
        let mut oldest = self.flights.iter();
        let id = loop {
            next = next.checked_add(1).unwrap_or(1);
            let id = PacketId::new(next)?;
            if oldest.next().map(|flight| flight.id) != Some(id) {
                break id;
            }
        };
        let awaits = match qos {
            Qos::AtMostOnce | Qos::AtLeastOnce => Awaits::Acknowledged,
            Qos::ExactlyOnce => Awaits::Received,
        };
        self.latest = next;
        self.flights.push_back(Flight {
            id,
            awaits,
            delivery,
        });
        Some(id)
    }

    /// Takes back an identifier whose packet was not sent after all, with what was kept for it.
    pub(crate) fn abandon(&mut self, id: PacketId) -> Option<Outgoing> {
        let at = self.find(id)?.0;
        self.settle(at)
    }

    /// PUBACK: the client has the message. An identifier that is not in use is passed over. What was kept for the
    /// delivery comes back.
    ///
    /// # Errors
    /// [`Refusal::QosHandshake`] when the delivery is one of QoS 2.
    pub(crate) fn acknowledge(&mut self, id: PacketId) -> Result<Option<Outgoing>, Refusal> {
        match self.find(id) {
            Some((at, Awaits::Acknowledged)) => Ok(self.settle(at)),
            Some((_, Awaits::Received | Awaits::Complete)) => Err(Refusal::QosHandshake),
            None => Ok(None),
        }
    }

    /// PUBREC: the client has the message, or has refused it, and then nothing follows. What was kept for the
    /// delivery comes back.
    ///
    /// # Errors
    /// [`Refusal::QosHandshake`] when the delivery is one of QoS 1.
    pub(crate) fn receive(
        &mut self,
        id: PacketId,
        refused: bool,
    ) -> Result<(Known, Option<Outgoing>), Refusal> {
        match self.find(id) {
            Some((_, Awaits::Acknowledged)) => Err(Refusal::QosHandshake),
            Some((at, _)) if refused => Ok((Known::Yes, self.settle(at))),
            Some((at, Awaits::Received | Awaits::Complete)) => {
                let kept = self.flights.get_mut(at).and_then(|flight| {
                    flight.awaits = Awaits::Complete;
                    flight.delivery.take()
                });
                Ok((Known::Yes, kept))
            }
            None => Ok((Known::No, None)),
        }
    }

    /// PUBCOMP: the client has forgotten the identifier. One that is not in use is passed over.
    ///
    /// # Errors
    /// [`Refusal::QosHandshake`] when PUBREL was not sent for it.
    pub(crate) fn complete(&mut self, id: PacketId) -> Result<(), Refusal> {
        match self.find(id) {
            Some((at, Awaits::Complete)) => drop(self.settle(at)),
            Some((_, Awaits::Acknowledged | Awaits::Received)) => {
                return Err(Refusal::QosHandshake);
            }
            None => {}
        }
        Ok(())
    }

    fn find(&self, id: PacketId) -> Option<(usize, Awaits)> {
        let at = self.flights.iter().position(|flight| flight.id == id)?;
        self.flights.get(at).map(|flight| (at, flight.awaits))
    }

    fn settle(&mut self, at: usize) -> Option<Outgoing> {
        let sent = self.flights.len() - self.unsent;
        let flight = self.flights.remove(at)?;
        self.unsent -= usize::from(at >= sent);
        if self.flights.is_empty() && self.flights.capacity() > IDLE_CAPACITY_MAX {
            self.flights = VecDeque::new();
        }
        flight.delivery
    }
}

/// The messages of QoS 2 that came and whose PUBREL has not: their identifiers are in use.
#[derive(Debug, Default)]
pub(crate) struct Received(BTreeSet<PacketId>);

impl Received {
    /// Whether the message with this identifier was taken already.
    pub(crate) fn has(&self, id: PacketId) -> bool {
        self.0.contains(&id)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The message with this identifier is taken, and will not be again.
    pub(crate) fn keep(&mut self, id: PacketId) {
        self.0.insert(id);
    }

    /// PUBREL: the identifier is free.
    pub(crate) fn release(&mut self, id: PacketId) -> Known {
        if self.0.remove(&id) {
            Known::Yes
        } else {
            Known::No
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QOS1: Qos = Qos::AtLeastOnce;
    const QOS2: Qos = Qos::ExactlyOnce;

    fn receive(in_flight: &mut InFlight, id: PacketId, refused: bool) -> Result<Known, Refusal> {
        in_flight.receive(id, refused).map(|(known, _)| known)
    }

    #[test]
    fn the_window_shuts_and_opens_with_each_acknowledgement() {
        let mut in_flight = InFlight::new(2);
        let (first, second) = (
            in_flight.begin(QOS1, None).unwrap(),
            in_flight.begin(QOS1, None).unwrap(),
        );
        assert_eq!(in_flight.begin(QOS1, None), None);
        in_flight.acknowledge(second).unwrap();
        assert_eq!(in_flight.window(), 1);
        assert_eq!(in_flight.begin(QOS1, None).map(PacketId::get), Some(3));
        in_flight.acknowledge(first).unwrap();
        in_flight.acknowledge(first).unwrap();
        assert_eq!(in_flight.window(), 1);
    }

    #[test]
    fn a_delivery_of_qos_2_holds_its_place_until_it_is_complete() {
        let mut in_flight = InFlight::new(1);
        let id = in_flight.begin(QOS2, None).unwrap();
        assert_eq!(in_flight.complete(id), Err(Refusal::QosHandshake));
        assert_eq!(in_flight.acknowledge(id).err(), Some(Refusal::QosHandshake));
        assert_eq!(receive(&mut in_flight, id, false), Ok(Known::Yes));
        assert_eq!(in_flight.window(), 0);
        assert_eq!(
            receive(&mut in_flight, id, false),
            Ok(Known::Yes),
            "sent again"
        );
        in_flight.complete(id).unwrap();
        assert_eq!(in_flight.window(), 1);
        assert_eq!(receive(&mut in_flight, id, false), Ok(Known::No));
    }

    #[test]
    fn a_delivery_of_qos_2_that_the_client_refuses_is_settled() {
        let mut in_flight = InFlight::new(1);
        let id = in_flight.begin(QOS2, None).unwrap();
        assert_eq!(receive(&mut in_flight, id, true), Ok(Known::Yes));
        assert_eq!(in_flight.window(), 1);
        let id = in_flight.begin(QOS1, None).unwrap();
        assert_eq!(
            receive(&mut in_flight, id, false),
            Err(Refusal::QosHandshake)
        );
    }

    #[test]
    fn an_identifier_in_use_is_passed_over_when_the_circle_closes() {
        let mut in_flight = InFlight::new(8);
        let held: Vec<_> = (0..3).filter_map(|_| in_flight.begin(QOS1, None)).collect();
        for _ in 0..3 * usize::from(u16::MAX) {
            let id = in_flight.begin(QOS1, None).unwrap();
            assert!(!held.contains(&id));
            in_flight.acknowledge(id).unwrap();
        }
    }

    #[test]
    fn an_identifier_that_was_not_sent_is_free_again() {
        let mut in_flight = InFlight::new(1);
        let id = in_flight.begin(QOS1, None).unwrap();
        in_flight.abandon(id);
        assert_eq!(in_flight.window(), 1);
    }
}
