//! The property identifiers and the shape of each value (MQTT 5 section 2.2.2.2).
//!
//! All identifiers are below 128, so each is one byte although the standard allows four.

use crate::Malformed;
use crate::wire::Reader;

pub(super) const PAYLOAD_FORMAT_INDICATOR: u8 = 0x01;
pub(super) const MESSAGE_EXPIRY_INTERVAL: u8 = 0x02;
pub(super) const CONTENT_TYPE: u8 = 0x03;
pub(super) const RESPONSE_TOPIC: u8 = 0x08;
pub(super) const CORRELATION_DATA: u8 = 0x09;
pub(crate) const SUBSCRIPTION_IDENTIFIER: u8 = 0x0B;
pub(crate) const SESSION_EXPIRY_INTERVAL: u8 = 0x11;
pub(super) const ASSIGNED_CLIENT_IDENTIFIER: u8 = 0x12;
pub(super) const SERVER_KEEP_ALIVE: u8 = 0x13;
pub(super) const AUTHENTICATION_METHOD: u8 = 0x15;
pub(super) const AUTHENTICATION_DATA: u8 = 0x16;
pub(super) const REQUEST_PROBLEM_INFORMATION: u8 = 0x17;
pub(super) const WILL_DELAY_INTERVAL: u8 = 0x18;
pub(super) const REQUEST_RESPONSE_INFORMATION: u8 = 0x19;
pub(super) const RESPONSE_INFORMATION: u8 = 0x1A;
pub(crate) const SERVER_REFERENCE: u8 = 0x1C;
pub(super) const REASON_STRING: u8 = 0x1F;
pub(super) const RECEIVE_MAXIMUM: u8 = 0x21;
pub(super) const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
pub(super) const TOPIC_ALIAS: u8 = 0x23;
pub(super) const MAXIMUM_QOS: u8 = 0x24;
pub(super) const RETAIN_AVAILABLE: u8 = 0x25;
pub(super) const USER_PROPERTY: u8 = 0x26;
pub(super) const MAXIMUM_PACKET_SIZE: u8 = 0x27;
pub(super) const WILDCARD_SUBSCRIPTION_AVAILABLE: u8 = 0x28;
pub(super) const SUBSCRIPTION_IDENTIFIERS_AVAILABLE: u8 = 0x29;
pub(super) const SHARED_SUBSCRIPTION_AVAILABLE: u8 = 0x2A;

/// How a property's value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Byte,
    TwoBytes,
    FourBytes,
    Variable,
    /// A string or binary data.
    Counted,
    /// Two strings.
    Pair,
}

impl Shape {
    /// The shape of property `id`; `None` when there is no such property.
    pub(super) const fn of(id: u8) -> Option<Self> {
        Some(match id {
            PAYLOAD_FORMAT_INDICATOR
            | REQUEST_PROBLEM_INFORMATION
            | REQUEST_RESPONSE_INFORMATION
            | MAXIMUM_QOS
            | RETAIN_AVAILABLE
            | WILDCARD_SUBSCRIPTION_AVAILABLE
            | SUBSCRIPTION_IDENTIFIERS_AVAILABLE
            | SHARED_SUBSCRIPTION_AVAILABLE => Self::Byte,
            SERVER_KEEP_ALIVE | RECEIVE_MAXIMUM | TOPIC_ALIAS_MAXIMUM | TOPIC_ALIAS => {
                Self::TwoBytes
            }
            MESSAGE_EXPIRY_INTERVAL
            | SESSION_EXPIRY_INTERVAL
            | WILL_DELAY_INTERVAL
            | MAXIMUM_PACKET_SIZE => Self::FourBytes,
            SUBSCRIPTION_IDENTIFIER => Self::Variable,
            CONTENT_TYPE
            | RESPONSE_TOPIC
            | CORRELATION_DATA
            | ASSIGNED_CLIENT_IDENTIFIER
            | AUTHENTICATION_METHOD
            | AUTHENTICATION_DATA
            | RESPONSE_INFORMATION
            | SERVER_REFERENCE
            | REASON_STRING => Self::Counted,
            USER_PROPERTY => Self::Pair,
            _ => return None,
        })
    }

    /// Steps over a value of this shape.
    pub(super) fn skip(self, block: &mut Reader<'_>) -> Result<(), Malformed> {
        match self {
            Self::Byte => block.take(1)?,
            Self::TwoBytes => block.take(2)?,
            Self::FourBytes => block.take(4)?,
            Self::Counted => block.binary()?,
            Self::Pair => block.binary().and_then(|_| block.binary())?,
            Self::Variable => return block.variable().map(|_| ()),
        };
        Ok(())
    }
}
