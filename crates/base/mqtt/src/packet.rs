//! Every control packet: the one place that tells the types apart.

mod ack;
mod connack;
mod connect;
mod disconnect;
mod publish;
mod subscribe;
mod unsubscribe;

pub use ack::Ack;
pub use connack::ConnAck;
pub use connect::{Connect, Will};
pub use disconnect::{Auth, Disconnect};
pub use publish::{Delivery, Publish};
pub use subscribe::{RetainHandling, SubAck, Subscribe, Subscription};
pub use unsubscribe::{UnsubAck, Unsubscribe};

pub(crate) use publish::write_topic_and_id;

use crate::wire::{Reader, Writer};
use crate::{
    Frame, List, ListEntry, Malformed, PacketType, ReasonCode, Side, TopicFilter, Unencodable,
    Version,
};

/// A control packet (MQTT 5 section 3); it borrows its strings and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A client asks to be connected.
    Connect(Connect<'a>),
    /// The server's answer to it.
    ConnAck(ConnAck<'a>),
    /// A message.
    Publish(Publish<'a>),
    /// The end of a QoS 1 delivery.
    PubAck(Ack<'a>),
    /// A QoS 2 message has been received.
    PubRec(Ack<'a>),
    /// A QoS 2 message may be forgotten.
    PubRel(Ack<'a>),
    /// The end of a QoS 2 delivery.
    PubComp(Ack<'a>),
    /// A client asks for subscriptions.
    Subscribe(Subscribe<'a>),
    /// The server's answer to it.
    SubAck(SubAck<'a>),
    /// A client gives subscriptions up.
    Unsubscribe(Unsubscribe<'a>),
    /// The server's answer to it.
    UnsubAck(UnsubAck<'a>),
    /// A client shows that it is alive.
    PingReq,
    /// The server's answer to it.
    PingResp,
    /// The connection is about to be closed.
    Disconnect(Disconnect<'a>),
    /// One step of an enhanced authentication; MQTT 5 only.
    Auth(Auth<'a>),
}

impl<'a> Packet<'a> {
    /// Reads a packet that `sender` sent on a connection of `version`.
    ///
    /// A CONNECT says itself which version it is of; for it, `version` is not looked at.
    ///
    /// # Errors
    /// [`Malformed`] when the packet breaks any rule of the standard that can be seen in it alone,
    /// or is one that only the other side sends.
    pub fn parse(frame: &Frame<'a>, version: Version, sender: Side) -> Result<Self, Malformed> {
        let packet_type = frame.packet_type();
        packet_type.check_sender(version, sender)?;
        let mut body = Reader::new(frame.body());
        let from = &mut body;
        let packet = match packet_type {
            PacketType::Connect => Self::Connect(Connect::read(from)?),
            PacketType::ConnAck => Self::ConnAck(ConnAck::read(from, version)?),
            PacketType::Publish => {
                Self::Publish(Publish::read(from, frame.flags(), version, sender)?)
            }
            PacketType::PubAck => Self::PubAck(Ack::read(from, packet_type, version, sender)?),
            PacketType::PubRec => Self::PubRec(Ack::read(from, packet_type, version, sender)?),
            PacketType::PubRel => Self::PubRel(Ack::read(from, packet_type, version, sender)?),
            PacketType::PubComp => Self::PubComp(Ack::read(from, packet_type, version, sender)?),
            PacketType::Subscribe => Self::Subscribe(Subscribe::read(from, version)?),
            PacketType::SubAck => Self::SubAck(SubAck::read(from, version)?),
            PacketType::Unsubscribe => Self::Unsubscribe(Unsubscribe::read(from, version)?),
            PacketType::UnsubAck => Self::UnsubAck(UnsubAck::read(from, version)?),
            PacketType::PingReq => Self::PingReq,
            PacketType::PingResp => Self::PingResp,
            PacketType::Disconnect => Self::Disconnect(Disconnect::read(from, version, sender)?),
            PacketType::Auth => Self::Auth(Auth::read(from, sender)?),
        };
        body.finish()?;
        Ok(packet)
    }

    /// The packet's type.
    pub const fn packet_type(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::ConnAck(_) => PacketType::ConnAck,
            Self::Publish(_) => PacketType::Publish,
            Self::PubAck(_) => PacketType::PubAck,
            Self::PubRec(_) => PacketType::PubRec,
            Self::PubRel(_) => PacketType::PubRel,
            Self::PubComp(_) => PacketType::PubComp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::SubAck(_) => PacketType::SubAck,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::UnsubAck(_) => PacketType::UnsubAck,
            Self::PingReq => PacketType::PingReq,
            Self::PingResp => PacketType::PingResp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }

    /// How many bytes [`encode`](Self::encode) writes.
    ///
    /// # Errors
    /// As for [`encode`](Self::encode), but for the size of the buffer.
    pub fn encoded_len(&self, version: Version) -> Result<usize, Unencodable> {
        Writer::count(|out| self.write(version, out))
    }

    /// Writes the packet in its shortest form to the front of `out` and says how many bytes that took.
    ///
    /// [`parse`](Self::parse) makes an equal packet of them. A CONNECT is written in its own version.
    ///
    /// # Errors
    /// [`Unencodable`] when `out` is too small, when `version` has no such packet, field or reason
    /// code, or when the receiver would have to refuse the packet.
    pub fn encode(&self, version: Version, out: &mut [u8]) -> Result<usize, Unencodable> {
        let mut writer = Writer::to(out);
        self.write(version, &mut writer)?;
        Ok(writer.len())
    }

    fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        let packet_type = self.packet_type();
        let flags = match (self, packet_type.fixed_flags()) {
            (Self::Publish(publish), _) => publish.flags(),
            (_, flags) => flags.unwrap_or_default(),
        };
        out.byte(packet_type.bits() << 4 | flags)?;
        out.length(Writer::count(|out| self.write_body(version, out))?)?;
        self.write_body(version, out)
    }

    fn write_body(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        match self {
            Self::Connect(packet) => packet.write(out),
            Self::ConnAck(packet) => packet.write(version, out),
            Self::Publish(packet) => packet.write(version, out),
            Self::PubAck(packet)
            | Self::PubRec(packet)
            | Self::PubRel(packet)
            | Self::PubComp(packet) => packet.write(self.packet_type(), version, out),
            Self::Subscribe(packet) => packet.write(version, out),
            Self::SubAck(packet) => packet.write(version, out),
            Self::Unsubscribe(packet) => packet.write(version, out),
            Self::UnsubAck(packet) => packet.write(version, out),
            Self::PingReq | Self::PingResp => Ok(()),
            Self::Disconnect(packet) => packet.write(version, out),
            Self::Auth(packet) => packet.write(version, out),
        }
    }
}

/// Checks every entry up to the end of the packet, of which there is at least one
/// (MQTT 5 sections 3.8.3 [MQTT-3.8.3-2] and 3.10.3 [MQTT-3.10.3-2]).
fn read_list<'a, T: ListEntry<'a>>(
    body: &mut Reader<'a>,
    check_entry: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<List<'a, T>, Malformed> {
    let mut ahead = *body;
    while !ahead.is_empty() {
        check_entry(&mut ahead)?;
    }
    let list = List::on_wire(body.take_rest());
    check_list(&list)?;
    Ok(list)
}

fn check_list<'a, T: ListEntry<'a>>(list: &List<'a, T>) -> Result<(), Malformed> {
    if list.is_empty() {
        Err(Malformed::ListEmpty)
    } else {
        Ok(())
    }
}

impl<'a> ListEntry<'a> for ReasonCode {
    fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&byte, rest) = bytes.split_first()?;
        Some((Self::from_byte(byte)?, rest))
    }
}

impl<'a> ListEntry<'a> for TopicFilter<'a> {
    fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader::new(bytes);
        let filter = reader.topic_filter().ok()?;
        Some((filter, reader.take_rest()))
    }
}
