//! Which sessions a topic goes to: a trie of topic filters, one node a level.

use std::collections::HashMap;
use std::sync::Arc;

use ironroot_mqtt::{Qos, SubscriptionId};
use smallvec::SmallVec;

use crate::outbox::{Outbox, SessionNumber};

/// One session's subscription to one filter.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) options: Options,
}

/// What the subscriber asked for (MQTT 5 section 3.8.3.1); 3.1.1 knows the QoS alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The highest QoS to deliver with.
    pub(crate) qos: Qos,
    /// Whether the session's own messages stay away.
    pub(crate) no_local: bool,
    /// Whether the RETAIN bit goes on as it was published.
    pub(crate) retain_as_published: bool,
    /// The subscription identifier, repeated with each delivery.
    pub(crate) id: Option<SubscriptionId>,
}

/// The subscriptions that match a topic, those of one session side by side.
pub(crate) type Matches<'a> = SmallVec<[&'a Subscription; 8]>;

/// All subscriptions of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    root: Node,
    count: usize,
}

/// One level of the filters that lead here.
#[derive(Debug, Default)]
struct Node {
    children: HashMap<Box<str>, Self>,
    any_child: Option<Box<Self>>,
    /// Subscriptions to the filter that ends here, by session number.
    here: Vec<Subscription>,
    /// Subscriptions to that filter and `/#`, by session number.
    below: Vec<Subscription>,
}

impl Subscriptions {
    /// Adds a subscription; gives back the one that the same session had to the same filter.
    pub(crate) fn insert(&mut self, filter: &str, subscription: Subscription) -> Option<Options> {
        let list = self.root.list_mut(filter);
        match position(list, subscription.outbox.number()) {
            Ok(at) => list
                .get_mut(at)
                .map(|known| std::mem::replace(known, subscription).options),
            Err(at) => {
                list.insert(at, subscription);
                self.count += 1;
                None
            }
        }
    }

    /// Takes a session's subscription to `filter` away; false when there was none.
    pub(crate) fn remove(&mut self, filter: &str, session: SessionNumber) -> bool {
        let removed = self.root.remove(Some(filter), session);
        self.count -= usize::from(removed);
        removed
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Finds all subscriptions whose filter matches `topic`.
    pub(crate) fn matching<'a>(&'a self, topic: &str, matches: &mut Matches<'a>) {
        // MQTT 5 section 4.7.2: a leading wildcard matches no topic that begins with `$`.
        let wildcards = if topic.starts_with('$') {
            Wildcards::Skipped
        } else {
            Wildcards::Followed
        };
        self.root.collect(Some(topic), wildcards, matches);
        if matches.len() > 1 {
            matches.sort_unstable_by_key(|subscription| subscription.outbox.number());
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_empty()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wildcards {
    Followed,
    Skipped,
}

impl Node {
    /// The list for `filter`, below this node; the nodes on the way are made.
    fn list_mut(&mut self, filter: &str) -> &mut Vec<Subscription> {
        let mut node = self;
        for level in filter.split('/') {
            node = match level {
                "#" => return &mut node.below,
                "+" => node.any_child.get_or_insert_default(),
                _ => node.children.entry(level.into()).or_default(),
            };
        }
        &mut node.here
    }

    fn collect<'a>(&'a self, rest: Option<&str>, wildcards: Wildcards, matches: &mut Matches<'a>) {
        if wildcards == Wildcards::Followed {
            matches.extend(&self.below);
        }
        let Some(rest) = rest else {
            matches.extend(&self.here);
            return;
        };
        let (level, rest) = split_level(rest);
        if let Some(child) = self.children.get(level) {
            child.collect(rest, Wildcards::Followed, matches);
        }
        if let (Some(child), Wildcards::Followed) = (&self.any_child, wildcards) {
            child.collect(rest, Wildcards::Followed, matches);
        }
    }

    /// Removes below this node, and every node that holds nothing any more.
    fn remove(&mut self, rest: Option<&str>, session: SessionNumber) -> bool {
        let Some(rest) = rest else {
            return remove_from(&mut self.here, session);
        };
        let (level, rest) = split_level(rest);
        match level {
            "#" => remove_from(&mut self.below, session),
            "+" => {
                let Some(child) = &mut self.any_child else {
                    return false;
                };
                let removed = child.remove(rest, session);
                if child.is_empty() {
                    self.any_child = None;
                }
                removed
            }
            _ => {
                let Some(child) = self.children.get_mut(level) else {
                    return false;
                };
                let removed = child.remove(rest, session);
                if child.is_empty() {
                    self.children.remove(level);
                }
                removed
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty()
            && self.any_child.is_none()
            && self.here.is_empty()
            && self.below.is_empty()
    }
}

fn split_level(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((level, rest)) => (level, Some(rest)),
        None => (text, None),
    }
}

fn position(list: &[Subscription], session: SessionNumber) -> Result<usize, usize> {
    list.binary_search_by_key(&session, |subscription| subscription.outbox.number())
}

fn remove_from(list: &mut Vec<Subscription>, session: SessionNumber) -> bool {
    let Ok(at) = position(list, session) else {
        return false;
    };
    list.remove(at);
    if list.is_empty() {
        *list = Vec::new();
    }
    true
}
