//! An application message, encoded once and shared by every session that it goes to.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use ironroot_mqtt::{
    Delivery, DeliveryHead, PacketId, Publish, PublishProperties, Qos, SharedLayout,
    SubscriptionId, TopicName, Unencodable, Version, Will,
};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;
use smallvec::SmallVec;

use crate::outbox::SessionNumber;

/// The subscription identifiers of one delivery; most have none or one.
pub(crate) type SubscriptionIds = SmallVec<[SubscriptionId; 2]>;

/// A message as its publisher sent it. What all receivers share is encoded here, once: the properties that
/// are passed on unaltered, in their order, and the payload.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    origin: Origin,
    qos: Qos,
    retain: bool,
    lifetime: Option<Duration>,
    layout: SharedLayout,
    /// The topic, and behind it what is shared: one allocation for both.
    bytes: Box<[u8]>,
    topic_len: usize,
}

/// Who published a message, in which session, and when.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) publisher: Arc<Subject>,
    pub(crate) session: SessionNumber,
    pub(crate) at: UnixTime,
}

/// One message on its way to one session.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) message: Arc<Message>,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    pub(crate) subscription_ids: SubscriptionIds,
    /// Its number in a session that outlives its connection; else 0.
    pub(crate) number: u64,
}

/// What one delivery of a message has of its own, beside what the subscription says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) version: Version,
    pub(crate) packet_id: Option<PacketId>,
    pub(crate) topic: Written,
    /// Whether it was sent before, on another connection.
    pub(crate) dup: bool,
}

/// How a topic is written in one delivery (MQTT 5 section 3.3.2.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// By its name alone.
    Name,
    /// By its name and a number that stands for it from now on.
    NameAndNumber(NonZeroU16),
    /// By its number alone.
    Number(NonZeroU16),
}

impl Message {
    /// The message that a client publishes under `topic`.
    ///
    /// # Errors
    /// [`Unencodable`] never for a packet that was parsed.
    pub(crate) fn of_publish(
        origin: Origin,
        topic: TopicName<'_>,
        publish: &Publish<'_>,
    ) -> Result<Self, Unencodable> {
        let topic_len = topic.as_str().len();
        let len = topic_len + publish.shared_layout()?.len();
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(topic.as_str().as_bytes());
        bytes.resize(len, 0);
        let layout = publish.encode_shared(&mut bytes[topic_len..])?;
        Ok(Self {
            origin,
            qos: publish.delivery.qos(),
            retain: publish.retain,
            lifetime: publish
                .properties
                .message_expiry_s
                .map(|s| Duration::from_secs(s.into())),
            layout,
            bytes: bytes.into(),
            topic_len,
        })
    }

    /// The message that a will stands for (MQTT 5 section 3.1.3.2).
    ///
    /// # Errors
    /// [`Unencodable`] never for a packet that was parsed.
    pub(crate) fn of_will(origin: Origin, will: &Will<'_>) -> Result<Self, Unencodable> {
        let publish = Publish {
            delivery: Delivery::AtMostOnce,
            retain: will.retain,
            topic: Some(will.topic),
            properties: PublishProperties {
                message_expiry_s: will.properties.message_expiry_s,
                payload_format: will.properties.payload_format,
                content_type: will.properties.content_type,
                response_topic: will.properties.response_topic,
                correlation_data: will.properties.correlation_data,
                user: will.properties.user,
                ..PublishProperties::default()
            },
            payload: will.payload,
        };
        Ok(Self {
            qos: will.qos,
            ..Self::of_publish(origin, will.topic, &publish)?
        })
    }

    /// The same message, published at `now`: a will's life begins when it fires.
    pub(crate) fn published_at(mut self, now: UnixTime) -> Self {
        self.origin.at = now;
        self
    }

    pub(crate) fn set_session(&mut self, session: SessionNumber) {
        self.origin.session = session;
    }

    pub(crate) fn publisher(&self) -> &Arc<Subject> {
        &self.origin.publisher
    }

    /// The session that published it.
    pub(crate) fn session(&self) -> SessionNumber {
        self.origin.session
    }

    pub(crate) fn qos(&self) -> Qos {
        self.qos
    }

    pub(crate) fn retain(&self) -> bool {
        self.retain
    }

    pub(crate) fn topic(&self) -> &str {
        let topic = self.bytes.get(..self.topic_len).unwrap_or_default();
        // It was text when the message was made.
        str::from_utf8(topic).unwrap_or_default()
    }

    fn shared(&self) -> &[u8] {
        self.bytes.get(self.topic_len..).unwrap_or_default()
    }

    /// The topic as checked; it was when the message was made, so there is one.
    pub(crate) fn topic_name(&self) -> Option<TopicName<'_>> {
        TopicName::parse(self.topic()).ok()
    }

    /// Whether the Grant of `subscriber` lets it have the message at this moment.
    pub(crate) fn may_reach(&self, subscriber: &Subject) -> bool {
        let (id, grant) = (subscriber.principal().id(), subscriber.grant());
        self.topic_name()
            .is_some_and(|topic| grant.may_receive(id, topic))
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.layout.tail(self.shared(), Version::V311)
    }

    /// How much memory it takes, in bytes, near enough.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }

    /// How much of a queue's bound one delivery of it takes, in bytes.
    pub(crate) fn queue_bytes(&self) -> usize {
        size_of::<Outgoing>() + self.size()
    }

    /// When it is no longer worth delivering (MQTT 5 section 3.3.2.3.3).
    pub(crate) fn expires(&self) -> Option<UnixTime> {
        self.lifetime.map(|lifetime| self.origin.at.plus(lifetime))
    }

    /// When it was published.
    pub(crate) fn published(&self) -> UnixTime {
        self.origin.at
    }

    /// How long it is worth delivering, in seconds.
    pub(crate) fn lifetime_s(&self) -> Option<u32> {
        let lifetime_s = self.lifetime?.as_secs();
        Some(u32::try_from(lifetime_s).unwrap_or(u32::MAX))
    }

    /// Writes a PUBLISH of it that begins with `head` to the end of `out`.
    ///
    /// # Errors
    /// [`Unencodable`] when the packet would be longer than MQTT takes.
    pub(crate) fn encode_behind(
        &self,
        head: &DeliveryHead<'_>,
        version: Version,
        out: &mut Vec<u8>,
    ) -> Result<(), Unencodable> {
        let (start, head_len) = (out.len(), head.encoded_len(version, self.layout)?);
        out.resize(start + head_len, 0);
        head.encode(version, self.layout, &mut out[start..])?;
        out.extend_from_slice(self.layout.tail(self.shared(), version));
        Ok(())
    }

    /// Whether it is no longer worth delivering.
    pub(crate) fn is_expired(&self, now: UnixTime) -> bool {
        self.expires().is_some_and(|at| at <= now)
    }
}

impl Outgoing {
    /// How much of a queue's bound it takes, in bytes.
    pub(crate) fn queue_bytes(&self) -> usize {
        self.message.queue_bytes()
    }

    /// Writes the PUBLISH to the end of `out`, if it is at most `packet_size_max` long; says how long it is.
    ///
    /// # Errors
    /// [`Unencodable`] when the packet would be longer than the receiver, or MQTT, takes.
    pub(crate) fn encode(
        &self,
        head: Head,
        packet_size_max: usize,
        now: UnixTime,
        out: &mut Vec<u8>,
    ) -> Result<usize, Unencodable> {
        let message = &*self.message;
        let own = DeliveryHead {
            delivery: match (head.packet_id, self.qos) {
                (None, _) | (Some(_), Qos::AtMostOnce) => Delivery::AtMostOnce,
                (Some(packet_id), Qos::AtLeastOnce) => Delivery::AtLeastOnce {
                    packet_id,
                    dup: head.dup,
                },
                (Some(packet_id), Qos::ExactlyOnce) => Delivery::ExactlyOnce {
                    packet_id,
                    dup: head.dup,
                },
            },
            retain: self.retain,
            topic: match head.topic {
                Written::Name | Written::NameAndNumber(_) => message.topic_name(),
                Written::Number(_) => None,
            },
            message_expiry_s: message.expires().map(|at| whole_s_left(at, now)),
            topic_alias: match head.topic {
                Written::Name => None,
                Written::NameAndNumber(number) | Written::Number(number) => Some(number),
            },
            subscription_ids: &self.subscription_ids,
        };
        let tail_len = message.layout.tail(message.shared(), head.version).len();
        let head_len = own.encoded_len(head.version, message.layout)?;
        if head_len + tail_len > packet_size_max {
            return Err(Unencodable::TooLong);
        }
        message.encode_behind(&own, head.version, out)?;
        Ok(head_len + tail_len)
    }
}

/// What is left of a message's life (MQTT 5 section 3.3.2.3.3 [MQTT-3.3.2-6]), rounded up: a message that
/// is delivered has at least a second left.
fn whole_s_left(at: UnixTime, now: UnixTime) -> u32 {
    let left_ms = at.since(now).as_millis();
    u32::try_from(left_ms.div_ceil(1_000)).unwrap_or(u32::MAX)
}
