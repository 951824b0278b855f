//! A client of MQTT 5 that sends one packet at a time, and reads what comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ironroot_mqtt::{
    Ack, Connect, ConnectProperties, Delivery, List, Packet, PacketId, Publish, PublishProperties,
    Qos, ReasonCode, RetainHandling, Side, Subscribe, SubscribeProperties, Subscription,
    TopicFilter, TopicName, Version, frame,
};

use super::{Identity, Place, Socket};

const PACKET_ID: PacketId = PacketId::new(1).unwrap();

/// A session over mutual TLS.
pub(crate) struct Talker {
    socket: Socket,
    read: Vec<u8>,
}

impl Talker {
    /// A clean session under the principal's own id.
    pub(crate) fn joins(place: &Place, who: &Identity) -> Self {
        let mut talker = Self {
            socket: Socket::tls(place, "mqtt", Some(who)),
            read: Vec::new(),
        };
        talker.sends(&Packet::Connect(Connect {
            version: Version::V5,
            clean_start: true,
            keep_alive_s: 0,
            properties: ConnectProperties::default(),
            client_id: &who.id,
            will: None,
            user_name: None,
            password: None,
        }));
        let reason = talker.gets(|packet| match packet {
            Packet::ConnAck(answer) => Some(answer.reason),
            _ => None,
        });
        assert_eq!(reason, ReasonCode::Success);
        talker
    }

    pub(crate) fn sends(&mut self, packet: &Packet<'_>) {
        let mut bytes = vec![0; packet.encoded_len(Version::V5).unwrap()];
        packet.encode(Version::V5, &mut bytes).unwrap();
        assert!(self.socket.sends(&bytes), "the session was cut");
    }

    /// What `wanted` finds in the first packet in which it finds something.
    pub(crate) fn gets<T>(&mut self, wanted: impl Fn(&Packet<'_>) -> Option<T>) -> T {
        loop {
            while let Some(frame) = frame(&self.read, usize::MAX).unwrap() {
                let found = wanted(&Packet::parse(&frame, Version::V5, Side::Server).unwrap());
                let packet_len = frame.packet_len();
                self.read.drain(..packet_len);
                if let Some(found) = found {
                    return found;
                }
            }
            assert!(self.socket.reads(&mut self.read) > 0, "the session was cut");
        }
    }

    fn subscribes(&mut self, filter: &str) {
        self.sends(&Packet::Subscribe(Subscribe {
            packet_id: PACKET_ID,
            properties: SubscribeProperties::default(),
            subscriptions: List::from(&[Subscription {
                filter: TopicFilter::parse(filter).unwrap(),
                qos: Qos::AtLeastOnce,
                no_local: false,
                retain_as_published: false,
                retain_handling: RetainHandling::Always,
            }]),
        }));
        let code = self.gets(|packet| match packet {
            Packet::SubAck(answer) => answer.codes.iter().next(),
            _ => None,
        });
        assert_eq!(code, ReasonCode::GrantedQos1);
    }
}

/// A service that sends a device one message of QoS 1 after the other, each when the last has come: what others
/// are to notice nothing of, whatever is done to the door.
pub(crate) struct RoundTrips {
    enough: Arc<AtomicBool>,
    going: JoinHandle<Trips>,
}

/// What came of it: every message arrived, or the test has failed.
#[derive(Debug)]
pub(crate) struct Trips {
    count: u64,
    longest: Duration,
}

impl Trips {
    /// Shows that none took as long as somebody would notice; the machine may be busy with other tests.
    pub(crate) fn are_undisturbed(&self) {
        assert!(self.count > 0 && self.longest < NOTICED, "{self:?}");
    }
}

const NOTICED: Duration = Duration::from_secs(10);

impl RoundTrips {
    pub(crate) fn begin(place: &Place) -> Self {
        let sender = Talker::joins(place, &place.service("sender"));
        let mut receiver = Talker::joins(place, &place.device("beside"));
        receiver.subscribes("d/beside/down/#");
        let enough = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&enough);
        let going = thread::spawn(move || travel(sender, receiver, &stop));
        Self { enough, going }
    }

    pub(crate) fn end(self) -> Trips {
        self.enough.store(true, Ordering::Relaxed);
        self.going.join().expect("every message arrives")
    }
}

fn travel(mut sender: Talker, mut receiver: Talker, enough: &AtomicBool) -> Trips {
    let mut trips = Trips {
        count: 0,
        longest: Duration::ZERO,
    };
    while !enough.load(Ordering::Relaxed) {
        let began = Instant::now();
        let number = trips.count.to_be_bytes();
        sender.sends(&Packet::Publish(Publish {
            delivery: Delivery::AtLeastOnce {
                packet_id: PACKET_ID,
                dup: false,
            },
            retain: false,
            topic: Some(TopicName::parse("d/beside/down/n").unwrap()),
            properties: PublishProperties::default(),
            payload: &number,
        }));
        let (packet_id, payload) = receiver.gets(|packet| match packet {
            Packet::Publish(message) => {
                Some((message.delivery.packet_id()?, message.payload.to_vec()))
            }
            _ => None,
        });
        assert_eq!(payload, number, "a message was lost, or came twice");
        receiver.sends(&Packet::PubAck(Ack::success(packet_id)));
        sender.gets(|packet| matches!(packet, Packet::PubAck(_)).then_some(()));
        trips.longest = trips.longest.max(began.elapsed());
        trips.count += 1;
    }
    trips
}
