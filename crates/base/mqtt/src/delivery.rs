//! One message to many receivers: what they share is written once, and a short head for each.
//!
//! On the wire a PUBLISH is a head (fixed header, topic, packet identifier, the receiver's own
//! properties) followed by what is the same for all: the properties that are passed on unaltered, and
//! the payload. [`Publish::encode_shared`] writes the second part, [`DeliveryHead::encode`] the first.

use core::num::NonZeroU16;

use crate::packet::write_topic_and_id;
use crate::wire::Writer;
use crate::{
    Delivery, List, Malformed, PacketType, Publish, PublishProperties, SubscriptionId, TopicName,
    Unencodable, Version,
};

/// Where properties end and the payload begins in the shared part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedLayout {
    properties_len: usize,
    payload_len: usize,
}

impl SharedLayout {
    /// How many bytes the whole shared part has.
    pub const fn len(&self) -> usize {
        self.properties_len.saturating_add(self.payload_len)
    }

    /// Whether there is neither a property nor a payload.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part that follows a head of `version`: all of it, or in 3.1.1 the payload alone.
    pub fn tail<'s>(&self, shared: &'s [u8], version: Version) -> &'s [u8] {
        match version {
            Version::V5 => shared,
            Version::V311 => shared.get(self.properties_len..).unwrap_or_default(),
        }
    }
}

impl Publish<'_> {
    /// How the part that all receivers share is laid out.
    ///
    /// # Errors
    /// [`Unencodable`] when a property is too long or has a character that none may have.
    pub fn shared_layout(&self) -> Result<SharedLayout, Unencodable> {
        let properties = self.forwarded();
        Ok(SharedLayout {
            properties_len: Writer::count(|out| properties.write_each(out))?,
            payload_len: self.payload.len(),
        })
    }

    /// Writes what all receivers share to the front of `out`: [`SharedLayout::len`] bytes.
    ///
    /// # Errors
    /// As for [`shared_layout`](Self::shared_layout), and when `out` is too small.
    pub fn encode_shared(&self, out: &mut [u8]) -> Result<SharedLayout, Unencodable> {
        let mut writer = Writer::to(out);
        self.forwarded().write_each(&mut writer)?;
        let properties_len = writer.len();
        writer.put(self.payload)?;
        Ok(SharedLayout {
            properties_len,
            payload_len: self.payload.len(),
        })
    }

    /// The properties that a server passes on unaltered
    /// (MQTT 5 sections 3.3.2.3.2, 3.3.2.3.5 to 3.3.2.3.7 and 3.3.2.3.9).
    fn forwarded(&self) -> PublishProperties<'_> {
        PublishProperties {
            message_expiry_s: None,
            topic_alias: None,
            subscription_ids: List::default(),
            ..self.properties
        }
    }
}

/// The part of a PUBLISH that is one receiver's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryHead<'a> {
    /// At which QoS, with what that QoS needs.
    pub delivery: Delivery,
    /// The retain flag.
    pub retain: bool,
    /// Under which topic; `None` when the topic alias stands for it (MQTT 5).
    pub topic: Option<TopicName<'a>>,
    /// What is left of the message's life, in seconds; left out in 3.1.1.
    pub message_expiry_s: Option<u32>,
    /// The number for the topic; left out in 3.1.1.
    pub topic_alias: Option<NonZeroU16>,
    /// Which of the receiver's subscriptions match; left out in 3.1.1.
    pub subscription_ids: &'a [SubscriptionId],
}

impl DeliveryHead<'_> {
    /// How many bytes [`encode`](Self::encode) writes.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode), but for the size of the buffer.
    pub fn encoded_len(
        &self,
        version: Version,
        shared: SharedLayout,
    ) -> Result<usize, Unencodable> {
        Writer::count(|out| self.write(version, shared, out))
    }

    /// Writes the head to the front of `out` and says how many bytes that took.
    ///
    /// [`SharedLayout::tail`] is what has to follow it.
    ///
    /// # Errors
    /// [`Unencodable`] when `out` is too small, when there is neither topic nor alias, or when the
    /// packet would be larger than MQTT can express.
    pub fn encode(
        &self,
        version: Version,
        shared: SharedLayout,
        out: &mut [u8],
    ) -> Result<usize, Unencodable> {
        let mut writer = Writer::to(out);
        self.write(version, shared, &mut writer)?;
        Ok(writer.len())
    }

    fn write(
        &self,
        version: Version,
        shared: SharedLayout,
        out: &mut Writer<'_>,
    ) -> Result<(), Unencodable> {
        if self.topic.is_none() && self.topic_alias.is_none() {
            return Err(Malformed::TopicMissing.into());
        }
        let tail_len = match version {
            Version::V311 => shared.payload_len,
            Version::V5 => shared.len(),
        };
        let own_len = Writer::count(|out| self.write_own(version, shared, out))?;
        out.byte(PacketType::Publish.bits() << 4 | self.delivery.flags(self.retain))?;
        out.length(own_len.saturating_add(tail_len))?;
        self.write_own(version, shared, out)
    }

    /// Writes everything between the fixed header and the shared part.
    fn write_own(
        &self,
        version: Version,
        shared: SharedLayout,
        out: &mut Writer<'_>,
    ) -> Result<(), Unencodable> {
        write_topic_and_id(self.topic, self.delivery, version, out)?;
        if version == Version::V311 {
            return Ok(());
        }
        let properties = PublishProperties {
            message_expiry_s: self.message_expiry_s,
            topic_alias: self.topic_alias,
            subscription_ids: List::from(self.subscription_ids),
            ..PublishProperties::default()
        };
        let own = Writer::count(|out| properties.write_each(out))?;
        out.length(own.saturating_add(shared.properties_len))?;
        properties.write_each(out)
    }
}
