//! What passed, by principal and in all, counted without a lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ironroot_identity::Principal;
use ironroot_time::UnixTime;
use parking_lot::RwLock;

use crate::topics::DayTopics;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters of one principal since the hub started.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $( pub(crate) $name: Counter, )*
            /// When the principal was last heard of; zero when it never was.
            last_seen_ms: AtomicU64,
            /// The topics that it publishes on.
            pub(crate) topics: DayTopics,
        }

        /// The counters as they stood at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CounterValues {
            $( $(#[$doc])* pub $name: u64, )*
        }

        impl Counters {
            pub(crate) fn values(&self) -> CounterValues {
                CounterValues { $( $name: self.$name.value(), )* }
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
}

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The counters of every principal that was here since the hub started.
#[derive(Debug, Default)]
pub(crate) struct CountersByPrincipal(RwLock<HashMap<Principal, Arc<Counters>>>);

impl CountersByPrincipal {
    /// The principal's counters, made when it comes for the first time.
    pub(crate) fn of(&self, principal: &Principal) -> Arc<Counters> {
        if let Some(known) = self.0.read().get(principal) {
            return known.clone();
        }
        self.0.write().entry(principal.clone()).or_default().clone()
    }

    pub(crate) fn values(&self, principal: &Principal) -> Option<CounterValues> {
        self.0
            .read()
            .get(principal)
            .map(|counters| counters.values())
    }

    /// When the principal was last heard of.
    pub(crate) fn last_seen(&self, principal: &Principal) -> Option<UnixTime> {
        let seen_ms = self.0.read().get(principal)?.last_seen_ms.load(Relaxed);
        (seen_ms > 0).then(|| UnixTime::from_ms(seen_ms))
    }

    /// On how many topics the principal has published on the day of `now`.
    pub(crate) fn topics_today(&self, principal: &Principal, now: UnixTime) -> u64 {
        let counters = self.0.read();
        counters
            .get(principal)
            .map_or(0, |counters| counters.topics.count(now))
    }

    pub(crate) fn total(&self) -> CounterValues {
        let mut total = CounterValues::default();
        self.0
            .read()
            .values()
            .for_each(|counters| total += counters.values());
        total
    }
}
