//! Topic aliases, from the client and to it (MQTT 5 section 3.3.2.3.4).

use std::num::NonZeroU16;

use ironroot_mqtt::{
    Connect, Packet, Publish, PublishProperties, Qos, ReasonCode, TopicName, Version,
};

use crate::bench::{Bench, Client, connect, device, publish, service};

fn alias(number: u16, topic: Option<&'static str>) -> Publish<'static> {
    Publish {
        topic: topic.map(|topic| TopicName::parse(topic).unwrap()),
        properties: PublishProperties {
            topic_alias: NonZeroU16::new(number),
            ..PublishProperties::default()
        },
        ..publish("x", "21")
    }
}

#[test]
fn a_number_stands_for_the_topic_that_came_with_it_last() {
    let bench = Bench::new();
    let mut reader = bench.joins(&service("backend"), Version::V311);
    reader.subscribes("d/#", Qos::AtMostOnce);
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    for publish in [
        alias(16, Some("d/cam-1/up/a")),
        alias(16, None),
        alias(16, Some("d/cam-1/up/b")),
        alias(16, None),
    ] {
        writer.sends(&Packet::Publish(publish));
    }
    let topics: Vec<_> = reader
        .gets_messages()
        .iter()
        .map(|(topic, _)| topic.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(topics, ["a", "a", "b", "b"]);
}

#[test]
fn refuses_a_number_that_stands_for_nothing_or_is_above_the_maximum() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for refused in [alias(1, None), alias(17, Some("d/cam-1/up/t"))] {
        let mut client = bench.joins(&cam, Version::V5);
        client.sends(&Packet::Publish(refused));
        assert_eq!(client.is_refused(), ReasonCode::TopicAliasInvalid);
    }
}

#[test]
fn numbers_end_with_the_connection() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let (mut client, _) = bench.returns(&cam, Version::V5);
    client.sends(&Packet::Publish(alias(1, Some("d/cam-1/up/t"))));
    client.vanishes();
    let (mut client, present) = bench.returns(&cam, Version::V5);
    assert!(present);
    client.sends(&Packet::Publish(alias(1, None)));
    assert_eq!(client.is_refused(), ReasonCode::TopicAliasInvalid);
}

/// Attack: a topic that is refused is used again under its number.
#[test]
fn a_topic_that_is_not_granted_is_refused_under_its_number_too() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.subscribes("#", Qos::AtMostOnce);
    let mut client = bench.joins(&cam, Version::V5);
    client.sends(&Packet::Publish(alias(1, Some("d/cam-2/up/t"))));
    client.sends(&Packet::Publish(alias(1, None)));
    assert!(reader.gets().is_empty());
    assert_eq!(bench.counters(&cam).refused, 2);
}

fn with_aliases(bench: &Bench, topic_alias_maximum: u16) -> Client<'_> {
    let backend = service("backend");
    let mut client = bench.arrives(&backend, Version::V5);
    let mut packet = connect(Version::V5, "backend");
    packet.properties.topic_alias_maximum = Some(topic_alias_maximum);
    client.sends(&Packet::Connect(packet));
    client.is_let_in();
    client.subscribes("#", Qos::AtMostOnce);
    client
}

fn written(client: &mut Client<'_>) -> Vec<(Option<&'static str>, Option<u16>)> {
    client
        .gets()
        .iter()
        .map(|packet| match packet {
            Packet::Publish(publish) => (
                publish.topic.map(|topic| topic.as_str()),
                publish.properties.topic_alias.map(u16::from),
            ),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_client_that_takes_numbers_gets_each_topic_by_name_once() {
    let bench = Bench::new();
    let mut reader = with_aliases(&bench, 1);
    let mut writer = bench.joins(&service("writer"), Version::V5);
    for topic in ["a", "a", "b", "a", "b"] {
        writer.publishes(topic, "x");
    }
    assert_eq!(
        written(&mut reader),
        [
            (Some("a"), Some(1)),
            (None, Some(1)),
            (Some("b"), None),
            (None, Some(1)),
            (Some("b"), None),
        ]
    );
}

#[test]
fn a_client_that_takes_no_numbers_gets_none() {
    let bench = Bench::new();
    let mut reader = with_aliases(&bench, 0);
    let mut writer = bench.joins(&service("writer"), Version::V5);
    writer.publishes("a", "x");
    writer.publishes("a", "x");
    assert_eq!(written(&mut reader), [(Some("a"), None); 2]);
}

#[test]
fn a_topic_whose_first_message_was_too_large_is_named_with_the_next() {
    let bench = Bench::new();
    let backend = service("backend");
    let mut reader = bench.arrives(&backend, Version::V5);
    let mut packet: Connect<'_> = connect(Version::V5, "backend");
    packet.properties.topic_alias_maximum = Some(4);
    packet.properties.packet_size_max = std::num::NonZeroU32::new(64);
    reader.sends(&Packet::Connect(packet));
    reader.is_let_in();
    reader.subscribes("#", Qos::AtMostOnce);
    let mut writer = bench.joins(&service("writer"), Version::V5);
    writer.publishes("a", &"x".repeat(100));
    writer.publishes("a", "x");
    assert_eq!(written(&mut reader), [(Some("a"), Some(1))]);
}
