//! Attacks, by name.

use ironroot_mqtt::{Packet, Publish, Qos, ReasonCode, Version};
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, QOS1, connect, device, publish, service, subscription};

#[test]
fn a_service_cannot_take_over_a_devices_session() {
    let bench = Bench::new();
    let mut victim = bench.joins(&device("cam-1"), Version::V5);
    victim.subscribes("d/cam-1/down/#", Qos::AtMostOnce);
    let mut thief = bench.arrives(&service("thief"), Version::V5);
    thief.sends(&Packet::Connect(connect(Version::V5, "cam-1")));
    assert!(matches!(thief.gets()[..], [Packet::ConnAck(connack)] if !connack.session_present));
    thief.publishes("d/cam-1/down/x", "still here");
    assert_eq!(victim.gets_messages(), [("d/cam-1/down/x", "still here")]);
}

#[test]
fn a_service_of_the_same_name_as_a_device_is_somebody_else() {
    let bench = Bench::new();
    let mut device = bench.joins(&device("cam-1"), Version::V5);
    let namesake = service("cam-1");
    let _service = bench.joins(&namesake, Version::V5);
    assert!(device.gets().is_empty() && !device.session.is_over());
    bench.moves(&namesake, Lifecycle::Retired);
    assert!(device.gets().is_empty() && !device.session.is_over());
}

#[test]
fn a_device_cannot_speak_under_another_devices_client_id() {
    let bench = Bench::new();
    let mut victim = bench.joins(&device("cam-2"), Version::V5);
    let mut thief = bench.arrives(&device("cam-1"), Version::V5);
    thief.sends(&Packet::Connect(connect(Version::V5, "cam-2")));
    assert!(matches!(thief.gets()[..], [Packet::ConnAck(connack)] if connack.reason.is_failure()));
    assert!(victim.gets().is_empty() && !victim.session.is_over());
}

#[test]
fn a_device_cannot_listen_to_another_through_a_wildcard() {
    let bench = Bench::new();
    let mut spy = bench.joins(&device("cam-1"), Version::V5);
    for filter in [
        "#",
        "d/#",
        "d/+/down/#",
        "+/cam-2/#",
        "d/cam-2/down/#",
        "d/cam-1/down/../../cam-2/#",
    ] {
        spy.subscribes(filter, Qos::AtMostOnce);
    }
    bench
        .joins(&service("backend"), Version::V5)
        .publishes("d/cam-2/down/secret", "x");
    assert!(spy.gets().is_empty());
}

#[test]
fn a_device_cannot_clear_anothers_retained_message() {
    let bench = Bench::new();
    bench
        .joins(&device("cam-2"), Version::V5)
        .retains("d/cam-2/up/state", "fine");
    let mut vandal = bench.joins(&device("cam-1"), Version::V5);
    vandal.retains("d/cam-2/up/state", "");
    vandal.retains("d/cam-2/up/state", "broken");
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.asks_for(subscription("#"), None);
    assert_eq!(reader.gets_messages(), [("d/cam-2/up/state", "fine")]);
}

#[test]
fn a_cut_device_cannot_come_back_before_its_grant_does() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let _live = bench.joins(&cam, Version::V5);
    bench.moves(&cam, Lifecycle::Retired);
    let mut again = bench.arrives(&cam, Version::V5);
    again.sends(&Packet::Connect(connect(Version::V5, "cam-1")));
    assert!(
        matches!(again.gets()[..], [Packet::ConnAck(connack)] if connack.reason == ReasonCode::NotAuthorized)
    );
}

#[test]
fn what_is_sent_behind_a_refused_packet_is_not_looked_at() {
    let bench = Bench::new();
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.subscribes("#", Qos::AtMostOnce);
    let mut client = bench.joins(&device("cam-1"), Version::V311);
    let mut bytes = Vec::new();
    for message in [
        Publish {
            delivery: QOS1,
            ..publish("d/cam-2/up/t", "not granted")
        },
        publish("d/cam-1/up/t", "granted, but behind it"),
    ] {
        let packet = Packet::Publish(message);
        let start = bytes.len();
        bytes.resize(start + packet.encoded_len(Version::V311).unwrap(), 0);
        packet.encode(Version::V311, &mut bytes[start..]).unwrap();
    }
    client.sends_bytes(&bytes);
    assert!(client.is_closed_in_silence());
    client.publishes("d/cam-1/up/t", "after the end");
    assert!(reader.gets().is_empty());
}

#[test]
fn a_quarantined_device_cannot_speak_through_messages_that_wait() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.subscribes("d/#", Qos::AtMostOnce);
    let mut client = bench.joins(&cam, Version::V5);
    for _ in 0..20 {
        client.publishes("d/cam-1/up/t", "burst");
    }
    client.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        ..publish("d/cam-1/up/t", "waits for its turn")
    }));
    bench.moves(&cam, Lifecycle::Quarantined);
    bench.passes(std::time::Duration::from_secs(1));
    client.resumes();
    assert_eq!(reader.gets().len(), 20);
    assert!(
        matches!(client.gets()[..], [Packet::PubAck(ack)] if ack.reason == ReasonCode::NotAuthorized)
    );
}
