//! Sparkplug B: what an edge node may do, and how its births and deaths are read off what passes.

use std::sync::Arc;

use ironroot_broker::EdgeNode;
use ironroot_mqtt::{Packet, Publish, Qos, ReasonCode, Version};
use ironroot_registry::Subject;
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, Client, connect, device, grant_of, publish, service, will};

const PROFILE: &str = "name='node'\nevidence='none'\n[sparkplug]\ngroup='plant'\n[topics]";

fn node(bench: &Bench) -> Arc<Subject> {
    let node = device("node-1");
    bench.grants(&node, grant_of(PROFILE, Lifecycle::Active));
    node
}

/// A payload with nothing but this `bdSeq`; text, so that it is at hand as one.
fn bd_seq(number: u8) -> String {
    format!("\x12\x0b\x0a\x05bdSeq\x20\x08\x58{}", char::from(number))
}

/// An edge node that is in, with its death as its will.
fn joins<'b>(bench: &'b Bench, node: &Arc<Subject>, number: u8) -> Client<'b> {
    let death = bd_seq(number);
    let mut packet = connect(Version::V311, "node-1");
    packet.will = Some(will("spBv1.0/plant/NDEATH/node-1", &death));
    let mut client = bench.arrives(node, Version::V311);
    client.sends(&Packet::Connect(packet));
    assert!(
        matches!(client.gets()[..], [Packet::ConnAck(connack)] if connack.reason == ReasonCode::Success)
    );
    client
}

fn state(bench: &Bench, node: &Subject) -> Option<EdgeNode> {
    bench
        .broker
        .edge_nodes_of(node.principal())
        .into_iter()
        .next()
}

#[test]
fn an_edge_node_and_its_devices_are_online_from_birth_to_death() {
    let bench = Bench::new();
    let node = node(&bench);
    let mut client = joins(&bench, &node, 1);
    assert_eq!(state(&bench, &node), None);
    client.publishes("spBv1.0/plant/NBIRTH/node-1", &bd_seq(1));
    client.publishes("spBv1.0/plant/DBIRTH/node-1/pump", "");
    client.publishes("spBv1.0/plant/DDATA/node-1/pump", "21");
    let born = state(&bench, &node).unwrap();
    assert_eq!(
        (&*born.group, &*born.node, born.bd_seq),
        ("plant", "node-1", 1)
    );
    assert!(born.online && born.devices[0].online && &*born.devices[0].device == "pump");
    client.vanishes();
    let dead = state(&bench, &node).unwrap();
    assert!(!dead.online && !dead.devices[0].online);
}

#[test]
fn the_death_of_an_earlier_birth_changes_nothing_and_is_delivered_all_the_same() {
    let bench = Bench::new();
    let node = node(&bench);
    let mut reader = bench.joins(&service("host"), Version::V5);
    reader.subscribes("spBv1.0/#", Qos::AtMostOnce);
    let mut client = joins(&bench, &node, 2);
    client.publishes("spBv1.0/plant/NBIRTH/node-1", &bd_seq(2));
    client.publishes("spBv1.0/plant/NDEATH/node-1", &bd_seq(1));
    assert!(state(&bench, &node).unwrap().online);
    assert_eq!(
        reader.gets_messages().len(),
        2,
        "the host judges for itself"
    );
}

#[test]
fn attack_an_edge_node_cannot_speak_for_another_or_command_itself() {
    let bench = Bench::new();
    let node = node(&bench);
    let mut client = joins(&bench, &node, 1);
    for topic in [
        "spBv1.0/plant/NBIRTH/node-2",
        "spBv1.0/plant/DDATA/node-2/pump",
        "spBv1.0/other/NBIRTH/node-1",
        "spBv1.0/plant/NCMD/node-1",
        "spBv1.0/plant/DCMD/node-1/pump",
        "spBv1.0/STATE/host",
        "spBv1.0/plant/NBIRTH/node-1/pump",
    ] {
        client.publishes(topic, &bd_seq(1));
    }
    assert_eq!(bench.counters(&node).messages_in, 0);
    assert_eq!(bench.counters(&node).refused, 7);
    assert!(state(&bench, &node).is_none());

    let mut v5 = bench.joins(&node, Version::V5);
    let granted = |code: ReasonCode| code == ReasonCode::Success;
    for (filter, may) in [
        ("spBv1.0/plant/NCMD/node-1/#", true),
        ("spBv1.0/plant/DCMD/node-1/#", true),
        ("spBv1.0/plant/DCMD/node-1/pump", true),
        ("spBv1.0/STATE/host", true),
        ("spBv1.0/plant/NCMD/node-2", false),
        ("spBv1.0/plant/+/node-1", false),
        ("spBv1.0/plant/NDATA/#", false),
    ] {
        assert_eq!(
            granted(v5.subscribes(filter, Qos::AtMostOnce)),
            may,
            "{filter}"
        );
    }
    let refused = bench.counters(&node).refused;
    v5.sends(&Packet::Publish(Publish {
        ..publish("spBv1.0/plant/NDATA/node-1", "x")
    }));
    assert_eq!(bench.counters(&node).refused, refused);
}
