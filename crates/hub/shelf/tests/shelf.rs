//! What is noted is durable when the shelf says so, and found again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Wake, Waker};
use std::time::Duration;

use ironroot_broker::shelf::{Figures, Kept, PackedOptions, Shelf, Step, Ticket};
use ironroot_broker::{Broker, BrokerSettings, Peer, Session};
use ironroot_identity::{CertificateSerial, Principal};
use ironroot_mqtt::{
    Connect, ConnectProperties, Delivery, List, Packet, PacketId, Publish, PublishProperties, Qos,
    RetainHandling, Subscribe, SubscribeProperties, Subscription, TopicFilter, TopicName,
    TopicTemplate, Version,
};
use ironroot_profile::Topics;
use ironroot_registry::Subject;
use ironroot_shelf::{OpenError, SqliteShelf};
use ironroot_standing::grant_service;
use ironroot_time::UnixTime;

const NOW: UnixTime = UnixTime::from_s(1_000_000);

/// So that a test that would hang fails.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

struct Tell(Sender<()>);

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        let _nobody_waits_any_more = self.0.send(());
    }
}

fn wait_for(shelf: &dyn Shelf, ticket: Ticket) {
    let (tell, told) = channel();
    shelf.wake_at(ticket, &Waker::from(Arc::new(Tell(tell))));
    told.recv_timeout(LONGEST_WAIT).unwrap();
    assert!(shelf.durable() >= ticket);
}

fn open(path: &Path) -> (SqliteShelf, Vec<Kept>) {
    let (shelf, found) = SqliteShelf::open(path).unwrap();
    (shelf, found.sessions)
}

fn begin(session: u64) -> Step {
    Step::Begin {
        session,
        principal: Principal::Service("backend".parse().unwrap()),
        client_id: "backend/a".into(),
        expiry_s: 3_600,
    }
}

#[test]
fn each_step_leaves_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let (shelf, kept) = open(&path);
    assert!(kept.is_empty());
    let subscribe = |filter: &str, how| Step::Subscribe {
        session: 7,
        filter: filter.into(),
        how: PackedOptions(how),
    };
    for step in [
        begin(7),
        begin(8),
        subscribe("a/#", 1),
        subscribe("a/#", 2),
        subscribe("b", 1),
        Step::Unsubscribe {
            session: 7,
            filter: "b".into(),
        },
        Step::Receive {
            session: 7,
            packet_id: 1,
        },
        Step::Receive {
            session: 7,
            packet_id: 65_535,
        },
        Step::Free {
            session: 7,
            packet_id: 1,
        },
        Step::Park {
            session: 7,
            expires: NOW,
            will_at: None,
        },
        Step::End { session: 8 },
    ] {
        shelf.note(step);
    }
    drop(shelf);
    let (shelf, kept) = open(&path);
    let [only] = &kept[..] else {
        panic!("{kept:?}")
    };
    assert_eq!((only.session, &*only.client_id), (7, "backend/a"));
    assert_eq!((only.expiry_s, only.expires), (3_600, Some(NOW)));
    assert_eq!(only.subscriptions, [("a/#".into(), PackedOptions(2))]);
    assert_eq!(only.received, [65_535]);
    shelf.note(Step::Resume {
        session: 7,
        expiry_s: 60,
    });
    drop(shelf);
    let (_shelf, kept) = open(&path);
    assert_eq!((kept[0].expiry_s, kept[0].expires), (60, None));
}

#[test]
fn whoever_waits_is_woken_when_the_step_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let (shelf, _) = open(&folder.path().join("sessions.sqlite"));
    let first = shelf.note(begin(1));
    let second = shelf.note(begin(2));
    assert!(first < second);
    wait_for(&shelf, second);
    wait_for(&shelf, first);
}

#[test]
fn what_was_durable_is_found_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let (shelf, _) = open(&path);
    let mut ticket = Ticket(0);
    for session in 1..=500 {
        ticket = shelf.note(begin(session));
    }
    wait_for(&shelf, ticket);
    // What lies on the disk at this moment, while the file is open.
    let crashed = folder.path().join("crashed.sqlite");
    for end in ["", "-wal"] {
        let name = |stem: &str| folder.path().join(format!("{stem}.sqlite{end}"));
        std::fs::copy(name("sessions"), name("crashed")).unwrap();
    }
    assert_eq!(open(&crashed).1.len(), 500);
}

#[test]
fn a_file_that_cannot_be_written_is_said_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let (shelf, _) = open(&path);
    wait_for(&shelf, shelf.note(begin(1)));
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ticket = shelf.note(begin(2));
    let began = std::time::Instant::now();
    while !shelf.is_full() {
        assert!(began.elapsed() < LONGEST_WAIT);
        std::thread::yield_now();
    }
    assert!(shelf.durable() < ticket);
    other.execute_batch("ROLLBACK").unwrap();
    wait_for(&shelf, ticket);
    assert!(!shelf.is_full());
}

#[test]
fn refuses_a_file_of_a_newer_program_and_one_that_is_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    drop(open(&path));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "messages lie in it");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    assert!(matches!(
        SqliteShelf::open(&path),
        Err(OpenError::NewerSchema { found: 99, .. })
    ));
    std::fs::write(&path, "no database".repeat(100)).unwrap();
    let refused = SqliteShelf::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Database(_)), "{refused}");
}

/// A service that may do everything.
fn peer(subject: &Arc<Subject>) -> Peer {
    Peer {
        subject: subject.clone(),
        certificate: CertificateSerial::from_random([1; 16]),
        address: [192, 0, 2, 1].into(),
    }
}

fn backend() -> Arc<Subject> {
    let all = || Topics::new(vec![TopicTemplate::parse("#".into()).unwrap()]);
    let principal = Principal::Service("backend".parse().unwrap());
    Arc::new(Subject::new(
        principal,
        Arc::new(grant_service(all(), all())),
    ))
}

struct Client {
    session: Session,
    out: Vec<u8>,
}

impl Client {
    fn new(broker: &Arc<Broker>, subject: &Arc<Subject>, client_id: &str, expiry_s: u32) -> Self {
        let session = Session::new(broker.clone(), peer(subject), NOW);
        let mut client = Self {
            session,
            out: Vec::new(),
        };
        client.sends(&Packet::Connect(Connect {
            version: Version::V5,
            clean_start: false,
            keep_alive_s: 0,
            properties: ConnectProperties {
                session_expiry_s: Some(expiry_s),
                ..ConnectProperties::default()
            },
            client_id,
            will: None,
            user_name: None,
            password: None,
        }));
        client
    }

    fn sends(&mut self, packet: &Packet<'_>) {
        let mut bytes = vec![0; packet.encoded_len(Version::V5).unwrap()];
        packet.encode(Version::V5, &mut bytes).unwrap();
        self.session.receive(&bytes, NOW, &mut self.out);
    }

    fn gets(&mut self) -> Vec<u8> {
        self.session.poll_output(NOW, usize::MAX / 2, &mut self.out);
        std::mem::take(&mut self.out)
    }
}

#[test]
fn a_delivery_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let subject = backend();
    let restore = || {
        let (shelf, found) = SqliteShelf::open(&path).unwrap();
        let shelf: Arc<dyn Shelf> = Arc::new(shelf);
        let known = subject.clone();
        let subject_of = move |_: &Principal| Some(known.clone());
        Broker::restore(BrokerSettings::default(), &shelf, found, &subject_of, NOW)
    };
    let broker = restore();
    let mut reader = Client::new(&broker, &subject, "reader", 60);
    reader.sends(&Packet::Subscribe(Subscribe {
        packet_id: PacketId::new(1).unwrap(),
        properties: SubscribeProperties {
            subscription_id: ironroot_mqtt::SubscriptionId::new(5),
            ..SubscribeProperties::default()
        },
        subscriptions: List::from(&[Subscription {
            filter: TopicFilter::parse("#").unwrap(),
            qos: Qos::ExactlyOnce,
            no_local: false,
            retain_as_published: true,
            retain_handling: RetainHandling::Never,
        }]),
    }));
    drop(reader);
    let mut writer = Client::new(&broker, &subject, "writer", 0);
    writer.sends(&Packet::Publish(Publish {
        delivery: Delivery::ExactlyOnce {
            packet_id: PacketId::new(3).unwrap(),
            dup: false,
        },
        retain: true,
        topic: TopicName::parse("a/b").ok(),
        properties: PublishProperties {
            content_type: Some("text/plain"),
            message_expiry_s: Some(60),
            ..PublishProperties::default()
        },
        payload: b"21.5",
    }));
    drop((writer, broker));

    let broker = restore();
    let totals = broker.totals();
    assert_eq!((totals.parked, totals.retained), (1, 1));
    let mut reader = Client::new(&broker, &subject, "reader", 60);
    let mut got = Vec::new();
    let began = std::time::Instant::now();
    let publish = loop {
        got.extend(reader.gets());
        let connack = ironroot_mqtt::frame(&got, usize::MAX).unwrap();
        let behind = connack.map(|connack| got.split_at(connack.packet_len()).1);
        if let Some(frame) =
            behind.and_then(|behind| ironroot_mqtt::frame(behind, usize::MAX).unwrap())
        {
            let packet = Packet::parse(&frame, Version::V5, ironroot_mqtt::Side::Server).unwrap();
            let Packet::Publish(publish) = packet else {
                panic!("{packet:?}")
            };
            break publish;
        }
        assert!(began.elapsed() < LONGEST_WAIT, "{got:?}");
    };
    assert_eq!(publish.topic.unwrap().as_str(), "a/b");
    assert_eq!((publish.payload, publish.retain), (&b"21.5"[..], true));
    assert_eq!(publish.delivery.qos(), Qos::ExactlyOnce);
    assert_eq!(publish.properties.content_type, Some("text/plain"));
    assert_eq!(publish.properties.message_expiry_s, Some(60));
    let ids: Vec<_> = publish.properties.subscription_ids.iter().collect();
    assert_eq!(ids.first().map(|id| id.get()), Some(5));
}

#[test]
fn a_will_and_the_counters_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let subject = backend();
    let restore = |now: UnixTime| {
        let (shelf, found) = SqliteShelf::open(&path).unwrap();
        let wills: Vec<_> = found
            .sessions
            .iter()
            .map(|kept| kept.will.clone())
            .collect();
        let shelf: Arc<dyn Shelf> = Arc::new(shelf);
        let known = subject.clone();
        let subject_of = move |_: &Principal| Some(known.clone());
        let broker = Broker::restore(BrokerSettings::default(), &shelf, found, &subject_of, now);
        (broker, shelf, wills)
    };
    let (broker, shelf, _) = restore(NOW);
    let session = Session::new(broker.clone(), peer(&subject), NOW);
    let mut client = Client {
        session,
        out: Vec::new(),
    };
    client.sends(&Packet::Connect(Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive_s: 0,
        properties: ConnectProperties {
            session_expiry_s: Some(3_600),
            ..ConnectProperties::default()
        },
        client_id: "writer",
        will: Some(ironroot_mqtt::Will {
            qos: Qos::ExactlyOnce,
            retain: true,
            properties: ironroot_mqtt::WillProperties {
                will_delay_s: Some(10),
                message_expiry_s: Some(60),
                content_type: Some("text/plain"),
                ..ironroot_mqtt::WillProperties::default()
            },
            topic: TopicName::parse("gone").unwrap(),
            payload: b"bye",
        }),
        user_name: None,
        password: None,
    }));
    drop(client);
    broker.keep_all_figures(NOW);
    let counted = broker.counters_of(subject.principal());
    drop((broker, shelf));

    let (broker, shelf, wills) = restore(NOW.plus(Duration::from_secs(5)));
    assert_eq!(wills.first().unwrap().as_ref().unwrap().delay_s, 10);
    assert_eq!(broker.counters_of(subject.principal()), counted);
    assert_eq!(counted.map(|counted| counted.connects), Some(1));
    assert_eq!(broker.last_seen(subject.principal()), Some(NOW));
    let sources = broker.sources_of(subject.principal());
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert_eq!(sources[0].address, std::net::IpAddr::from([192, 0, 2, 1]));
    assert_eq!(broker.totals().counters.connects, 0, "since this start");
    broker.tick(NOW.plus(Duration::from_secs(9)));
    assert_eq!(broker.totals().retained, 0);
    broker.tick(NOW.plus(Duration::from_secs(10)));
    let began = std::time::Instant::now();
    while broker.totals().retained == 0 {
        assert!(began.elapsed() < LONGEST_WAIT, "the will fires");
        std::thread::yield_now();
    }
    wait_for(&*shelf, shelf.note(Step::End { session: 99 }));
    drop((broker, shelf));

    let (broker, _shelf, wills) = restore(NOW.plus(Duration::from_secs(20)));
    assert!(wills.iter().all(Option::is_none), "it fires once");
    assert_eq!(broker.totals().retained, 1);
}

#[test]
fn the_counters_of_somebody_whose_life_here_has_ended_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let (shelf, _) = SqliteShelf::open(&path).unwrap();
    shelf.note(Step::Count {
        principal: backend().principal().clone(),
        figures: Figures::default(),
    });
    drop(shelf);
    let (shelf, found) = SqliteShelf::open(&path).unwrap();
    assert_eq!(found.figures.len(), 1);
    let shelf: Arc<dyn Shelf> = Arc::new(shelf);
    drop(Broker::restore(
        BrokerSettings::default(),
        &shelf,
        found,
        &|_| None,
        NOW,
    ));
    drop(shelf);
    let (_shelf, found) = SqliteShelf::open(&path).unwrap();
    assert!(found.figures.is_empty());
}

#[test]
fn a_file_of_schema_1_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let (shelf, _) = SqliteShelf::open(&path).unwrap();
    shelf.note(begin(7));
    drop(shelf);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("DROP TABLE wills; DROP TABLE figures; PRAGMA user_version = 1;")
        .unwrap();
    drop(connection);
    let (_shelf, kept) = open(&path);
    assert_eq!(kept.len(), 1);
}

#[test]
fn the_last_to_hold_the_shelf_may_be_whoever_it_wakes() {
    struct Holder(parking_lot::Mutex<Option<SqliteShelf>>, Sender<()>);
    impl Wake for Holder {
        fn wake(self: Arc<Self>) {
            // Woken at once, by the test itself, when the step is durable already.
            if std::thread::current().name() == Some("shelf-writer") {
                drop(self.0.lock().take());
            }
            let _nobody_waits_any_more = self.1.send(());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (shelf, _) = open(&folder.path().join("sessions.sqlite"));
    let (tell, told) = channel();
    let holder = Arc::new(Holder(parking_lot::Mutex::new(None), tell));
    let mut place = holder.0.lock();
    let ticket = shelf.note(begin(7));
    shelf.wake_at(ticket, &Waker::from(holder.clone()));
    *place = Some(shelf);
    drop(place);
    told.recv_timeout(LONGEST_WAIT).unwrap();
}
