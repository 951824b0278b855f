//! PUBACK, PUBREC, PUBREL and PUBCOMP: the four steps of acknowledging a message
//! (MQTT 5 sections 3.4 to 3.7, 3.1.1 sections 3.4 to 3.7).

use crate::wire::{Reader, Writer};
use crate::{
    AckProperties, Malformed, PacketId, PacketType, ReasonCode, Side, Unencodable, Version,
};

/// What the four packets that acknowledge a message say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// Which delivery is meant.
    pub packet_id: PacketId,
    /// How it ended; 3.1.1 knows success alone.
    pub reason: ReasonCode,
    /// The properties; none in 3.1.1.
    pub properties: AckProperties<'a>,
}

impl<'a> Ack<'a> {
    /// The plain acknowledgement that all is well.
    pub fn success(packet_id: PacketId) -> Self {
        Self {
            packet_id,
            reason: ReasonCode::Success,
            properties: AckProperties::default(),
        }
    }

    pub(super) fn read(
        body: &mut Reader<'a>,
        packet_type: PacketType,
        version: Version,
        sender: Side,
    ) -> Result<Self, Malformed> {
        let mut ack = Self::success(body.packet_id()?);
        // MQTT 5 section 3.4.2.1: a remaining length of 2 means success.
        if version == Version::V311 || body.is_empty() {
            return Ok(ack);
        }
        ack.reason = ReasonCode::parse(body.byte()?, packet_type, sender)?;
        // MQTT 5 section 3.4.2.2.1: a remaining length below 4 means no properties.
        if !body.is_empty() {
            ack.properties = AckProperties::parse(body, version)?;
        }
        Ok(ack)
    }

    pub(super) fn write(
        &self,
        packet_type: PacketType,
        version: Version,
        out: &mut Writer<'_>,
    ) -> Result<(), Unencodable> {
        out.packet_id(self.packet_id)?;
        let code = self.reason.check(packet_type)?;
        if self.reason == ReasonCode::Success && self.properties.is_empty() {
            return Ok(());
        }
        if version == Version::V311 {
            return Err(Unencodable::NotInVersion);
        }
        out.byte(code)?;
        if self.properties.is_empty() {
            return Ok(());
        }
        self.properties.write(version, out)
    }
}
