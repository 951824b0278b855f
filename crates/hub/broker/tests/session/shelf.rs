//! What rests on a step that is not durable yet must wait for it; durability is moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use ironroot_broker::shelf::{Found, Kept, Shelf, Step, Ticket};
use ironroot_broker::{Broker, BrokerSettings};
use ironroot_identity::Principal;
use ironroot_mqtt::{Ack, Packet, Publish, Qos, ReasonCode, Version};
use ironroot_registry::Subject;
use parking_lot::Mutex;

use crate::bench::{Bench, PACKET_ID, QOS1, device, lasting, publish, service};

/// A shelf on which steps become durable when the test says so.
#[derive(Debug, Default)]
struct HandShelf(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    steps: Vec<Step>,
    durable: u64,
    waiting: Vec<(Ticket, Waker)>,
    full: bool,
}

impl Shelf for HandShelf {
    fn note(&self, step: Step) -> Ticket {
        let mut state = self.0.lock();
        state.steps.push(step);
        Ticket(state.steps.len() as u64)
    }

    fn durable(&self) -> Ticket {
        Ticket(self.0.lock().durable)
    }

    fn wake_at(&self, ticket: Ticket, waker: &Waker) {
        self.0.lock().waiting.push((ticket, waker.clone()));
    }

    fn is_full(&self) -> bool {
        self.0.lock().full
    }
}

impl HandShelf {
    /// Everything noted so far is durable now.
    fn catches_up(&self) {
        let mut state = self.0.lock();
        state.durable = state.steps.len() as u64;
        let due = std::mem::take(&mut state.waiting);
        drop(state);
        for (_, waker) in due {
            waker.wake();
        }
    }

    fn has(&self, found: impl Fn(&Step) -> bool) -> bool {
        self.0.lock().steps.iter().any(found)
    }
}

fn bench() -> (Bench, Arc<HandShelf>) {
    let shelf = Arc::new(HandShelf::default());
    let on: Arc<dyn Shelf> = shelf.clone();
    let settings = BrokerSettings {
        gather_ms: 0,
        ..BrokerSettings::default()
    };
    let now = Bench::new().now();
    let broker = Broker::restore(settings, &on, Found::default(), &|_| None, now);
    (Bench::of(broker), shelf)
}

#[test]
fn every_answer_waits_until_what_it_answers_is_durable() {
    let (bench, shelf) = bench();
    let cam = device("cam-1");
    let mut client = bench.arrives(&cam, Version::V5);
    client.sends(&Packet::Connect(lasting(Version::V5, "cam-1")));
    assert!(client.gets().is_empty(), "CONNACK waits");
    shelf.catches_up();
    assert!(matches!(client.gets()[..], [Packet::ConnAck(_)]));

    client.asks_for(crate::bench::subscription("d/cam-1/down/#"), None);
    client.sends(&Packet::PingReq);
    assert!(
        client.gets().is_empty(),
        "SUBACK waits, and what comes behind it"
    );
    shelf.catches_up();
    assert!(matches!(
        client.gets()[..],
        [Packet::SubAck(_), Packet::PingResp]
    ));

    let exactly_once = ironroot_mqtt::Delivery::ExactlyOnce {
        packet_id: PACKET_ID,
        dup: false,
    };
    client.sends(&Packet::Publish(Publish {
        delivery: exactly_once,
        ..publish("d/cam-1/up/t", "x")
    }));
    assert!(client.gets().is_empty(), "PUBREC waits");
    shelf.catches_up();
    assert!(matches!(client.gets()[..], [Packet::PubRec(_)]));
    client.sends(&Packet::PubRel(Ack::success(PACKET_ID)));
    assert!(client.gets().is_empty(), "PUBCOMP waits");
    shelf.catches_up();
    assert!(matches!(client.gets()[..], [Packet::PubComp(_)]));
}

#[test]
fn a_publisher_is_answered_when_its_message_is_safe_for_those_who_may_be_away() {
    let (bench, shelf) = bench();
    let cam = device("cam-1");
    let (mut reader, _) = returns(&bench, &shelf);
    reader.asks_for(
        ironroot_mqtt::Subscription {
            qos: Qos::ExactlyOnce,
            ..crate::bench::subscription("d/#")
        },
        None,
    );
    shelf.catches_up();
    reader.gets();
    // The publisher's own session ends with its connection.
    let mut writer = bench.joins(&cam, Version::V5);
    writer.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        ..publish("d/cam-1/up/t", "x")
    }));
    assert!(writer.gets().is_empty(), "PUBACK waits");
    assert!(reader.gets().is_empty(), "and so does the delivery");
    shelf.catches_up();
    assert_eq!(writer.gets(), [Packet::PubAck(Ack::success(PACKET_ID))]);
    reader.gets_message();
    assert!(shelf.has(|step| matches!(step, Step::Send { place: 1, .. })));
}

fn returns<'b>(bench: &'b Bench, shelf: &HandShelf) -> (crate::bench::Client<'b>, bool) {
    let mut client = bench.arrives(&service("backend"), Version::V5);
    client.sends(&Packet::Connect(lasting(Version::V5, "backend")));
    shelf.catches_up();
    let answer = client.gets();
    let [Packet::ConnAck(connack)] = answer[..] else {
        panic!("{answer:?}")
    };
    (client, connack.session_present)
}

#[test]
fn a_retained_message_is_acknowledged_when_it_is_safe_and_cleared_with_its_publisher() {
    let (bench, shelf) = bench();
    let cam = device("cam-1");
    let mut writer = bench.joins(&cam, Version::V5);
    writer.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        retain: true,
        ..publish("d/cam-1/up/state", "fine")
    }));
    assert!(writer.gets().is_empty(), "PUBACK waits");
    shelf.catches_up();
    assert!(matches!(writer.gets()[..], [Packet::PubAck(_)]));
    assert!(shelf.has(|step| matches!(step, Step::Retain { .. })));
    bench.moves(&cam, ironroot_standing::Lifecycle::Retired);
    assert!(shelf.has(|step| matches!(step, Step::Clear { .. })));
}

#[test]
fn a_session_that_ends_with_its_connection_waits_for_nothing() {
    let (bench, shelf) = bench();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    client.subscribes("d/cam-1/down/#", Qos::AtLeastOnce);
    assert_eq!(
        client.publishes_qos1("d/cam-1/up/t", "x"),
        ReasonCode::NoMatchingSubscribers
    );
    assert!(!shelf.has(|_| true));
}

#[test]
fn a_session_is_woken_when_its_answers_may_leave() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (bench, shelf) = bench();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    client.sends(&Packet::Connect(lasting(Version::V5, "cam-1")));
    client.session.wake_for_output(&Waker::from(count.clone()));
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    shelf.catches_up();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
}

#[test]
fn refuses_messages_that_must_be_kept_while_they_cannot_be() {
    let (bench, shelf) = bench();
    shelf.0.lock().full = true;
    let mut writer = bench.joins(&device("cam-1"), Version::V5);
    assert_eq!(
        writer.publishes_qos1("d/cam-1/up/t", "x"),
        ReasonCode::QuotaExceeded
    );
}

#[test]
fn a_client_whose_answers_wait_is_not_read_from_for_ever() {
    let (bench, shelf) = bench();
    let (mut client, _) = returns(&bench, &shelf);
    client.asks_for(crate::bench::subscription("d/#"), None);
    for _ in 0..300_000 {
        client.sends(&Packet::PingReq);
    }
    assert!(!client.resumes(), "what waits is bounded");
    shelf.catches_up();
    client.gets();
    assert!(client.resumes());
}

#[test]
fn a_session_whose_deliveries_wait_for_the_disk_rests_until_some_may_leave() {
    let (bench, shelf) = bench();
    let (mut reader, _) = returns(&bench, &shelf);
    reader.asks_for(
        ironroot_mqtt::Subscription {
            qos: Qos::AtLeastOnce,
            ..crate::bench::subscription("#")
        },
        None,
    );
    shelf.catches_up();
    reader.gets();
    let mut writer = bench.joins(&service("writer"), Version::V5);
    let payload = "x".repeat(4_000);
    for _ in 0..100 {
        writer.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            ..publish("t", &payload)
        }));
    }
    assert!(
        reader.gets().is_empty(),
        "and it does not ask again and again"
    );
    assert!(bench.broker.totals().queued_bytes > 0);
    let mut got = 0;
    while got < 100 {
        shelf.catches_up();
        let now = reader.gets_messages().len();
        assert!(now > 0);
        got += now;
    }
}

#[test]
fn the_session_of_somebody_whose_life_here_has_ended_is_not_restored() {
    let shelf = Arc::new(HandShelf::default());
    let on: Arc<dyn Shelf> = shelf.clone();
    let kept = Kept {
        session: 41,
        principal: Principal::Device("cam-1".parse().unwrap()),
        client_id: "cam-1".into(),
        expiry_s: 60,
        expires: None,
        subscriptions: Vec::new(),
        deliveries: Vec::new(),
        received: Vec::new(),
        will: None,
    };
    let settings = BrokerSettings::default();
    let now = Bench::new().now();
    let found = Found {
        sessions: vec![kept],
        ..Found::default()
    };
    let broker = Broker::restore(settings, &on, found, &|_| None, now);
    assert_eq!(broker.totals().parked, 0);
    assert!(shelf.has(|step| matches!(step, Step::End { session: 41 })));
}

/// A client with a will, whose session waits for it for a minute.
fn with_will<'b>(bench: &'b Bench, shelf: &HandShelf, delay_s: u32) -> crate::bench::Client<'b> {
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    let mut packet = lasting(Version::V5, "cam-1");
    packet.properties.session_expiry_s = Some(60);
    let mut will = crate::bench::will("d/cam-1/up/gone", "gone");
    will.properties.will_delay_s = Some(delay_s);
    packet.will = Some(will);
    client.sends(&Packet::Connect(packet));
    shelf.catches_up();
    client.gets();
    client
}

#[test]
fn a_will_is_published_once_it_is_durably_off_the_shelf() {
    for (delay_s, ends_by) in [
        (0, "its loss"),
        (10, "its moment"),
        (90, "its session's end"),
    ] {
        let (bench, shelf) = bench();
        let mut reader = bench.joins(&service("backend"), Version::V5);
        reader.subscribes("d/#", Qos::AtMostOnce);
        with_will(&bench, &shelf, delay_s).vanishes();
        bench.passes(Duration::from_secs(delay_s.min(60).into()));
        bench.broker.tick(bench.now());
        assert!(reader.gets().is_empty(), "{ends_by}: it may still be there");
        shelf.catches_up();
        assert_eq!(
            reader.gets_messages(),
            [("d/cam-1/up/gone", "gone")],
            "{ends_by}"
        );
        bench.passes(Duration::from_secs(90));
        bench.broker.tick(bench.now());
        shelf.catches_up();
        assert!(reader.gets().is_empty(), "{ends_by}: once");
    }
}

#[test]
fn a_client_that_comes_back_takes_its_will_off_the_shelf() {
    let (bench, shelf) = bench();
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.subscribes("d/#", Qos::AtMostOnce);
    with_will(&bench, &shelf, 10).vanishes();
    let waits = |step: &Step| {
        matches!(
            step,
            Step::Park {
                will_at: Some(_),
                ..
            }
        )
    };
    assert!(shelf.has(waits));
    drop(with_will(&bench, &shelf, 10));
    assert!(shelf.has(|step| matches!(step, Step::Resume { .. })));
    shelf.catches_up();
    assert!(reader.gets().is_empty());
}

#[test]
fn counters_are_kept_every_so_often_and_only_where_they_changed() {
    let (bench, shelf) = bench();
    let (cam, idle) = (device("cam-1"), device("cam-2"));
    let kept = |subject: &Subject| {
        let state = shelf.0.lock();
        let counts = state.steps.iter().filter_map(|step| match step {
            Step::Count { principal, figures } if principal == subject.principal() => {
                Some(figures.counters.messages_in)
            }
            _ => None,
        });
        counts.collect::<Vec<_>>()
    };
    let mut client = bench.joins(&cam, Version::V5);
    drop(bench.joins(&idle, Version::V5));
    client.publishes("d/cam-1/up/t", "1");
    bench.broker.tick(bench.now());
    bench.passes(Duration::from_secs(60));
    bench.broker.tick(bench.now());
    client.publishes("d/cam-1/up/t", "2");
    bench.passes(Duration::from_secs(59));
    bench.broker.tick(bench.now());
    assert_eq!((kept(&cam), kept(&idle)), (vec![1], vec![0]));
    bench.passes(Duration::from_secs(1));
    bench.broker.tick(bench.now());
    assert_eq!((kept(&cam), kept(&idle)), (vec![1, 2], vec![0]));
    client.publishes("d/cam-1/up/t", "3");
    bench.broker.keep_all_figures(bench.now());
    assert_eq!(kept(&cam), [1, 2, 3], "when the hub stops, at once");
    shelf.0.lock().full = true;
    client.publishes("d/cam-1/up/t", "4");
    bench.passes(Duration::from_secs(60));
    bench.broker.tick(bench.now());
    assert_eq!(kept(&cam), [1, 2, 3], "messages come first");
}
