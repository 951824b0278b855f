//! The will: when it fires, when not, and the checks at both moments.

use std::time::Duration;

use ironroot_mqtt::{Connect, Disconnect, Packet, Qos, ReasonCode, Version, Will, WillProperties};
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, Client, connect, device, service, subscription, will};

const TOPIC: &str = "d/cam-1/up/gone";

/// A client with a will, let in.
fn with_will<'b>(
    bench: &'b Bench,
    subject: &std::sync::Arc<ironroot_registry::Subject>,
    will: Will<'_>,
) -> Client<'b> {
    let mut client = bench.arrives(subject, Version::V5);
    client.sends(&Packet::Connect(Connect {
        will: Some(will),
        ..connect(Version::V5, "cam-1")
    }));
    assert!(
        matches!(client.gets()[..], [Packet::ConnAck(connack)] if connack.reason == ReasonCode::Success)
    );
    client
}

fn reader(bench: &Bench) -> Client<'_> {
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.subscribes("d/#", Qos::AtLeastOnce);
    reader
}

#[test]
fn a_will_fires_when_the_connection_is_lost() {
    let bench = Bench::new();
    let mut reader = reader(&bench);
    let properties = WillProperties {
        content_type: Some("text/plain"),
        message_expiry_s: Some(9),
        ..Default::default()
    };
    let will = Will {
        qos: Qos::AtLeastOnce,
        properties,
        ..will(TOPIC, "gone")
    };
    let client = with_will(&bench, &device("cam-1"), will);
    bench.passes(Duration::from_secs(60));
    client.vanishes();
    let got = reader.gets_message();
    assert_eq!(
        (got.topic.unwrap().as_str(), got.payload, got.delivery.qos()),
        (TOPIC, &b"gone"[..], Qos::AtLeastOnce)
    );
    assert_eq!(got.properties.content_type, Some("text/plain"));
    assert_eq!(
        got.properties.message_expiry_s,
        Some(9),
        "its life begins when it fires"
    );
}

#[test]
fn a_will_fires_on_every_end_but_the_normal_one() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = reader(&bench);
    let mut client = with_will(&bench, &cam, will(TOPIC, "normal end"));
    client.leaves();
    assert!(reader.gets().is_empty());

    let mut client = with_will(&bench, &cam, will(TOPIC, "with will"));
    client.sends(&Packet::Disconnect(Disconnect {
        reason: ReasonCode::DisconnectWithWill,
        ..Default::default()
    }));
    let mut client = with_will(&bench, &cam, will(TOPIC, "protocol error"));
    client.sends_bytes(&[0xD0, 0]);
    let mut client = with_will(&bench, &cam, will(TOPIC, "silence"));
    bench.passes(Duration::from_secs(90));
    client.handle_deadline();
    let mut old = with_will(&bench, &cam, will(TOPIC, "taken over"));
    let _new = with_will(&bench, &cam, will(TOPIC, ""));
    old.gets();
    drop(with_will(&bench, &device("cam-1"), will(TOPIC, "dropped")));
    let fired: Vec<_> = reader
        .gets_messages()
        .into_iter()
        .map(|(_, payload)| payload)
        .collect();
    assert_eq!(
        fired[..4],
        ["with will", "protocol error", "silence", "taken over"]
    );
    assert!(fired.contains(&"dropped"));
}

#[test]
fn a_retained_will_is_kept() {
    let bench = Bench::new();
    with_will(
        &bench,
        &device("cam-1"),
        Will {
            retain: true,
            ..will(TOPIC, "gone")
        },
    )
    .vanishes();
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.asks_for(subscription("d/#"), None);
    assert_eq!(reader.gets_messages(), [(TOPIC, "gone")]);
}

#[test]
fn a_device_cannot_register_a_will_for_another() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for version in [Version::V311, Version::V5] {
        let mut client = bench.arrives(&cam, version);
        let will = Some(will("d/cam-2/up/gone", "gone"));
        client.sends(&Packet::Connect(Connect {
            will,
            ..connect(version, "cam-1")
        }));
        let got = client.gets();
        assert!(
            matches!(got[..], [Packet::ConnAck(connack)] if connack.reason == ReasonCode::NotAuthorized),
            "{got:?}"
        );
        assert!(client.session.is_over());
    }
    assert_eq!(bench.counters(&cam).refused, 2);
}

#[test]
fn a_quarantined_devices_will_is_not_fired() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = reader(&bench);
    let client = with_will(&bench, &cam, will(TOPIC, "gone"));
    bench.moves(&cam, Lifecycle::Quarantined);
    client.vanishes();
    assert!(reader.gets().is_empty());
    assert_eq!(bench.counters(&cam).refused, 1);
}

#[test]
fn a_will_that_the_grant_still_allows_is_fired_under_quarantine() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = reader(&bench);
    let client = with_will(&bench, &cam, will("d/cam-1/up/diagnosis", "gone"));
    bench.moves(&cam, Lifecycle::Quarantined);
    client.vanishes();
    assert_eq!(reader.gets_messages(), [("d/cam-1/up/diagnosis", "gone")]);
}

#[test]
fn a_retired_devices_will_is_not_fired() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = reader(&bench);
    let mut client = with_will(&bench, &cam, will(TOPIC, "gone"));
    bench.moves(&cam, Lifecycle::Retired);
    assert_eq!(client.is_refused(), ReasonCode::NotAuthorized);
    assert!(reader.gets().is_empty());
}

#[test]
fn refuses_a_will_whose_topic_has_too_many_levels() {
    let bench = Bench::new();
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    let topic = format!("d/cam-1/up{}", "/x".repeat(30));
    client.sends(&Packet::Connect(Connect {
        will: Some(will(&topic, "x")),
        ..connect(Version::V5, "cam-1")
    }));
    assert!(
        matches!(client.gets()[..], [Packet::ConnAck(connack)] if connack.reason == ReasonCode::TopicNameInvalid)
    );
}
