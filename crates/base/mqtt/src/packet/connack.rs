//! CONNACK: whether the client is in (MQTT 5 section 3.2, 3.1.1 section 3.2).

use crate::wire::{Reader, Writer};
use crate::{ConnAckProperties, Malformed, PacketType, ReasonCode, Side, Unencodable, Version};

/// The server's answer to CONNECT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnAck<'a> {
    /// Whether the server kept a session of this client.
    pub session_present: bool,
    /// Whether the client is in, or why not.
    ///
    /// In 3.1.1 one of the six that [`ReasonCode::nearest_in_v311_connack`] returns.
    pub reason: ReasonCode,
    /// The properties; none in 3.1.1.
    pub properties: ConnAckProperties<'a>,
}

impl<'a> ConnAck<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, Malformed> {
        let session_present = match body.byte()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed::ConnAckFlags), // [MQTT-3.2.2-1]
        };
        let code = body.byte()?;
        let connack = Self {
            session_present,
            reason: match version {
                Version::V311 => ReasonCode::parse_v311_return_code(code)?,
                Version::V5 => ReasonCode::parse(code, PacketType::ConnAck, Side::Server)?,
            },
            properties: ConnAckProperties::parse(body, version)?,
        };
        connack.check()?;
        Ok(connack)
    }

    fn check(&self) -> Result<(), Malformed> {
        // MQTT 5 section 3.2.2.1.1 [MQTT-3.2.2-6], 3.1.1 section 3.2.2.2 [MQTT-3.2.2-4].
        if self.session_present && self.reason != ReasonCode::Success {
            return Err(Malformed::SessionPresentInRefusal);
        }
        Ok(())
    }

    pub(super) fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        self.check()?;
        out.byte(u8::from(self.session_present))?;
        out.byte(match version {
            Version::V311 => self
                .reason
                .v311_return_code()
                .ok_or(Unencodable::NotInVersion)?,
            Version::V5 => self.reason.check(PacketType::ConnAck)?,
        })?;
        self.properties.write(version, out)
    }
}
