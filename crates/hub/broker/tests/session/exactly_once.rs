//! QoS 2, from the client and to it (MQTT 5 section 4.3.3).

use ironroot_mqtt::{Ack, Connect, Delivery, Packet, PacketId, Publish, Qos, ReasonCode, Version};
use ironroot_standing::Lifecycle;

use ironroot_broker::BrokerSettings;

use crate::bench::{Bench, Client, PACKET_ID, QOS1, connect, device, publish, service, will};

const QOS2: Delivery = Delivery::ExactlyOnce {
    packet_id: PACKET_ID,
    dup: false,
};

fn qos2(topic: &'static str, id: u16) -> Packet<'static> {
    Packet::Publish(Publish {
        delivery: Delivery::ExactlyOnce {
            packet_id: PacketId::new(id).unwrap(),
            dup: false,
        },
        ..publish(topic, "x")
    })
}

fn reader(bench: &Bench, version: Version) -> Client<'_> {
    let mut reader = bench.joins(&service("backend"), version);
    assert_eq!(
        reader.subscribes("d/#", Qos::ExactlyOnce),
        ReasonCode::GrantedQos2
    );
    reader
}

#[test]
fn a_message_goes_through_all_four_packets_on_both_sides() {
    for version in [Version::V311, Version::V5] {
        let bench = Bench::new();
        let mut reader = reader(&bench, version);
        let mut writer = bench.joins(&device("cam-1"), version);
        writer.sends(&qos2("d/cam-1/up/t", 7));
        assert_eq!(writer.gets(), [Packet::PubRec(Ack::success(PACKET_ID))]);
        writer.sends(&Packet::PubRel(Ack::success(PACKET_ID)));
        assert_eq!(writer.gets(), [Packet::PubComp(Ack::success(PACKET_ID))]);

        let got = reader.gets_message();
        assert_eq!(got.delivery.qos(), Qos::ExactlyOnce);
        let id = got.delivery.packet_id().unwrap();
        reader.sends(&Packet::PubRec(Ack::success(id)));
        assert_eq!(reader.gets(), [Packet::PubRel(Ack::success(id))]);
        reader.sends(&Packet::PubComp(Ack::success(id)));
        assert!(reader.gets().is_empty() && !reader.session.is_over());
    }
}

#[test]
fn a_message_that_is_sent_twice_is_delivered_once() {
    let bench = Bench::new();
    let mut reader = reader(&bench, Version::V5);
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    for dup in [false, true] {
        writer.sends(&Packet::Publish(Publish {
            delivery: Delivery::ExactlyOnce {
                packet_id: PACKET_ID,
                dup,
            },
            ..publish("d/cam-1/up/t", "x")
        }));
        assert_eq!(writer.gets(), [Packet::PubRec(Ack::success(PACKET_ID))]);
    }
    assert_eq!(reader.gets().len(), 1);
    writer.sends(&Packet::PubRel(Ack::success(PACKET_ID)));
    writer.sends(&Packet::Publish(Publish {
        delivery: QOS2,
        ..publish("d/cam-1/up/t", "y")
    }));
    assert_eq!(reader.gets().len(), 1, "the number is free again");
}

#[test]
fn a_release_of_an_unknown_number_is_answered() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for (version, reason) in [
        (Version::V5, ReasonCode::PacketIdentifierNotFound),
        (Version::V311, ReasonCode::Success),
    ] {
        let mut client = bench.joins(&cam, version);
        client.sends(&Packet::PubRel(Ack::success(PACKET_ID)));
        let answer = Ack {
            reason,
            ..Ack::success(PACKET_ID)
        };
        assert_eq!(client.gets(), [Packet::PubComp(answer)]);
        client.sends(&Packet::PubRec(Ack::success(PACKET_ID)));
        assert_eq!(client.gets(), [Packet::PubRel(answer)]);
    }
}

#[test]
fn a_refused_message_of_qos_2_is_refused_in_its_first_answer() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut v5 = bench.joins(&cam, Version::V5);
    v5.sends(&qos2("d/cam-2/up/t", 7));
    let got = v5.gets();
    assert!(
        matches!(got[..], [Packet::PubRec(ack)] if ack.reason == ReasonCode::NotAuthorized),
        "{got:?}"
    );
    v5.sends(&qos2("d/cam-1/up/t", 7));
    let got = v5.gets();
    assert!(
        matches!(got[..], [Packet::PubRec(ack)] if ack.reason == ReasonCode::NoMatchingSubscribers),
        "the number was not taken: {got:?}"
    );
    let mut v311 = bench.joins(&cam, Version::V311);
    v311.sends(&qos2("d/cam-2/up/t", 7));
    assert!(v311.is_closed_in_silence());
}

#[test]
fn refuses_more_in_flight_than_the_receive_maximum() {
    let bench = Bench::with(BrokerSettings {
        in_flight_max: 2,
        ..BrokerSettings::default()
    });
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    client.sends(&qos2("d/cam-1/up/t", 1));
    client.sends(&qos2("d/cam-1/up/t", 2));
    client.sends(&Packet::PubRel(Ack::success(PacketId::new(1).unwrap())));
    client.sends(&qos2("d/cam-1/up/t", 3));
    assert_eq!(client.gets().len(), 4);
    client.sends(&qos2("d/cam-1/up/t", 4));
    assert_eq!(client.is_refused(), ReasonCode::ReceiveMaximumExceeded);
}

#[test]
fn a_delivery_holds_its_place_in_the_window_until_it_is_complete() {
    let bench = Bench::new();
    let backend = service("backend");
    let mut reader = bench.arrives(&backend, Version::V5);
    let mut packet: Connect<'_> = connect(Version::V5, "backend");
    packet.properties.receive_maximum = std::num::NonZeroU16::new(1);
    reader.sends(&Packet::Connect(packet));
    reader.is_let_in();
    reader.subscribes("d/#", Qos::ExactlyOnce);
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    writer.sends(&qos2("d/cam-1/up/t", 1));
    writer.sends(&qos2("d/cam-1/up/t", 2));
    let id = reader.gets_message().delivery.packet_id().unwrap();
    reader.sends(&Packet::PubRec(Ack::success(id)));
    assert_eq!(reader.gets(), [Packet::PubRel(Ack::success(id))]);
    reader.sends(&Packet::PubComp(Ack::success(id)));
    reader.gets_message();
}

#[test]
fn a_delivery_that_the_client_refuses_is_settled() {
    let bench = Bench::new();
    let mut reader = reader(&bench, Version::V5);
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    writer.sends(&qos2("d/cam-1/up/t", 1));
    let id = reader.gets_message().delivery.packet_id().unwrap();
    reader.sends(&Packet::PubRec(Ack {
        reason: ReasonCode::UnspecifiedError,
        ..Ack::success(id)
    }));
    assert!(reader.gets().is_empty());
    reader.sends(&Packet::PubComp(Ack::success(id)));
    assert!(reader.gets().is_empty() && !reader.session.is_over());
}

#[test]
fn refuses_an_answer_that_is_not_the_next_step() {
    let bench = Bench::new();
    for (delivery, wrong) in [
        (QOS2, Packet::PubAck as fn(Ack<'static>) -> Packet<'static>),
        (QOS2, Packet::PubComp),
        (QOS1, Packet::PubRec),
        (QOS1, Packet::PubComp),
    ] {
        let mut reader = reader(&bench, Version::V5);
        let mut writer = bench.joins(&device("cam-1"), Version::V5);
        writer.sends(&Packet::Publish(Publish {
            delivery,
            ..publish("d/cam-1/up/t", "x")
        }));
        let id = reader.gets_message().delivery.packet_id().unwrap();
        reader.sends(&wrong(Ack::success(id)));
        assert_eq!(reader.is_refused(), ReasonCode::ProtocolError);
    }
}

#[test]
fn a_will_of_qos_2_fires_at_qos_2() {
    let bench = Bench::new();
    let mut reader = reader(&bench, Version::V5);
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    client.sends(&Packet::Connect(Connect {
        will: Some(ironroot_mqtt::Will {
            qos: Qos::ExactlyOnce,
            ..will("d/cam-1/up/gone", "x")
        }),
        ..connect(Version::V5, "cam-1")
    }));
    client.is_let_in();
    client.vanishes();
    assert_eq!(reader.gets_message().delivery.qos(), Qos::ExactlyOnce);
}

/// Attack: a device under quarantine finishes what it had begun, and begins more.
#[test]
fn a_device_that_loses_its_right_between_the_packets_publishes_nothing_more() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = reader(&bench, Version::V5);
    let mut writer = bench.joins(&cam, Version::V5);
    writer.sends(&qos2("d/cam-1/up/t", 1));
    bench.moves(&cam, Lifecycle::Quarantined);
    writer.sends(&Packet::PubRel(Ack::success(PacketId::new(1).unwrap())));
    writer.sends(&qos2("d/cam-1/up/t", 2));
    assert_eq!(
        reader.gets_messages().len(),
        1,
        "what was accepted before is delivered"
    );
}
