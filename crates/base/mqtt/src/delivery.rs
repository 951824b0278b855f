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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Packet, PacketId, PayloadFormat, Side, frame};

    fn message() -> Publish<'static> {
        Publish {
            delivery: Delivery::AtMostOnce,
            retain: false,
            topic: Some(TopicName::parse("d/cam-1/up").unwrap()),
            properties: PublishProperties {
                message_expiry_s: Some(60),
                topic_alias: NonZeroU16::new(3),
                payload_format: Some(PayloadFormat::Utf8),
                content_type: Some("text/plain"),
                user: List::from(&[("a", "1"), ("b", "2"), ("a", "3")]),
                ..PublishProperties::default()
            },
            payload: b"21.5",
        }
    }

    #[test]
    fn a_head_and_its_tail_are_one_publish() {
        let (mut shared, mut wire) = ([0; 256], [0; 256]);
        let layout = message().encode_shared(&mut shared).unwrap();
        assert_eq!(message().shared_layout(), Ok(layout));
        let ids = [
            SubscriptionId::new(7).unwrap(),
            SubscriptionId::new(300).unwrap(),
        ];
        let head = DeliveryHead {
            delivery: Delivery::AtLeastOnce {
                packet_id: PacketId::new(9).unwrap(),
                dup: true,
            },
            retain: true,
            topic: message().topic,
            message_expiry_s: Some(55),
            topic_alias: NonZeroU16::new(1),
            subscription_ids: &ids,
        };
        for version in [Version::V5, Version::V311] {
            let head_len = head.encode(version, layout, &mut wire).unwrap();
            assert_eq!(head.encoded_len(version, layout), Ok(head_len));
            let tail = layout.tail(&shared[..layout.len()], version);
            let end = head_len + tail.len();
            wire[head_len..end].copy_from_slice(tail);

            let expected = Publish {
                delivery: head.delivery,
                retain: true,
                properties: match version {
                    Version::V311 => PublishProperties::default(),
                    Version::V5 => PublishProperties {
                        message_expiry_s: Some(55),
                        topic_alias: NonZeroU16::new(1),
                        subscription_ids: List::from(&ids),
                        ..message().properties
                    },
                },
                ..message()
            };
            let frame = frame(&wire[..end], 256).unwrap().unwrap();
            assert_eq!(frame.packet_len(), end);
            let packet = Packet::parse(&frame, version, Side::Server);
            assert_eq!(packet, Ok(Packet::Publish(expected)));
        }
    }

    #[test]
    fn refuses_a_head_without_topic_and_alias() {
        let mut out = [0; 64];
        let layout = message().shared_layout().unwrap();
        let mut head = DeliveryHead {
            delivery: Delivery::AtMostOnce,
            retain: false,
            topic: None,
            message_expiry_s: None,
            topic_alias: None,
            subscription_ids: &[],
        };
        let missing = Err(Unencodable::Refused(Malformed::TopicMissing));
        assert_eq!(head.encode(Version::V5, layout, &mut out), missing);
        head.topic_alias = NonZeroU16::new(1);
        assert!(head.encode(Version::V5, layout, &mut out).is_ok());
        // MQTT 3.1.1 has no alias to stand for the topic.
        let not_there = Err(Unencodable::NotInVersion);
        assert_eq!(head.encode(Version::V311, layout, &mut out), not_there);
    }

    #[test]
    fn refuses_a_buffer_that_is_too_small() {
        let mut out = [0; 256];
        let layout = message().shared_layout().unwrap();
        let too_small = Err(Unencodable::BufferTooSmall);
        assert_eq!(
            message().encode_shared(&mut out[..layout.len() - 1]),
            too_small
        );
        assert_eq!(
            message().encode_shared(&mut out[..layout.len()]),
            Ok(layout)
        );
    }
}
