//! What can be wrong with a packet, the section that says so, and the reason code to answer with.

use crate::{BadText, BadTopic, ReasonCode};

macro_rules! rules {
    ($( $name:ident $(($(#[$cause:meta])? $value:ty))?, $reason:ident, $section:literal, $text:literal; )*) => {
        /// The rule that a received packet breaks. Each is the sender's doing and ends the connection.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[non_exhaustive]
        pub enum Malformed {
            $(
                #[doc = concat!($section, ": ", $text, ".")]
                #[error($text)]
                $name $(($(#[$cause])? $value))?,
            )*
        }

        impl Malformed {
            /// The section that lays the rule down.
            pub const fn section(&self) -> &'static str {
                match self {
                    $( Self::$name { .. } => $section, )*
                }
            }

            /// The MQTT 5 reason code for the answer, in CONNACK or DISCONNECT.
            pub const fn reason(&self) -> ReasonCode {
                match self {
                    $( Self::$name { .. } => ReasonCode::$reason, )*
                }
            }
        }
    };
}

rules! {
    // Fixed header.
    PacketTypeReserved, MalformedPacket, "MQTT 5 section 2.1.2", "packet type 0 is reserved";
    AuthInV311, MalformedPacket, "MQTT 3.1.1 section 2.2.1", "packet type 15 is reserved in 3.1.1";
    HeaderFlags, MalformedPacket, "MQTT 5 section 2.1.3", "the fixed header has reserved flags set or required ones not";
    RemainingLength, MalformedPacket, "MQTT 5 section 2.1.4", "the remaining length is longer than four bytes or not in its shortest form";
    TooLarge, PacketTooLarge, "MQTT 5 section 3.1.2.11.4", "the packet is larger than this receiver takes";
    WrongSide, ProtocolError, "MQTT 5 section 2.1.2", "only the other side sends packets of this type";

    // Fields.
    Truncated, MalformedPacket, "MQTT 5 section 2.1.4", "a field reaches past the end of the packet";
    TrailingBytes, MalformedPacket, "MQTT 5 section 2.1.4", "bytes are left after the last field";
    VariableByteInteger, MalformedPacket, "MQTT 5 section 1.5.5", "a variable byte integer is longer than four bytes or not in its shortest form";
    Text(#[source] BadText), MalformedPacket, "MQTT 5 section 1.5.4", "a string is refused";
    TopicName(#[source] BadTopic), MalformedPacket, "MQTT 5 section 4.7", "a topic name is refused";
    TopicFilter(#[source] BadTopic), MalformedPacket, "MQTT 5 section 4.7", "a topic filter is refused";
    PacketIdZero, ProtocolError, "MQTT 5 section 2.2.1", "the packet identifier is zero";
    ReasonCode(u8), ProtocolError, "MQTT 5 section 2.4", "reason code {0:#04x} may not stand in this packet from this side";

    // Properties.
    PropertyLength, MalformedPacket, "MQTT 5 section 2.2.2.1", "the property length reaches past the end of the packet";
    PropertyUnknown(u8), MalformedPacket, "MQTT 5 section 2.2.2.2", "there is no property {0:#04x}";
    PropertyMisplaced(u8), MalformedPacket, "MQTT 5 section 2.2.2.2", "property {0:#04x} may not stand in this packet";
    PropertyFromWrongSide(u8), ProtocolError, "MQTT 5 sections 3.3.4 and 3.14.2.2", "property {0:#04x} is sent by the other side only";
    PropertyRepeated(u8), ProtocolError, "MQTT 5 section 2.2.2.2", "property {0:#04x} stands twice";
    PropertyValue(u8), ProtocolError, "MQTT 5 section 2.2.2.2", "property {0:#04x} has a value that is not allowed";
    TopicAliasZero, TopicAliasInvalid, "MQTT 5 section 3.3.2.3.4", "the topic alias is zero";
    AuthenticationMethodMissing, ProtocolError, "MQTT 5 sections 3.1.2.11.10 and 3.15.2.2.2", "there is no authentication method";

    // CONNECT and CONNACK.
    ConnectExpected, ProtocolError, "MQTT 5 section 3.1", "the first packet is no CONNECT";
    ProtocolName, UnsupportedProtocolVersion, "MQTT 5 section 3.1.2.1", "the protocol name is not MQTT";
    ProtocolVersion(u8), UnsupportedProtocolVersion, "MQTT 5 section 3.1.2.2", "protocol version {0} is neither 4 nor 5";
    ConnectFlagReserved, MalformedPacket, "MQTT 5 section 3.1.2.3", "the reserved connect flag is set";
    WillFlags, MalformedPacket, "MQTT 5 sections 3.1.2.6 and 3.1.2.7", "the will's QoS or retain flag is set and there is no will";
    PasswordWithoutUserName, MalformedPacket, "MQTT 3.1.1 section 3.1.2.9", "there is a password and no user name";
    ClientIdEmpty, ClientIdentifierNotValid, "MQTT 3.1.1 section 3.1.3.1", "the client identifier is empty and the session is not clean";
    ConnAckFlags, MalformedPacket, "MQTT 5 section 3.2.2.1", "a reserved acknowledge flag is set";
    SessionPresentInRefusal, ProtocolError, "MQTT 5 section 3.2.2.1.1", "the session is present and the connection refused";

    // PUBLISH.
    Qos, MalformedPacket, "MQTT 5 section 3.3.1.2", "QoS 3 does not exist";
    DupAtQos0, MalformedPacket, "MQTT 5 section 3.3.1.1", "DUP is set at QoS 0";
    TopicMissing, ProtocolError, "MQTT 5 section 3.3.2.1", "there is neither a topic name nor a topic alias";

    // SUBSCRIBE, UNSUBSCRIBE and their answers.
    ListEmpty, ProtocolError, "MQTT 5 sections 3.8.3 and 3.10.3", "the payload has no entry";
    SubscriptionOptions, MalformedPacket, "MQTT 5 section 3.8.3.1", "a reserved subscription option is set";
    RetainHandling, ProtocolError, "MQTT 5 section 3.8.3.1", "retain handling 3 does not exist";
    NoLocalOnShared, ProtocolError, "MQTT 5 section 3.8.3.1", "no local is set on a shared subscription";
}

/// Why a packet cannot be written. Each is the caller's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unencodable {
    /// The packet does not fit into the buffer.
    #[error("the buffer is too small")]
    BufferTooSmall,
    /// A string or binary value has more than [`FIELD_LENGTH_MAX`](crate::FIELD_LENGTH_MAX) bytes,
    /// or the packet more than MQTT can express.
    #[error("a field or the packet is too long")]
    TooLong,
    /// The packet, a field or a reason code does not exist in the version asked for.
    #[error("it cannot be expressed in this version of MQTT")]
    NotInVersion,
    /// The receiver would refuse the packet.
    #[error("the receiver would refuse it")]
    Refused(#[from] Malformed),
}
