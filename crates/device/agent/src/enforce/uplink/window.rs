//! What was sent and is not settled yet: bounded, and settled in order.

use std::collections::VecDeque;

use ironroot_mqtt::{PacketId, ReasonCode};

/// The messages in flight.
#[derive(Debug)]
pub(super) struct Window {
    size: usize,
    sent: VecDeque<Sent>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    id: PacketId,
    first: u64,
    last: u64,
    own_report: bool,
    answer: Option<ReasonCode>,
}

/// One that the hub has answered, as have been all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) first: u64,
    pub(super) last: u64,
    /// Whether it is itself a report of dropped readings.
    pub(super) own_report: bool,
    pub(super) reason: ReasonCode,
}

impl Window {
    pub(super) fn new(size: u16) -> Self {
        Self {
            size: size.into(),
            sent: VecDeque::new(),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.sent.len() < self.size
    }

    /// Notes that a message was sent that stands for these numbers.
    pub(super) fn push(&mut self, id: PacketId, first: u64, last: u64, own_report: bool) {
        self.sent.push_back(Sent {
            id,
            first,
            last,
            own_report,
            answer: None,
        });
    }

    /// Notes an answer; one to nothing that was sent is passed over.
    pub(super) fn answered(&mut self, id: PacketId, reason: ReasonCode) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.id == id) {
            sent.answer.get_or_insert(reason);
        }
    }

    /// The oldest message, once it is answered.
    pub(super) fn pop(&mut self) -> Option<Done> {
        let reason = self.sent.front()?.answer?;
        let sent = self.sent.pop_front()?;
        Some(Done {
            first: sent.first,
            last: sent.last,
            own_report: sent.own_report,
            reason,
        })
    }
}

/// The packet identifier of the message that stands for numbers up to `last`: the same each time, different within
/// every window, and never the one that SUBSCRIBE has.
pub(super) fn id_of(last: u64) -> PacketId {
    let id = u16::try_from(last % IDS).unwrap_or(0);
    PacketId::new(id + 1).unwrap_or(FIRST)
}

/// 1 to 65,534.
const IDS: u64 = 65_534;
const FIRST: PacketId = match PacketId::new(1) {
    Some(id) => id,
    None => unreachable!(),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_out_of_order_are_settled_in_order() {
        let mut window = Window::new(3);
        for number in 1..=3 {
            assert!(window.has_room());
            window.push(id_of(number), number, number, false);
        }
        assert!(!window.has_room());
        window.answered(id_of(3), ReasonCode::Success);
        window.answered(id_of(2), ReasonCode::NotAuthorized);
        assert_eq!(window.pop(), None);
        window.answered(id_of(1), ReasonCode::Success);
        let done: Vec<_> = std::iter::from_fn(|| window.pop()).collect();
        assert_eq!(
            done.iter().map(|done| done.last).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        assert_eq!(done[1].reason, ReasonCode::NotAuthorized);
    }

    #[test]
    fn an_answer_to_nothing_and_a_second_answer_change_nothing() {
        let mut window = Window::new(1);
        window.push(id_of(7), 7, 7, false);
        window.answered(id_of(8), ReasonCode::Success);
        assert_eq!(window.pop(), None);
        window.answered(id_of(7), ReasonCode::NotAuthorized);
        window.answered(id_of(7), ReasonCode::Success);
        assert_eq!(window.pop().unwrap().reason, ReasonCode::NotAuthorized);
    }

    #[test]
    fn identifiers_are_all_there_are_but_two() {
        let ids: std::collections::BTreeSet<u16> = (0..IDS).map(|n| id_of(n).get()).collect();
        assert_eq!(
            (ids.len() as u64, ids.first(), ids.last()),
            (IDS, Some(&1), Some(&65_534))
        );
        assert_eq!(id_of(u64::MAX).get(), id_of(u64::MAX - IDS).get());
    }
}
