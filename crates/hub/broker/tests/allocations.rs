//! How often the heap is asked for memory on the way of a message, from the publisher's packet to the last
//! subscriber's: `docs/performance.md` says what each is for. A path that asks more often fails here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::task::Waker;

use allocation_counter::{AllocationInfo, measure};
use ironroot_broker::{Broker, BrokerSettings, Peer, Session};
use ironroot_identity::{CertificateSerial, Principal};
use ironroot_mqtt::{
    Ack, Connect, ConnectProperties, Delivery, List, Packet, PacketId, Publish, PublishProperties,
    Qos, RetainHandling, Side, Subscribe, SubscribeProperties, Subscription, TopicFilter,
    TopicName, TopicTemplate, Version, frame,
};
use ironroot_profile::Topics;
use ironroot_registry::Subject;
use ironroot_standing::grant_service;
use ironroot_time::UnixTime;

const NOW: UnixTime = UnixTime::from_s(1_000_000);
const TOPIC: &str = "d/cam-1/up/load";
/// About how many bytes a turn sends.
const OUTPUT_LEN: usize = 32 * 1024;
const ID: PacketId = PacketId::new(7).unwrap();
/// How many messages come in one read, where they come together.
const TOGETHER: usize = 50;

/// One client and the buffers that its connection would lend it.
struct Client {
    session: Session,
    out: Vec<u8>,
}

impl Client {
    fn joins(broker: &Arc<Broker>, name: &str) -> Self {
        let principal = Principal::Service(name.parse().unwrap());
        let everything = || Topics::new(vec![TopicTemplate::parse("#".into()).unwrap()]);
        let grant = Arc::new(grant_service(everything(), everything()));
        let subject = Arc::new(Subject::new(principal, grant));
        let peer = Peer {
            subject,
            certificate: CertificateSerial::from_random([1; 16]),
            address: [127, 0, 0, 1].into(),
        };
        let mut client = Self {
            session: Session::new(broker.clone(), peer, NOW),
            out: Vec::with_capacity(1024 * 1024),
        };
        client.sends(&packet(&Packet::Connect(Connect {
            version: Version::V311,
            clean_start: true,
            keep_alive_s: 0,
            properties: ConnectProperties::default(),
            client_id: name,
            will: None,
            user_name: None,
            password: None,
        })));
        client
    }

    fn subscribes(mut self, qos: Qos) -> Self {
        let subscription = Subscription {
            filter: TopicFilter::parse("d/+/up/#").unwrap(),
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Always,
        };
        self.sends(&packet(&Packet::Subscribe(Subscribe {
            packet_id: ID,
            properties: SubscribeProperties::default(),
            subscriptions: List::from(&[subscription]),
        })));
        self
    }

    /// A turn of its connection: takes what came, and sends what waits.
    fn sends(&mut self, bytes: &[u8]) {
        self.out.clear();
        self.session.receive(bytes, NOW, &mut self.out);
        self.session.wake_for_output(Waker::noop());
        self.session.poll_output(NOW, OUTPUT_LEN, &mut self.out);
    }

    /// The acknowledgements of what it was just sent.
    fn acknowledgements(&self) -> Vec<u8> {
        let (mut rest, mut acks) = (&self.out[..], Vec::new());
        while let Some(next) = frame(rest, usize::MAX).unwrap() {
            match Packet::parse(&next, Version::V311, Side::Server).unwrap() {
                Packet::Publish(publish) => {
                    let id = publish.delivery.packet_id();
                    acks.extend(id.map(|id| packet(&Packet::PubAck(Ack::success(id)))));
                }
                other => panic!("no message: {other:?}"),
            }
            (_, rest) = rest.split_at(next.packet_len());
        }
        acks.concat()
    }
}

fn packet(packet: &Packet<'_>) -> Vec<u8> {
    let mut bytes = vec![0; packet.encoded_len(Version::V311).unwrap()];
    packet.encode(Version::V311, &mut bytes).unwrap();
    bytes
}

/// A message as the benchmark publishes it.
fn message(qos: Qos) -> Vec<u8> {
    packet(&Packet::Publish(Publish {
        delivery: match qos {
            Qos::AtMostOnce => Delivery::AtMostOnce,
            _ => Delivery::AtLeastOnce {
                packet_id: ID,
                dup: false,
            },
        },
        retain: false,
        topic: Some(TopicName::parse(TOPIC).unwrap()),
        properties: PublishProperties::default(),
        payload: &[b'x'; 128],
    }))
}

/// What the heap is asked for while `count` messages that come in one read go through to so many subscribers,
/// who acknowledge them.
fn passes(qos: Qos, subscribers: usize, count: usize) -> AllocationInfo {
    let broker = Broker::new(BrokerSettings {
        gather_ms: 0,
        ..BrokerSettings::default()
    });
    let mut publisher = Client::joins(&broker, "publisher");
    let mut subscribers: Vec<_> = (0..subscribers)
        .map(|n| Client::joins(&broker, &format!("subscriber-{n}")).subscribes(qos))
        .collect();
    let bytes = message(qos).repeat(count);
    let mut pass = || {
        let mut all = measure(|| publisher.sends(&bytes));
        for subscriber in &mut subscribers {
            all += measure(|| subscriber.sends(&[]));
            let acks = subscriber.acknowledgements();
            all += measure(|| subscriber.sends(&acks));
        }
        all
    };
    // The first pass makes what stays.
    pass();
    let info = pass();
    assert_eq!(info.count_current, 0, "what was asked for is given back");
    info
}

/// Alone: the message and its bytes, and a queue for each subscriber. The list of what is in flight keeps its room.
#[test]
fn a_message_that_comes_alone_asks_the_heap_a_known_number_of_times() {
    assert_eq!(passes(Qos::AtMostOnce, 1, 1).count_total, 3);
    assert_eq!(passes(Qos::AtLeastOnce, 1, 1).count_total, 3);
    assert_eq!(passes(Qos::AtMostOnce, 5, 1).count_total, 7);
    assert_eq!(passes(Qos::AtLeastOnce, 5, 1).count_total, 7);
}

/// Together they share the queue's growth: what is left for each is the message itself.
#[test]
fn messages_that_come_together_share_all_but_their_own_two() {
    for (qos, subscribers, more_max) in [
        (Qos::AtMostOnce, 1, 7),
        (Qos::AtLeastOnce, 1, 12),
        (Qos::AtMostOnce, 5, 35),
        (Qos::AtLeastOnce, 5, 60),
    ] {
        let asked = passes(qos, subscribers, TOGETHER).count_total;
        let own = 2 * TOGETHER as u64;
        assert!(
            (own..=own + more_max).contains(&asked),
            "{qos:?} to {subscribers}: {asked}"
        );
    }
}
