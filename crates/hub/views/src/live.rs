//! What is known only while the hub runs, and is in no row: sessions, traffic, orders that wait.

use std::fmt;

use ironroot_api::{EdgeNode, Source, Traffic};
use ironroot_history::History;
use ironroot_identity::Principal;
use ironroot_time::UnixTime;
use parking_lot::Mutex;

/// The running hub, as far as pages and answers tell of it.
pub trait Live: fmt::Debug + Send + Sync {
    /// What the doors know of one principal.
    fn activity(&self, principal: &Principal) -> Activity;

    /// Live sessions of all principals.
    fn sessions_count(&self) -> u64;

    /// Orders that are obeyed and wait to be recorded.
    fn held_orders(&self) -> usize;

    /// Upkeep that does not go well.
    fn troubles(&self) -> Vec<Trouble>;

    /// What was counted over time; held for a moment only.
    fn history(&self) -> &Mutex<History>;
}

/// Something that the hub cannot do at present, though its service goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What, and why not.
    pub what: String,
    /// What a person can do.
    pub remedy: String,
    /// Since when.
    pub since: UnixTime,
}

/// One principal at the doors, ever since it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Live sessions.
    pub sessions: u32,
    /// When it was last heard of; none when it never was.
    pub last_seen: Option<UnixTime>,
    /// What passed.
    pub traffic: Traffic,
    /// Where it came from, the latest first.
    pub sources: Vec<Source>,
    /// The Sparkplug edge nodes that it is.
    pub edge_nodes: Vec<EdgeNode>,
}

impl Activity {
    /// Messages from it and to it.
    pub(crate) fn messages(&self) -> u64 {
        let Traffic {
            messages_in,
            messages_out,
            ..
        } = self.traffic;
        messages_in.saturating_add(messages_out)
    }
}
