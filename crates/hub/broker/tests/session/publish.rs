//! PUBLISH: every check on a message, and how a refusal reaches the publisher.

use std::time::Duration;

use ironroot_mqtt::{Packet, Publish, Qos, ReasonCode, Version};
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, QOS1, connect, device, grant_of, publish, service};

#[test]
fn a_granted_message_reaches_who_subscribed_to_it() {
    let bench = Bench::new();
    let (cam, backend) = (device("cam-1"), service("backend"));
    for version in [Version::V311, Version::V5] {
        let mut reader = bench.joins(&backend, version);
        reader.subscribes("d/+/up/#", Qos::AtLeastOnce);
        let mut writer = bench.joins(&cam, version);
        writer.publishes("d/cam-1/up/t", "21");
        assert_eq!(
            writer.publishes_qos1("d/cam-1/up/t", "22"),
            ReasonCode::Success
        );
        assert_eq!(
            reader.gets_messages(),
            [("d/cam-1/up/t", "21"), ("d/cam-1/up/t", "22")]
        );
    }
    assert_eq!(
        (
            bench.counters(&cam).messages_in,
            bench.counters(&backend).messages_out
        ),
        (4, 4)
    );
}

#[test]
fn an_mqtt_5_publisher_is_told_when_nobody_subscribes() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    assert_eq!(
        client.publishes_qos1("d/cam-1/up/t", "21"),
        ReasonCode::NoMatchingSubscribers
    );
    let mut client = bench.joins(&cam, Version::V311);
    assert_eq!(
        client.publishes_qos1("d/cam-1/up/t", "21"),
        ReasonCode::Success
    );
}

#[test]
fn refuses_a_topic_that_is_not_granted() {
    let bench = Bench::new();
    let (cam, backend) = (device("cam-1"), service("backend"));
    let mut reader = bench.joins(&backend, Version::V5);
    reader.subscribes("#", Qos::AtLeastOnce);

    let mut v5 = bench.joins(&cam, Version::V5);
    v5.publishes("d/cam-2/up/t", "x");
    assert!(
        v5.gets().is_empty() && !v5.session.is_over(),
        "at QoS 0 it is dropped"
    );
    assert_eq!(
        v5.publishes_qos1("d/cam-2/up/t", "x"),
        ReasonCode::NotAuthorized
    );
    assert!(!v5.session.is_over());

    let mut v311 = bench.joins(&cam, Version::V311);
    v311.publishes("d/cam-2/up/t", "x");
    assert!(
        v311.gets().is_empty() && !v311.session.is_over(),
        "at QoS 0 it is dropped"
    );
    v311.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        ..publish("d/cam-2/up/t", "x")
    }));
    assert!(v311.is_closed_in_silence(), "3.1.1 has no word for it");

    assert!(reader.gets().is_empty());
    assert_eq!(
        (
            bench.counters(&cam).refused,
            bench.counters(&cam).messages_in
        ),
        (4, 0)
    );
}

#[test]
fn refuses_a_packet_larger_than_the_grant_allows() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let payload = "x".repeat(4_096);
    for (version, refused) in [
        (Version::V5, Some(ReasonCode::PacketTooLarge)),
        (Version::V311, None),
    ] {
        let mut client = bench.joins(&cam, version);
        client.publishes(
            "d/cam-1/up/t",
            &payload[..4_096 - 3 - 14 - usize::from(version == Version::V5)],
        );
        assert!(!client.session.is_over(), "4,096 bytes are allowed");
        client.publishes(
            "d/cam-1/up/t",
            &payload[..4_096 - 2 - 14 - usize::from(version == Version::V5)],
        );
        match refused {
            Some(reason) => assert_eq!(client.is_refused(), reason),
            None => assert!(client.is_closed_in_silence()),
        }
    }
}

#[test]
fn drops_qos_0_past_the_rate_and_makes_qos_1_wait() {
    let bench = Bench::new();
    let (cam, backend) = (device("cam-1"), service("backend"));
    let mut reader = bench.joins(&backend, Version::V5);
    reader.subscribes("#", Qos::AtMostOnce);
    let mut client = bench.joins(&cam, Version::V5);
    for _ in 0..21 {
        client.publishes("d/cam-1/up/t", "burst");
    }
    assert_eq!(reader.gets().len(), 20);
    assert_eq!(bench.counters(&cam).refused, 1);

    client.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        ..publish("d/cam-1/up/t", "late")
    }));
    client.sends(&Packet::PingReq);
    assert!(
        client.gets().is_empty() && reader.gets().is_empty(),
        "nothing is read on"
    );
    assert_eq!(
        client.session.deadline(),
        Some(bench.now().plus(Duration::from_millis(100)))
    );
    bench.passes(Duration::from_millis(99));
    assert!(!client.resumes());
    bench.passes(Duration::from_millis(1));
    assert!(!client.resumes());
    assert_eq!(reader.gets_messages(), [("d/cam-1/up/t", "late")]);
    bench.passes(Duration::from_millis(100));
    assert!(client.resumes(), "a ping has to wait as well");
    let answers = client.gets();
    assert!(
        matches!(answers[..], [Packet::PubAck(_), Packet::PingResp]),
        "{answers:?}"
    );
}

#[test]
fn a_new_rate_counts_at_once() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    let slower = "name='c'\nevidence='none'\n[topics]\npublish=['#']\n[limits]\nmessages_per_s=1\nmessage_burst=1";
    bench.grants(&cam, grant_of(slower, Lifecycle::Active));
    client.publishes("t", "first");
    client.publishes("t", "second");
    assert_eq!(bench.counters(&cam).refused, 1);
}

#[test]
fn refuses_a_topic_with_too_many_levels() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    let deepest = format!("d/cam-1/up{}", "/x".repeat(29));
    assert_eq!(
        client.publishes_qos1(&deepest, "x"),
        ReasonCode::NoMatchingSubscribers
    );
    assert_eq!(
        client.publishes_qos1(&format!("{deepest}/x"), "x"),
        ReasonCode::TopicNameInvalid
    );
}

#[test]
fn refusals_carry_words_unless_the_client_wants_none() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for wanted in [true, false] {
        let mut client = bench.arrives(&cam, Version::V5);
        let mut packet = connect(Version::V5, "cam-1");
        packet.properties.request_problem_information = Some(wanted);
        client.sends(&Packet::Connect(packet));
        client.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            ..publish("d/cam-2/up/t", "x")
        }));
        let got = client.gets();
        let [Packet::ConnAck(_), Packet::PubAck(ack)] = got[..] else {
            panic!("{got:?}")
        };
        assert_eq!(ack.reason, ReasonCode::NotAuthorized);
        assert_eq!(ack.properties.reason_string.is_some(), wanted);
    }
}

#[test]
fn a_malformed_packet_ends_its_own_session_and_no_other() {
    let bench = Bench::new();
    let mut bad = bench.joins(&device("cam-1"), Version::V5);
    let mut good = bench.joins(&device("cam-2"), Version::V5);
    // A packet that only a server sends.
    bad.sends_bytes(&[0xD0, 0]);
    assert_eq!(bad.is_refused(), ReasonCode::ProtocolError);
    good.sends(&Packet::PingReq);
    assert_eq!(good.gets(), [Packet::PingResp]);
}
