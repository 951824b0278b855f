//! What two other implementations say of one whole packet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ironroot_mqtt::{Frame, PacketType, Version};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::MqttError;
use rumqttc::mqttbytes as rumqttc_v4;
use rumqttc::v5::mqttbytes::v5 as rumqttc_v5;

/// Somebody else's codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oracle {
    /// `mqtt-protocol-core`.
    Core,
    /// `rumqttc`, the codec of its client.
    Rumqttc,
}

/// What a codec makes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It reads the packet, and writes it again as these bytes.
    Reads(Vec<u8>),
    /// It refuses the packet.
    Refuses,
    /// It panics on it.
    Panics,
}

impl Oracle {
    pub(crate) fn judge(self, frame: &Frame<'_>, bytes: &[u8], version: Version) -> Verdict {
        let read = || match self {
            Self::Core => core(frame, version),
            Self::Rumqttc => rumqttc(bytes, version),
        };
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Some(again)) => Verdict::Reads(again),
            Ok(None) => Verdict::Refuses,
            Err(_) => Verdict::Panics,
        }
    }
}

fn rumqttc(bytes: &[u8], version: Version) -> Option<Vec<u8>> {
    let (mut stream, mut again) = (bytes.into(), [].as_slice().into());
    match version {
        Version::V311 => {
            let packet = rumqttc_v4::v4::Packet::read(&mut stream, usize::MAX).ok()?;
            packet.write(&mut again, usize::MAX).ok()?;
        }
        Version::V5 => {
            let packet = rumqttc_v5::Packet::read(&mut stream, None).ok()?;
            packet.write(&mut again, None).ok()?;
        }
    }
    Some(again.to_vec())
}

fn core(frame: &Frame<'_>, version: Version) -> Option<Vec<u8>> {
    use PacketType as P;
    let (flags, body) = (frame.flags(), frame.body());
    let publish: Arc<[u8]> = body.into();
    match version {
        Version::V311 => match frame.packet_type() {
            P::Connect => again(body, v3_1_1::Connect::parse),
            P::ConnAck => again(body, v3_1_1::Connack::parse),
            P::Publish => again(body, |_| v3_1_1::Publish::parse(flags, publish)),
            P::PubAck => again(body, v3_1_1::Puback::parse),
            P::PubRec => again(body, v3_1_1::Pubrec::parse),
            P::PubRel => again(body, v3_1_1::Pubrel::parse),
            P::PubComp => again(body, v3_1_1::Pubcomp::parse),
            P::Subscribe => again(body, v3_1_1::Subscribe::parse),
            P::SubAck => again(body, v3_1_1::Suback::parse),
            P::Unsubscribe => again(body, v3_1_1::Unsubscribe::parse),
            P::UnsubAck => again(body, v3_1_1::Unsuback::parse),
            P::PingReq => again(body, v3_1_1::Pingreq::parse),
            P::PingResp => again(body, v3_1_1::Pingresp::parse),
            P::Disconnect => again(body, v3_1_1::Disconnect::parse),
            P::Auth => None,
        },
        Version::V5 => match frame.packet_type() {
            P::Connect => again(body, v5_0::Connect::parse),
            P::ConnAck => again(body, v5_0::Connack::parse),
            P::Publish => again(body, |_| v5_0::Publish::parse(flags, publish)),
            P::PubAck => again(body, v5_0::Puback::parse),
            P::PubRec => again(body, v5_0::Pubrec::parse),
            P::PubRel => again(body, v5_0::Pubrel::parse),
            P::PubComp => again(body, v5_0::Pubcomp::parse),
            P::Subscribe => again(body, v5_0::Subscribe::parse),
            P::SubAck => again(body, v5_0::Suback::parse),
            P::Unsubscribe => again(body, v5_0::Unsubscribe::parse),
            P::UnsubAck => again(body, v5_0::Unsuback::parse),
            P::PingReq => again(body, v5_0::Pingreq::parse),
            P::PingResp => again(body, v5_0::Pingresp::parse),
            P::Disconnect => again(body, v5_0::Disconnect::parse),
            P::Auth => again(body, v5_0::Auth::parse),
        },
    }
}

/// The packet's bytes after reading and writing, as its connection does: no byte may be left.
fn again<T: GenericPacketTrait>(
    body: &[u8],
    parse: impl FnOnce(&[u8]) -> Result<(T, usize), MqttError>,
) -> Option<Vec<u8>> {
    let (packet, consumed) = parse(body).ok()?;
    (consumed == body.len()).then(|| packet.to_continuous_buffer())
}
