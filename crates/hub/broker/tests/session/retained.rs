//! Retained messages: kept, replaced, cleared, replayed, bounded, and judged by their publisher's Grant.

use std::num::NonZeroU16;
use std::time::Duration;

use ironroot_broker::BrokerSettings;
use ironroot_mqtt::{
    Connect, ConnectProperties, Packet, Publish, PublishProperties, Qos, ReasonCode,
    RetainHandling, Subscription, SubscriptionId, Version,
};
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, QOS1, connect, device, publish, service, subscription};

#[test]
fn a_later_subscriber_gets_the_latest_retained_message_of_each_topic() {
    let bench = Bench::new();
    let mut writer = bench.joins(&service("backend"), Version::V5);
    for (topic, payload) in [
        ("all/a", "old"),
        ("all/a", "new"),
        ("all/b", "b"),
        ("all", "parent"),
        ("allow", "no"),
    ] {
        writer.retains(topic, payload);
    }
    for (version, filter) in [
        (Version::V311, "all/#"),
        (Version::V5, "all/+"),
        (Version::V5, "all/a"),
    ] {
        let mut reader = bench.joins(&service("reader"), version);
        reader.asks_for(subscription(filter), None);
        let got = reader.gets();
        assert!(
            got.iter()
                .all(|packet| !matches!(packet, Packet::Publish(publish) if !publish.retain))
        );
        let topics: Vec<_> = got
            .iter()
            .filter_map(|packet| match packet {
                Packet::Publish(publish) => {
                    Some((publish.topic.unwrap().as_str(), publish.payload))
                }
                _ => None,
            })
            .collect();
        let expected: &[(&str, &[u8])] = match filter {
            "all/#" => &[("all", b"parent"), ("all/a", b"new"), ("all/b", b"b")],
            "all/+" => &[("all/a", b"new"), ("all/b", b"b")],
            _ => &[("all/a", b"new")],
        };
        assert_eq!(topics, expected);
    }
}

#[test]
fn an_empty_payload_clears_the_topic_and_is_not_kept() {
    let bench = Bench::new();
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.retains("all/a", "x");
    assert_eq!(bench.broker.totals().retained, 1);
    writer.retains("all/a", "");
    assert_eq!(bench.broker.totals().retained, 0);
}

#[test]
fn retain_handling_says_when_retained_messages_are_sent() {
    let bench = Bench::new();
    bench
        .joins(&service("backend"), Version::V5)
        .retains("all/a", "x");
    for (retain_handling, at_first, again) in [
        (RetainHandling::Always, 1, 1),
        (RetainHandling::IfNew, 1, 0),
        (RetainHandling::Never, 0, 0),
    ] {
        let mut reader = bench.joins(&device("cam-1"), Version::V5);
        for expected in [at_first, again] {
            reader.asks_for(
                Subscription {
                    retain_handling,
                    ..subscription("all/a")
                },
                Some(3),
            );
            let got = reader.gets();
            assert_eq!(got.len(), 1 + expected, "{retain_handling:?}: {got:?}");
            if let [_, Packet::Publish(publish)] = got[..] {
                assert_eq!(
                    publish
                        .properties
                        .subscription_ids
                        .iter()
                        .map(SubscriptionId::get)
                        .next(),
                    Some(3)
                );
            }
        }
    }
}

#[test]
fn a_retained_message_expires() {
    let bench = Bench::new();
    let properties = PublishProperties {
        message_expiry_s: Some(60),
        ..PublishProperties::default()
    };
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.sends(&Packet::Publish(Publish {
        retain: true,
        properties,
        ..publish("all/a", "x")
    }));
    let mut reader = bench.joins(&device("cam-1"), Version::V5);
    bench.passes(Duration::from_secs(59));
    reader.asks_for(subscription("all/a"), None);
    assert_eq!(reader.gets_messages(), [("all/a", "x")]);
    bench.passes(Duration::from_secs(1));
    reader.asks_for(subscription("all/a"), None);
    assert!(reader.gets_messages().is_empty());
}

#[test]
fn a_quarantined_devices_retained_messages_are_withheld_and_come_back_with_its_release() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut writer = bench.joins(&cam, Version::V5);
    writer.retains("d/cam-1/up/state", "fine");
    writer.retains("d/cam-1/up/diagnosis", "fine");
    let mut reader = bench.joins(&service("backend"), Version::V5);
    let mut sees = || {
        reader.asks_for(subscription("d/+/up/#"), None);
        reader.gets_messages().len()
    };
    assert_eq!(sees(), 2);
    bench.moves(&cam, Lifecycle::Quarantined);
    assert_eq!(sees(), 1, "its profile still grants the diagnosis");
    bench.moves(&cam, Lifecycle::Active);
    assert_eq!(sees(), 2);
}

#[test]
fn a_retired_devices_retained_messages_are_deleted() {
    let bench = Bench::new();
    let (cam, other) = (device("cam-1"), device("cam-2"));
    bench
        .joins(&cam, Version::V5)
        .retains("d/cam-1/up/state", "fine");
    bench
        .joins(&other, Version::V5)
        .retains("d/cam-2/up/state", "fine");
    bench.moves(&cam, Lifecycle::Retired);
    assert_eq!(bench.broker.totals().retained, 1);
    bench.moves(&cam, Lifecycle::Active);
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.asks_for(subscription("#"), None);
    assert_eq!(reader.gets_messages(), [("d/cam-2/up/state", "fine")]);
}

#[test]
fn retained_messages_pass_the_subscribers_own_check() {
    let bench = Bench::new();
    let cam = device("cam-1");
    bench
        .joins(&service("backend"), Version::V5)
        .retains("d/cam-1/down/config", "x");
    let mut reader = bench.joins(&cam, Version::V5);
    reader.asks_for(subscription("d/cam-1/down/#"), None);
    bench.moves(&cam, Lifecycle::Quarantined);
    assert!(reader.gets_messages().is_empty());
}

#[test]
fn thousands_of_retained_messages_come_page_by_page_within_the_window() {
    let bench = Bench::new();
    let mut writer = bench.joins(&service("backend"), Version::V5);
    for n in 0..900 {
        writer.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            retain: true,
            ..publish(&format!("all/{n}"), "x")
        }));
    }
    let mut reader = bench.arrives(&device("cam-1"), Version::V5);
    let properties = ConnectProperties {
        receive_maximum: NonZeroU16::new(7),
        ..ConnectProperties::default()
    };
    reader.sends(&Packet::Connect(Connect {
        properties,
        ..connect(Version::V5, "cam-1")
    }));
    reader.gets();
    reader.asks_for(
        Subscription {
            qos: Qos::AtLeastOnce,
            ..subscription("all/#")
        },
        None,
    );
    let mut topics = std::collections::BTreeSet::new();
    loop {
        let got: Vec<_> = reader
            .gets()
            .into_iter()
            .filter_map(|packet| match packet {
                Packet::Publish(publish) => Some(publish),
                _ => None,
            })
            .collect();
        assert!(got.len() <= 7);
        for publish in &got {
            assert!(topics.insert(publish.topic.unwrap()), "each comes once");
            reader.acknowledges(publish);
        }
        if got.is_empty() {
            break;
        }
    }
    assert_eq!(topics.len(), 900);
}

#[test]
fn refuses_what_the_retained_store_has_no_room_for() {
    let settings = BrokerSettings {
        retained_max: 3,
        retained_per_principal_max: 2,
        ..BrokerSettings::default()
    };
    let bench = Bench::with(settings);
    let retain = |client: &mut crate::bench::Client<'_>, topic: &str| {
        client.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            retain: true,
            ..publish(topic, "x")
        }));
        match client.gets()[..] {
            [Packet::PubAck(ack)] => ack.reason,
            ref other => panic!("{other:?}"),
        }
    };
    let (mut one, mut two) = (
        bench.joins(&service("one"), Version::V5),
        bench.joins(&service("two"), Version::V5),
    );
    assert_eq!(retain(&mut one, "1"), ReasonCode::NoMatchingSubscribers);
    assert_eq!(retain(&mut one, "2"), ReasonCode::NoMatchingSubscribers);
    assert_eq!(
        retain(&mut one, "3"),
        ReasonCode::QuotaExceeded,
        "one principal's share"
    );
    assert_eq!(
        retain(&mut one, "2"),
        ReasonCode::NoMatchingSubscribers,
        "it replaces its own"
    );
    assert_eq!(retain(&mut two, "3"), ReasonCode::NoMatchingSubscribers);
    assert_eq!(
        retain(&mut two, "4"),
        ReasonCode::QuotaExceeded,
        "all of it"
    );
}

#[test]
fn expired_messages_make_room() {
    let bench = Bench::with(BrokerSettings {
        retained_max: 1,
        ..BrokerSettings::default()
    });
    let mut writer = bench.joins(&service("backend"), Version::V5);
    let properties = PublishProperties {
        message_expiry_s: Some(60),
        ..PublishProperties::default()
    };
    writer.sends(&Packet::Publish(Publish {
        retain: true,
        properties,
        ..publish("a", "x")
    }));
    writer.retains("b", "x");
    assert_eq!(bench.counters(&service("backend")).refused, 1);
    bench.passes(Duration::from_secs(60));
    writer.retains("b", "x");
    assert_eq!(bench.counters(&service("backend")).refused, 1);
    assert_eq!(bench.broker.totals().retained, 1);
}
