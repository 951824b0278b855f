//! A shared subscription: several sessions, each message to one of them (MQTT 5 section 4.8.2).

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::subscriptions::{Options, Subscription, insert, remove};
use crate::message::Message;
use crate::outbox::{Outbox, SessionNumber};

/// The sessions that share a subscription to one filter under one name.
#[derive(Debug)]
pub(crate) struct Group {
    name: Box<str>,
    /// By session number; never none for long.
    members: Vec<Subscription>,
    /// Whose turn it is; counts on for ever.
    turn: AtomicUsize,
}

impl Group {
    pub(super) fn of_one(name: &str, member: Subscription) -> Self {
        Self {
            name: name.into(),
            members: vec![member],
            turn: AtomicUsize::new(0),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Adds a member; gives back how the same session was a member before.
    pub(super) fn join(&mut self, member: Subscription) -> Option<Options> {
        insert(&mut self.members, member)
    }

    /// Takes a member out; false when the session was none.
    pub(super) fn leave(&mut self, session: SessionNumber) -> bool {
        remove(&mut self.members, session)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whose `message` is: the next member that its Grant lets have it and that has room at once, or, where
    /// none has, the next that can take it at all.
    pub(super) fn choose(&self, message: &Message) -> Option<&Subscription> {
        let start = self.turn.fetch_add(1, Relaxed) % self.members.len().max(1);
        let in_turn = || {
            let (before, from) = self.members.split_at(start);
            from.iter().chain(before)
        };
        let find = |can_take: &dyn Fn(&Outbox) -> bool| {
            in_turn().find(|member| {
                can_take(&member.outbox) && message.may_reach(member.outbox.subject())
            })
        };
        let bytes = message.queue_bytes();
        find(&|outbox| outbox.has_room(bytes)).or_else(|| find(&Outbox::is_open))
    }
}
