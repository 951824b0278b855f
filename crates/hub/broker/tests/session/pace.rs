//! Too much: throttled, then held, then cut off; each is counted, and nobody else suffers.

use std::num::NonZeroU16;
use std::time::Duration;

use ironroot_mqtt::{Ack, Delivery, Packet, PacketId, Publish, Qos, ReasonCode, Version};
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, Client, QOS1, connect, device, grant_of, publish, service};

const HOLD: Duration = Duration::from_secs(5);

/// Sends QoS 0 without end, as long as it is read from; says how much was taken from it.
fn floods(client: &mut Client<'_>) -> usize {
    let mut sent = 0;
    while client.resumes() && !client.session.is_over() {
        client.publishes("d/cam-1/up/t", "flood");
        sent += 1;
        assert!(sent < 1_000, "a flood is held");
    }
    sent
}

#[test]
fn attack_a_flood_of_qos_0_is_held_and_then_cut_off() {
    for version in [Version::V5, Version::V311] {
        let bench = Bench::new();
        let (cam, other) = (device("cam-1"), device("cam-2"));
        let mut client = bench.joins(&cam, version);
        let mut neighbour = bench.joins(&other, version);
        for round in 1..=3 {
            let sent = floods(&mut client);
            assert!(sent <= 41, "the burst, and as much again: {sent}");
            assert_eq!(bench.counters(&cam).held, round);
            neighbour.publishes("d/cam-2/up/t", "as ever");
            bench.passes(HOLD.saturating_sub(Duration::from_millis(1)));
            assert!(!client.resumes(), "nothing is read before the hold is over");
            bench.passes(Duration::from_millis(1));
        }
        floods(&mut client);
        if version == Version::V5 {
            assert_eq!(client.is_refused(), ReasonCode::MessageRateTooHigh);
        } else {
            assert!(client.is_closed_in_silence());
        }
        let counted = bench.counters(&cam);
        assert_eq!((counted.held, counted.cut_off), (3, 1));
        assert_eq!(counted.refused, counted.throttled + 1);
        assert_eq!(counted.over_limit, counted.refused);
        let total = bench.broker.totals().counters;
        assert_eq!((total.held, total.cut_off), (3, 1));
        assert_eq!(bench.counters(&other).messages_in, 3);
        assert_eq!(bench.counters(&other).throttled, 0);
    }
}

#[test]
fn who_waits_for_acknowledgements_is_slowed_and_never_held() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    for _ in 0..500 {
        client.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            ..publish("d/cam-1/up/t", "backlog")
        }));
        while !client.resumes() {
            bench.passes(Duration::from_millis(100));
        }
        assert!(matches!(client.gets()[..], [Packet::PubAck(_)]));
    }
    let counted = bench.counters(&cam);
    assert_eq!((counted.messages_in, counted.throttled), (500, 480));
    assert_eq!((counted.held, counted.cut_off, counted.refused), (0, 0, 0));
}

#[test]
fn large_messages_wait_for_the_rate_of_bytes() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let slow = "name='c'\nevidence='none'\n[topics]\npublish=['#']\n[limits]\nbytes_per_s=100\npacket_size_max=1000";
    bench.grants(&cam, grant_of(slow, Lifecycle::Active));
    let mut client = bench.joins(&cam, Version::V311);
    // 3 bytes of type and length, 3 of topic, 2 of identifier: 507 in all.
    let half = "x".repeat(500 - 1);
    assert_eq!(client.publishes_qos1("t", &half), ReasonCode::Success);
    client.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        ..publish("t", &half)
    }));
    assert!(client.gets().is_empty());
    let lacking = 2 * 507 - 1_000;
    bench.passes(Duration::from_millis(lacking * 10 - 1));
    assert!(!client.resumes());
    bench.passes(Duration::from_millis(1));
    assert!(client.resumes());
    assert!(matches!(client.gets()[..], [Packet::PubAck(_)]));
    assert_eq!(bench.counters(&cam).throttled, 1);
}

#[test]
fn attack_a_client_that_does_nothing_but_ping_is_answered_at_its_rate() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    let mut answered = 0;
    for _ in 0..100 {
        client.sends(&Packet::PingReq);
        answered += client.gets().len();
    }
    assert_eq!(answered, 20, "the burst");
    bench.passes(Duration::from_secs(1));
    client.resumes();
    assert_eq!(client.gets().len(), 10, "a second's worth");
}

#[test]
fn attack_releases_of_messages_that_never_were_are_answered_at_the_rate() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    for number in 1..=100 {
        let release = Ack::success(PacketId::new(number).unwrap());
        client.sends(&Packet::PubRel(release));
    }
    assert_eq!(client.gets().len(), 20);
}

#[test]
fn a_handshake_of_qos_2_goes_on_past_the_rate() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    for number in 1..=20 {
        let packet_id = PacketId::new(number).unwrap();
        client.sends(&Packet::Publish(Publish {
            delivery: Delivery::ExactlyOnce {
                packet_id,
                dup: false,
            },
            ..publish("d/cam-1/up/t", "x")
        }));
        client.sends(&Packet::PubRel(Ack::success(packet_id)));
    }
    assert_eq!(client.gets().len(), 40);
}

#[test]
fn the_number_of_a_topic_counts_though_its_message_was_dropped() {
    let bench = Bench::new();
    let (cam, backend) = (device("cam-1"), service("backend"));
    let mut reader = bench.joins(&backend, Version::V5);
    reader.subscribes("#", Qos::AtMostOnce);
    let mut client = bench.joins(&cam, Version::V5);
    for _ in 0..20 {
        client.publishes("d/cam-1/up/t", "burst");
    }
    let mut named = publish("d/cam-1/up/u", "dropped");
    named.properties.topic_alias = NonZeroU16::new(1);
    client.sends(&Packet::Publish(named));
    bench.passes(Duration::from_millis(100));
    client.sends(&Packet::Publish(Publish {
        topic: None,
        payload: b"kept",
        ..named
    }));
    assert!(!client.session.is_over());
    assert_eq!(
        reader.gets_messages().last(),
        Some(&("d/cam-1/up/u", "kept"))
    );
}

const FEW_TOPICS: &str = "name='c'\nevidence='none'\n[topics]\npublish=['d/{device}/#']\n[limits]\ntopics_max=2\nsessions_max=2\nmessage_burst=10";

#[test]
fn refuses_more_topics_in_a_day_than_the_grant_allows() {
    let bench = Bench::new();
    let cam = device("cam-1");
    bench.grants(&cam, grant_of(FEW_TOPICS, Lifecycle::Active));
    let mut client = bench.joins(&cam, Version::V5);
    let mut at = |topic: &str| client.publishes_qos1(topic, "x");
    assert_eq!(
        at("d/cam-2/1"),
        ReasonCode::NotAuthorized,
        "it does not count"
    );
    let ok = ReasonCode::NoMatchingSubscribers;
    assert_eq!([at("d/cam-1/1"), at("d/cam-1/2"), at("d/cam-1/1")], [ok; 3]);
    assert_eq!(at("d/cam-1/3"), ReasonCode::QuotaExceeded);
    assert_eq!(at("d/cam-1/2"), ok);
    let counted = |bench: &Bench| bench.broker.topics_today(cam.principal(), bench.now());
    assert_eq!(counted(&bench), 2);

    let mut second = bench.arrives(&cam, Version::V5);
    second.sends(&Packet::Connect(connect(Version::V5, "cam-1/2")));
    second.gets();
    assert_eq!(
        second.publishes_qos1("d/cam-1/3", "x"),
        ReasonCode::QuotaExceeded,
        "its sessions share the bound"
    );
    assert_eq!(second.publishes_qos1("d/cam-1/2", "x"), ok);

    bench.passes(Duration::from_secs(86_400));
    assert_eq!(counted(&bench), 0);
    assert_eq!(second.publishes_qos1("d/cam-1/3", "x"), ok);
    assert_eq!(second.publishes_qos1("d/cam-1/1", "x"), ok);
    assert_eq!(
        second.publishes_qos1("d/cam-1/2", "x"),
        ReasonCode::QuotaExceeded
    );
}

#[test]
fn attack_a_device_that_invents_topics_is_held_and_then_cut_off() {
    let bench = Bench::new();
    let cam = device("cam-1");
    bench.grants(&cam, grant_of(FEW_TOPICS, Lifecycle::Active));
    let mut client = bench.joins(&cam, Version::V5);
    let mut n = 0;
    while !client.session.is_over() {
        client.publishes(&format!("d/cam-1/{n}"), "x");
        n += 1;
        assert!(n < 10_000, "it is cut off");
        bench.passes(Duration::from_millis(20));
        while !client.resumes() {
            bench.passes(Duration::from_secs(1));
        }
    }
    assert_eq!(client.is_refused(), ReasonCode::QuotaExceeded);
    assert_eq!(bench.broker.topics_today(cam.principal(), bench.now()), 2);
    let counted = bench.counters(&cam);
    assert_eq!((counted.held, counted.cut_off), (3, 1));
}
