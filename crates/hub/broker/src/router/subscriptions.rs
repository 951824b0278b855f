//! Which sessions a topic goes to: tries of topic filters, one node a level.

use std::collections::HashMap;
use std::sync::Arc;

use ironroot_mqtt::{Qos, SubscriptionId, TopicFilter};
use smallvec::SmallVec;

use super::group::Group;
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

/// What matches a topic.
pub(crate) type Matches<'a, T> = SmallVec<[&'a T; 8]>;

/// All subscriptions of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    /// Each session's own, by session number at each filter.
    own: Node<Subscription>,
    /// The shared ones, by group name at each filter.
    shared: Node<Group>,
    count: usize,
}

/// One level of the filters that lead here.
#[derive(Debug)]
struct Node<T> {
    children: HashMap<Box<str>, Self>,
    any_child: Option<Box<Self>>,
    /// What stands at the filter that ends here.
    here: Vec<T>,
    /// What stands at that filter and `/#`.
    below: Vec<T>,
}

impl Subscriptions {
    /// Adds a subscription; gives back the one that the same session had to the same filter.
    pub(crate) fn insert(
        &mut self,
        filter: TopicFilter<'_>,
        subscription: Subscription,
    ) -> Option<Options> {
        let replaced = match filter.group() {
            None => insert(self.own.list_mut(filter.inner()), subscription),
            Some(name) => {
                let groups = self.shared.list_mut(filter.inner());
                match groups.binary_search_by(|group| group.name().cmp(name)) {
                    Ok(at) => groups
                        .get_mut(at)
                        .and_then(|group| group.join(subscription)),
                    Err(at) => {
                        groups.insert(at, Group::of_one(name, subscription));
                        None
                    }
                }
            }
        };
        self.count += usize::from(replaced.is_none());
        replaced
    }

    /// Takes a session's subscription to `filter` away; false when there was none.
    pub(crate) fn remove(&mut self, filter: TopicFilter<'_>, session: SessionNumber) -> bool {
        let inner = Some(filter.inner());
        let removed = match filter.group() {
            None => self.own.remove(inner, |list| remove(list, session)),
            Some(name) => self.shared.remove(inner, |groups| {
                let Ok(at) = groups.binary_search_by(|group| group.name().cmp(name)) else {
                    return false;
                };
                let left = groups.get_mut(at).is_some_and(|group| group.leave(session));
                groups.retain(|group| !group.is_empty());
                left
            }),
        };
        self.count -= usize::from(removed);
        removed
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Finds every session's own subscriptions whose filter matches `topic`, those of one session side by side.
    pub(crate) fn matching<'a>(&'a self, topic: &str, matches: &mut Matches<'a, Subscription>) {
        self.own.collect_from_root(topic, matches);
        if matches.len() > 1 {
            matches.sort_unstable_by_key(|subscription| subscription.outbox.number());
        }
    }

    /// Finds the groups whose filter matches `topic`.
    pub(crate) fn matching_groups<'a>(&'a self, topic: &str, groups: &mut Matches<'a, Group>) {
        self.shared.collect_from_root(topic, groups);
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.shared.is_empty()
    }
}

/// Adds a subscription to a list by session number; gives back what the session had there.
pub(super) fn insert(list: &mut Vec<Subscription>, subscription: Subscription) -> Option<Options> {
    match position(list, subscription.outbox.number()) {
        Ok(at) => list
            .get_mut(at)
            .map(|known| std::mem::replace(known, subscription).options),
        Err(at) => {
            list.insert(at, subscription);
            None
        }
    }
}

/// Takes a session's subscription out of such a list; false when there was none.
pub(super) fn remove(list: &mut Vec<Subscription>, session: SessionNumber) -> bool {
    let Ok(at) = position(list, session) else {
        return false;
    };
    list.remove(at);
    true
}

fn position(list: &[Subscription], session: SessionNumber) -> Result<usize, usize> {
    list.binary_search_by_key(&session, |subscription| subscription.outbox.number())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wildcards {
    Followed,
    Skipped,
}

impl<T> Node<T> {
    /// The list for `filter`, below this node; the nodes on the way are made.
    fn list_mut(&mut self, filter: &str) -> &mut Vec<T> {
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

    fn collect_from_root<'a>(&'a self, topic: &str, found: &mut Matches<'a, T>) {
        // MQTT 5 section 4.7.2: a leading wildcard matches no topic that begins with `$`.
        let wildcards = if topic.starts_with('$') {
            Wildcards::Skipped
        } else {
            Wildcards::Followed
        };
        self.collect(Some(topic), wildcards, found);
    }

    fn collect<'a>(&'a self, rest: Option<&str>, wildcards: Wildcards, found: &mut Matches<'a, T>) {
        if wildcards == Wildcards::Followed {
            found.extend(&self.below);
        }
        let Some(rest) = rest else {
            found.extend(&self.here);
            return;
        };
        let (level, rest) = split_level(rest);
        if let Some(child) = self.children.get(level) {
            child.collect(rest, Wildcards::Followed, found);
        }
        if let (Some(child), Wildcards::Followed) = (&self.any_child, wildcards) {
            child.collect(rest, Wildcards::Followed, found);
        }
    }

    /// Takes something out of the list for the filter `rest` below this node, and every node that holds
    /// nothing any more.
    fn remove(&mut self, rest: Option<&str>, take: impl FnOnce(&mut Vec<T>) -> bool) -> bool {
        let Some(rest) = rest else {
            return take_from(&mut self.here, take);
        };
        let (level, rest) = split_level(rest);
        match level {
            "#" => take_from(&mut self.below, take),
            "+" => {
                let Some(child) = &mut self.any_child else {
                    return false;
                };
                let removed = child.remove(rest, take);
                if child.is_empty() {
                    self.any_child = None;
                }
                removed
            }
            _ => {
                let Some(child) = self.children.get_mut(level) else {
                    return false;
                };
                let removed = child.remove(rest, take);
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

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            children: HashMap::new(),
            any_child: None,
            here: Vec::new(),
            below: Vec::new(),
        }
    }
}

fn split_level(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((level, rest)) => (level, Some(rest)),
        None => (text, None),
    }
}

/// An empty list keeps no memory.
fn take_from<T>(list: &mut Vec<T>, take: impl FnOnce(&mut Vec<T>) -> bool) -> bool {
    let taken = take(list);
    if list.is_empty() {
        *list = Vec::new();
    }
    taken
}
