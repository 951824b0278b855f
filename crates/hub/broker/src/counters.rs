//! What passed, by principal and in all, counted without a lock, and kept over restarts coarsely: what was
//! counted after the last round of keeping is lost when the hub is killed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ironroot_identity::Principal;
use ironroot_time::UnixTime;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use crate::places::{Places, Source};
use crate::sparkplug::{EdgeNode, EdgeNodes};
use crate::topics::{DayTopics, TopicHashes};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters of one principal.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $( pub(crate) $name: Counter, )*
            /// When the principal was last heard of; zero when it never was.
            last_seen_ms: AtomicU64,
            /// The topics that it publishes on.
            pub(crate) topics: DayTopics,
            /// Where it comes from.
            pub(crate) places: Places,
            /// The Sparkplug edge nodes that it is.
            pub(crate) edge_nodes: EdgeNodes,
            /// The sum of all that was kept last.
            kept: AtomicU64,
        }

        /// The counters as they stood at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct CounterValues {
            $( $(#[$doc])* pub $name: u64, )*
        }

        impl Counters {
            pub(crate) fn values(&self) -> CounterValues {
                CounterValues { $( $name: self.$name.value(), )* }
            }

            fn restore(values: CounterValues) -> Self {
                Self { $( $name: Counter::from(values.$name), )* ..Self::default() }
            }
        }

        impl CounterValues {
            /// What has come since these were `earlier`.
            #[must_use]
            fn since(self, earlier: Self) -> Self {
                Self { $( $name: self.$name.saturating_sub(earlier.$name), )* }
            }
        }

        impl std::ops::AddAssign for CounterValues {
            fn add_assign(&mut self, more: Self) {
                $( self.$name += more.$name; )*
            }
        }
    };
}

counters! {
    /// Sessions opened.
    connects,
    /// Application messages taken from the principal.
    messages_in,
    /// Application messages sent to it.
    messages_out,
    /// Bytes of MQTT packets taken from it.
    bytes_in,
    /// Bytes of MQTT packets sent to it.
    bytes_out,
    /// Requests of it that were refused: sessions, publications, subscriptions, wills.
    refused,
    /// Those of them that were past a rate or another limit.
    over_limit,
    /// Messages for it that its Grant, or their publisher's, withheld.
    withheld,
    /// Messages for it that were dropped for want of room: of QoS 0, or while it was away.
    dropped,
    /// Packets of it that came past its rate: they had to wait, or were dropped.
    throttled,
    /// Times that nothing was read from it for a while, since it went on so.
    held,
    /// Sessions of it that were ended because it sent too much or took too little.
    cut_off,
}

impl Counters {
    /// Notes that the principal was heard of.
    pub(crate) fn heard(&self, now: UnixTime) {
        self.last_seen_ms.fetch_max(now.as_ms(), Relaxed);
    }

    fn of(figures: Figures, now: UnixTime) -> Self {
        let mut counters = Self::restore(figures.counters);
        counters.last_seen_ms = AtomicU64::new(figures.last_seen_ms);
        counters.topics = DayTopics::restore(figures.topics);
        counters.places = Places::restore(figures.sources);
        counters.edge_nodes = EdgeNodes::restore(figures.edge_nodes, now);
        counters.kept = AtomicU64::new(counters.sum());
        counters
    }

    /// What is to be kept, and is kept from now on.
    fn keep(&self) -> Figures {
        self.kept.store(self.sum(), Relaxed);
        Figures {
            counters: self.values(),
            last_seen_ms: self.last_seen_ms.load(Relaxed),
            topics: self.topics.hashes(),
            sources: self.places.sources(),
            edge_nodes: self.edge_nodes.all(),
        }
    }

    fn has_changed(&self) -> bool {
        self.kept.load(Relaxed) != self.sum()
    }

    /// Grows with every step of the principal, for each is heard.
    fn sum(&self) -> u64 {
        let CounterValues {
            messages_out,
            refused,
            withheld,
            dropped,
            ..
        } = self.values();
        let births = self.edge_nodes.changes();
        [messages_out, refused, withheld, dropped, births]
            .into_iter()
            .fold(self.last_seen_ms.load(Relaxed), u64::wrapping_add)
    }
}

/// What is kept of one principal over restarts of the hub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Its counters.
    pub counters: CounterValues,
    /// When it was last heard of, in milliseconds since 1970; 0 when it never was.
    pub last_seen_ms: u64,
    /// The topics that it publishes on.
    pub topics: TopicHashes,
    /// Where it came from, the latest last.
    pub sources: Vec<Source>,
    /// The Sparkplug edge nodes that it is.
    pub edge_nodes: Vec<EdgeNode>,
}

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Relaxed);
    }

    fn from(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The counters of every principal that was ever here.
#[derive(Debug, Default)]
pub(crate) struct CountersByPrincipal {
    all: RwLock<HashMap<Principal, Arc<Counters>>>,
    /// What all of them had when the hub started.
    at_start: CounterValues,
    keeping: Mutex<Keeping>,
}

/// Whose counters are still to be kept in this round.
#[derive(Debug, Default)]
struct Keeping {
    began: UnixTime,
    rest: Vec<(Principal, Arc<Counters>)>,
}

impl CountersByPrincipal {
    /// The principal's counters, made when it comes for the first time.
    pub(crate) fn of(&self, principal: &Principal) -> Arc<Counters> {
        if let Some(known) = self.all.read().get(principal) {
            return known.clone();
        }
        self.all
            .write()
            .entry(principal.clone())
            .or_default()
            .clone()
    }

    pub(crate) fn values(&self, principal: &Principal) -> Option<CounterValues> {
        self.all
            .read()
            .get(principal)
            .map(|counters| counters.values())
    }

    /// When the principal was last heard of.
    pub(crate) fn last_seen(&self, principal: &Principal) -> Option<UnixTime> {
        let seen_ms = self.all.read().get(principal)?.last_seen_ms.load(Relaxed);
        (seen_ms > 0).then(|| UnixTime::from_ms(seen_ms))
    }

    /// On how many topics the principal has published on the day of `now`.
    pub(crate) fn topics_today(&self, principal: &Principal, now: UnixTime) -> u64 {
        let counters = self.all.read();
        counters
            .get(principal)
            .map_or(0, |counters| counters.topics.count(now))
    }

    /// Where the principal came from, the latest last.
    pub(crate) fn sources(&self, principal: &Principal) -> Vec<Source> {
        let all = self.all.read();
        all.get(principal)
            .map(|counters| counters.places.sources())
            .unwrap_or_default()
    }

    /// The Sparkplug edge nodes that the principal is.
    pub(crate) fn edge_nodes(&self, principal: &Principal) -> Vec<EdgeNode> {
        let all = self.all.read();
        all.get(principal)
            .map(|counters| counters.edge_nodes.all())
            .unwrap_or_default()
    }

    /// What all have counted since the hub started.
    pub(crate) fn total(&self) -> CounterValues {
        self.sum().since(self.at_start)
    }

    fn sum(&self) -> CounterValues {
        let mut total = CounterValues::default();
        let all = self.all.read();
        all.values().for_each(|counters| total += counters.values());
        total
    }

    /// Takes in what was kept in an earlier life of the hub.
    pub(crate) fn restore(&mut self, kept: Vec<(Principal, Figures)>, now: UnixTime) {
        let counted = kept
            .into_iter()
            .map(|(principal, figures)| (principal, Arc::new(Counters::of(figures, now))));
        self.all.get_mut().extend(counted);
        self.at_start = self.sum();
        self.keeping.get_mut().began = now;
    }

    /// At most `count_max` of those that have changed, a round of all of them every so often.
    pub(crate) fn due(
        &self,
        every: Duration,
        count_max: usize,
        now: UnixTime,
    ) -> Vec<(Principal, Figures)> {
        let mut keeping = self.keeping.lock();
        if keeping.rest.is_empty() {
            if now.since(keeping.began) < every {
                return Vec::new();
            }
            *keeping = Keeping {
                began: now,
                rest: self.changed(),
            };
        }
        let from = keeping.rest.len().saturating_sub(count_max);
        let due = keeping.rest.drain(from..);
        due.map(|(principal, counters)| (principal, counters.keep()))
            .collect()
    }

    fn changed(&self) -> Vec<(Principal, Arc<Counters>)> {
        let all = self.all.read();
        let changed = all.iter().filter(|(_, counters)| counters.has_changed());
        changed
            .map(|(principal, counters)| (principal.clone(), counters.clone()))
            .collect()
    }
}
