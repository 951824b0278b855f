//! Sessions that outlive their connection: what is kept, for how long, and who gets it (MQTT 5 section 4.1).

use std::time::Duration;

use ironroot_broker::BrokerSettings;
use ironroot_mqtt::{
    Ack, Connect, Delivery, Disconnect, DisconnectProperties, Packet, PacketId, Publish, Qos,
    ReasonCode, Version, Will, WillProperties,
};
use ironroot_standing::Lifecycle;

use crate::bench::{
    Bench, Client, QOS1, connect, device, lasting, publish, service, subscription, will,
};

const TOPIC: &str = "d/cam-1/down/t";

/// A device whose session waits for its orders at `qos`, and a service that gives them.
fn waiting(bench: &Bench, version: Version, qos: Qos) -> Client<'_> {
    let (mut reader, present) = bench.returns(&device("cam-1"), version);
    assert!(!present);
    reader.subscribes("d/cam-1/down/#", qos);
    reader
}

fn orders(bench: &Bench, payload: &str, delivery: Delivery) {
    let mut writer = bench.joins(&service("backend"), Version::V5);
    writer.sends(&Packet::Publish(Publish {
        delivery,
        ..publish(TOPIC, payload)
    }));
}

fn qos2(id: u16) -> Delivery {
    Delivery::ExactlyOnce {
        packet_id: PacketId::new(id).unwrap(),
        dup: false,
    }
}

#[test]
fn what_came_while_the_client_was_away_is_delivered_when_it_is_back() {
    for version in [Version::V311, Version::V5] {
        let bench = Bench::new();
        waiting(&bench, version, Qos::ExactlyOnce).vanishes();
        orders(&bench, "0", Delivery::AtMostOnce);
        orders(&bench, "1", QOS1);
        orders(&bench, "2", qos2(1));
        let (mut reader, present) = bench.returns(&device("cam-1"), version);
        assert!(present);
        assert_eq!(reader.gets_messages(), [(TOPIC, "1"), (TOPIC, "2")]);
        orders(&bench, "3", QOS1);
        assert_eq!(
            reader.gets_messages(),
            [(TOPIC, "3")],
            "it still subscribes"
        );
    }
}

#[test]
fn what_was_not_acknowledged_is_sent_again_in_order_and_marked() {
    let bench = Bench::new();
    let mut reader = waiting(&bench, Version::V5, Qos::ExactlyOnce);
    for (payload, delivery) in [("a", QOS1), ("b", QOS1), ("c", qos2(1)), ("d", qos2(2))] {
        orders(&bench, payload, delivery);
    }
    let ids: Vec<_> = reader
        .gets()
        .iter()
        .map(|packet| match packet {
            Packet::Publish(publish) => publish.delivery.packet_id().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    reader.sends(&Packet::PubAck(Ack::success(ids[0])));
    reader.sends(&Packet::PubRec(Ack::success(ids[3])));
    reader.vanishes();
    let (mut reader, _) = bench.returns(&device("cam-1"), Version::V5);
    let again = reader.gets();
    let [Packet::Publish(b), Packet::Publish(c), Packet::PubRel(d)] = again[..] else {
        panic!("{again:?}")
    };
    assert_eq!((b.payload, c.payload), (&b"b"[..], &b"c"[..]));
    assert!(b.delivery.dup() && c.delivery.dup());
    assert_eq!(
        [
            b.delivery.packet_id(),
            c.delivery.packet_id(),
            Some(d.packet_id)
        ],
        [Some(ids[1]), Some(ids[2]), Some(ids[3])]
    );
    reader.sends(&Packet::PubAck(Ack::success(ids[1])));
    reader.sends(&Packet::PubRec(Ack::success(ids[2])));
    reader.sends(&Packet::PubComp(Ack::success(ids[3])));
    assert_eq!(reader.gets(), [Packet::PubRel(Ack::success(ids[2]))]);
    reader.sends(&Packet::PubComp(Ack::success(ids[2])));
    assert_eq!(bench.broker.totals().queued_bytes, 0);
    reader.vanishes();
    let (mut reader, _) = bench.returns(&device("cam-1"), Version::V5);
    assert!(reader.gets().is_empty());
}

#[test]
fn a_client_that_is_back_with_a_smaller_window_gets_no_more_than_that() {
    let bench = Bench::new();
    let mut reader = waiting(&bench, Version::V5, Qos::AtLeastOnce);
    for payload in ["a", "b", "c"] {
        orders(&bench, payload, QOS1);
    }
    reader.gets();
    reader.vanishes();
    let mut reader = bench.arrives(&device("cam-1"), Version::V5);
    let mut packet = lasting(Version::V5, "cam-1");
    packet.properties.receive_maximum = std::num::NonZeroU16::new(2);
    reader.sends(&Packet::Connect(packet));
    reader.is_let_in();
    let first = reader.gets();
    assert_eq!(first.len(), 2);
    let Packet::Publish(a) = first[0] else {
        panic!("{first:?}")
    };
    reader.acknowledges(&a);
    assert_eq!(reader.gets_messages(), [(TOPIC, "c")]);
}

#[test]
fn a_message_of_qos_2_from_the_client_is_taken_once_across_connections() {
    let bench = Bench::new();
    let mut backend = bench.joins(&service("backend"), Version::V5);
    backend.subscribes("d/#", Qos::AtMostOnce);
    let message = Publish {
        delivery: qos2(9),
        ..publish("d/cam-1/up/t", "x")
    };
    let (mut writer, _) = bench.returns(&device("cam-1"), Version::V5);
    writer.sends(&Packet::Publish(message));
    writer.vanishes();
    let (mut writer, _) = bench.returns(&device("cam-1"), Version::V5);
    writer.sends(&Packet::Publish(message));
    let id = PacketId::new(9).unwrap();
    assert_eq!(writer.gets(), [Packet::PubRec(Ack::success(id))]);
    assert_eq!(backend.gets_messages().len(), 1);
}

#[test]
fn a_clean_start_ends_the_session_that_waits() {
    let bench = Bench::new();
    waiting(&bench, Version::V5, Qos::AtLeastOnce).vanishes();
    orders(&bench, "x", QOS1);
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    assert!(client.gets().is_empty());
    let totals = bench.broker.totals();
    assert_eq!(
        (totals.subscriptions, totals.parked, totals.queued_bytes),
        (0, 0, 0)
    );
}

#[test]
fn a_session_is_kept_as_long_as_was_agreed_and_no_longer() {
    let bench = Bench::new();
    for (away_s, present) in [(9, true), (10, false)] {
        let mut client = bench.arrives(&device("cam-1"), Version::V5);
        let mut packet = connect(Version::V5, "cam-1");
        packet.properties.session_expiry_s = Some(10);
        client.sends(&Packet::Connect(packet));
        client.is_let_in();
        client.vanishes();
        bench.passes(Duration::from_secs(away_s));
        assert_eq!(bench.returns(&device("cam-1"), Version::V5).1, present);
    }
}

#[test]
fn a_session_that_nobody_came_back_to_is_ended_in_time() {
    let bench = Bench::new();
    waiting(&bench, Version::V311, Qos::AtLeastOnce).vanishes();
    orders(&bench, "x", QOS1);
    bench.passes(Duration::from_secs(7 * 86_400 - 1));
    bench.broker.tick(bench.now());
    assert_eq!(bench.broker.totals().parked, 1);
    bench.passes(Duration::from_secs(1));
    bench.broker.tick(bench.now());
    let totals = bench.broker.totals();
    assert_eq!(
        (totals.subscriptions, totals.parked, totals.queued_bytes),
        (0, 0, 0)
    );
}

#[test]
fn a_client_that_leaves_may_say_how_long_its_session_waits() {
    let bench = Bench::new();
    let mut client = waiting(&bench, Version::V5, Qos::AtLeastOnce);
    client.sends(&Packet::Disconnect(Disconnect {
        properties: DisconnectProperties {
            session_expiry_s: Some(0),
            ..Default::default()
        },
        ..Default::default()
    }));
    assert_eq!(bench.broker.totals().parked, 0);
    assert!(!bench.returns(&device("cam-1"), Version::V5).1);
}

#[test]
fn the_queue_of_a_client_that_is_away_is_bounded_and_what_is_dropped_is_counted() {
    let bench = Bench::with(BrokerSettings {
        parked_queue_max_bytes: 4_096,
        ..BrokerSettings::default()
    });
    let cam = device("cam-1");
    waiting(&bench, Version::V5, Qos::AtLeastOnce).vanishes();
    for _ in 0..20 {
        orders(&bench, &"x".repeat(500), QOS1);
    }
    assert!(bench.broker.totals().queued_bytes <= 4_096);
    let dropped = bench.counters(&cam).dropped;
    let (mut reader, _) = bench.returns(&cam, Version::V5);
    assert_eq!(reader.gets_messages().len() as u64 + dropped, 20);
    assert!((10..20).contains(&dropped), "{dropped}");
}

#[test]
fn a_message_that_expires_while_the_client_is_away_is_not_delivered() {
    let bench = Bench::new();
    waiting(&bench, Version::V5, Qos::AtLeastOnce).vanishes();
    let mut writer = bench.joins(&service("backend"), Version::V5);
    let mut message = Publish {
        delivery: QOS1,
        ..publish(TOPIC, "short")
    };
    message.properties.message_expiry_s = Some(10);
    writer.sends(&Packet::Publish(message));
    message.properties.message_expiry_s = Some(20);
    message.payload = b"long";
    writer.sends(&Packet::Publish(message));
    bench.passes(Duration::from_secs(15));
    let (mut reader, _) = bench.returns(&device("cam-1"), Version::V5);
    let got = reader.gets_message();
    assert_eq!(
        (got.payload, got.properties.message_expiry_s),
        (&b"long"[..], Some(5))
    );
}

#[test]
fn a_session_is_taken_over_whole_from_a_connection_that_still_lives() {
    let bench = Bench::new();
    let mut old = waiting(&bench, Version::V5, Qos::AtLeastOnce);
    orders(&bench, "sent", QOS1);
    old.gets();
    let mut new = bench.arrives(&device("cam-1"), Version::V5);
    new.sends(&Packet::Connect(lasting(Version::V5, "cam-1")));
    assert!(!new.resumes(), "it waits for the earlier connection");
    orders(&bench, "between", QOS1);
    assert_eq!(old.is_refused(), ReasonCode::SessionTakenOver);
    assert!(new.resumes());
    assert!(new.is_let_in());
    assert_eq!(new.gets_messages(), [(TOPIC, "sent"), (TOPIC, "between")]);
}

#[test]
fn a_client_that_waits_for_its_earlier_connection_does_not_wait_for_ever() {
    let bench = Bench::new();
    let _old = waiting(&bench, Version::V5, Qos::AtLeastOnce);
    let mut new = bench.arrives(&device("cam-1"), Version::V5);
    new.sends(&Packet::Connect(lasting(Version::V5, "cam-1")));
    bench.passes(Duration::from_secs(10));
    new.handle_deadline();
    assert!(new.session.is_over());
}

#[test]
fn a_principal_keeps_no_more_sessions_than_its_grant_allows() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for id in ["cam-1/a", "cam-1/b", "cam-1/c"] {
        let mut client = bench.arrives(&cam, Version::V5);
        client.sends(&Packet::Connect(lasting(Version::V5, id)));
        assert!(!client.is_let_in());
        client.vanishes();
        bench.passes(Duration::from_secs(1));
    }
    assert_eq!(bench.broker.totals().parked, 2);
    for (id, present) in [("cam-1/c", true), ("cam-1/a", false)] {
        let mut client = bench.arrives(&cam, Version::V5);
        client.sends(&Packet::Connect(lasting(Version::V5, id)));
        assert_eq!(client.is_let_in(), present, "{id}");
        client.vanishes();
    }
}

#[test]
fn nobody_resumes_the_session_of_another_principal() {
    let bench = Bench::new();
    let [first, second] = ["backend", "other"].map(service);
    let (client, _) = bench.returns(&first, Version::V5);
    client.vanishes();
    let mut thief = bench.arrives(&second, Version::V5);
    thief.sends(&Packet::Connect(lasting(Version::V5, "backend")));
    let got = thief.gets();
    assert!(
        matches!(got[..], [Packet::ConnAck(connack)] if !connack.session_present),
        "{got:?}"
    );
}

/// Attack: a device that was shut out leaves a session behind that goes on listening.
#[test]
fn a_retired_device_leaves_no_session_behind() {
    let bench = Bench::new();
    let (cam, other) = (device("cam-1"), device("cam-2"));
    let (mut live, _) = bench.returns(&cam, Version::V5);
    live.subscribes("d/cam-1/down/#", Qos::AtLeastOnce);
    let (away, _) = bench.returns(&other, Version::V5);
    away.vanishes();
    bench.moves(&cam, Lifecycle::Retired);
    bench.moves(&other, Lifecycle::Retired);
    live.gets();
    let totals = bench.broker.totals();
    assert_eq!((totals.subscriptions, totals.parked), (0, 0));
}

#[test]
fn what_waits_for_a_device_is_withheld_once_its_grant_has_shrunk() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let (mut reader, _) = bench.returns(&cam, Version::V5);
    reader.subscribes("d/cam-1/down/#", Qos::AtLeastOnce);
    reader.vanishes();
    orders(&bench, "x", QOS1);
    bench.moves(&cam, Lifecycle::Quarantined);
    let (mut reader, present) = bench.returns(&cam, Version::V5);
    assert!(present && reader.gets().is_empty());
    assert_eq!(bench.counters(&cam).withheld, 1);
    assert_eq!(bench.broker.totals().queued_bytes, 0);
}

fn with_will(bench: &Bench, delay_s: u32, expiry_s: u32) -> Client<'_> {
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    let mut packet = Connect {
        will: Some(Will {
            properties: WillProperties {
                will_delay_s: Some(delay_s),
                ..WillProperties::default()
            },
            ..will("d/cam-1/up/gone", "gone")
        }),
        ..connect(Version::V5, "cam-1")
    };
    packet.properties.session_expiry_s = Some(expiry_s);
    client.sends(&Packet::Connect(packet));
    client.is_let_in();
    client
}

#[test]
fn a_will_waits_for_its_delay_or_the_end_of_the_session() {
    for (delay_s, expiry_s, fires_s) in [(10, 60, 10), (60, 10, 10), (10, 0, 0), (0, 10, 0)] {
        let bench = Bench::new();
        let mut reader = bench.joins(&service("backend"), Version::V5);
        reader.subscribes_with(subscription("d/#"), None);
        with_will(&bench, delay_s, expiry_s).vanishes();
        for second in 0..=fires_s {
            bench.broker.tick(bench.now());
            let fired = reader.gets_messages().len();
            assert_eq!(
                fired,
                usize::from(second == fires_s),
                "delay {delay_s} s, expiry {expiry_s} s, after {second} s"
            );
            bench.passes(Duration::from_secs(1));
        }
    }
}

#[test]
fn a_client_that_is_back_in_time_takes_its_will_back() {
    let bench = Bench::new();
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.subscribes_with(subscription("d/#"), None);
    with_will(&bench, 10, 60).vanishes();
    let (_client, present) = bench.returns(&device("cam-1"), Version::V5);
    assert!(present);
    bench.passes(Duration::from_secs(20));
    bench.broker.tick(bench.now());
    assert!(reader.gets().is_empty());
    drop(with_will(&bench, 10, 60));
    let _clean = bench.joins(&device("cam-1"), Version::V5);
    assert_eq!(
        reader.gets_messages().len(),
        1,
        "a clean start ends the session, and its will waits no longer"
    );
}
