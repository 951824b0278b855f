//! PUBLISH: one message on its way (MQTT 5 section 3.3, 3.1.1 section 3.3).

use crate::frame::{DUP, RETAIN, qos_of};
use crate::property::id;
use crate::wire::{Reader, Writer, flag};
use crate::{Malformed, PacketId, PublishProperties, Qos, Side, TopicName, Unencodable, Version};

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// At which QoS, with what that QoS needs.
    pub delivery: Delivery,
    /// To the server: keep it for later subscribers. From the server: it was kept.
    pub retain: bool,
    /// Under which topic; `None` when the topic alias in the properties stands for it (MQTT 5).
    pub topic: Option<TopicName<'a>>,
    /// The properties; none in 3.1.1.
    pub properties: PublishProperties<'a>,
    /// The message itself.
    pub payload: &'a [u8],
}

/// How a message is delivered: its QoS, and what only some QoS have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0: it is not acknowledged, so it needs no identifier.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce {
        /// Which delivery this is.
        packet_id: PacketId,
        /// Whether it may have been sent before.
        dup: bool,
    },
    /// QoS 2.
    ExactlyOnce {
        /// Which delivery this is.
        packet_id: PacketId,
        /// Whether it may have been sent before.
        dup: bool,
    },
}

impl Delivery {
    /// The QoS alone.
    pub const fn qos(self) -> Qos {
        match self {
            Self::AtMostOnce => Qos::AtMostOnce,
            Self::AtLeastOnce { .. } => Qos::AtLeastOnce,
            Self::ExactlyOnce { .. } => Qos::ExactlyOnce,
        }
    }

    /// The packet identifier; none at QoS 0.
    pub const fn packet_id(self) -> Option<PacketId> {
        match self {
            Self::AtMostOnce => None,
            Self::AtLeastOnce { packet_id, .. } | Self::ExactlyOnce { packet_id, .. } => {
                Some(packet_id)
            }
        }
    }

    /// Whether the message may have been sent before; never at QoS 0.
    pub const fn dup(self) -> bool {
        match self {
            Self::AtMostOnce => false,
            Self::AtLeastOnce { dup, .. } | Self::ExactlyOnce { dup, .. } => dup,
        }
    }

    /// The flags of the fixed header (MQTT 5 section 3.3.1).
    pub(crate) const fn flags(self, retain: bool) -> u8 {
        flag(DUP, self.dup()) | self.qos().bits() << 1 | flag(RETAIN, retain)
    }
}

impl<'a> Publish<'a> {
    pub(super) fn read(
        body: &mut Reader<'a>,
        flags: u8,
        version: Version,
        sender: Side,
    ) -> Result<Self, Malformed> {
        let topic = read_topic(body, version)?;
        let dup = flags & DUP != 0;
        let publish = Self {
            delivery: match qos_of(flags)? {
                Qos::AtMostOnce => Delivery::AtMostOnce,
                Qos::AtLeastOnce => Delivery::AtLeastOnce {
                    packet_id: body.packet_id()?,
                    dup,
                },
                Qos::ExactlyOnce => Delivery::ExactlyOnce {
                    packet_id: body.packet_id()?,
                    dup,
                },
            },
            retain: flags & RETAIN != 0,
            topic,
            properties: PublishProperties::parse(body, version)?,
            payload: body.take_rest(),
        };
        publish.check()?;
        // MQTT 5 section 3.3.4 [MQTT-3.3.4-6].
        if sender == Side::Client && !publish.properties.subscription_ids.is_empty() {
            return Err(Malformed::PropertyFromWrongSide(
                id::SUBSCRIPTION_IDENTIFIER,
            ));
        }
        Ok(publish)
    }

    fn check(&self) -> Result<(), Malformed> {
        // MQTT 5 section 3.3.2.1.
        if self.topic.is_none() && self.properties.topic_alias.is_none() {
            return Err(Malformed::TopicMissing);
        }
        Ok(())
    }

    pub(super) const fn flags(&self) -> u8 {
        self.delivery.flags(self.retain)
    }

    pub(super) fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        self.check()?;
        write_topic_and_id(self.topic, self.delivery, version, out)?;
        self.properties.write(version, out)?;
        out.put(self.payload)
    }
}

/// Reads the topic name; an empty one is none, which MQTT 5 alone knows (section 3.3.2.1).
fn read_topic<'a>(
    body: &mut Reader<'a>,
    version: Version,
) -> Result<Option<TopicName<'a>>, Malformed> {
    let mut ahead = *body;
    if version == Version::V5 && ahead.two_bytes()? == 0 {
        *body = ahead;
        return Ok(None);
    }
    body.topic_name().map(Some)
}

/// Writes the front of a PUBLISH packet's variable header (MQTT 5 section 3.3.2).
pub(crate) fn write_topic_and_id(
    topic: Option<TopicName<'_>>,
    delivery: Delivery,
    version: Version,
    out: &mut Writer<'_>,
) -> Result<(), Unencodable> {
    match topic {
        Some(topic) => out.topic_name(topic)?,
        None if version == Version::V311 => return Err(Unencodable::NotInVersion),
        None => out.two_bytes(0)?,
    }
    match delivery.packet_id() {
        Some(packet_id) => out.packet_id(packet_id),
        None => Ok(()),
    }
}
