//! The reason codes of MQTT 5 and which packet may carry which (MQTT 5 section 2.4).

use crate::{Malformed, PacketType, Side};

/// Codes that say both "done" and, elsewhere, something finer share a number; each has one name here.
macro_rules! reason_codes {
    ($(
        $(#[$doc:meta])*
        $name:ident = $byte:literal, client [$($client:ident)*], server [$($server:ident)*];
    )*) => {
        /// How something ended (MQTT 5 section 2.4); 0x80 and above are failures.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReasonCode {
            $( $(#[$doc])* $name = $byte, )*
        }

        impl ReasonCode {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$( Self::$name, )*];

            /// The code that `byte` stands for.
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $( $byte => Some(Self::$name), )*
                    _ => None,
                }
            }

            /// Which packets of `side` may carry this code.
            const fn packets_of(self, side: Side) -> &'static [PacketType] {
                match (self, side) {
                    $(
                        (Self::$name, Side::Client) => &[$( PacketType::$client, )*],
                        (Self::$name, Side::Server) => &[$( PacketType::$server, )*],
                    )*
                }
            }
        }
    };
}

// MQTT 5 sections 3.2.2.2, 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1, 3.15.2.1.
reason_codes! {
    /// Success; in DISCONNECT a normal one, in SUBACK "granted QoS 0".
    #[default]
    Success = 0x00, client [PubAck PubRec PubRel PubComp Disconnect],
        server [ConnAck PubAck PubRec PubRel PubComp SubAck UnsubAck Disconnect Auth];
    /// The subscription is granted at QoS 1.
    GrantedQos1 = 0x01, client [], server [SubAck];
    /// The subscription is granted at QoS 2.
    GrantedQos2 = 0x02, client [], server [SubAck];
    /// The client leaves and wants its will published.
    DisconnectWithWill = 0x04, client [Disconnect], server [];
    /// The message is accepted and nobody subscribes to it.
    NoMatchingSubscribers = 0x10, client [], server [PubAck PubRec];
    /// There was nothing to unsubscribe from.
    NoSubscriptionExisted = 0x11, client [], server [UnsubAck];
    /// Go on with the authentication.
    ContinueAuthentication = 0x18, client [Auth], server [Auth];
    /// Start the authentication anew.
    Reauthenticate = 0x19, client [Auth], server [];
    /// No reason is given, or no other fits.
    UnspecifiedError = 0x80, client [PubAck PubRec Disconnect],
        server [ConnAck PubAck PubRec SubAck UnsubAck Disconnect];
    /// A packet could not be parsed.
    MalformedPacket = 0x81, client [Disconnect], server [ConnAck Disconnect];
    /// A packet or a value came that the protocol does not allow there.
    ProtocolError = 0x82, client [Disconnect], server [ConnAck Disconnect];
    /// The packet is valid and this receiver does not take it.
    ImplementationSpecificError = 0x83, client [PubAck PubRec Disconnect],
        server [ConnAck PubAck PubRec SubAck UnsubAck Disconnect];
    /// The server does not speak this version.
    UnsupportedProtocolVersion = 0x84, client [], server [ConnAck];
    /// The client identifier is valid text and not allowed.
    ClientIdentifierNotValid = 0x85, client [], server [ConnAck];
    /// The user name or password is not accepted.
    BadUserNameOrPassword = 0x86, client [], server [ConnAck];
    /// The sender has no right to this.
    NotAuthorized = 0x87, client [PubAck PubRec],
        server [ConnAck PubAck PubRec SubAck UnsubAck Disconnect];
    /// The server is not available.
    ServerUnavailable = 0x88, client [], server [ConnAck];
    /// The server is busy; try again later.
    ServerBusy = 0x89, client [], server [ConnAck Disconnect];
    /// The client has been banned by a person.
    Banned = 0x8A, client [], server [ConnAck];
    /// The server is going down.
    ServerShuttingDown = 0x8B, client [], server [Disconnect];
    /// The authentication method is not the right one.
    BadAuthenticationMethod = 0x8C, client [], server [ConnAck];
    /// Nothing was heard for one and a half times the keep alive.
    KeepAliveTimeout = 0x8D, client [], server [Disconnect];
    /// Another connection took the session over.
    SessionTakenOver = 0x8E, client [], server [Disconnect];
    /// The topic filter is well formed and not accepted.
    TopicFilterInvalid = 0x8F, client [], server [SubAck UnsubAck Disconnect];
    /// The topic name is well formed and not accepted.
    TopicNameInvalid = 0x90, client [PubAck PubRec Disconnect],
        server [ConnAck PubAck PubRec Disconnect];
    /// The packet identifier is already in use.
    PacketIdentifierInUse = 0x91, client [PubAck PubRec], server [PubAck PubRec SubAck UnsubAck];
    /// The packet identifier is not known.
    PacketIdentifierNotFound = 0x92, client [PubRel PubComp], server [PubRel PubComp];
    /// More was sent at once than the receive maximum.
    ReceiveMaximumExceeded = 0x93, client [Disconnect], server [Disconnect];
    /// The topic alias is zero, too large or not known.
    TopicAliasInvalid = 0x94, client [Disconnect], server [Disconnect];
    /// The packet is larger than the receiver said it takes.
    PacketTooLarge = 0x95, client [Disconnect], server [ConnAck Disconnect];
    /// Messages come too fast.
    MessageRateTooHigh = 0x96, client [Disconnect], server [Disconnect];
    /// A limit is reached.
    QuotaExceeded = 0x97, client [PubAck PubRec Disconnect],
        server [ConnAck PubAck PubRec SubAck Disconnect];
    /// A person ended the connection.
    AdministrativeAction = 0x98, client [Disconnect], server [Disconnect];
    /// The payload is not of the stated format.
    PayloadFormatInvalid = 0x99, client [PubAck PubRec Disconnect],
        server [ConnAck PubAck PubRec Disconnect];
    /// The server keeps no retained messages.
    RetainNotSupported = 0x9A, client [], server [ConnAck Disconnect];
    /// The server does not offer this QoS.
    QosNotSupported = 0x9B, client [], server [ConnAck Disconnect];
    /// Use another server for now.
    UseAnotherServer = 0x9C, client [], server [ConnAck Disconnect];
    /// The server has moved for good.
    ServerMoved = 0x9D, client [], server [ConnAck Disconnect];
    /// The server offers no shared subscriptions.
    SharedSubscriptionsNotSupported = 0x9E, client [], server [SubAck Disconnect];
    /// Connections come too fast.
    ConnectionRateExceeded = 0x9F, client [], server [ConnAck Disconnect];
    /// The connection has lasted as long as this server lets it.
    MaximumConnectTime = 0xA0, client [], server [Disconnect];
    /// The server offers no subscription identifiers.
    SubscriptionIdentifiersNotSupported = 0xA1, client [], server [SubAck Disconnect];
    /// The server offers no wildcards in subscriptions.
    WildcardSubscriptionsNotSupported = 0xA2, client [], server [SubAck Disconnect];
}

impl ReasonCode {
    /// The code as it stands on the wire of MQTT 5.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// Whether this code says that something failed.
    pub const fn is_failure(self) -> bool {
        self.byte() >= 0x80
    }

    /// Whether a packet of type `packet`, sent by `side`, may carry this code in MQTT 5.
    pub fn allowed_in(self, packet: PacketType, side: Side) -> bool {
        self.packets_of(side).contains(&packet)
    }

    /// The code that says nearly the same in a 3.1.1 CONNACK (MQTT 3.1.1 section 3.2.2.3).
    #[must_use]
    pub fn nearest_in_v311_connack(self) -> Self {
        if V311_RETURN_CODES.contains(&self) {
            self
        } else if matches!(self, Self::Banned | Self::BadAuthenticationMethod) {
            Self::NotAuthorized
        } else {
            Self::ServerUnavailable
        }
    }

    /// The code that says nearly the same in a 3.1.1 SUBACK: the QoS granted, or failure
    /// (MQTT 3.1.1 section 3.9.3).
    #[must_use]
    pub const fn nearest_in_v311_suback(self) -> Self {
        if self.is_failure() {
            Self::UnspecifiedError
        } else {
            self
        }
    }

    /// Reads a code that may stand in `packet` from `side`.
    pub(crate) fn parse(byte: u8, packet: PacketType, side: Side) -> Result<Self, Malformed> {
        Self::from_byte(byte)
            .filter(|code| code.allowed_in(packet, side))
            .ok_or(Malformed::ReasonCode(byte))
    }

    /// Checks a code that is about to be written into `packet` by either side.
    pub(crate) fn check(self, packet: PacketType) -> Result<u8, Malformed> {
        if self.allowed_in(packet, Side::Client) || self.allowed_in(packet, Side::Server) {
            return Ok(self.byte());
        }
        Err(Malformed::ReasonCode(self.byte()))
    }

    /// Reads the return code of a 3.1.1 CONNACK.
    pub(crate) fn parse_v311_return_code(byte: u8) -> Result<Self, Malformed> {
        V311_RETURN_CODES
            .get(usize::from(byte))
            .copied()
            .ok_or(Malformed::ReasonCode(byte))
    }

    /// The return code of a 3.1.1 CONNACK.
    pub(crate) fn v311_return_code(self) -> Option<u8> {
        let place = V311_RETURN_CODES.iter().position(|&code| code == self)?;
        u8::try_from(place).ok()
    }

    /// Whether this code exists in a 3.1.1 SUBACK.
    pub(crate) const fn is_in_v311_suback(self) -> bool {
        matches!(
            self,
            Self::Success | Self::GrantedQos1 | Self::GrantedQos2 | Self::UnspecifiedError
        )
    }
}

/// The return codes 0 to 5 of MQTT 3.1.1 section 3.2.2.3, by the names that MQTT 5 has for them.
const V311_RETURN_CODES: [ReasonCode; 6] = [
    ReasonCode::Success,
    ReasonCode::UnsupportedProtocolVersion,
    ReasonCode::ClientIdentifierNotValid,
    ReasonCode::ServerUnavailable,
    ReasonCode::BadUserNameOrPassword,
    ReasonCode::NotAuthorized,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_from_its_byte() {
        assert_eq!(ReasonCode::ALL.len(), 43);
        for &code in ReasonCode::ALL {
            assert_eq!(ReasonCode::from_byte(code.byte()), Some(code));
        }
    }

    #[test]
    fn every_refusal_has_a_nearest_code_in_v311() {
        for &code in ReasonCode::ALL {
            let connack = code.nearest_in_v311_connack();
            assert!(connack.v311_return_code().is_some());
            assert!(
                !code.is_failure() || connack.is_failure(),
                "{code:?} lets nobody in"
            );
            let suback = code.nearest_in_v311_suback();
            assert_eq!(code.is_failure(), suback.is_failure());
        }
        for (code, nearest) in [
            (ReasonCode::NotAuthorized, ReasonCode::NotAuthorized),
            (ReasonCode::Banned, ReasonCode::NotAuthorized),
            (ReasonCode::ServerBusy, ReasonCode::ServerUnavailable),
        ] {
            assert_eq!(code.nearest_in_v311_connack(), nearest);
        }
    }
}
