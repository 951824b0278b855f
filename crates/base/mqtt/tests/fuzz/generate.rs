//! Valid packets of every kind, built from a fuzzer's bytes.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::LazyLock;

use ironroot_mqtt::{
    Ack, AckProperties, Auth, AuthProperties, ConnAck, ConnAckProperties, Connect,
    ConnectProperties, Delivery, Disconnect, DisconnectProperties, List, ListEntry, Packet,
    PacketId, PacketType, PayloadFormat, Publish, PublishProperties, Qos, ReasonCode,
    RetainHandling, Secret, Side, SubAck, Subscribe, SubscribeProperties, Subscription,
    SubscriptionId, TopicFilter, TopicName, UnsubAck, Unsubscribe, UnsubscribeProperties,
    UserProperties, UserProperty, Version, Will, WillProperties,
};

/// Choices, drawn from a fuzzer's bytes; zero when they are used up.
pub(crate) struct Entropy<'e> {
    bytes: std::slice::Iter<'e, u8>,
}

impl<'e> Entropy<'e> {
    pub(crate) fn new(bytes: &'e [u8]) -> Self {
        Self {
            bytes: bytes.iter(),
        }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    pub(crate) fn two_bytes(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn four_bytes(&mut self) -> u32 {
        u32::from(self.two_bytes()) << 16 | u32::from(self.two_bytes())
    }

    /// A number below `bound`; zero when that is none.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.two_bytes()) % bound.max(1)
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn version(&mut self) -> Version {
        if self.flag() {
            Version::V5
        } else {
            Version::V311
        }
    }

    pub(crate) fn side(&mut self) -> Side {
        if self.flag() {
            Side::Server
        } else {
            Side::Client
        }
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A run of at most `count_max` entries out of `pool`.
    fn run<T>(&mut self, pool: &'static [T], count_max: usize) -> &'static [T] {
        let start = self.below(pool.len());
        let count = self.below(count_max + 1).min(pool.len() - start);
        &pool[start..start + count]
    }

    fn some<T>(&mut self, pool: &'static [T]) -> &'static [T] {
        let start = self.below(pool.len());
        let count = 1 + self.below(pool.len() - start).min(20);
        &pool[start..start + count]
    }

    fn list<T: ListEntry<'static>>(&mut self, pool: &'static [T]) -> List<'static, T> {
        List::from(self.run(pool, 5))
    }

    /// Text without U+0000.
    fn prose(&mut self) -> &'static str {
        self.text(PROSE)
    }

    /// Text without control characters and non-characters.
    fn name(&mut self) -> &'static str {
        self.text(NAME)
    }

    fn text(&mut self, pool: &'static str) -> &'static str {
        let bounds: Vec<usize> = pool.char_indices().map(|(at, _)| at).collect();
        let start = self.below(bounds.len());
        let end = (start + self.below(12)).min(bounds.len() - 1);
        match self.byte() {
            255 => &LONGEST,
            _ => &pool[bounds[start]..bounds[end.max(start)]],
        }
    }

    fn binary(&mut self) -> &'static [u8] {
        self.run(&BYTES, 20)
    }

    fn topic(&mut self) -> TopicName<'static> {
        self.pick(&TOPICS)
    }

    fn packet_id(&mut self) -> PacketId {
        PacketId::new(self.two_bytes()).unwrap_or(PacketId::new(1).unwrap())
    }

    fn not_zero(&mut self) -> NonZeroU16 {
        NonZeroU16::new(self.two_bytes()).unwrap_or(NonZeroU16::MIN)
    }

    fn subscription_id(&mut self) -> SubscriptionId {
        self.pick(&SUBSCRIPTION_IDS)
    }

    fn user(&mut self) -> UserProperties<'static> {
        if self.flag() {
            self.list(&USER)
        } else {
            List::default()
        }
    }

    fn reason(&mut self, packet_type: PacketType, sender: Side) -> ReasonCode {
        let allowed: Vec<ReasonCode> = ReasonCode::ALL
            .iter()
            .copied()
            .filter(|code| code.allowed_in(packet_type, sender))
            .collect();
        self.pick(&allowed)
    }
}

const PROSE: &str = "one two\tthree\r\nfür 日本語 🦀\u{7f}\u{feff}\u{85}\u{fffe}\u{10ffff}+#/$ü";
const NAME: &str = "cam-1/ä日本🦀 $SYS+#~\u{a0}\u{feff}\u{fffd}pump_7.x";

static LONGEST: LazyLock<String> = LazyLock::new(|| "x".repeat(65_535));
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| (0..=255).cycle().take(70_000).collect());

static LEVELS: [&str; 6] = ["", "a", "$SYS", "日本", "device 7", "$share"];

static TOPICS: LazyLock<Vec<TopicName<'static>>> = LazyLock::new(|| {
    let mut topics = Vec::new();
    for first in LEVELS {
        topics.push(first.to_owned());
        for second in LEVELS {
            topics.push(format!("{first}/{second}"));
            topics.push(format!("{second}/{first}/up"));
        }
    }
    topics.push(LONGEST.clone());
    topics
        .into_iter()
        .filter_map(|topic| TopicName::parse(topic.leak()).ok())
        .collect()
});

static FILTERS: LazyLock<Vec<TopicFilter<'static>>> = LazyLock::new(|| {
    let mut filters = vec!["#".to_owned(), "+".to_owned(), "+/#".to_owned()];
    for topic in TOPICS.iter() {
        filters.push(topic.to_string());
        filters.push(format!("{topic}/#"));
        filters.push(format!("+/{topic}"));
        filters.push(format!("$share/group/{topic}/+"));
    }
    filters
        .into_iter()
        .filter_map(|filter| TopicFilter::parse(filter.leak()).ok())
        .collect()
});

/// As 3.1.1 knows them.
static PLAIN_SUBSCRIPTIONS: LazyLock<Vec<Subscription<'static>>> = LazyLock::new(|| {
    let qos = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
    let filters = FILTERS.iter().zip(qos.into_iter().cycle());
    filters
        .map(|(&filter, qos)| Subscription {
            filter,
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Always,
        })
        .collect()
});

static SUBSCRIPTIONS: LazyLock<Vec<Subscription<'static>>> = LazyLock::new(|| {
    use RetainHandling::{Always, IfNew, Never};
    let handling = [Always, IfNew, Never, IfNew, Always].into_iter().cycle();
    let flags = (0..4).cycle();
    let plain = PLAIN_SUBSCRIPTIONS.iter();
    plain
        .zip(handling.zip(flags))
        .map(|(plain, (retain_handling, flags))| Subscription {
            no_local: flags & 1 == 1 && plain.filter.group().is_none(),
            retain_as_published: flags & 2 == 2,
            retain_handling,
            ..*plain
        })
        .collect()
});

static USER: LazyLock<Vec<UserProperty<'static>>> = LazyLock::new(|| {
    let words = ["", "a", "line\nend", "日本語", "a", "🦀"];
    words
        .into_iter()
        .flat_map(|name| words.map(|value| (name, value)))
        .collect()
});

static SUBSCRIPTION_IDS: LazyLock<Vec<SubscriptionId>> = LazyLock::new(|| {
    [
        1,
        127,
        128,
        16_383,
        16_384,
        2_097_151,
        2_097_152,
        268_435_455,
    ]
    .into_iter()
    .filter_map(SubscriptionId::new)
    .collect()
});

fn codes(packet_type: PacketType) -> Vec<ReasonCode> {
    let allowed = ReasonCode::ALL.iter().copied();
    allowed
        .filter(|code| code.allowed_in(packet_type, Side::Server))
        .collect()
}

static SUBACK_CODES: LazyLock<Vec<ReasonCode>> = LazyLock::new(|| codes(PacketType::SubAck));
static UNSUBACK_CODES: LazyLock<Vec<ReasonCode>> = LazyLock::new(|| codes(PacketType::UnsubAck));
static V311_SUBACK_CODES: [ReasonCode; 4] = [
    ReasonCode::Success,
    ReasonCode::GrantedQos1,
    ReasonCode::GrantedQos2,
    ReasonCode::UnspecifiedError,
];

/// A packet that `sender` may send in `version`.
pub(crate) fn packet(entropy: &mut Entropy<'_>, version: Version, sender: Side) -> Packet<'static> {
    let types: Vec<PacketType> = PacketType::ALL
        .into_iter()
        .filter(|packet_type| packet_type.check_sender(version, sender).is_ok())
        .collect();
    let packet_type = entropy.pick(&types);
    packet_of(entropy, packet_type, version, sender)
}

/// A packet of this type, which `sender` may send in `version`.
pub(crate) fn packet_of(
    entropy: &mut Entropy<'_>,
    packet_type: PacketType,
    version: Version,
    sender: Side,
) -> Packet<'static> {
    match packet_type {
        PacketType::Connect => Packet::Connect(connect(entropy, version)),
        PacketType::ConnAck => Packet::ConnAck(connack(entropy, version)),
        PacketType::Publish => Packet::Publish(publish(entropy, version, sender)),
        PacketType::PubAck => Packet::PubAck(ack(entropy, packet_type, version, sender)),
        PacketType::PubRec => Packet::PubRec(ack(entropy, packet_type, version, sender)),
        PacketType::PubRel => Packet::PubRel(ack(entropy, packet_type, version, sender)),
        PacketType::PubComp => Packet::PubComp(ack(entropy, packet_type, version, sender)),
        PacketType::Subscribe => Packet::Subscribe(subscribe(entropy, version)),
        PacketType::SubAck => Packet::SubAck(suback(entropy, version)),
        PacketType::Unsubscribe => Packet::Unsubscribe(unsubscribe(entropy, version)),
        PacketType::UnsubAck => Packet::UnsubAck(unsuback(entropy, version)),
        PacketType::PingReq => Packet::PingReq,
        PacketType::PingResp => Packet::PingResp,
        PacketType::Disconnect => Packet::Disconnect(disconnect(entropy, version, sender)),
        PacketType::Auth => Packet::Auth(auth(entropy, sender)),
    }
}

/// What `make` makes, in MQTT 5; nothing in 3.1.1.
fn in_v5<T: Default>(version: Version, make: impl FnOnce() -> T) -> T {
    match version {
        Version::V311 => T::default(),
        Version::V5 => make(),
    }
}

fn connect(entropy: &mut Entropy<'_>, version: Version) -> Connect<'static> {
    let user_name = entropy.maybe(Entropy::name);
    let has_password = entropy.flag() && (version == Version::V5 || user_name.is_some());
    let client_id = entropy.name();
    let authentication_method = entropy.maybe(Entropy::prose);
    Connect {
        version,
        clean_start: entropy.flag() || client_id.is_empty(),
        keep_alive_s: entropy.two_bytes(),
        properties: in_v5(version, || ConnectProperties {
            session_expiry_s: entropy.maybe(Entropy::four_bytes),
            receive_maximum: entropy.maybe(Entropy::not_zero),
            packet_size_max: entropy.maybe(|entropy| NonZeroU32::from(entropy.not_zero())),
            topic_alias_maximum: entropy.maybe(Entropy::two_bytes),
            request_response_information: entropy.maybe(Entropy::flag),
            request_problem_information: entropy.maybe(Entropy::flag),
            authentication_method,
            authentication_data: match authentication_method {
                Some(_) => entropy.maybe(|entropy| Secret::new(entropy.binary())),
                None => None,
            },
            user: entropy.user(),
        }),
        client_id,
        will: entropy.maybe(|entropy| will(entropy, version)),
        user_name,
        password: has_password.then(|| Secret::new(entropy.binary())),
    }
}

fn qos(entropy: &mut Entropy<'_>) -> Qos {
    entropy.pick(&[Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce])
}

fn payload_format(entropy: &mut Entropy<'_>) -> PayloadFormat {
    entropy.pick(&[PayloadFormat::Bytes, PayloadFormat::Utf8])
}

fn will(entropy: &mut Entropy<'_>, version: Version) -> Will<'static> {
    Will {
        qos: qos(entropy),
        retain: entropy.flag(),
        properties: in_v5(version, || WillProperties {
            will_delay_s: entropy.maybe(Entropy::four_bytes),
            payload_format: entropy.maybe(payload_format),
            message_expiry_s: entropy.maybe(Entropy::four_bytes),
            content_type: entropy.maybe(Entropy::prose),
            response_topic: entropy.maybe(Entropy::topic),
            correlation_data: entropy.maybe(Entropy::binary),
            user: entropy.user(),
        }),
        topic: entropy.topic(),
        payload: entropy.binary(),
    }
}

fn connack(entropy: &mut Entropy<'_>, version: Version) -> ConnAck<'static> {
    let mut reason = entropy.reason(PacketType::ConnAck, Side::Server);
    if version == Version::V311 {
        reason = reason.nearest_in_v311_connack();
    }
    ConnAck {
        session_present: reason == ReasonCode::Success && entropy.flag(),
        reason,
        properties: in_v5(version, || ConnAckProperties {
            session_expiry_s: entropy.maybe(Entropy::four_bytes),
            receive_maximum: entropy.maybe(Entropy::not_zero),
            maximum_qos: entropy.maybe(|entropy| Qos::from_bits(entropy.byte() & 1).unwrap()),
            retain_available: entropy.maybe(Entropy::flag),
            packet_size_max: entropy.maybe(|entropy| NonZeroU32::from(entropy.not_zero())),
            assigned_client_id: entropy.maybe(Entropy::name),
            topic_alias_maximum: entropy.maybe(Entropy::two_bytes),
            reason_string: entropy.maybe(Entropy::prose),
            wildcard_subscription_available: entropy.maybe(Entropy::flag),
            subscription_identifiers_available: entropy.maybe(Entropy::flag),
            shared_subscription_available: entropy.maybe(Entropy::flag),
            server_keep_alive_s: entropy.maybe(Entropy::two_bytes),
            response_information: entropy.maybe(Entropy::prose),
            server_reference: entropy.maybe(Entropy::prose),
            authentication_method: entropy.maybe(Entropy::prose),
            authentication_data: entropy.maybe(|entropy| Secret::new(entropy.binary())),
            user: entropy.user(),
        }),
    }
}

pub(crate) fn publish(
    entropy: &mut Entropy<'_>,
    version: Version,
    sender: Side,
) -> Publish<'static> {
    let (packet_id, dup) = (entropy.packet_id(), entropy.flag());
    let properties = in_v5(version, || PublishProperties {
        message_expiry_s: entropy.maybe(Entropy::four_bytes),
        topic_alias: entropy.maybe(Entropy::not_zero),
        subscription_ids: match sender {
            Side::Client => List::default(),
            Side::Server => entropy.list(&SUBSCRIPTION_IDS),
        },
        payload_format: entropy.maybe(payload_format),
        content_type: entropy.maybe(Entropy::prose),
        response_topic: entropy.maybe(Entropy::topic),
        correlation_data: entropy.maybe(Entropy::binary),
        user: entropy.user(),
    });
    let topic = (properties.topic_alias.is_none() || entropy.flag()).then(|| entropy.topic());
    Publish {
        delivery: match qos(entropy) {
            Qos::AtMostOnce => Delivery::AtMostOnce,
            Qos::AtLeastOnce => Delivery::AtLeastOnce { packet_id, dup },
            Qos::ExactlyOnce => Delivery::ExactlyOnce { packet_id, dup },
        },
        retain: entropy.flag(),
        topic,
        properties,
        payload: entropy.binary(),
    }
}

fn ack_properties(entropy: &mut Entropy<'_>, version: Version) -> AckProperties<'static> {
    in_v5(version, || AckProperties {
        reason_string: entropy.maybe(Entropy::prose),
        user: entropy.user(),
    })
}

fn ack(
    entropy: &mut Entropy<'_>,
    packet_type: PacketType,
    version: Version,
    sender: Side,
) -> Ack<'static> {
    Ack {
        packet_id: entropy.packet_id(),
        reason: in_v5(version, || entropy.reason(packet_type, sender)),
        properties: ack_properties(entropy, version),
    }
}

fn subscribe(entropy: &mut Entropy<'_>, version: Version) -> Subscribe<'static> {
    Subscribe {
        packet_id: entropy.packet_id(),
        properties: in_v5(version, || SubscribeProperties {
            subscription_id: entropy.maybe(Entropy::subscription_id),
            user: entropy.user(),
        }),
        subscriptions: List::from(match version {
            Version::V311 => entropy.some(&PLAIN_SUBSCRIPTIONS),
            Version::V5 => entropy.some(&SUBSCRIPTIONS),
        }),
    }
}

fn suback(entropy: &mut Entropy<'_>, version: Version) -> SubAck<'static> {
    SubAck {
        packet_id: entropy.packet_id(),
        properties: ack_properties(entropy, version),
        codes: List::from(match version {
            Version::V311 => entropy.some(&V311_SUBACK_CODES),
            Version::V5 => entropy.some(&SUBACK_CODES),
        }),
    }
}

fn unsubscribe(entropy: &mut Entropy<'_>, version: Version) -> Unsubscribe<'static> {
    Unsubscribe {
        packet_id: entropy.packet_id(),
        properties: in_v5(version, || UnsubscribeProperties {
            user: entropy.user(),
        }),
        filters: List::from(entropy.some(&FILTERS)),
    }
}

fn unsuback(entropy: &mut Entropy<'_>, version: Version) -> UnsubAck<'static> {
    UnsubAck {
        packet_id: entropy.packet_id(),
        properties: ack_properties(entropy, version),
        codes: in_v5(version, || List::from(entropy.some(&UNSUBACK_CODES))),
    }
}

fn disconnect(entropy: &mut Entropy<'_>, version: Version, sender: Side) -> Disconnect<'static> {
    let is_client = sender == Side::Client;
    in_v5(version, || Disconnect {
        reason: entropy.reason(PacketType::Disconnect, sender),
        properties: DisconnectProperties {
            session_expiry_s: entropy.maybe(Entropy::four_bytes).filter(|_| is_client),
            reason_string: entropy.maybe(Entropy::prose),
            server_reference: entropy.maybe(Entropy::prose).filter(|_| !is_client),
            user: entropy.user(),
        },
    })
}

fn auth(entropy: &mut Entropy<'_>, sender: Side) -> Auth<'static> {
    if sender == Side::Server && entropy.flag() {
        return Auth::default();
    }
    Auth {
        reason: entropy.reason(PacketType::Auth, sender),
        properties: AuthProperties {
            authentication_method: Some(entropy.prose()),
            authentication_data: entropy.maybe(|entropy| Secret::new(entropy.binary())),
            reason_string: entropy.maybe(Entropy::prose),
            user: entropy.user(),
        },
    }
}

/// Text over the alphabet that topics are made of.
pub(crate) fn topic_text(bytes: &[u8]) -> String {
    let choices = ["/", "/", "+", "#", "a", "b", "$", "$share/g/", "ä"];
    bytes
        .iter()
        .map(|byte| choices[usize::from(*byte) % choices.len()])
        .take(12)
        .collect()
}
