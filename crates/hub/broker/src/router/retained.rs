//! The retained messages: one a topic, in topic order, with bounds in all and for each publisher.
//!
//! Ordered by topic, so that a new subscriber's retained messages are found page by page from a cursor: a
//! subscription to everything holds no lock for long and queues nothing ahead of what the session can send.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use ironroot_identity::Principal;
use ironroot_mqtt::{TopicFilter, TopicName};
use ironroot_time::UnixTime;

use crate::message::Message;
use crate::settings::BrokerSettings;

/// Topics looked at for one page.
const PAGE_TOPICS_MAX: usize = 1_024;

/// There is no room for one more retained message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetainedFull;

/// One page of the retained messages that match a filter.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Arc<Message>>,
    /// Where the next page begins; none after the last.
    pub(crate) cursor: Option<Box<str>>,
}

/// All retained messages.
#[derive(Debug)]
pub(crate) struct Retained {
    by_topic: BTreeMap<Arc<str>, Arc<Message>>,
    by_publisher: HashMap<Principal, HashSet<Arc<str>>>,
    bytes: usize,
    /// No message expires before this moment.
    first_expiry: Option<UnixTime>,
    messages_max: usize,
    per_publisher_max: usize,
    bytes_max: usize,
}

impl Retained {
    pub(crate) fn new(settings: &BrokerSettings) -> Self {
        Self {
            by_topic: BTreeMap::new(),
            by_publisher: HashMap::new(),
            bytes: 0,
            first_expiry: None,
            messages_max: settings.retained_max,
            per_publisher_max: settings.retained_per_principal_max,
            bytes_max: settings.retained_max_bytes,
        }
    }

    /// Keeps `message` for its topic instead of what was there; one without a payload only clears the topic
    /// (MQTT 5 section 3.3.1.3).
    pub(crate) fn keep(
        &mut self,
        message: &Arc<Message>,
        now: UnixTime,
    ) -> Result<(), RetainedFull> {
        if message.payload().is_empty() {
            self.remove(message.topic());
            return Ok(());
        }
        if !self.has_room_for(message) {
            self.remove_expired(now);
            if !self.has_room_for(message) {
                return Err(RetainedFull);
            }
        }
        self.remove(message.topic());
        self.first_expiry = earlier(self.first_expiry, message.expires());
        let topic: Arc<str> = message.topic().into();
        self.bytes += message.size();
        self.by_publisher
            .entry(message.publisher().principal().clone())
            .or_default()
            .insert(topic.clone());
        self.by_topic.insert(topic, message.clone());
        Ok(())
    }

    /// Deletes everything that `publisher` had published; gives the topics.
    pub(crate) fn forget(&mut self, publisher: &Principal) -> HashSet<Arc<str>> {
        let topics = self.by_publisher.remove(publisher).unwrap_or_default();
        for topic in &topics {
            if let Some(message) = self.by_topic.remove(topic) {
                self.bytes -= message.size();
            }
        }
        topics
    }

    /// The messages whose topic matches `filter`, from `cursor` on, as many as make one page.
    pub(crate) fn page(
        &self,
        filter: TopicFilter<'_>,
        cursor: Option<&str>,
        messages_max: usize,
        now: UnixTime,
    ) -> Page {
        let prefix = literal_prefix(filter.inner());
        let from = Bound::Included(cursor.unwrap_or(prefix));
        let mut page = Page {
            messages: Vec::new(),
            cursor: None,
        };
        let range = self.by_topic.range::<str, _>((from, Bound::Unbounded));
        for (looked_at, (topic, message)) in range
            .take_while(|(topic, _)| topic.starts_with(prefix))
            .enumerate()
        {
            if looked_at == PAGE_TOPICS_MAX || page.messages.len() == messages_max {
                page.cursor = Some((**topic).into());
                break;
            }
            let matches = TopicName::parse(topic).is_ok_and(|topic| filter.matches(topic));
            if matches && !message.is_expired(now) {
                page.messages.push(message.clone());
            }
        }
        page
    }

    pub(crate) fn len(&self) -> usize {
        self.by_topic.len()
    }

    fn has_room_for(&self, message: &Message) -> bool {
        let replaced = self.by_topic.get(message.topic());
        let (fewer, freed) = replaced.map_or((0, 0), |kept| (1, kept.size()));
        let publisher = message.publisher().principal();
        let own = self.by_publisher.get(publisher).map_or(0, HashSet::len);
        let own_fewer =
            usize::from(replaced.is_some_and(|kept| kept.publisher().principal() == publisher));
        self.by_topic.len() - fewer < self.messages_max
            && own - own_fewer < self.per_publisher_max
            && self.bytes - freed + message.size() <= self.bytes_max
    }

    fn remove(&mut self, topic: &str) {
        let Some(message) = self.by_topic.remove(topic) else {
            return;
        };
        self.bytes -= message.size();
        let publisher = message.publisher().principal();
        if let Some(topics) = self.by_publisher.get_mut(publisher) {
            topics.remove(topic);
            if topics.is_empty() {
                self.by_publisher.remove(publisher);
            }
        }
    }

    /// Makes room, in one pass over all; a pass that would find nothing is not made.
    fn remove_expired(&mut self, now: UnixTime) {
        if self.first_expiry.is_none_or(|first| first > now) {
            return;
        }
        let expired = |kept: &Arc<Message>| kept.is_expired(now);
        let topics: Vec<_> = self
            .by_topic
            .iter()
            .filter(|(_, kept)| expired(kept))
            .map(|(topic, _)| topic.clone())
            .collect();
        for topic in topics {
            self.remove(&topic);
        }
        self.first_expiry = self
            .by_topic
            .values()
            .fold(None, |first, kept| earlier(first, kept.expires()));
    }
}

/// The earlier of two moments, of which either may be missing.
fn earlier(a: Option<UnixTime>, b: Option<UnixTime>) -> Option<UnixTime> {
    a.into_iter().chain(b).min()
}

/// What every topic that `filter` matches begins with: the filter up to its first wildcard level.
fn literal_prefix(filter: &str) -> &str {
    match filter.find(['+', '#']) {
        Some(wildcard) => filter[..wildcard]
            .strip_suffix('/')
            .unwrap_or(&filter[..wildcard]),
        None => filter,
    }
}
