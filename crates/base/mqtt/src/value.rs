//! The small values that packets are made of.

use core::fmt;
use core::num::{NonZeroU16, NonZeroU32};

use crate::VARIABLE_BYTE_INTEGER_MAX;

/// Which MQTT a connection speaks; its CONNECT says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5, protocol version 5.
    V5,
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The end that sent CONNECT.
    Client,
    /// The end that answered with CONNACK.
    Server,
}

/// Quality of service (MQTT 5 section 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qos {
    /// QoS 0: sent once, never acknowledged.
    #[default]
    AtMostOnce = 0,
    /// QoS 1: sent until acknowledged.
    AtLeastOnce = 1,
    /// QoS 2: delivered once, by a handshake of four packets.
    ExactlyOnce = 2,
}

impl Qos {
    /// The level that two bits name; `None` for 3.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }

    /// The level as a number, 0 to 2.
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// What a publisher says of its payload (MQTT 5 section 3.3.2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadFormat {
    /// Bytes of no stated form.
    Bytes = 0,
    /// UTF-8 text.
    Utf8 = 1,
}

/// A packet identifier, never zero (MQTT 5 section 2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(NonZeroU16);

impl PacketId {
    /// The identifier `id`; `None` for zero.
    pub const fn new(id: u16) -> Option<Self> {
        match NonZeroU16::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The identifier as a number, 1 to 65,535.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

/// A subscription identifier, 1 to 268,435,455 (MQTT 5 section 3.8.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(NonZeroU32);

impl SubscriptionId {
    /// The identifier `id`; `None` outside 1 to 268,435,455.
    pub const fn new(id: u32) -> Option<Self> {
        match NonZeroU32::new(id) {
            Some(id) if id.get() <= VARIABLE_BYTE_INTEGER_MAX => Some(Self(id)),
            Some(_) | None => None,
        }
    }

    /// The identifier as a number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// Bytes that prove who somebody is; never printed.
///
/// The comparison is for tests of whole packets and takes no constant time: credentials are compared
/// by whoever keeps them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(&'a [u8]);

impl<'a> Secret<'a> {
    /// Marks `bytes` as secret.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
