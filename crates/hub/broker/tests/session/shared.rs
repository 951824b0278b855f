//! Shared subscriptions: each message to one member of the group (MQTT 5 section 4.8.2).

use ironroot_broker::BrokerSettings;
use ironroot_mqtt::{Packet, Publish, Qos, ReasonCode, RetainHandling, Subscription, Version};
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, Client, QOS1, device, lasting, publish, service, subscription};

fn session<'b>(bench: &'b Bench, client_id: &str) -> Client<'b> {
    let mut client = bench.arrives(&service("backend"), Version::V5);
    client.sends(&Packet::Connect(lasting(Version::V5, client_id)));
    client.is_let_in();
    client
}

fn member<'b>(bench: &'b Bench, client_id: &str, filter: &str) -> Client<'b> {
    let mut client = session(bench, client_id);
    assert_eq!(
        client.subscribes(filter, Qos::AtLeastOnce),
        ReasonCode::GrantedQos1
    );
    client
}

fn payloads(client: &mut Client<'_>) -> Vec<&'static str> {
    client
        .gets_messages()
        .into_iter()
        .map(|(_, payload)| payload)
        .collect()
}

#[test]
fn members_take_turns() {
    let bench = Bench::new();
    let mut a = member(&bench, "backend/a", "$share/g/d/#");
    let mut b = member(&bench, "backend/b", "$share/g/d/#");
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    for payload in ["1", "2", "3", "4"] {
        writer.publishes("d/cam-1/up/t", payload);
    }
    assert_eq!(
        (payloads(&mut a), payloads(&mut b)),
        (vec!["1", "3"], vec!["2", "4"])
    );
}

#[test]
fn groups_filters_and_own_subscriptions_each_get_the_message() {
    let bench = Bench::new();
    let mut groups = [
        member(&bench, "backend/a", "$share/g/d/#"),
        member(&bench, "backend/b", "$share/h/d/#"),
        member(&bench, "backend/c", "$share/g/d/+/up/t"),
        member(&bench, "backend/d", "d/#"),
    ];
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    writer.publishes("d/cam-1/up/t", "x");
    for client in &mut groups {
        assert_eq!(payloads(client), ["x"]);
    }
}

#[test]
fn who_leaves_has_no_turn_any_more() {
    let bench = Bench::new();
    let mut a = member(&bench, "backend/a", "$share/g/d/#");
    let mut b = member(&bench, "backend/b", "$share/g/d/#");
    assert_eq!(b.unsubscribes("$share/g/d/#"), [ReasonCode::Success]);
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    writer.publishes("d/cam-1/up/t", "1");
    writer.publishes("d/cam-1/up/t", "2");
    assert_eq!(payloads(&mut a), ["1", "2"]);
    assert_eq!(a.unsubscribes("$share/g/d/#"), [ReasonCode::Success]);
    assert_eq!(bench.broker.totals().subscriptions, 0);
}

#[test]
fn a_member_that_is_away_is_passed_over_while_another_is_there() {
    let bench = Bench::new();
    let mut a = member(&bench, "backend/a", "$share/g/d/#");
    member(&bench, "backend/b", "$share/g/d/#").vanishes();
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    let mut publishes = |payload| {
        writer.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            ..publish("d/cam-1/up/t", payload)
        }));
    };
    publishes("1");
    publishes("2");
    assert_eq!(payloads(&mut a), ["1", "2"]);
    a.vanishes();
    publishes("3");
    let mut later: Vec<_> = ["backend/a", "backend/b"]
        .into_iter()
        .flat_map(|id| payloads(&mut session(&bench, id)))
        .collect();
    later.sort_unstable();
    assert_eq!(
        later,
        ["1", "2", "3"],
        "3 waited for one of them; 1 and 2 were not acknowledged"
    );
}

#[test]
fn a_member_whose_grant_withholds_the_message_is_passed_over() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut withheld = bench.joins(&cam, Version::V5);
    withheld.subscribes("$share/g/all/#", Qos::AtMostOnce);
    let mut other = bench.joins(&device("cam-2"), Version::V5);
    other.subscribes("$share/g/all/#", Qos::AtMostOnce);
    bench.moves(&cam, Lifecycle::Quarantined);
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.publishes("all/news", "1");
    writer.publishes("all/news", "2");
    assert_eq!(payloads(&mut other), ["1", "2"]);
    assert!(withheld.gets().is_empty());
}

#[test]
fn a_member_that_is_behind_is_passed_over() {
    let bench = Bench::with(BrokerSettings {
        session_queue_pause_bytes: 1_024,
        ..BrokerSettings::default()
    });
    let mut slow = member(&bench, "backend/a", "$share/g/d/#");
    let mut fast = member(&bench, "backend/b", "$share/g/d/#");
    let mut writer = bench.joins(&service("writer"), Version::V5);
    let payload = "x".repeat(400);
    for _ in 0..12 {
        writer.publishes("d/cam-1/up/t", &payload);
        fast.gets();
    }
    assert_eq!(bench.counters(&service("backend")).dropped, 0);
    assert!(slow.gets().len() < 6);
}

/// Attack: a group name is no way around the Grant.
#[test]
fn refuses_a_shared_filter_that_is_not_granted() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    assert_eq!(
        client.subscribes("$share/g/d/+/up/#", Qos::AtMostOnce),
        ReasonCode::NotAuthorized
    );
}

#[test]
fn retained_messages_do_not_go_to_a_group() {
    let bench = Bench::new();
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    writer.retains("d/cam-1/up/t", "kept");
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.subscribes_with(
        Subscription {
            retain_handling: RetainHandling::Always,
            ..subscription("$share/g/d/#")
        },
        None,
    );
    assert!(reader.gets().is_empty());
}
