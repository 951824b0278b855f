//! Bounds on what waits: for one session, and in the whole hub.

use std::time::Duration;

use ironroot_broker::BrokerSettings;
use ironroot_mqtt::{Connect, ConnectProperties, Packet, Publish, Qos, ReasonCode, Version};

use crate::bench::{Bench, Client, QOS1, connect, publish, service};

const PAYLOAD: [&str; 1] = ["0123456789012345678901234567890123456789"];

fn small() -> BrokerSettings {
    BrokerSettings {
        session_queue_pause_bytes: 2_000,
        session_queue_max_bytes: 4_000,
        hub_queue_pause_bytes: 100_000,
        hub_queue_max_bytes: 200_000,
        ..BrokerSettings::default()
    }
}

/// A reader of everything that takes one message of QoS 1 at a time.
fn slow_reader<'b>(bench: &'b Bench, name: &str) -> Client<'b> {
    let mut reader = bench.arrives(&service(name), Version::V5);
    let properties = ConnectProperties {
        receive_maximum: std::num::NonZeroU16::new(1),
        ..ConnectProperties::default()
    };
    reader.sends(&Packet::Connect(Connect {
        properties,
        ..connect(Version::V5, name)
    }));
    reader.gets();
    reader.subscribes("#", Qos::AtLeastOnce);
    reader
}

/// Sends QoS 1 until nothing is read on; how many messages that took.
fn fill(writer: &mut Client<'_>) -> usize {
    (1..1_000)
        .find(|_| {
            writer.sends(&Packet::Publish(Publish {
                delivery: QOS1,
                ..publish("a", PAYLOAD[0])
            }));
            !writer.resumes()
        })
        .expect("a pause within a thousand messages")
}

#[test]
fn qos_0_past_the_bound_is_dropped_and_counted() {
    let bench = Bench::with(small());
    let mut reader = bench.joins(&service("reader"), Version::V5);
    reader.subscribes("#", Qos::AtMostOnce);
    let mut writer = bench.joins(&service("writer"), Version::V5);
    for _ in 0..100 {
        writer.publishes("a", PAYLOAD[0]);
    }
    let got = reader.gets().len();
    let dropped = bench.counters(&service("reader")).dropped;
    assert!((1..100).contains(&got));
    assert_eq!(got as u64 + dropped, 100);
    assert_eq!(bench.broker.totals().queued_bytes, 0);
    writer.publishes("a", PAYLOAD[0]);
    assert_eq!(reader.gets().len(), 1, "there is room again");
}

#[test]
fn the_publisher_of_qos_1_pauses_until_its_readers_catch_up() {
    let bench = Bench::with(small());
    let mut reader = slow_reader(&bench, "reader");
    let mut writer = bench.joins(&service("writer"), Version::V5);
    let accepted = fill(&mut writer);
    writer.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        ..publish("a", "waits")
    }));
    let answers = writer.gets();
    assert_eq!(answers.len(), accepted, "the last one is not read yet");

    let mut got = 0;
    while !writer.resumes() {
        let message = reader.gets_message();
        reader.acknowledges(&message);
        got += 1;
    }
    assert!(
        got < accepted,
        "it goes on as soon as half the room is free"
    );
    assert!(matches!(writer.gets()[..], [Packet::PubAck(_)]));
}

#[test]
fn a_pause_has_an_end_so_that_two_sessions_cannot_wait_for_each_other() {
    let bench = Bench::with(small());
    let _reader = slow_reader(&bench, "reader");
    let mut writer = bench.joins(&service("writer"), Version::V5);
    fill(&mut writer);
    assert_eq!(
        writer.session.deadline(),
        Some(bench.now().plus(Duration::from_secs(1)))
    );
    bench.passes(Duration::from_secs(1));
    assert!(writer.resumes());
}

#[test]
fn a_session_never_waits_for_itself() {
    let bench = Bench::with(small());
    let mut client = slow_reader(&bench, "echo");
    for _ in 0..20 {
        client.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            ..publish("a", PAYLOAD[0])
        }));
        assert!(client.resumes());
    }
}

#[test]
fn a_session_for_which_too_much_waits_is_cut() {
    let bench = Bench::with(small());
    let mut reader = slow_reader(&bench, "reader");
    let mut writer = bench.joins(&service("writer"), Version::V5);
    for _ in 0..40 {
        fill(&mut writer);
        bench.passes(Duration::from_secs(1));
        writer.resumes();
        if bench.broker.totals().queued_bytes > 3_500 {
            break;
        }
    }
    writer.publishes_qos1("a", &"x".repeat(1_000));
    assert_eq!(reader.is_refused(), ReasonCode::QuotaExceeded);
    assert_eq!(bench.broker.totals().queued_bytes, 0);
    assert!(!writer.session.is_over());
}

#[test]
fn refuses_qos_1_when_too_much_waits_in_the_hub() {
    let settings = BrokerSettings {
        session_queue_pause_bytes: 1 << 20,
        session_queue_max_bytes: 1 << 20,
        hub_queue_pause_bytes: 1_000,
        hub_queue_max_bytes: 3_000,
        ..BrokerSettings::default()
    };
    let bench = Bench::with(settings);
    let mut reader = slow_reader(&bench, "reader");
    let mut writer = bench.joins(&service("writer"), Version::V5);
    let refused = (0..100).any(|_| {
        bench.passes(Duration::from_secs(1));
        writer.resumes();
        writer.publishes_qos1("a", PAYLOAD[0]) == ReasonCode::QuotaExceeded
    });
    assert!(refused && !writer.session.is_over());
    assert!(bench.broker.totals().queued_bytes <= 3_500);

    let mut v311 = bench.joins(&service("old"), Version::V311);
    v311.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        ..publish("a", "x")
    }));
    assert!(v311.is_closed_in_silence());
    reader.session.connection_lost(bench.now());
    assert_eq!(bench.broker.totals().queued_bytes, 0);
}

#[test]
fn a_subscription_to_everything_queues_no_retained_messages_ahead() {
    let bench = Bench::new();
    let mut writer = bench.joins(&service("writer"), Version::V5);
    for n in 0..500 {
        writer.retains(&format!("t/{n}"), &"x".repeat(500));
    }
    let mut reader = bench.joins(&service("reader"), Version::V5);
    for _ in 0..50 {
        reader.asks_for(crate::bench::subscription("#"), None);
    }
    assert_eq!(bench.broker.totals().queued_bytes, 0);
    let messages = reader
        .gets()
        .iter()
        .filter(|packet| matches!(packet, Packet::Publish(_)))
        .count();
    assert_eq!(messages, 500, "asked for again before they came: sent once");
}

#[test]
fn the_publisher_goes_on_when_its_slow_reader_is_gone() {
    let bench = Bench::with(small());
    let reader = slow_reader(&bench, "reader");
    let mut writer = bench.joins(&service("writer"), Version::V5);
    fill(&mut writer);
    assert!(!writer.resumes());
    reader.vanishes();
    assert!(writer.resumes());
    assert_eq!(bench.broker.totals().queued_bytes, 0);
}
