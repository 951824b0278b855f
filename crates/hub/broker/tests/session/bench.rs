//! A broker, its principals and their clients, joined by memory; time moves by hand.

use std::cell::Cell;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use ironroot_broker::{Broker, BrokerSettings, CounterValues, Output, Peer, Session};
use ironroot_identity::{CertificateSerial, Principal};
use ironroot_mqtt::{
    Ack, ConnAck, Connect, ConnectProperties, Delivery, Disconnect, List, Packet, PacketId,
    Publish, PublishProperties, Qos, ReasonCode, RetainHandling, Side, Subscribe,
    SubscribeProperties, Subscription, TopicFilter, TopicName, TopicTemplate, Unsubscribe,
    UnsubscribeProperties, Version, Will, WillProperties, frame,
};
use ironroot_profile::{DeviceProfile, Topics};
use ironroot_registry::Subject;
use ironroot_standing::{Grant, Lifecycle, Standing, Tier, grant_device, grant_service};
use ironroot_time::UnixTime;

const PROFILE: &str = r#"
    name = "camera"
    evidence = "none"
    [topics]
    publish = ["d/{device}/up/#"]
    subscribe = ["d/{device}/down/#", "all/#"]
    [quarantine]
    publish = ["d/{device}/up/diagnosis"]
    subscribe = ["d/{device}/down/order"]
    [limits]
    messages_per_s = 10
    message_burst = 20
    packet_size_max = 4096
    sessions_max = 2
    subscriptions_max = 4
"#;

pub(crate) struct Bench {
    pub(crate) broker: Arc<Broker>,
    now: Cell<UnixTime>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(BrokerSettings::default())
    }

    /// What is delivered comes at once, since time stands still; `gather` is about the other way.
    pub(crate) fn with(mut settings: BrokerSettings) -> Self {
        settings.gather_ms = 0;
        Self::of(Broker::new(settings))
    }

    pub(crate) fn of(broker: Arc<Broker>) -> Self {
        Self {
            broker,
            now: Cell::new(UnixTime::from_s(1_000_000)),
        }
    }

    /// Moves a device to another state of its life, as the registry does.
    pub(crate) fn moves(&self, subject: &Arc<Subject>, lifecycle: Lifecycle) {
        self.grants(subject, grant(lifecycle));
        if lifecycle == Lifecycle::Retired {
            self.broker.forget(subject.principal());
        }
    }

    pub(crate) fn grants(&self, subject: &Arc<Subject>, grant: Arc<Grant>) {
        subject.set_grant(grant);
        self.broker.grant_changed(subject);
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.now.get()
    }

    pub(crate) fn passes(&self, span: Duration) {
        self.now.set(self.now().plus(span));
    }

    pub(crate) fn counters(&self, subject: &Subject) -> CounterValues {
        self.broker
            .counters_of(subject.principal())
            .unwrap_or_default()
    }

    /// A connection that has not sent anything.
    pub(crate) fn arrives(&self, subject: &Arc<Subject>, version: Version) -> Client<'_> {
        self.arrives_with(subject, CertificateSerial::from_random([1; 16]), version)
    }

    /// The same, with a certificate of this number.
    pub(crate) fn arrives_with(
        &self,
        subject: &Arc<Subject>,
        certificate: CertificateSerial,
        version: Version,
    ) -> Client<'_> {
        self.arrives_from([127, 0, 0, 1], subject, certificate, version)
    }

    /// The same, from this address.
    pub(crate) fn arrives_from(
        &self,
        address: [u8; 4],
        subject: &Arc<Subject>,
        certificate: CertificateSerial,
        version: Version,
    ) -> Client<'_> {
        let peer = Peer {
            subject: subject.clone(),
            certificate,
            address: address.into(),
        };
        let session = Session::new(self.broker.clone(), peer, self.now());
        Client {
            bench: self,
            session,
            version,
            inbox: Vec::new(),
        }
    }

    /// A client that is in, and whose session waits for it as long as the broker allows. Says whether it goes on
    /// with one.
    pub(crate) fn returns(&self, subject: &Arc<Subject>, version: Version) -> (Client<'_>, bool) {
        let mut client = self.arrives(subject, version);
        client.sends(&Packet::Connect(lasting(version, subject.principal().id())));
        let present = client.is_let_in();
        (client, present)
    }

    /// A client that is in, with the principal's own client id.
    pub(crate) fn joins(&self, subject: &Arc<Subject>, version: Version) -> Client<'_> {
        let mut client = self.arrives(subject, version);
        client.sends(&Packet::Connect(connect(version, subject.principal().id())));
        let answer = client.gets();
        assert!(
            matches!(
                answer[..],
                [Packet::ConnAck(ConnAck {
                    reason: ReasonCode::Success,
                    ..
                })]
            ),
            "{answer:?}"
        );
        client
    }
}

/// A device in good standing.
pub(crate) fn device(id: &str) -> Arc<Subject> {
    let principal = Principal::Device(id.parse().unwrap());
    Arc::new(Subject::new(principal, grant(Lifecycle::Active)))
}

/// A service that may publish and subscribe to everything.
pub(crate) fn service(name: &str) -> Arc<Subject> {
    let principal = Principal::Service(name.parse().unwrap());
    Arc::new(Subject::new(
        principal,
        Arc::new(grant_service(topics(&["#"]), topics(&["#"]))),
    ))
}

pub(crate) struct Client<'b> {
    bench: &'b Bench,
    pub(crate) session: Session,
    version: Version,
    inbox: Vec<u8>,
}

impl Client<'_> {
    pub(crate) fn sends(&mut self, packet: &Packet<'_>) {
        let mut bytes = vec![0; packet.encoded_len(self.version).unwrap()];
        packet.encode(self.version, &mut bytes).unwrap();
        self.sends_bytes(&bytes);
    }

    pub(crate) fn sends_bytes(&mut self, bytes: &[u8]) {
        self.session
            .receive(bytes, self.bench.now(), &mut self.inbox);
    }

    /// Reads the CONNACK, and nothing behind it; says whether an earlier session goes on.
    pub(crate) fn is_let_in(&mut self) -> bool {
        let length = 2 + usize::from(self.inbox[1]);
        let answer: Vec<u8> = self.inbox.drain(..length).collect();
        let frame = frame(&answer, usize::MAX).unwrap().unwrap();
        match Packet::parse(&frame, self.version, Side::Server).unwrap() {
            Packet::ConnAck(connack) => {
                assert_eq!(connack.reason, ReasonCode::Success);
                connack.session_present
            }
            other => panic!("no CONNACK: {other:?}"),
        }
    }

    /// What the edge does when a pause may be over.
    pub(crate) fn resumes(&mut self) -> bool {
        self.session
            .resume(self.bench.now(), Waker::noop(), &mut self.inbox)
    }

    pub(crate) fn handle_deadline(&mut self) {
        self.session
            .handle_deadline(self.bench.now(), &mut self.inbox);
    }

    /// Everything that has been sent to the client since the last call, as packets.
    pub(crate) fn gets(&mut self) -> Vec<Packet<'static>> {
        while self
            .session
            .poll_output(self.bench.now(), 16 * 1024, &mut self.inbox)
            == Output::More
        {}
        // Leaked, so that the packets live as long as the test.
        let mut rest: &'static [u8] = std::mem::take(&mut self.inbox).leak();
        let mut packets = Vec::new();
        while !rest.is_empty() {
            let frame = frame(rest, usize::MAX).unwrap().expect("whole packets");
            rest = &rest[frame.packet_len()..];
            packets.push(
                Packet::parse(&frame, self.version, Side::Server)
                    .expect("a packet that the standard allows"),
            );
        }
        packets
    }

    /// The messages among what it gets, as topic and payload.
    pub(crate) fn gets_messages(&mut self) -> Vec<(&'static str, &'static str)> {
        self.gets()
            .iter()
            .filter_map(|packet| match packet {
                Packet::Publish(publish) => Some((
                    publish.topic.unwrap().as_str(),
                    std::str::from_utf8(publish.payload).unwrap(),
                )),
                _ => None,
            })
            .collect()
    }

    /// The one message that it gets.
    pub(crate) fn gets_message(&mut self) -> Publish<'static> {
        match &self.gets()[..] {
            [Packet::Publish(publish)] => *publish,
            other => panic!("not one message: {other:?}"),
        }
    }

    /// The reason of the DISCONNECT that it gets; the session is over then.
    pub(crate) fn is_refused(&mut self) -> ReasonCode {
        let got = self.gets();
        assert!(self.session.is_over(), "{got:?}");
        match got[..] {
            [.., Packet::Disconnect(disconnect)] => disconnect.reason,
            ref other => panic!("no farewell: {other:?}"),
        }
    }

    /// Whether the connection is closed without a word.
    pub(crate) fn is_closed_in_silence(&mut self) -> bool {
        self.gets().is_empty() && self.session.is_over()
    }

    pub(crate) fn subscribes(&mut self, filter: &str, qos: Qos) -> ReasonCode {
        self.subscribes_with(
            Subscription {
                qos,
                ..subscription(filter)
            },
            None,
        )
    }

    /// Subscribes and hands back the answer; what else comes is lost.
    pub(crate) fn subscribes_with(
        &mut self,
        subscription: Subscription<'_>,
        id: Option<u32>,
    ) -> ReasonCode {
        self.asks_for(subscription, id);
        let answer = self.gets();
        match answer[..] {
            [Packet::SubAck(suback), ..] => suback.codes.iter().next().unwrap(),
            _ => panic!("no SUBACK: {answer:?}"),
        }
    }

    /// Sends a SUBSCRIBE and leaves the answer where it is.
    pub(crate) fn asks_for(&mut self, subscription: Subscription<'_>, id: Option<u32>) {
        self.sends(&Packet::Subscribe(Subscribe {
            packet_id: PACKET_ID,
            properties: SubscribeProperties {
                subscription_id: id.and_then(ironroot_mqtt::SubscriptionId::new),
                ..SubscribeProperties::default()
            },
            subscriptions: List::from(&[subscription]),
        }));
    }

    pub(crate) fn unsubscribes(&mut self, filter: &str) -> Vec<ReasonCode> {
        self.sends(&Packet::Unsubscribe(Unsubscribe {
            packet_id: PACKET_ID,
            properties: UnsubscribeProperties::default(),
            filters: List::from(&[TopicFilter::parse(filter).unwrap()]),
        }));
        match self.gets()[..] {
            [Packet::UnsubAck(unsuback)] => unsuback.codes.iter().collect(),
            ref other => panic!("no UNSUBACK: {other:?}"),
        }
    }

    /// Publishes at QoS 0.
    pub(crate) fn publishes(&mut self, topic: &str, payload: &str) {
        self.sends(&Packet::Publish(publish(topic, payload)));
    }

    pub(crate) fn retains(&mut self, topic: &str, payload: &str) {
        self.sends(&Packet::Publish(Publish {
            retain: true,
            ..publish(topic, payload)
        }));
    }

    /// Publishes at QoS 1; the reason in the PUBACK.
    pub(crate) fn publishes_qos1(&mut self, topic: &str, payload: &str) -> ReasonCode {
        self.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            ..publish(topic, payload)
        }));
        let answer = self.gets();
        match answer[..] {
            [Packet::PubAck(Ack { reason, .. }), ..] => reason,
            _ => panic!("no PUBACK: {answer:?}"),
        }
    }

    pub(crate) fn acknowledges(&mut self, publish: &Publish<'_>) {
        self.sends(&Packet::PubAck(Ack::success(
            publish.delivery.packet_id().unwrap(),
        )));
    }

    pub(crate) fn leaves(&mut self) {
        self.sends(&Packet::Disconnect(Disconnect::default()));
    }

    pub(crate) fn vanishes(mut self) {
        self.session.connection_lost(self.bench.now());
    }
}

pub(crate) const PACKET_ID: PacketId = PacketId::new(7).unwrap();
pub(crate) const QOS1: Delivery = Delivery::AtLeastOnce {
    packet_id: PACKET_ID,
    dup: false,
};

pub(crate) fn connect(version: Version, client_id: &str) -> Connect<'_> {
    Connect {
        version,
        clean_start: true,
        keep_alive_s: 60,
        properties: ConnectProperties::default(),
        client_id,
        will: None,
        user_name: None,
        password: None,
    }
}

/// A CONNECT for a session that outlives the connection.
pub(crate) fn lasting(version: Version, client_id: &str) -> Connect<'_> {
    let mut connect = Connect {
        clean_start: false,
        ..connect(version, client_id)
    };
    if version == Version::V5 {
        connect.properties.session_expiry_s = Some(u32::MAX);
    }
    connect
}

pub(crate) fn will<'a>(topic: &'a str, payload: &'a str) -> Will<'a> {
    Will {
        qos: Qos::AtMostOnce,
        retain: false,
        properties: WillProperties::default(),
        topic: TopicName::parse(topic).unwrap(),
        payload: payload.as_bytes(),
    }
}

pub(crate) fn publish<'a>(topic: &'a str, payload: &'a str) -> Publish<'a> {
    Publish {
        delivery: Delivery::AtMostOnce,
        retain: false,
        topic: Some(TopicName::parse(topic).unwrap()),
        properties: PublishProperties::default(),
        payload: payload.as_bytes(),
    }
}

pub(crate) fn subscription(filter: &str) -> Subscription<'_> {
    Subscription {
        filter: TopicFilter::parse(filter).unwrap(),
        qos: Qos::AtMostOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::Always,
    }
}

pub(crate) fn topics(templates: &[&str]) -> Topics {
    Topics::new(
        templates
            .iter()
            .map(|text| TopicTemplate::parse((*text).into()).unwrap())
            .collect(),
    )
}

fn grant(lifecycle: Lifecycle) -> Arc<Grant> {
    grant_of(PROFILE, lifecycle)
}

/// The Grant of a device with a profile of its own.
pub(crate) fn grant_of(profile: &str, lifecycle: Lifecycle) -> Arc<Grant> {
    let profile = DeviceProfile::parse(profile).unwrap();
    Arc::new(grant_device(
        Standing {
            lifecycle,
            tier: Tier::None,
        },
        &profile,
    ))
}
