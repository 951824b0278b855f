//! Where a packet begins and ends in a stream of bytes (MQTT 5 section 2.1).

use crate::wire::{Variable, variable_byte_integer};
use crate::{Malformed, Qos, Side, Version};

/// The type of a control packet (MQTT 5 section 2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketType {
    /// A client asks to be connected.
    Connect = 1,
    /// The server's answer to it.
    ConnAck = 2,
    /// A message.
    Publish = 3,
    /// The end of a QoS 1 delivery.
    PubAck = 4,
    /// A QoS 2 message has been received.
    PubRec = 5,
    /// A QoS 2 message may be forgotten.
    PubRel = 6,
    /// The end of a QoS 2 delivery.
    PubComp = 7,
    /// A client asks for subscriptions.
    Subscribe = 8,
    /// The server's answer to it.
    SubAck = 9,
    /// A client gives subscriptions up.
    Unsubscribe = 10,
    /// The server's answer to it.
    UnsubAck = 11,
    /// A client shows that it is alive.
    PingReq = 12,
    /// The server's answer to it.
    PingResp = 13,
    /// The connection is about to be closed.
    Disconnect = 14,
    /// One step of an enhanced authentication; MQTT 5 only.
    Auth = 15,
}

impl PacketType {
    /// Every type, in order.
    pub const ALL: [Self; 15] = [
        Self::Connect,
        Self::ConnAck,
        Self::Publish,
        Self::PubAck,
        Self::PubRec,
        Self::PubRel,
        Self::PubComp,
        Self::Subscribe,
        Self::SubAck,
        Self::Unsubscribe,
        Self::UnsubAck,
        Self::PingReq,
        Self::PingResp,
        Self::Disconnect,
        Self::Auth,
    ];

    /// The type that four bits name; `None` for 0 and above 15.
    pub fn from_bits(bits: u8) -> Option<Self> {
        Self::ALL.get(usize::from(bits).checked_sub(1)?).copied()
    }

    /// The type as a number, 1 to 15.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Checks that `side` sends packets of this type (MQTT 5 section 2.1.2, 3.1.1 section 2.2.1).
    ///
    /// # Errors
    /// [`Malformed::AuthInV311`], and [`Malformed::WrongSide`] when only the other side does.
    pub const fn check_sender(self, version: Version, side: Side) -> Result<(), Malformed> {
        let by_client_only = match self {
            Self::Connect | Self::Subscribe | Self::Unsubscribe | Self::PingReq => true,
            Self::ConnAck | Self::SubAck | Self::UnsubAck | Self::PingResp => false,
            // MQTT 3.1.1 section 3.14.
            Self::Disconnect if matches!(version, Version::V311) => true,
            Self::Auth if matches!(version, Version::V311) => return Err(Malformed::AuthInV311),
            Self::Publish
            | Self::PubAck
            | Self::PubRec
            | Self::PubRel
            | Self::PubComp
            | Self::Disconnect
            | Self::Auth => return Ok(()),
        };
        if by_client_only == matches!(side, Side::Client) {
            Ok(())
        } else {
            Err(Malformed::WrongSide)
        }
    }

    /// The flags that every packet of this type has; PUBLISH chooses its own.
    pub(crate) const fn fixed_flags(self) -> Option<u8> {
        match self {
            Self::Publish => None,
            Self::PubRel | Self::Subscribe | Self::Unsubscribe => Some(0b0010),
            Self::Connect
            | Self::ConnAck
            | Self::PubAck
            | Self::PubRec
            | Self::PubComp
            | Self::SubAck
            | Self::UnsubAck
            | Self::PingReq
            | Self::PingResp
            | Self::Disconnect
            | Self::Auth => Some(0),
        }
    }
}

/// The flag of a message that is sent again.
pub(crate) const DUP: u8 = 0b1000;
/// The flag of a message to be kept for later subscribers.
pub(crate) const RETAIN: u8 = 0b0001;

/// The first two to five bytes of a packet, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedHeader {
    packet_type: PacketType,
    flags: u8,
    header_len: usize,
    body_len: usize,
}

impl FixedHeader {
    /// Reads the fixed header at the front of `bytes`; `None` as long as it is cut short.
    ///
    /// `packet_size_max` bounds the whole packet, fixed header included, in bytes.
    ///
    /// # Errors
    /// [`Malformed`] as soon as the bytes at hand show it, so before the body has come.
    pub fn parse(bytes: &[u8], packet_size_max: usize) -> Result<Option<Self>, Malformed> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let packet_type = PacketType::from_bits(first >> 4).ok_or(Malformed::PacketTypeReserved)?;
        let flags = first & 0x0F;
        check_flags(packet_type, flags)?;
        let (value, body) = match variable_byte_integer(rest) {
            Variable::Whole { value, rest } => (value, rest),
            Variable::Cut => return Ok(None),
            Variable::Bad => return Err(Malformed::RemainingLength),
        };
        let header = Self {
            packet_type,
            flags,
            header_len: bytes.len().saturating_sub(body.len()),
            body_len: usize::try_from(value).ok().ok_or(Malformed::TooLarge)?,
        };
        if header.packet_len() > packet_size_max {
            return Err(Malformed::TooLarge);
        }
        // MQTT 5 sections 3.12 and 3.13: there is nothing behind the fixed header.
        if matches!(packet_type, PacketType::PingReq | PacketType::PingResp) && value > 0 {
            return Err(Malformed::TrailingBytes);
        }
        Ok(Some(header))
    }

    /// The packet's type.
    pub const fn packet_type(&self) -> PacketType {
        self.packet_type
    }

    /// How many bytes the whole packet takes, fixed header included.
    pub const fn packet_len(&self) -> usize {
        self.header_len.saturating_add(self.body_len)
    }
}

fn check_flags(packet_type: PacketType, flags: u8) -> Result<(), Malformed> {
    match packet_type.fixed_flags() {
        // MQTT 5 section 2.1.3 [MQTT-2.1.3-1].
        Some(fixed) if fixed != flags => Err(Malformed::HeaderFlags),
        Some(_) => Ok(()),
        // MQTT 5 section 3.3.1.2 [MQTT-3.3.1-4] and section 3.3.1.1 [MQTT-3.3.1-2].
        None => match qos_of(flags)? {
            Qos::AtMostOnce if flags & DUP != 0 => Err(Malformed::DupAtQos0),
            Qos::AtMostOnce | Qos::AtLeastOnce | Qos::ExactlyOnce => Ok(()),
        },
    }
}

/// The QoS in a PUBLISH packet's flags (MQTT 5 section 3.3.1.2).
pub(crate) fn qos_of(flags: u8) -> Result<Qos, Malformed> {
    Qos::from_bits(flags >> 1 & 0b11).ok_or(Malformed::Qos)
}

/// One whole packet whose fixed header has been checked, and whose body has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    header: FixedHeader,
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The packet's type.
    pub const fn packet_type(&self) -> PacketType {
        self.header.packet_type
    }

    /// The four flags of the fixed header.
    pub const fn flags(&self) -> u8 {
        self.header.flags
    }

    /// Everything behind the fixed header.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// How many bytes of the stream the packet takes.
    pub const fn packet_len(&self) -> usize {
        self.header.packet_len()
    }
}

/// Cuts the packet at the front of `bytes` out; `None` as long as it is not whole.
///
/// `packet_size_max` bounds the whole packet, fixed header included, in bytes.
/// [`FixedHeader::parse`] says how many bytes are wanted.
///
/// # Errors
/// [`Malformed`] as soon as the fixed header shows it, so before the body has come.
pub fn frame(bytes: &[u8], packet_size_max: usize) -> Result<Option<Frame<'_>>, Malformed> {
    let Some(header) = FixedHeader::parse(bytes, packet_size_max)? else {
        return Ok(None);
    };
    Ok(bytes
        .get(header.header_len..header.packet_len())
        .map(|body| Frame { header, body }))
}
