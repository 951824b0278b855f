//! How many topics one principal publishes on in a day.
//!
//! Topics are known by a hash: one that falls together with another counts as the same. After an upgrade of the
//! hub their hashes may be others, and count beside the old ones to the end of the day.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use ironroot_time::UnixTime;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 86_400_000;

/// The topics of one principal, shared by its sessions; asked once for each topic, session and day.
#[derive(Debug, Default)]
pub(crate) struct DayTopics(Mutex<TopicHashes>);

/// The topics that one session was let publish on.
#[derive(Debug, Default)]
pub(crate) struct SessionTopics(TopicHashes);

/// The topics of one day, counted in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicHashes {
    day: u64,
    hashes: HashSet<u64>,
}

impl DayTopics {
    pub(crate) fn restore(kept: TopicHashes) -> Self {
        Self(Mutex::new(kept))
    }

    pub(crate) fn hashes(&self) -> TopicHashes {
        self.0.lock().clone()
    }

    /// How many there are today.
    pub(crate) fn count(&self, now: UnixTime) -> u64 {
        let known = self.0.lock();
        if known.day == now.as_ms() / DAY_MS {
            known.hashes.len() as u64
        } else {
            0
        }
    }

    /// Whether this topic is one of at most `topics_max` of that day.
    fn admit(&self, day: u64, hash: u64, topics_max: usize) -> bool {
        let mut known = self.0.lock();
        known.begin(day);
        if known.hashes.len() >= topics_max {
            return known.hashes.contains(&hash);
        }
        known.hashes.insert(hash);
        true
    }
}

impl SessionTopics {
    /// Whether `topic` is one of at most `topics_max` that the principal publishes on today; 0 is no bound.
    pub(crate) fn admit(
        &mut self,
        topic: &str,
        topics_max: usize,
        shared: &DayTopics,
        now: UnixTime,
    ) -> bool {
        if topics_max == 0 {
            return true;
        }
        let day = now.as_ms() / DAY_MS;
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        let hash = hasher.finish();
        self.0.begin(day);
        if self.0.hashes.contains(&hash) {
            return true;
        }
        let admitted = shared.admit(day, hash, topics_max);
        if admitted {
            self.0.hashes.insert(hash);
        }
        admitted
    }
}

impl TopicHashes {
    fn begin(&mut self, day: u64) {
        if self.day != day {
            *self = Self {
                day,
                hashes: HashSet::new(),
            };
        }
    }
}
