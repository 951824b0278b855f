//! SUBSCRIBE and UNSUBSCRIBE: every check on a filter, and every option.

use std::time::Duration;

use ironroot_mqtt::{
    List, Packet, Publish, Qos, ReasonCode, Subscribe, SubscribeProperties, Subscription,
    SubscriptionId, TopicFilter, Unsubscribe, UnsubscribeProperties, Version,
};

use crate::bench::{Bench, PACKET_ID, QOS1, device, publish, service, subscription};

#[test]
fn refuses_a_filter_that_the_grant_does_not_cover() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for (version, refused) in [
        (Version::V5, ReasonCode::NotAuthorized),
        (Version::V311, ReasonCode::UnspecifiedError),
    ] {
        let mut client = bench.joins(&cam, version);
        for filter in [
            "#",
            "d/+/down/x",
            "d/cam-2/down/x",
            "d/cam-1/#",
            "d/cam-1/up/x",
            "+/x",
        ] {
            assert_eq!(
                client.subscribes(filter, Qos::AtMostOnce),
                refused,
                "{filter}"
            );
        }
        assert_eq!(
            client.subscribes("d/cam-1/down/+", Qos::AtMostOnce),
            ReasonCode::Success
        );
        client.leaves();
    }
    assert_eq!(bench.counters(&cam).refused, 12);
}

#[test]
fn each_filter_of_one_packet_gets_its_own_answer() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    let at = |qos, filter| Subscription {
        qos,
        ..subscription(filter)
    };
    client.sends(&Packet::Subscribe(Subscribe {
        packet_id: PACKET_ID,
        properties: SubscribeProperties::default(),
        subscriptions: List::from(&[
            at(Qos::AtMostOnce, "all/a"),
            at(Qos::AtLeastOnce, "secret"),
            at(Qos::AtLeastOnce, "all/b"),
        ]),
    }));
    let got = client.gets();
    let [Packet::SubAck(suback)] = got[..] else {
        panic!("{got:?}")
    };
    let codes: Vec<_> = suback.codes.iter().collect();
    assert_eq!(
        codes,
        [
            ReasonCode::Success,
            ReasonCode::NotAuthorized,
            ReasonCode::GrantedQos1
        ]
    );
}

#[test]
fn a_subscription_is_granted_at_the_qos_that_was_asked_for() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for version in [Version::V311, Version::V5] {
        let mut client = bench.joins(&cam, version);
        assert_eq!(
            client.subscribes("all/#", Qos::ExactlyOnce),
            ReasonCode::GrantedQos2
        );
    }
}

#[test]
fn refuses_more_subscriptions_than_the_grant_allows() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    for filter in ["all/1", "all/2", "all/3", "all/4"] {
        assert_eq!(
            client.subscribes(filter, Qos::AtMostOnce),
            ReasonCode::Success
        );
    }
    assert_eq!(
        client.subscribes("all/5", Qos::AtMostOnce),
        ReasonCode::QuotaExceeded
    );
    assert_eq!(
        client.subscribes("all/4", Qos::AtLeastOnce),
        ReasonCode::GrantedQos1,
        "that one exists"
    );
    client.unsubscribes("all/1");
    assert_eq!(
        client.subscribes("all/5", Qos::AtMostOnce),
        ReasonCode::Success
    );
}

#[test]
fn refuses_a_filter_with_too_many_levels() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    let deepest = format!("all{}", "/+".repeat(31));
    assert_eq!(
        client.subscribes(&deepest, Qos::AtMostOnce),
        ReasonCode::Success
    );
    assert_eq!(
        client.subscribes(&format!("{deepest}/+"), Qos::AtMostOnce),
        ReasonCode::TopicFilterInvalid
    );
}

#[test]
fn unsubscribing_stops_the_flow_and_says_whether_there_was_one() {
    let bench = Bench::new();
    let mut writer = bench.joins(&service("backend"), Version::V5);
    for (version, said) in [
        (
            Version::V5,
            [
                vec![ReasonCode::Success],
                vec![ReasonCode::NoSubscriptionExisted],
            ],
        ),
        (Version::V311, [vec![], vec![]]),
    ] {
        let mut client = bench.joins(&device("cam-1"), version);
        client.subscribes("all/#", Qos::AtMostOnce);
        assert_eq!(
            [client.unsubscribes("all/#"), client.unsubscribes("all/#")],
            said
        );
        writer.publishes("all/x", "x");
        assert!(client.gets().is_empty());
    }
}

#[test]
fn a_second_subscription_to_the_same_filter_replaces_the_first() {
    let bench = Bench::new();
    let mut reader = bench.joins(&device("cam-1"), Version::V5);
    reader.subscribes_with(
        Subscription {
            qos: Qos::AtLeastOnce,
            ..subscription("all/x")
        },
        Some(1),
    );
    reader.subscribes_with(subscription("all/x"), Some(2));
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.publishes_qos1("all/x", "x");
    let got = reader.gets_message();
    assert_eq!(got.delivery.qos(), Qos::AtMostOnce);
    let ids: Vec<_> = got
        .properties
        .subscription_ids
        .iter()
        .map(SubscriptionId::get)
        .collect();
    assert_eq!(ids, [2]);
}

#[test]
fn overlapping_subscriptions_give_one_delivery_with_the_highest_qos_and_all_identifiers() {
    let bench = Bench::new();
    let mut reader = bench.joins(&device("cam-1"), Version::V5);
    reader.subscribes_with(subscription("all/#"), Some(5));
    reader.subscribes_with(
        Subscription {
            qos: Qos::AtLeastOnce,
            ..subscription("all/+")
        },
        Some(6),
    );
    reader.subscribes("all/x", Qos::AtMostOnce);
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.publishes_qos1("all/x", "x");
    let got = reader.gets_message();
    assert_eq!(got.delivery.qos(), Qos::AtLeastOnce);
    let mut ids: Vec<_> = got
        .properties
        .subscription_ids
        .iter()
        .map(SubscriptionId::get)
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [5, 6]);
}

#[test]
fn no_local_keeps_a_clients_own_messages_away() {
    let bench = Bench::new();
    let backend = service("backend");
    let mut client = bench.joins(&backend, Version::V5);
    client.subscribes_with(
        Subscription {
            no_local: true,
            ..subscription("a/#")
        },
        None,
    );
    client.publishes("a/b", "own");
    bench
        .joins(&service("other"), Version::V5)
        .publishes("a/b", "other's");
    assert_eq!(client.gets_messages(), [("a/b", "other's")]);
    client.subscribes("a/b", Qos::AtMostOnce);
    client.publishes("a/b", "own");
    assert_eq!(
        client.gets_messages(),
        [("a/b", "own")],
        "another subscription of it wants them"
    );
}

#[test]
fn retain_as_published_keeps_the_flag() {
    let bench = Bench::new();
    let mut reader = bench.joins(&device("cam-1"), Version::V5);
    let mut writer = bench.joins(&service("backend"), Version::V5);
    for keeps in [false, true] {
        reader.subscribes_with(
            Subscription {
                retain_as_published: keeps,
                ..subscription("all/x")
            },
            None,
        );
        writer.retains("all/x", "x");
        assert_eq!(reader.gets_message().retain, keeps);
        writer.publishes("all/x", "x");
        assert!(!reader.gets_message().retain);
    }
}

#[test]
fn the_qos_of_a_delivery_is_the_lower_of_both() {
    let bench = Bench::new();
    let mut reader = bench.joins(&device("cam-1"), Version::V311);
    let mut writer = bench.joins(&service("backend"), Version::V311);
    for (subscribed, published, delivered) in [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1)] {
        reader.subscribes("all/x", Qos::from_bits(subscribed).unwrap());
        let message = publish("all/x", "x");
        writer.sends(&Packet::Publish(if published == 1 {
            Publish {
                delivery: QOS1,
                ..message
            }
        } else {
            message
        }));
        assert_eq!(reader.gets_message().delivery.qos().bits(), delivered);
    }
}

#[test]
fn a_leading_wildcard_matches_no_dollar_topic() {
    let bench = Bench::new();
    let backend = service("backend");
    bench.grants(
        &backend,
        std::sync::Arc::new(ironroot_standing::grant_service(
            crate::bench::topics(&["#", "$x/#"]),
            crate::bench::topics(&["#", "$x/#"]),
        )),
    );
    let mut client = bench.joins(&backend, Version::V5);
    client.subscribes("#", Qos::AtMostOnce);
    client.subscribes("+/a", Qos::AtMostOnce);
    client.publishes("$x/a", "hidden");
    assert!(client.gets().is_empty());
    assert!(TopicFilter::parse("$x/a").is_ok());
    client.subscribes("$x/a", Qos::AtMostOnce);
    client.publishes("$x/a", "asked for");
    assert_eq!(client.gets_messages(), [("$x/a", "asked for")]);
}

#[test]
fn refuses_more_filters_in_one_packet_than_the_grant_allows_subscriptions() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    client.sends(&Packet::Subscribe(Subscribe {
        packet_id: PACKET_ID,
        properties: SubscribeProperties::default(),
        subscriptions: List::from(&[subscription("all/x"); 6]),
    }));
    let got = client.gets();
    let [Packet::SubAck(suback)] = got[..] else {
        panic!("{got:?}")
    };
    let refused = suback.codes.iter().filter(|code| code.is_failure());
    assert_eq!(refused.count(), 2);
}

#[test]
fn subscribing_and_unsubscribing_past_the_rate_have_to_wait() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    for _ in 0..10 {
        client.subscribes("all/x", Qos::AtMostOnce);
        client.unsubscribes("all/x");
    }
    client.asks_for(subscription("all/x"), None);
    client.sends(&Packet::Unsubscribe(Unsubscribe {
        packet_id: PACKET_ID,
        properties: UnsubscribeProperties::default(),
        filters: List::from(&[TopicFilter::parse("all/x").unwrap()]),
    }));
    assert!(client.gets().is_empty());
    bench.passes(Duration::from_millis(100));
    client.resumes();
    assert!(matches!(client.gets()[..], [Packet::SubAck(_)]));
    bench.passes(Duration::from_millis(100));
    client.resumes();
    assert!(matches!(client.gets()[..], [Packet::UnsubAck(_)]));
}
