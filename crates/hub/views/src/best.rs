//! The first devices of an order, found without sorting the fleet.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use ironroot_api::Page;
use ironroot_registry::Device;

use crate::page::Place;

/// The first devices of an order, one more than a page holds, out of all that are offered.
pub(crate) struct Best {
    limit: usize,
    turn: Turn,
    from: Option<Place>,
    first: BinaryHeap<Ranked>,
}

impl Best {
    /// For a page of `limit` devices that begins behind `from`.
    pub(crate) fn of(limit: usize, from: Option<Place>) -> Self {
        Self {
            limit,
            turn: Turn::Forth,
            from,
            first: BinaryHeap::with_capacity(limit + 2),
        }
    }

    /// The same, read from the order's end.
    pub(crate) fn backwards(limit: usize, from: Option<Place>) -> Self {
        Self {
            turn: Turn::Back,
            ..Self::of(limit, from)
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.first.len() > self.limit
    }

    pub(crate) fn offer(&mut self, order: u64, device: &Arc<Device>) {
        let turn = self.turn;
        let key = (order, device.subject().principal().id());
        if let Some(from) = &self.from
            && turn.compare(key, (from.order, &from.name)).is_le()
        {
            return;
        }
        let last = self.first.peek();
        if self.is_full() && last.is_some_and(|last| turn.compare(last.key(), key).is_le()) {
            return;
        }
        self.first.push(Ranked {
            order,
            turn,
            device: Arc::clone(device),
        });
        if self.first.len() > self.limit + 1 {
            self.first.pop();
        }
    }

    pub(crate) fn into_page<T>(self, item: impl Fn(&Device) -> T) -> Page<T> {
        let ranked = self.first.into_sorted_vec();
        let page = ranked.get(..self.limit).unwrap_or(&ranked);
        let next = match page.last() {
            Some(last) if ranked.len() > page.len() => Some(last),
            _ => None,
        };
        Page {
            items: page.iter().map(|ranked| item(&ranked.device)).collect(),
            next: next.map(|last| Place::write(last.order, last.key().1)),
        }
    }
}

/// Whether an order is read from its beginning or from its end.
#[derive(Clone, Copy)]
enum Turn {
    Forth,
    Back,
}

impl Turn {
    fn compare(self, one: (u64, &str), other: (u64, &str)) -> Ordering {
        match self {
            Self::Forth => one.cmp(&other),
            Self::Back => other.cmp(&one),
        }
    }
}

struct Ranked {
    order: u64,
    turn: Turn,
    device: Arc<Device>,
}

impl Ranked {
    fn key(&self) -> (u64, &str) {
        (self.order, self.device.subject().principal().id())
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.turn.compare(self.key(), other.key())
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Ranked {}
