//! CONNECT: who wants in, and how (MQTT 5 section 3.1, 3.1.1 section 3.1).

use crate::wire::{Reader, Writer, flag};
use crate::{
    ConnectProperties, Frame, Malformed, PacketType, Qos, Secret, TopicName, Unencodable, Version,
    WillProperties,
};

/// A client asks to be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The version that the client speaks.
    pub version: Version,
    /// Whether an old session is thrown away; "clean session" in 3.1.1.
    pub clean_start: bool,
    /// How long the client may be silent, in seconds; 0 is for ever.
    pub keep_alive_s: u16,
    /// The properties; none in 3.1.1.
    pub properties: ConnectProperties<'a>,
    /// Who the client says it is; may be empty.
    pub client_id: &'a str,
    /// What to publish when the client is gone.
    pub will: Option<Will<'a>>,
    /// Who signs in.
    pub user_name: Option<&'a str>,
    /// What proves it.
    pub password: Option<Secret<'a>>,
}

/// The message that the server publishes when the client is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    /// At which QoS.
    pub qos: Qos,
    /// Whether it is kept for later subscribers.
    pub retain: bool,
    /// The properties; none in 3.1.1.
    pub properties: WillProperties<'a>,
    /// Under which topic.
    pub topic: TopicName<'a>,
    /// The message itself.
    pub payload: &'a [u8],
}

const PROTOCOL_NAME: &[u8] = b"MQTT";

// The connect flags (MQTT 5 section 3.1.2.3).
const RESERVED: u8 = 0b0000_0001;
const CLEAN_START: u8 = 0b0000_0010;
const WILL: u8 = 0b0000_0100;
const WILL_QOS_SHIFT: u32 = 3;
const WILL_QOS: u8 = 0b0001_1000;
const WILL_RETAIN: u8 = 0b0010_0000;
const PASSWORD: u8 = 0b0100_0000;
const USER_NAME: u8 = 0b1000_0000;

impl<'a> Connect<'a> {
    /// The version that a CONNECT announces, for answering it when the rest of it is refused.
    ///
    /// # Errors
    /// [`Malformed`] when the frame is no CONNECT, or not one of a version spoken here.
    pub fn announced_version(frame: &Frame<'_>) -> Result<Version, Malformed> {
        if frame.packet_type() != PacketType::Connect {
            return Err(Malformed::ConnectExpected);
        }
        read_version(&mut Reader::new(frame.body()))
    }

    /// Reads the first packet of a connection.
    ///
    /// # Errors
    /// [`Malformed`] when the frame is no CONNECT, or breaks a rule of its version.
    pub fn parse(frame: &Frame<'a>) -> Result<Self, Malformed> {
        Self::announced_version(frame)?;
        let mut body = Reader::new(frame.body());
        let connect = Self::read(&mut body)?;
        body.finish()?;
        Ok(connect)
    }

    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Malformed> {
        let version = read_version(body)?;
        let flags = body.byte()?;
        check_flags(flags)?;
        let keep_alive_s = body.two_bytes()?;
        let properties = ConnectProperties::parse(body, version)?;
        let client_id = body.name()?;
        let has = |flag: u8| flags & flag != 0;
        let connect = Self {
            version,
            clean_start: has(CLEAN_START),
            keep_alive_s,
            properties,
            client_id,
            will: has(WILL)
                .then(|| Will::read(body, flags, version))
                .transpose()?,
            user_name: has(USER_NAME).then(|| body.name()).transpose()?,
            password: has(PASSWORD)
                .then(|| body.binary().map(Secret::new))
                .transpose()?,
        };
        connect.check()?;
        Ok(connect)
    }

    /// The rules that bind several fields.
    fn check(&self) -> Result<(), Malformed> {
        // MQTT 5 section 3.1.2.11.10.
        if self.properties.authentication_data.is_some()
            && self.properties.authentication_method.is_none()
        {
            return Err(Malformed::AuthenticationMethodMissing);
        }
        if self.version == Version::V311 {
            // MQTT 3.1.1 section 3.1.2.9 [MQTT-3.1.2-22].
            if self.password.is_some() && self.user_name.is_none() {
                return Err(Malformed::PasswordWithoutUserName);
            }
            // MQTT 3.1.1 section 3.1.3.1 [MQTT-3.1.3-7] and [MQTT-3.1.3-8].
            if self.client_id.is_empty() && !self.clean_start {
                return Err(Malformed::ClientIdEmpty);
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        self.check()?;
        out.binary(PROTOCOL_NAME)?;
        out.byte(match self.version {
            Version::V311 => 4,
            Version::V5 => 5,
        })?;
        out.byte(self.flags())?;
        out.two_bytes(self.keep_alive_s)?;
        self.properties.write(self.version, out)?;
        out.name(self.client_id)?;
        if let Some(will) = &self.will {
            will.write(self.version, out)?;
        }
        if let Some(user_name) = self.user_name {
            out.name(user_name)?;
        }
        match self.password {
            Some(password) => out.binary(password.as_bytes()),
            None => Ok(()),
        }
    }

    fn flags(&self) -> u8 {
        flag(USER_NAME, self.user_name.is_some())
            | flag(PASSWORD, self.password.is_some())
            | self.will.map_or(0, |will| will.flags())
            | flag(CLEAN_START, self.clean_start)
    }
}

impl<'a> Will<'a> {
    fn read(body: &mut Reader<'a>, flags: u8, version: Version) -> Result<Self, Malformed> {
        Ok(Self {
            qos: will_qos(flags)?,
            retain: flags & WILL_RETAIN != 0,
            properties: WillProperties::parse(body, version)?,
            topic: body.topic_name()?,
            payload: body.binary()?,
        })
    }

    const fn flags(&self) -> u8 {
        WILL | self.qos.bits() << WILL_QOS_SHIFT | flag(WILL_RETAIN, self.retain)
    }

    fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        self.properties.write(version, out)?;
        out.topic_name(self.topic)?;
        out.binary(self.payload)
    }
}

/// MQTT 5 sections 3.1.2.1 and 3.1.2.2.
fn read_version(body: &mut Reader<'_>) -> Result<Version, Malformed> {
    if body.binary()? != PROTOCOL_NAME {
        return Err(Malformed::ProtocolName);
    }
    match body.byte()? {
        4 => Ok(Version::V311),
        5 => Ok(Version::V5),
        other => Err(Malformed::ProtocolVersion(other)),
    }
}

fn check_flags(flags: u8) -> Result<(), Malformed> {
    let has = |flag: u8| flags & flag != 0;
    // MQTT 5 section 3.1.2.3 [MQTT-3.1.2-3].
    if has(RESERVED) {
        return Err(Malformed::ConnectFlagReserved);
    }
    // MQTT 5 section 3.1.2.6 [MQTT-3.1.2-11] and 3.1.2.7 [MQTT-3.1.2-13].
    if !has(WILL) && has(WILL_QOS | WILL_RETAIN) {
        return Err(Malformed::WillFlags);
    }
    // MQTT 5 section 3.1.2.6 [MQTT-3.1.2-12].
    will_qos(flags).map(|_| ())
}

fn will_qos(flags: u8) -> Result<Qos, Malformed> {
    Qos::from_bits((flags & WILL_QOS) >> WILL_QOS_SHIFT).ok_or(Malformed::Qos)
}
