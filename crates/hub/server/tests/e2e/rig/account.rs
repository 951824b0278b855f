//! What has become of each reading that a device has handed over.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Agent, Running};

/// What the subscriber has seen.
#[derive(Default)]
pub(crate) struct Account {
    /// Which payload each number had.
    pub(crate) readings: BTreeMap<u64, String>,
    /// When each number was handed over, in milliseconds.
    pub(crate) dates: BTreeMap<u64, u64>,
    /// The ranges that were reported as dropped.
    pub(crate) reports: BTreeSet<(u64, u64)>,
    pub(crate) dropped: BTreeSet<u64>,
    pub(crate) deliveries: usize,
}

impl Account {
    /// Publishes `end` and waits until it has come; what was handed over before has come before it.
    pub(crate) fn up_to(end: &str, agent: &Agent, subscriber: &Running) -> Self {
        agent.publishes("up/n", end).ok();
        subscriber.says(end);
        Self::of(&subscriber.said())
    }

    /// Reads what a subscriber that stays has printed of `cam-1`.
    fn of(said: &str) -> Self {
        let mut account = Self::default();
        let mut spools = BTreeSet::new();
        for line in said
            .lines()
            .filter_map(|line| line.strip_prefix("got d/cam-1/"))
        {
            let (topic, rest) = line.split_once(' ').unwrap();
            let words: Vec<&str> = rest.split(' ').collect();
            let property = |name: &str| {
                words
                    .iter()
                    .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            };
            spools.insert(property("spool").unwrap().to_owned());
            if topic == "up/agent/dropped" {
                let end = rest.rfind('}').unwrap();
                let report: Value = serde_json::from_str(&rest[..=end]).unwrap();
                let (first, last) = (
                    report["first"].as_u64().unwrap(),
                    report["last"].as_u64().unwrap(),
                );
                assert_eq!(report["count"].as_u64(), Some(last - first + 1));
                account.reports.insert((first, last));
                account.dropped.extend(first..=last);
            }
            if let Some(number) = property("number") {
                account.deliveries += 1;
                let number = number.parse().unwrap();
                let at = property("at").unwrap().parse().unwrap();
                account.dates.insert(number, at);
                let payload = words[0].trim_end_matches('x').to_owned();
                let before = account.readings.insert(number, payload.clone());
                // Two deliveries of one number are one reading.
                assert!(
                    before.is_none_or(|before| before == payload),
                    "{number}: {payload}"
                );
            }
        }
        assert_eq!(spools.len(), 1, "{spools:?}");
        account
    }

    /// Every number is a reading that came or one that was reported, and everything kept is among them.
    pub(crate) fn accounts_for(&self, kept: &[String]) {
        let last = *self.readings.keys().next_back().unwrap();
        for number in 1..=last {
            assert!(
                self.readings.contains_key(&number) || self.dropped.contains(&number),
                "{number} of {last} is unaccounted for"
            );
        }
        let mut came: BTreeMap<&str, usize> = BTreeMap::new();
        for payload in self.readings.values() {
            *came.entry(payload).or_default() += 1;
        }
        let missing: Vec<_> = kept
            .iter()
            .filter(|one| !came.contains_key(one.as_str()))
            .collect();
        assert!(missing.len() <= self.dropped.len(), "{missing:?}");
        assert!(self.dropped.is_empty() || !missing.is_empty());
        assert!(
            kept.iter()
                .all(|one| came.get(one.as_str()).is_none_or(|count| *count == 1))
        );
    }
}
