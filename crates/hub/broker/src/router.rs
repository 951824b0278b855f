//! From one message to everybody who subscribed to it, and the retained messages for those who come later.
//!
//! One read-write lock over the trie: a PUBLISH reads it, so publishers run side by side; only SUBSCRIBE,
//! UNSUBSCRIBE and a session's end write. The trie holds the subscribers' queues themselves, so that a
//! message is matched and queued in one walk. A trie copied on write would spare the reader an atomic
//! increment and cost every SUBSCRIBE a path of copies; with a fleet that reconnects after a power cut, and
//! each device subscribing to a filter of its own, that is the dearer side.

mod group;
#[cfg(test)]
mod model;
mod retained;
mod subscriptions;

use std::sync::Arc;

use ironroot_identity::Principal;
use ironroot_mqtt::TopicFilter;
use ironroot_time::UnixTime;
use parking_lot::RwLock;
use smallvec::SmallVec;

use crate::message::{Message, Outgoing, SubscriptionIds};
use crate::outbox::{Outbox, Pushed, SessionNumber};
use crate::settings::BrokerSettings;
use crate::shelf::{Content, Shelf, Step, Ticket};

pub(crate) use retained::{Page, RetainedFull};
pub(crate) use subscriptions::{Options, Subscription};

use retained::Retained;
use subscriptions::{Matches, Subscriptions};

/// All subscriptions and all retained messages of the hub.
#[derive(Debug)]
pub(crate) struct Router {
    subscriptions: RwLock<Subscriptions>,
    retained: RwLock<Retained>,
    shelf: Option<Arc<dyn Shelf>>,
}

/// Where a message went.
#[derive(Debug, Default)]
pub(crate) struct Routed {
    /// How many sessions had a subscription to its topic.
    pub(crate) subscribers: usize,
    /// The step that the acknowledgement rests on: the latest of what was queued for sessions that outlive the hub.
    pub(crate) ticket: Option<Ticket>,
    /// Another session that is behind, so that the publisher must pause.
    pub(crate) congested: Option<Arc<Outbox>>,
}

impl Router {
    pub(crate) fn new(settings: &BrokerSettings, shelf: Option<Arc<dyn Shelf>>) -> Self {
        Self {
            subscriptions: RwLock::default(),
            retained: RwLock::new(Retained::new(settings)),
            shelf,
        }
    }

    /// Adds a subscription; gives back the one that the same session had to the same filter.
    pub(crate) fn subscribe(
        &self,
        filter: TopicFilter<'_>,
        subscription: Subscription,
    ) -> Option<Options> {
        self.subscriptions.write().insert(filter, subscription)
    }

    /// Takes a session's subscription away; false when there was none.
    pub(crate) fn unsubscribe(&self, filter: TopicFilter<'_>, session: SessionNumber) -> bool {
        self.subscriptions.write().remove(filter, session)
    }

    /// Takes several away, with one lock.
    pub(crate) fn unsubscribe_all<'a>(
        &self,
        filters: impl Iterator<Item = TopicFilter<'a>>,
        session: SessionNumber,
    ) {
        let mut subscriptions = self.subscriptions.write();
        filters.for_each(|filter| {
            subscriptions.remove(filter, session);
        });
    }

    /// Queues `message` for every session that subscribes to its topic: once for each session, with the
    /// highest QoS of its matching subscriptions and all their identifiers (MQTT 5 section 3.3.4); and once
    /// for each group that shares a subscription to it.
    pub(crate) fn route(&self, message: &Arc<Message>) -> Routed {
        let mut routed = Routed::default();
        let subscriptions = self.subscriptions.read();
        let mut matches = Matches::new();
        subscriptions.matching(message.topic(), &mut matches);
        for of_one_session in matches.chunk_by(|a, b| a.outbox.number() == b.outbox.number()) {
            routed.hand_over(message, of_one_session);
        }
        let mut groups = Matches::new();
        subscriptions.matching_groups(message.topic(), &mut groups);
        for group in groups {
            if let Some(member) = group.choose(message) {
                routed.hand_over(message, &[member]);
            }
        }
        routed
    }

    /// Keeps `message` for later subscribers to its topic, or clears the topic when it has no payload; the step
    /// that an acknowledgement of it rests on comes back.
    pub(crate) fn retain(
        &self,
        message: &Arc<Message>,
        now: UnixTime,
    ) -> Result<Option<Ticket>, RetainedFull> {
        // Noted under the lock, so that the shelf's last message for a topic is the one that is kept here.
        let mut retained = self.retained.write();
        retained.keep(message, now)?;
        Ok(self.shelf.as_ref().map(|shelf| {
            let topic = message.topic().into();
            shelf.note(if message.payload().is_empty() {
                Step::Clear { topic }
            } else {
                let content = Content::retained(message);
                Step::Retain { topic, content }
            })
        }))
    }

    /// Takes in a retained message of an earlier life of the hub; false when there is no room for it.
    pub(crate) fn restore_retained(&self, message: &Arc<Message>, now: UnixTime) -> bool {
        self.retained.write().keep(message, now).is_ok()
    }

    /// The next retained messages for a new subscription to `filter`, at most `messages_max`.
    pub(crate) fn retained(
        &self,
        filter: TopicFilter<'_>,
        cursor: Option<&str>,
        messages_max: usize,
        now: UnixTime,
    ) -> Page {
        self.retained.read().page(filter, cursor, messages_max, now)
    }

    /// Deletes every retained message of `publisher`.
    pub(crate) fn forget(&self, publisher: &Principal) {
        let mut retained = self.retained.write();
        for topic in retained.forget(publisher) {
            if let Some(shelf) = &self.shelf {
                let topic = (*topic).into();
                shelf.note(Step::Clear { topic });
            }
        }
    }

    /// How many subscriptions there are.
    pub(crate) fn subscription_count(&self) -> usize {
        self.subscriptions.read().count()
    }

    /// How many retained messages there are.
    pub(crate) fn retained_count(&self) -> usize {
        self.retained.read().len()
    }
}

impl Routed {
    /// Queues one delivery for the session that these subscriptions belong to, unless all are "no local".
    fn hand_over(&mut self, message: &Arc<Message>, of_one_session: &[&Subscription]) {
        let Some((outbox, delivery)) = merge(message, of_one_session) else {
            return;
        };
        self.subscribers += 1;
        let own = outbox.number() == message.session();
        let pushed = outbox.push(delivery);
        if let Pushed::Queued(ticket) | Pushed::Congested(ticket) = pushed {
            self.ticket = self.ticket.max(ticket);
        }
        if let (Pushed::Congested(_), false) = (pushed, own) {
            self.congested.get_or_insert_with(|| outbox.clone());
        }
    }
}

/// One delivery of what several subscriptions of one session match; none when all are "no local".
fn merge<'a>(
    message: &Arc<Message>,
    matching: &[&'a Subscription],
) -> Option<(&'a Arc<Outbox>, Outgoing)> {
    let wanted: SmallVec<[&Subscription; 4]> = matching
        .iter()
        .copied()
        // MQTT 5 section 3.8.3.1 [MQTT-3.8.3-3].
        .filter(|subscription| {
            !(subscription.options.no_local && subscription.outbox.number() == message.session())
        })
        .collect();
    let outbox = &wanted.first()?.outbox;
    let options = || wanted.iter().map(|subscription| subscription.options);
    let qos_max = options()
        .map(|options| options.qos)
        .max()
        .unwrap_or_default();
    let delivery = Outgoing {
        message: message.clone(),
        qos: qos_max.min(message.qos()),
        // MQTT 5 section 3.3.1.3: to an existing subscription RETAIN goes only if it asked for that.
        retain: message.retain() && options().any(|options| options.retain_as_published),
        subscription_ids: options()
            .filter_map(|options| options.id)
            .collect::<SubscriptionIds>(),
        number: 0,
    };
    Some((outbox, delivery))
}
