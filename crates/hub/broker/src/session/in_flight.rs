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
/// Each has a place among all that were sent, and its packet identifier follows from that, in a circle. So a new
/// one can only meet the oldest.
#[derive(Debug)]
pub(crate) struct InFlight {
    flights: VecDeque<Flight>,
    /// The latest place.
    latest: u64,
    count_max: usize,
    /// How many, from the back, have not been sent on this connection yet.
    unsent: usize,
}

#[derive(Debug)]
struct Flight {
    place: u64,
    awaits: Awaits,
    /// Its number in a session that outlives its connection; else 0.
    number: u64,
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

/// A delivery that has come a step further.
#[derive(Debug)]
pub(crate) struct Moved {
    /// Its number in a session that outlives its connection; else 0.
    pub(crate) number: u64,
    /// What was kept for it and is not needed any more.
    pub(crate) kept: Option<Outgoing>,
}

/// A delivery that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) place: u64,
    pub(crate) packet_id: PacketId,
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
                (Awaits::Complete, _) => return Some(Again::Release(flight.packet_id()?)),
                (Awaits::Acknowledged | Awaits::Received, Some(delivery)) => {
                    return Some(Again::Publish(flight.packet_id()?, delivery.clone()));
                }
                // It was sent when the session was to end with its connection.
                (Awaits::Acknowledged | Awaits::Received, None) => self.flights.remove(at),
            };
        }
        None
    }

    /// Whether [`Self::again`] has more to say at once.
    pub(crate) fn has_more_again(&self) -> bool {
        self.unsent > 0 && self.flights.len() - self.unsent < self.count_max
    }

    /// How many more may be sent now; none before all is sent again that must be.
    pub(crate) fn window(&self) -> usize {
        if self.unsent > 0 {
            return 0;
        }
        self.count_max.saturating_sub(self.flights.len())
    }

    /// Begins a delivery; none when the window is shut. Where it is `kept`, it is sent again until it is settled.
    pub(crate) fn begin(&mut self, delivery: &Outgoing, kept: bool) -> Option<Begun> {
        if self.window() == 0 {
            return None;
        }
        let mut oldest = self.flights.iter();
        let begun = loop {
            self.latest += 1;
            let packet_id = packet_id(self.latest)?;
            if oldest.next().and_then(Flight::packet_id) != Some(packet_id) {
                break Begun {
                    place: self.latest,
                    packet_id,
                };
            }
        };
        self.flights.push_back(Flight {
            place: begun.place,
            awaits: Awaits::first(delivery.qos),
            number: delivery.number,
            delivery: kept.then(|| delivery.clone()),
        });
        Some(begun)
    }

    /// Goes on with a delivery of an earlier life of the hub, or with its PUBREL; to be called in the order of
    /// places.
    pub(crate) fn restore(&mut self, place: u64, number: u64, delivery: Option<Outgoing>) {
        let awaits = delivery
            .as_ref()
            .map_or(Awaits::Complete, |delivery| Awaits::first(delivery.qos));
        self.latest = self.latest.max(place);
        self.flights.push_back(Flight {
            place,
            awaits,
            number,
            delivery,
        });
    }

    /// Takes back an identifier whose packet was not sent after all.
    pub(crate) fn abandon(&mut self, id: PacketId) -> Option<Moved> {
        let at = self.find(id)?.0;
        self.settle(at)
    }

    /// PUBACK: the client has the message. An identifier that is not in use is passed over.
    ///
    /// # Errors
    /// [`Refusal::QosHandshake`] when the delivery is one of QoS 2.
    pub(crate) fn acknowledge(&mut self, id: PacketId) -> Result<Option<Moved>, Refusal> {
        match self.find(id) {
            Some((at, Awaits::Acknowledged)) => Ok(self.settle(at)),
            Some((_, Awaits::Received | Awaits::Complete)) => Err(Refusal::QosHandshake),
            None => Ok(None),
        }
    }

    /// PUBREC: the client has the message, and PUBREL is to be sent; none when the identifier is not in use.
    ///
    /// # Errors
    /// [`Refusal::QosHandshake`] when the delivery is one of QoS 1.
    pub(crate) fn receive(&mut self, id: PacketId) -> Result<Option<Moved>, Refusal> {
        match self.find(id) {
            Some((_, Awaits::Acknowledged)) => Err(Refusal::QosHandshake),
            Some((at, Awaits::Received | Awaits::Complete)) => {
                Ok(self.flights.get_mut(at).map(|flight| {
                    flight.awaits = Awaits::Complete;
                    Moved {
                        number: flight.number,
                        kept: flight.delivery.take(),
                    }
                }))
            }
            None => Ok(None),
        }
    }

    /// PUBREC that says no: the delivery is settled; none when the identifier is not in use.
    ///
    /// # Errors
    /// [`Refusal::QosHandshake`] when the delivery is one of QoS 1.
    pub(crate) fn refuse(&mut self, id: PacketId) -> Result<Option<Moved>, Refusal> {
        match self.find(id) {
            Some((_, Awaits::Acknowledged)) => Err(Refusal::QosHandshake),
            Some((at, Awaits::Received | Awaits::Complete)) => Ok(self.settle(at)),
            None => Ok(None),
        }
    }

    /// PUBCOMP: the client has forgotten the identifier. One that is not in use is passed over.
    ///
    /// # Errors
    /// [`Refusal::QosHandshake`] when PUBREL was not sent for it.
    pub(crate) fn complete(&mut self, id: PacketId) -> Result<Option<Moved>, Refusal> {
        match self.find(id) {
            Some((at, Awaits::Complete)) => Ok(self.settle(at)),
            Some((_, Awaits::Acknowledged | Awaits::Received)) => Err(Refusal::QosHandshake),
            None => Ok(None),
        }
    }

    fn find(&self, id: PacketId) -> Option<(usize, Awaits)> {
        let mut flights = self.flights.iter().enumerate();
        let (at, flight) = flights.find(|(_, flight)| flight.packet_id() == Some(id))?;
        Some((at, flight.awaits))
    }

    fn settle(&mut self, at: usize) -> Option<Moved> {
        let sent = self.flights.len() - self.unsent;
        let flight = self.flights.remove(at)?;
        self.unsent -= usize::from(at >= sent);
        if self.flights.is_empty() && self.flights.capacity() > IDLE_CAPACITY_MAX {
            self.flights = VecDeque::new();
        }
        Some(Moved {
            number: flight.number,
            kept: flight.delivery,
        })
    }
}

impl Flight {
    fn packet_id(&self) -> Option<PacketId> {
        packet_id(self.place)
    }
}

impl Awaits {
    fn first(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce | Qos::AtLeastOnce => Self::Acknowledged,
            Qos::ExactlyOnce => Self::Received,
        }
    }
}

/// The packet identifier of the delivery at `place`, which is counted from 1.
fn packet_id(place: u64) -> Option<PacketId> {
    let id = place.checked_sub(1)? % u64::from(u16::MAX);
    PacketId::new(u16::try_from(id).ok()? + 1)
}

/// The messages of QoS 2 that came and whose PUBREL has not: their identifiers are in use.
#[derive(Debug, Default)]
pub(crate) struct Received(BTreeSet<PacketId>);

impl Received {
    /// Whether the message with this identifier was taken already.
    pub(crate) fn has(&self, id: PacketId) -> bool {
        self.0.contains(&id)
    }

    /// Those of an earlier life of the hub.
    pub(crate) fn restore(ids: &[u16]) -> Self {
        Self(ids.iter().filter_map(|id| PacketId::new(*id)).collect())
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
    use std::sync::Arc;

    use ironroot_mqtt::{Delivery, Publish, PublishProperties, TopicName};
    use ironroot_registry::Subject;
    use ironroot_standing::Grant;
    use ironroot_time::UnixTime;

    use super::*;
    use crate::message::{Message, Origin};
    use crate::outbox::SessionNumber;

    fn delivery(qos: Qos) -> Outgoing {
        let principal = ironroot_identity::Principal::Service("s".parse().unwrap());
        let origin = Origin {
            publisher: Arc::new(Subject::new(principal, Arc::new(Grant::nothing()))),
            session: SessionNumber(1),
            at: UnixTime::from_s(1),
        };
        let topic = TopicName::parse("t").unwrap();
        let publish = Publish {
            delivery: Delivery::AtMostOnce,
            retain: false,
            topic: Some(topic),
            properties: PublishProperties::default(),
            payload: b"",
        };
        Outgoing {
            message: Arc::new(Message::of_publish(origin, topic, &publish).unwrap()),
            qos,
            retain: false,
            subscription_ids: crate::message::SubscriptionIds::new(),
            number: 0,
        }
    }

    fn begin(in_flight: &mut InFlight, qos: Qos) -> Option<PacketId> {
        let begun = in_flight.begin(&delivery(qos), false)?;
        Some(begun.packet_id)
    }

    const QOS1: Qos = Qos::AtLeastOnce;
    const QOS2: Qos = Qos::ExactlyOnce;

    #[test]
    fn the_window_shuts_and_opens_with_each_acknowledgement() {
        let mut in_flight = InFlight::new(2);
        let first = begin(&mut in_flight, QOS1).unwrap();
        let second = begin(&mut in_flight, QOS1).unwrap();
        assert_eq!(begin(&mut in_flight, QOS1), None);
        assert!(in_flight.acknowledge(second).unwrap().is_some());
        assert_eq!(in_flight.window(), 1);
        assert_eq!(begin(&mut in_flight, QOS1).map(PacketId::get), Some(3));
        assert!(in_flight.acknowledge(first).unwrap().is_some());
        assert!(in_flight.acknowledge(first).unwrap().is_none());
        assert_eq!(in_flight.window(), 1);
    }

    #[test]
    fn a_delivery_of_qos_2_holds_its_place_until_it_is_complete() {
        let mut in_flight = InFlight::new(1);
        let id = begin(&mut in_flight, QOS2).unwrap();
        assert!(in_flight.complete(id).is_err() && in_flight.acknowledge(id).is_err());
        assert!(in_flight.receive(id).unwrap().is_some());
        assert_eq!(in_flight.window(), 0);
        assert!(in_flight.receive(id).unwrap().is_some(), "sent again");
        assert!(in_flight.complete(id).unwrap().is_some());
        assert_eq!(in_flight.window(), 1);
        assert!(in_flight.receive(id).unwrap().is_none());
    }

    #[test]
    fn a_delivery_of_qos_2_that_the_client_refuses_is_settled() {
        let mut in_flight = InFlight::new(1);
        let id = begin(&mut in_flight, QOS2).unwrap();
        assert!(in_flight.refuse(id).unwrap().is_some());
        assert_eq!(in_flight.window(), 1);
        let id = begin(&mut in_flight, QOS1).unwrap();
        assert!(in_flight.receive(id).is_err() && in_flight.refuse(id).is_err());
    }

    #[test]
    fn an_identifier_in_use_is_passed_over_when_the_circle_closes() {
        let mut in_flight = InFlight::new(8);
        let held: Vec<_> = (0..3).filter_map(|_| begin(&mut in_flight, QOS1)).collect();
        let delivery = delivery(QOS1);
        for _ in 0..3 * usize::from(u16::MAX) {
            let id = in_flight.begin(&delivery, false).unwrap().packet_id;
            assert!(!held.contains(&id));
            in_flight.acknowledge(id).unwrap();
        }
    }

    #[test]
    fn an_identifier_that_was_not_sent_is_free_again() {
        let mut in_flight = InFlight::new(1);
        let id = begin(&mut in_flight, QOS1).unwrap();
        assert!(in_flight.abandon(id).is_some());
        assert_eq!(in_flight.window(), 1);
    }
}
