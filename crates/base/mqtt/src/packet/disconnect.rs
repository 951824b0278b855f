//! DISCONNECT and AUTH: the packets about the connection itself (MQTT 5 sections 3.14 and 3.15,
//! 3.1.1 section 3.14).

use crate::property::id;
use crate::wire::{Reader, Writer};
use crate::{
    AuthProperties, DisconnectProperties, Malformed, PacketType, ReasonCode, Side, Unencodable,
    Version,
};

/// The connection is about to be closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// Why; 3.1.1 knows success alone, which is the normal end.
    pub reason: ReasonCode,
    /// The properties; none in 3.1.1.
    pub properties: DisconnectProperties<'a>,
}

impl<'a> Disconnect<'a> {
    pub(super) fn read(
        body: &mut Reader<'a>,
        version: Version,
        sender: Side,
    ) -> Result<Self, Malformed> {
        let mut disconnect = Self::default();
        // MQTT 5 section 3.14.2.1: a remaining length of 0 means the normal end.
        if version == Version::V311 || body.is_empty() {
            return Ok(disconnect);
        }
        disconnect.reason = ReasonCode::parse(body.byte()?, PacketType::Disconnect, sender)?;
        // MQTT 5 section 3.14.2.2.1: a remaining length of 1 means no properties.
        if !body.is_empty() {
            disconnect.properties = DisconnectProperties::parse(body, version)?;
        }
        disconnect.check_sender(sender)?;
        Ok(disconnect)
    }

    fn check_sender(&self, sender: Side) -> Result<(), Malformed> {
        match sender {
            // MQTT 5 section 3.14.2.2.5: the server sends it.
            Side::Client if self.properties.server_reference.is_some() => {
                Err(Malformed::PropertyFromWrongSide(id::SERVER_REFERENCE))
            }
            // MQTT 5 section 3.14.2.2.2 [MQTT-3.14.2-2].
            Side::Server if self.properties.session_expiry_s.is_some() => Err(
                Malformed::PropertyFromWrongSide(id::SESSION_EXPIRY_INTERVAL),
            ),
            Side::Client | Side::Server => Ok(()),
        }
    }

    pub(super) fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        let code = self.reason.check(PacketType::Disconnect)?;
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

/// One step of an enhanced authentication (MQTT 5 section 4.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auth<'a> {
    /// Which step this is.
    pub reason: ReasonCode,
    /// The properties, with the method's name unless this is a bare success.
    pub properties: AuthProperties<'a>,
}

impl<'a> Auth<'a> {
    pub(super) fn read(body: &mut Reader<'a>, sender: Side) -> Result<Self, Malformed> {
        // MQTT 5 section 3.15.2.1: a remaining length of 0 means success without properties.
        let (reason, properties) = if body.is_empty() {
            (ReasonCode::Success.byte(), AuthProperties::default())
        } else {
            (body.byte()?, AuthProperties::parse(body, Version::V5)?)
        };
        let auth = Self {
            reason: ReasonCode::parse(reason, PacketType::Auth, sender)?,
            properties,
        };
        auth.check()?;
        Ok(auth)
    }

    /// Whether this is the success that stands for itself.
    fn is_bare(&self) -> bool {
        self.reason == ReasonCode::Success && self.properties.is_empty()
    }

    fn check(&self) -> Result<(), Malformed> {
        // MQTT 5 section 3.15.2.2.2.
        if self.properties.authentication_method.is_none() && !self.is_bare() {
            return Err(Malformed::AuthenticationMethodMissing);
        }
        Ok(())
    }

    pub(super) fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        if version == Version::V311 {
            return Err(Unencodable::NotInVersion);
        }
        self.check()?;
        let code = self.reason.check(PacketType::Auth)?;
        if self.is_bare() {
            return Ok(());
        }
        out.byte(code)?;
        self.properties.write(version, out)
    }
}
