//! A Sparkplug B edge node by somebody else's hand: its births and its death show at the hub.

use crate::rig::{Api, Hub, edge_node, until};

const PROFILE: &str =
    "name = 'edge-node'\nevidence = 'none'\n[sparkplug]\ngroup = 'plant-1'\n[topics]\n";

#[test]
fn an_edge_node_by_paho_is_online_until_its_connection_is_gone() {
    let mut hub = Hub::unstarted();
    hub.profile("edge-node", PROFILE);
    hub.starts();
    let press = hub.device_as("press-7", "edge-node");
    let api = Api::of(&hub);
    let state = || api.get("/devices/press-7")["edge_nodes"][0].clone();
    let node = edge_node(&hub, &press, "plant-1");
    let born = until("it is born", || {
        let state = state();
        (state["devices"][0]["online"] == true).then_some(state)
    });
    assert_eq!(
        (&born["group"], &born["node"]),
        (&"plant-1".into(), &"press-7".into())
    );
    assert_eq!(
        (&born["online"], &born["bd_seq"]),
        (&true.into(), &7.into())
    );
    drop(node);
    let dead = until("it is dead", || {
        let state = state();
        (state["online"] == false).then_some(state)
    });
    assert_eq!(dead["devices"][0]["online"], false);
}
