//! The QoS 1 deliveries that the client has not acknowledged yet.

use std::collections::VecDeque;

use ironroot_mqtt::PacketId;

/// Room that an idle session keeps.
const IDLE_CAPACITY_MAX: usize = 8;

/// Packet identifiers in use, oldest first.
///
/// They are given out in a circle. So, from the front, they lie in the order of that circle, and a new one
/// can only meet the oldest.
#[derive(Debug)]
pub(crate) struct InFlight {
    ids: VecDeque<PacketId>,
    latest: u16,
    count_max: usize,
}

impl InFlight {
    /// None in flight, and at most `count_max` at once.
    pub(crate) fn new(count_max: u16) -> Self {
        Self {
            ids: VecDeque::new(),
            latest: 0,
            count_max: count_max.into(),
        }
    }

    /// How many more may be sent now.
    pub(crate) fn window(&self) -> usize {
        self.count_max.saturating_sub(self.ids.len())
    }

    /// An identifier that is not in use; none when the window is shut.
    pub(crate) fn begin(&mut self) -> Option<PacketId> {
        if self.window() == 0 {
            return None;
        }
        let mut next = self.latest;
        let mut oldest = self.ids.iter();
        let id = loop {
            next = next.checked_add(1).unwrap_or(1);
            let id = PacketId::new(next)?;
            if oldest.next() != Some(&id) {
                break id;
            }
        };
        self.latest = next;
        self.ids.push_back(id);
        Some(id)
    }

    /// Takes back an identifier whose packet was not sent after all.
    pub(crate) fn abandon(&mut self, id: PacketId) {
        if self.ids.back() == Some(&id) {
            self.ids.pop_back();
        }
    }

    /// The client has the message. An identifier that is not in use is passed over (MQTT 5 section 4.3.2).
    pub(crate) fn acknowledge(&mut self, id: PacketId) {
        if let Some(at) = self.ids.iter().position(|known| *known == id) {
            self.ids.remove(at);
        }
        if self.ids.is_empty() && self.ids.capacity() > IDLE_CAPACITY_MAX {
            self.ids = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_shuts_and_opens_with_each_acknowledgement() {
        let mut in_flight = InFlight::new(2);
        let (first, second) = (in_flight.begin().unwrap(), in_flight.begin().unwrap());
        assert_eq!(in_flight.begin(), None);
        in_flight.acknowledge(second);
        assert_eq!(in_flight.window(), 1);
        assert_eq!(in_flight.begin().map(PacketId::get), Some(3));
        in_flight.acknowledge(first);
        in_flight.acknowledge(first);
        assert_eq!(in_flight.window(), 1);
    }

    #[test]
    fn an_identifier_in_use_is_passed_over_when_the_circle_closes() {
        let mut in_flight = InFlight::new(8);
        let held: Vec<_> = (0..3).filter_map(|_| in_flight.begin()).collect();
        for _ in 0..3 * usize::from(u16::MAX) {
            let id = in_flight.begin().unwrap();
            assert!(!held.contains(&id));
            in_flight.acknowledge(id);
        }
    }

    #[test]
    fn an_identifier_that_was_not_sent_is_free_again() {
        let mut in_flight = InFlight::new(1);
        let id = in_flight.begin().unwrap();
        in_flight.abandon(id);
        assert_eq!(in_flight.window(), 1);
    }
}
