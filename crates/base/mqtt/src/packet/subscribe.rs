//! SUBSCRIBE and SUBACK (MQTT 5 sections 3.8 and 3.9, 3.1.1 sections 3.8 and 3.9).

use crate::wire::{Reader, Writer, flag};
use crate::{
    AckProperties, List, ListEntry, Malformed, PacketId, PacketType, Qos, ReasonCode, Side,
    SubscribeProperties, TopicFilter, Unencodable, Version,
};

/// A client asks for subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// Which request this is.
    pub packet_id: PacketId,
    /// The properties; none in 3.1.1.
    pub properties: SubscribeProperties<'a>,
    /// What is asked for; at least one.
    pub subscriptions: List<'a, Subscription<'a>>,
}

/// One filter, and how to deliver what it matches (MQTT 5 section 3.8.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription<'a> {
    /// What to deliver.
    pub filter: TopicFilter<'a>,
    /// The highest QoS to deliver at.
    pub qos: Qos,
    /// Whether the client's own messages are left out; not in 3.1.1.
    pub no_local: bool,
    /// Whether the retain flag stays as the publisher set it; not in 3.1.1.
    pub retain_as_published: bool,
    /// Whether retained messages are sent now; always in 3.1.1.
    pub retain_handling: RetainHandling,
}

/// When retained messages are sent to a new subscription (MQTT 5 section 3.8.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetainHandling {
    /// At every subscribe.
    #[default]
    Always = 0,
    /// Only if the subscription did not exist.
    IfNew = 1,
    /// Not at all.
    Never = 2,
}

// The subscription options (MQTT 5 section 3.8.3.1).
const QOS: u8 = 0b0000_0011;
const NO_LOCAL: u8 = 0b0000_0100;
const RETAIN_AS_PUBLISHED: u8 = 0b0000_1000;
const RETAIN_HANDLING_SHIFT: u32 = 4;
const RETAIN_HANDLING: u8 = 0b0011_0000;
const RESERVED: u8 = 0b1100_0000;

impl<'a> Subscribe<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, Malformed> {
        Ok(Self {
            packet_id: body.packet_id()?,
            properties: SubscribeProperties::parse(body, version)?,
            subscriptions: super::read_list(body, |body| Subscription::read(body, version))?,
        })
    }

    pub(super) fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        super::check_list(&self.subscriptions)?;
        out.packet_id(self.packet_id)?;
        self.properties.write(version, out)?;
        for subscription in self.subscriptions {
            out.topic_filter(subscription.filter)?;
            out.byte(subscription.options(version)?)?;
        }
        Ok(())
    }
}

impl<'a> Subscription<'a> {
    fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, Malformed> {
        let filter = body.topic_filter()?;
        let options = body.byte()?;
        let reserved = match version {
            Version::V311 => !QOS,   // MQTT 3.1.1 section 3.8.3.1 [MQTT-3-8.3-4]
            Version::V5 => RESERVED, // MQTT 5 section 3.8.3.1 [MQTT-3.8.3-5]
        };
        if options & reserved != 0 {
            return Err(Malformed::SubscriptionOptions);
        }
        let subscription = Self {
            filter,
            qos: Qos::from_bits(options & QOS).ok_or(Malformed::Qos)?,
            no_local: options & NO_LOCAL != 0,
            retain_as_published: options & RETAIN_AS_PUBLISHED != 0,
            retain_handling: match (options & RETAIN_HANDLING) >> RETAIN_HANDLING_SHIFT {
                0 => RetainHandling::Always,
                1 => RetainHandling::IfNew,
                2 => RetainHandling::Never,
                _ => return Err(Malformed::RetainHandling),
            },
        };
        subscription.check()?;
        Ok(subscription)
    }

    fn check(&self) -> Result<(), Malformed> {
        // MQTT 5 section 3.8.3.1 [MQTT-3.8.3-4].
        if self.no_local && self.filter.group().is_some() {
            return Err(Malformed::NoLocalOnShared);
        }
        Ok(())
    }

    fn options(&self, version: Version) -> Result<u8, Unencodable> {
        self.check()?;
        let options = (self.retain_handling as u8) << RETAIN_HANDLING_SHIFT
            | flag(RETAIN_AS_PUBLISHED, self.retain_as_published)
            | flag(NO_LOCAL, self.no_local)
            | self.qos.bits();
        if version == Version::V311 && options & !QOS != 0 {
            return Err(Unencodable::NotInVersion);
        }
        Ok(options)
    }
}

/// Options that 3.1.1 allows mean the same in MQTT 5, so checked bytes need no version.
impl<'a> ListEntry<'a> for Subscription<'a> {
    fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader::new(bytes);
        let subscription = Self::read(&mut reader, Version::V5).ok()?;
        Some((subscription, reader.take_rest()))
    }
}

/// The server's answer to SUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAck<'a> {
    /// Which request is answered.
    pub packet_id: PacketId,
    /// The properties; none in 3.1.1.
    pub properties: AckProperties<'a>,
    /// One code for each subscription asked for, in order.
    ///
    /// In 3.1.1 each is one that [`ReasonCode::nearest_in_v311_suback`] returns.
    pub codes: List<'a, ReasonCode>,
}

impl<'a> SubAck<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, Malformed> {
        Ok(Self {
            packet_id: body.packet_id()?,
            properties: AckProperties::parse(body, version)?,
            codes: super::read_list(body, |body| read_code(body, version))?,
        })
    }

    pub(super) fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        super::check_list(&self.codes)?;
        out.packet_id(self.packet_id)?;
        self.properties.write(version, out)?;
        for code in self.codes {
            if version == Version::V311 && !code.is_in_v311_suback() {
                return Err(Unencodable::NotInVersion);
            }
            out.byte(code.check(PacketType::SubAck)?)?;
        }
        Ok(())
    }
}

fn read_code(body: &mut Reader<'_>, version: Version) -> Result<ReasonCode, Malformed> {
    let code = ReasonCode::parse(body.byte()?, PacketType::SubAck, Side::Server)?;
    // MQTT 3.1.1 section 3.9.3 [MQTT-3.9.3-2].
    if version == Version::V311 && !code.is_in_v311_suback() {
        return Err(Malformed::ReasonCode(code.byte()));
    }
    Ok(code)
}
