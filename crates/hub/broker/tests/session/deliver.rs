//! Deliveries: properties, lifetime, the client's own bounds, and the check on each of them.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use ironroot_mqtt::{
    Connect, ConnectProperties, List, Packet, PayloadFormat, Publish, PublishProperties, Qos,
    ReasonCode, TopicName, Version,
};
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, Client, QOS1, connect, device, publish, service};

/// A client of MQTT 5 with these properties in its CONNECT, subscribed to `all/#` at QoS 1.
fn reader<'b>(bench: &'b Bench, properties: ConnectProperties<'_>) -> Client<'b> {
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    client.sends(&Packet::Connect(Connect {
        properties,
        ..connect(Version::V5, "cam-1")
    }));
    client.gets();
    assert_eq!(
        client.subscribes("all/#", Qos::AtLeastOnce),
        ReasonCode::GrantedQos1
    );
    client
}

#[test]
fn properties_are_passed_on_unaltered_and_in_order() {
    let bench = Bench::new();
    let mut reader = reader(&bench, ConnectProperties::default());
    let user = [("b", "1"), ("a", "2"), ("b", "3")];
    let properties = PublishProperties {
        payload_format: Some(PayloadFormat::Utf8),
        content_type: Some("text/plain"),
        response_topic: TopicName::parse("all/answers").ok(),
        correlation_data: Some(&[0, 1, 2]),
        user: List::from(&user),
        ..PublishProperties::default()
    };
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.sends(&Packet::Publish(Publish {
        properties,
        ..publish("all/x", "x")
    }));
    assert_eq!(reader.gets_message().properties, properties);
}

#[test]
fn a_3_1_1_subscriber_gets_the_payload_without_the_properties() {
    let bench = Bench::new();
    let mut reader = bench.joins(&device("cam-1"), Version::V311);
    reader.subscribes("all/#", Qos::AtMostOnce);
    let properties = PublishProperties {
        content_type: Some("text/plain"),
        ..PublishProperties::default()
    };
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.sends(&Packet::Publish(Publish {
        properties,
        ..publish("all/x", "payload")
    }));
    assert_eq!(reader.gets_message(), publish("all/x", "payload"));
}

#[test]
fn the_message_expiry_counts_down_while_a_message_waits() {
    let bench = Bench::new();
    let mut reader = reader(&bench, ConnectProperties::default());
    let mut writer = bench.joins(&service("backend"), Version::V5);
    let properties = PublishProperties {
        message_expiry_s: Some(10),
        ..PublishProperties::default()
    };
    let message = Packet::Publish(Publish {
        properties,
        ..publish("all/x", "x")
    });
    writer.sends(&message);
    bench.passes(Duration::from_secs(4));
    assert_eq!(reader.gets_message().properties.message_expiry_s, Some(6));
    writer.sends(&message);
    bench.passes(Duration::from_secs(10));
    assert!(reader.gets().is_empty(), "it has expired");
}

#[test]
fn no_more_than_the_receive_maximum_is_in_flight() {
    let bench = Bench::new();
    let mut reader = reader(
        &bench,
        ConnectProperties {
            receive_maximum: NonZeroU16::new(2),
            ..Default::default()
        },
    );
    let mut writer = bench.joins(&service("backend"), Version::V5);
    for payload in ["1", "2", "3"] {
        writer.publishes_qos1("all/x", payload);
    }
    let sent = reader.gets();
    let [Packet::Publish(first), Packet::Publish(second)] = sent[..] else {
        panic!("{sent:?}")
    };
    assert_ne!(first.delivery.packet_id(), second.delivery.packet_id());
    reader.acknowledges(&second);
    assert_eq!(reader.gets_messages(), [("all/x", "3")]);
    reader.acknowledges(&second);
    assert!(
        reader.gets().is_empty(),
        "an acknowledgement that is not awaited is passed over"
    );
}

#[test]
fn a_message_larger_than_the_client_takes_is_not_sent_to_it() {
    let bench = Bench::new();
    let mut reader = reader(
        &bench,
        ConnectProperties {
            packet_size_max: NonZeroU32::new(40),
            ..Default::default()
        },
    );
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.publishes_qos1("all/x", &"y".repeat(29));
    writer.publishes_qos1("all/x", &"z".repeat(28));
    assert_eq!(reader.gets_message().payload.len(), 28);
    assert_eq!(bench.counters(&device("cam-1")).dropped, 1);
}

#[test]
fn a_right_withdrawn_after_subscribe_stops_the_flow_and_its_return_starts_it() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = bench.joins(&cam, Version::V5);
    reader.subscribes("d/cam-1/down/#", Qos::AtMostOnce);
    let mut writer = bench.joins(&service("backend"), Version::V5);
    let mut published = || {
        writer.publishes("d/cam-1/down/order", "order");
        writer.publishes("d/cam-1/down/config", "config");
    };
    published();
    bench.moves(&cam, Lifecycle::Quarantined);
    assert_eq!(
        reader.gets_messages(),
        [("d/cam-1/down/order", "order")],
        "what waited is judged too"
    );
    published();
    assert_eq!(reader.gets_messages(), [("d/cam-1/down/order", "order")]);
    assert_eq!(bench.counters(&cam).withheld, 2);
    bench.moves(&cam, Lifecycle::Active);
    published();
    assert_eq!(reader.gets_messages().len(), 2);
}

#[test]
fn a_withheld_message_takes_no_place_in_the_window() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = bench.joins(&cam, Version::V5);
    reader.subscribes("d/cam-1/down/#", Qos::AtLeastOnce);
    bench.moves(&cam, Lifecycle::Quarantined);
    let mut writer = bench.joins(&service("backend"), Version::V5);
    for _ in 0..1_024 {
        writer.publishes_qos1("d/cam-1/down/config", "withheld");
    }
    writer.publishes_qos1("d/cam-1/down/order", "order");
    assert_eq!(reader.gets_messages(), [("d/cam-1/down/order", "order")]);
}

#[test]
fn messages_of_one_publisher_arrive_in_order() {
    let bench = Bench::new();
    let mut reader = reader(&bench, ConnectProperties::default());
    let mut writer = bench.joins(&service("backend"), Version::V5);
    let payloads: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    for payload in &payloads {
        let delivery = if payload.len() % 2 == 0 {
            QOS1
        } else {
            ironroot_mqtt::Delivery::AtMostOnce
        };
        writer.sends(&Packet::Publish(Publish {
            delivery,
            ..publish("all/x", payload)
        }));
    }
    let got: Vec<_> = reader
        .gets_messages()
        .into_iter()
        .map(|(_, payload)| payload.to_owned())
        .collect();
    assert_eq!(got, payloads);
}
