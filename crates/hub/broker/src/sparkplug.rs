//! Sparkplug B (Eclipse Sparkplug 3.0, cited by its assertions): which edge nodes and devices were born, and have not died since.
//!
//! It is read off the messages that pass; none is changed, delayed or refused for it, and of a payload nothing is
//! decoded but `bdSeq`. What a node may publish stands in its profile, like every other topic.

mod payload;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ironroot_time::UnixTime;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Edge nodes of one principal, and devices of one node, that are known at most; others are not shown.
const NODES_MAX: usize = 16;
const DEVICES_MAX: usize = 256;

/// An edge node as its births and deaths tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeNode {
    /// Its group.
    pub group: Box<str>,
    /// Its id in the group.
    pub node: Box<str>,
    /// Whether it was born and has not died.
    pub online: bool,
    /// The number of its latest birth, which its death must name (`tck-id-topics-nbirth-bdseq-matching`).
    pub bd_seq: u64,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// The devices behind it.
    pub devices: Vec<EdgeDevice>,
}

/// A device behind an edge node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeDevice {
    /// Its id.
    pub device: Box<str>,
    /// Whether it was born and neither it nor its node has died.
    pub online: bool,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
}

/// The edge nodes of one principal.
#[derive(Debug, Default)]
pub(crate) struct EdgeNodes {
    all: Mutex<Vec<EdgeNode>>,
    changes: AtomicU64,
}

/// A birth or a death, by its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BirthOrDeath<'a> {
    group: &'a str,
    node: &'a str,
    /// None when it is the node's own.
    device: Option<&'a str>,
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Birth,
    Death,
}

impl<'a> BirthOrDeath<'a> {
    /// Reads `spBv1.0/group/type/node[/device]` (chapter 4); none when it is no birth and no death.
    pub(crate) fn parse(topic: &'a str) -> Option<Self> {
        let mut levels = topic.strip_prefix("spBv1.0/")?.split('/');
        let (group, kind, node) = (levels.next()?, levels.next()?, levels.next()?);
        let (device, None) = (levels.next(), levels.next()) else {
            return None;
        };
        let turn = match (kind, device) {
            ("NBIRTH", None) | ("DBIRTH", Some(_)) => Turn::Birth,
            ("NDEATH", None) | ("DDEATH", Some(_)) => Turn::Death,
            _ => return None,
        };
        Some(Self {
            group,
            node,
            device,
            turn,
        })
    }
}

impl EdgeNodes {
    /// What was known in an earlier life of the hub. All connections ended with that, so nobody is online before
    /// the next birth.
    pub(crate) fn restore(mut all: Vec<EdgeNode>, now: UnixTime) -> Self {
        for node in &mut all {
            node.die(now);
        }
        Self {
            all: Mutex::new(all),
            changes: AtomicU64::new(0),
        }
    }

    pub(crate) fn all(&self) -> Vec<EdgeNode> {
        self.all.lock().clone()
    }

    /// Grows with every change.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Relaxed)
    }

    /// Takes a birth or a death in; one that does not fit what is known is left out.
    pub(crate) fn note(&self, step: BirthOrDeath<'_>, payload: &[u8], now: UnixTime) {
        let mut all = self.all.lock();
        let at = all
            .iter()
            .position(|known| *known.group == *step.group && *known.node == *step.node);
        let noted = match (step.device, step.turn) {
            (None, Turn::Birth) => payload::bd_seq(payload)
                .is_some_and(|bd_seq| be_born(&mut all, at, step, bd_seq, now)),
            (None, Turn::Death) => at.and_then(|at| all.get_mut(at)).is_some_and(|node| {
                // tck-id-topics-nbirth-bdseq-matching: a death that names another birth is an old one.
                let dies = node.online && payload::bd_seq(payload) == Some(node.bd_seq);
                if dies {
                    node.die(now);
                }
                dies
            }),
            (Some(device), turn) => at
                .and_then(|at| all.get_mut(at))
                .is_some_and(|node| node.note_device(device, turn == Turn::Birth, now)),
        };
        self.changes.fetch_add(u64::from(noted), Relaxed);
    }
}

/// A node is born: its devices are to be born again.
fn be_born(
    all: &mut Vec<EdgeNode>,
    at: Option<usize>,
    step: BirthOrDeath<'_>,
    bd_seq: u64,
    now: UnixTime,
) -> bool {
    if let Some(node) = at.and_then(|at| all.get_mut(at)) {
        node.die(now);
        (node.online, node.bd_seq, node.since_ms) = (true, bd_seq, now.as_ms());
        return true;
    }
    let room = all.len() < NODES_MAX;
    if room {
        all.push(EdgeNode {
            group: step.group.into(),
            node: step.node.into(),
            online: true,
            bd_seq,
            since_ms: now.as_ms(),
            devices: Vec::new(),
        });
    }
    room
}

impl EdgeNode {
    /// It is gone, and everything behind it.
    fn die(&mut self, now: UnixTime) {
        if self.online {
            (self.online, self.since_ms) = (false, now.as_ms());
        }
        for device in self.devices.iter_mut().filter(|device| device.online) {
            (device.online, device.since_ms) = (false, now.as_ms());
        }
    }

    /// A device behind it comes or goes; not while the node itself is gone.
    fn note_device(&mut self, id: &str, online: bool, now: UnixTime) -> bool {
        if !self.online {
            return false;
        }
        let since_ms = now.as_ms();
        let room = self.devices.len() < DEVICES_MAX;
        match self.devices.iter_mut().find(|known| *known.device == *id) {
            Some(known) => (known.online, known.since_ms) = (online, since_ms),
            None if online && room => self.devices.push(EdgeDevice {
                device: id.into(),
                online,
                since_ms,
            }),
            None => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(bd_seq: u8) -> Vec<u8> {
        let metric = [b"\x0a\x05bdSeq\x20\x08\x58".as_slice(), &[bd_seq]].concat();
        let mut payload = vec![0x12, u8::try_from(metric.len()).unwrap()];
        payload.extend(metric);
        payload
    }

    fn note(nodes: &EdgeNodes, topic: &str, bd_seq: u8, at: u64) {
        let step = BirthOrDeath::parse(topic).unwrap();
        nodes.note(step, &payload(bd_seq), UnixTime::from_ms(at));
    }

    fn online(nodes: &EdgeNodes) -> (bool, Vec<bool>) {
        let all = nodes.all();
        let node = all.first().unwrap();
        (
            node.online,
            node.devices.iter().map(|device| device.online).collect(),
        )
    }

    #[test]
    fn births_and_deaths_are_told_from_other_topics() {
        let parse = BirthOrDeath::parse;
        assert!(parse("spBv1.0/g/NBIRTH/n").is_some() && parse("spBv1.0/g/DDEATH/n/d").is_some());
        for other in [
            "spBv1.0/g/NDATA/n",
            "spBv1.0/g/DDATA/n/d",
            "spBv1.0/g/NCMD/n",
            "spBv1.0/STATE/host",
            "spBv1.0/g/NBIRTH/n/d",
            "spBv1.0/g/DBIRTH/n",
            "spBv1.0/g/DBIRTH/n/d/e",
            "spBv1.0/g",
            "spAv1.0/g/NBIRTH/n",
            "d/cam-1/up/t",
            "",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_death_takes_the_devices_behind_the_node_with_it() {
        let nodes = EdgeNodes::default();
        note(&nodes, "spBv1.0/g/NBIRTH/n", 1, 10);
        note(&nodes, "spBv1.0/g/DBIRTH/n/a", 0, 20);
        note(&nodes, "spBv1.0/g/DBIRTH/n/b", 0, 20);
        assert_eq!(online(&nodes), (true, vec![true, true]));
        note(&nodes, "spBv1.0/g/DDEATH/n/a", 0, 30);
        assert_eq!(online(&nodes), (true, vec![false, true]));
        note(&nodes, "spBv1.0/g/NDEATH/n", 1, 40);
        assert_eq!(online(&nodes), (false, vec![false, false]));
        let since: Vec<_> = nodes.all()[0]
            .devices
            .iter()
            .map(|device| device.since_ms)
            .collect();
        assert_eq!((nodes.all()[0].since_ms, since), (40, vec![30, 40]));
    }

    #[test]
    fn a_death_that_names_an_earlier_birth_says_nothing() {
        let nodes = EdgeNodes::default();
        note(&nodes, "spBv1.0/g/NBIRTH/n", 1, 10);
        note(&nodes, "spBv1.0/g/NBIRTH/n", 2, 20);
        note(&nodes, "spBv1.0/g/NDEATH/n", 1, 30);
        assert!(online(&nodes).0);
        let death = BirthOrDeath::parse("spBv1.0/g/NDEATH/n").unwrap();
        nodes.note(death, b"no protobuf", UnixTime::from_ms(30));
        assert!(online(&nodes).0);
        note(&nodes, "spBv1.0/g/NDEATH/n", 2, 40);
        assert!(!online(&nodes).0);
    }

    #[test]
    fn devices_are_born_again_after_their_node_and_never_without_it() {
        let nodes = EdgeNodes::default();
        note(&nodes, "spBv1.0/g/DBIRTH/n/a", 0, 5);
        assert!(nodes.all().is_empty());
        note(&nodes, "spBv1.0/g/NBIRTH/n", 1, 10);
        note(&nodes, "spBv1.0/g/DBIRTH/n/a", 0, 20);
        note(&nodes, "spBv1.0/g/NBIRTH/n", 2, 30);
        assert_eq!(online(&nodes), (true, vec![false]));
        note(&nodes, "spBv1.0/g/NDEATH/n", 2, 40);
        note(&nodes, "spBv1.0/g/DBIRTH/n/a", 0, 50);
        assert_eq!(online(&nodes), (false, vec![false]));
    }

    #[test]
    fn no_more_nodes_and_devices_are_known_than_there_is_room_for() {
        let nodes = EdgeNodes::default();
        for n in 0..1_000 {
            note(&nodes, &format!("spBv1.0/g/NBIRTH/n{n}"), 1, 10);
            note(&nodes, &format!("spBv1.0/g/DBIRTH/n0/d{n}"), 1, 10);
        }
        let all = nodes.all();
        assert_eq!((all.len(), all[0].devices.len()), (NODES_MAX, DEVICES_MAX));
    }

    #[test]
    fn nobody_is_online_before_its_birth_in_this_life_of_the_hub() {
        let nodes = EdgeNodes::default();
        note(&nodes, "spBv1.0/g/NBIRTH/n", 1, 10);
        note(&nodes, "spBv1.0/g/DBIRTH/n/a", 0, 20);
        let nodes = EdgeNodes::restore(nodes.all(), UnixTime::from_ms(99));
        assert_eq!(online(&nodes), (false, vec![false]));
        assert_eq!(nodes.all()[0].since_ms, 99);
    }
}
