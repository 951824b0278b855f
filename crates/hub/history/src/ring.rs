//! Slots of equal length, of which the newest are kept.

use std::collections::VecDeque;

use ironroot_time::UnixTime;
use serde::{Deserialize, Serialize};

use crate::Figures;

/// A ring of slots; one in which nothing was counted is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ring {
    /// How long a slot is, in seconds.
    step_s: u64,
    #[serde(skip)]
    slots_max: usize,
    /// The number of the last slot, counted from 1970.
    newest: u64,
    slots: VecDeque<Option<Figures>>,
}

impl Ring {
    pub(crate) fn new(step_s: u64, slots_max: usize) -> Self {
        Self {
            step_s,
            slots_max,
            newest: 0,
            slots: VecDeque::with_capacity(slots_max),
        }
    }

    pub(crate) fn step_s(&self) -> u64 {
        self.step_s
    }

    /// Joins the figures of the moment `at` to its slot; to the newest, when that is later.
    pub(crate) fn put(&mut self, at: UnixTime, figures: Figures) {
        let slot = self.number(at);
        let ahead = match self.slots.len() {
            0 => 1,
            _ => slot.saturating_sub(self.newest),
        };
        let empty = usize::try_from(ahead).unwrap_or(usize::MAX);
        for _slot in 0..empty.min(self.slots_max) {
            if self.slots.len() >= self.slots_max {
                self.slots.pop_front();
            }
            self.slots.push_back(None);
        }
        if ahead > 0 {
            self.newest = slot;
        }
        if let Some(newest) = self.slots.back_mut() {
            newest.get_or_insert_default().join(&figures);
        }
    }

    /// The slots that are not empty, oldest first, each with its beginning.
    pub(crate) fn filled(&self) -> impl DoubleEndedIterator<Item = (UnixTime, Figures)> {
        let last = self.slots.len().saturating_sub(1) as u64;
        let slots = self.slots.iter().enumerate();
        slots.filter_map(move |(place, figures)| {
            let before = last.saturating_sub(place as u64);
            // Younger than 1970, or the ring is damaged.
            let number = self.newest.checked_sub(before)?;
            let begins = UnixTime::from_s(number.saturating_mul(self.step_s));
            figures.map(|figures| (begins, figures))
        })
    }

    /// Takes the slots of another ring of the same step, as far as there is room and they are not after `now`.
    pub(crate) fn take_over(&mut self, other: Self, now: UnixTime) {
        let present = self.number(now);
        (self.newest, self.slots) = (other.newest, other.slots);
        while self.newest > present && self.slots.pop_back().is_some() {
            self.newest = self.newest.saturating_sub(1);
        }
        while self.slots.len() > self.slots_max {
            self.slots.pop_front();
        }
    }

    fn number(&self, at: UnixTime) -> u64 {
        at.as_s().checked_div(self.step_s).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Figures {
        Figures {
            messages_in: 1,
            ..Figures::default()
        }
    }

    #[test]
    fn the_oldest_falls_out_and_what_was_not_counted_stays_empty() {
        let mut ring = Ring::new(10, 3);
        for seconds in [5, 12, 34] {
            ring.put(UnixTime::from_s(seconds), message());
        }
        let filled: Vec<_> = ring.filled().map(|(at, _)| at.as_s()).collect();
        assert_eq!(filled, [10, 30]);
        assert_eq!(ring.slots.len(), 3);
    }

    #[test]
    fn a_long_silence_empties_the_ring_in_few_steps() {
        let mut ring = Ring::new(1, 3);
        ring.put(UnixTime::from_s(1), message());
        ring.put(UnixTime::from_ms(u64::MAX), message());
        assert_eq!(ring.filled().count(), 1);
        assert_eq!(ring.slots.len(), 3);
    }
}
