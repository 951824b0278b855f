//! UNSUBSCRIBE and UNSUBACK (MQTT 5 sections 3.10 and 3.11, 3.1.1 sections 3.10 and 3.11).

use crate::wire::{Reader, Writer};
use crate::{
    AckProperties, List, Malformed, PacketId, PacketType, ReasonCode, Side, TopicFilter,
    Unencodable, UnsubscribeProperties, Version,
};

/// A client gives subscriptions up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Which request this is.
    pub packet_id: PacketId,
    /// The properties; none in 3.1.1.
    pub properties: UnsubscribeProperties<'a>,
    /// What is given up; at least one.
    pub filters: List<'a, TopicFilter<'a>>,
}

impl<'a> Unsubscribe<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, Malformed> {
        Ok(Self {
            packet_id: body.packet_id()?,
            properties: UnsubscribeProperties::parse(body, version)?,
            filters: super::read_list(body, Reader::topic_filter)?,
        })
    }

    pub(super) fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        super::check_list(&self.filters)?;
        out.packet_id(self.packet_id)?;
        self.properties.write(version, out)?;
        for filter in self.filters {
            out.topic_filter(filter)?;
        }
        Ok(())
    }
}

/// The server's answer to UNSUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubAck<'a> {
    /// Which request is answered.
    pub packet_id: PacketId,
    /// The properties; none in 3.1.1.
    pub properties: AckProperties<'a>,
    /// One code for each filter given up, in order; none in 3.1.1.
    pub codes: List<'a, ReasonCode>,
}

impl<'a> UnsubAck<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, Malformed> {
        Ok(Self {
            packet_id: body.packet_id()?,
            properties: AckProperties::parse(body, version)?,
            codes: match version {
                // MQTT 3.1.1 section 3.11.3: there is no payload.
                Version::V311 => List::default(),
                Version::V5 => super::read_list(body, read_code)?,
            },
        })
    }

    pub(super) fn write(&self, version: Version, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        match version {
            Version::V311 if !self.codes.is_empty() => return Err(Unencodable::NotInVersion),
            Version::V311 => {}
            Version::V5 => super::check_list(&self.codes)?,
        }
        out.packet_id(self.packet_id)?;
        self.properties.write(version, out)?;
        for code in self.codes {
            out.byte(code.check(PacketType::UnsubAck)?)?;
        }
        Ok(())
    }
}

fn read_code(body: &mut Reader<'_>) -> Result<ReasonCode, Malformed> {
    ReasonCode::parse(body.byte()?, PacketType::UnsubAck, Side::Server)
}
