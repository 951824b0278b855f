//! Every refusal at this door: its cause in words for the log, and the reason code for the peer.

use ironroot_mqtt::{Malformed, ReasonCode, Unencodable};

macro_rules! refusals {
    ($( $name:ident, $reason:ident, $text:literal; )*) => {
        /// Why a session, a publication, a subscription or a will was refused, or a session was ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[non_exhaustive]
        pub enum Refusal {
            /// A packet breaks a rule of the standard.
            #[error("{0}")]
            Malformed(Malformed),
            $(
                #[doc = concat!("In words: ", $text, ".")]
                #[error($text)]
                $name,
            )*
        }

        impl Refusal {
            /// The MQTT 5 reason code for the peer.
            pub const fn reason(self) -> ReasonCode {
                match self {
                    Self::Malformed(rule) => rule.reason(),
                    $( Self::$name => ReasonCode::$reason, )*
                }
            }
        }
    };
}

refusals! {
    // CONNECT.
    HubStops, ServerUnavailable, "the hub stops and lets nobody in";
    ConnectTimeout, UnspecifiedError, "CONNECT did not come in time";
    EnhancedAuthentication, BadAuthenticationMethod, "enhanced authentication is not offered; the certificate says who it is";
    ConnectNotGranted, NotAuthorized, "the Grant allows no session";
    ClientIdNotOwn, ClientIdentifierNotValid, "the client identifier is not the principal's own";
    TooManySessions, QuotaExceeded, "the principal has as many sessions as its Grant allows";
    WillNotGranted, NotAuthorized, "the will's topic is not granted";

    // PUBLISH.
    PublishNotGranted, NotAuthorized, "the topic is not granted for publishing";
    TopicAlias, TopicAliasInvalid, "the topic alias is above the maximum, or stands for no topic";
    ReceiveMaximum, ReceiveMaximumExceeded, "more messages are in flight than the receive maximum allows";
    TopicTooDeep, TopicNameInvalid, "the topic has too many levels";
    RateExceeded, QuotaExceeded, "messages come faster than the Grant allows";
    TooManyTopics, QuotaExceeded, "the principal publishes on as many topics today as its Grant allows";
    HubFull, QuotaExceeded, "too many bytes wait in the hub";
    ShelfFull, QuotaExceeded, "too many steps wait to be written to disk";
    Unencodable, UnspecifiedError, "the message cannot be passed on";
    RetainedFull, QuotaExceeded, "there is no room for one more retained message";

    // SUBSCRIBE.
    SubscribeNotGranted, NotAuthorized, "the Grant does not cover the filter";
    FilterTooDeep, TopicFilterInvalid, "the filter has too many levels";
    TooManySubscriptions, QuotaExceeded, "the session has as many subscriptions as its Grant allows";

    // The session.
    SecondConnect, ProtocolError, "CONNECT came twice";
    AuthWithoutMethod, ProtocolError, "AUTH came, and CONNECT named no authentication method";
    SessionExpiryRaised, ProtocolError, "DISCONNECT sets a session expiry, and CONNECT set none";
    QosHandshake, ProtocolError, "an acknowledgement came that is not the next step of its message";
    KeepAliveTimeout, KeepAliveTimeout, "nothing was heard for one and a half times the keep-alive";
    CertificateExpired, MaximumConnectTime, "the certificate that the session was opened with has expired";
    Cut, NotAuthorized, "the Grant no longer allows a session";
    TakenOver, SessionTakenOver, "the same principal opened a session with the same client identifier";
    Flooding, MessageRateTooHigh, "messages kept coming faster than the Grant allows, though the session was held";
    TooSlow, QuotaExceeded, "too many bytes wait for the session";
    ShuttingDown, ServerShuttingDown, "the hub stops";
}

impl Refusal {
    /// Whether the client sent too much, or took too little, and nothing else was wrong.
    pub(crate) fn is_too_much(self) -> bool {
        matches!(
            self,
            Self::Flooding
                | Self::TooManyTopics
                | Self::TooSlow
                | Self::ReceiveMaximum
                | Self::Malformed(Malformed::TooLarge)
        )
    }

    /// Whether it would have been allowed, had it been less, or fewer, or later.
    pub(crate) fn is_over_limit(self) -> bool {
        self.is_too_much()
            || matches!(
                self,
                Self::RateExceeded
                    | Self::HubFull
                    | Self::ShelfFull
                    | Self::RetainedFull
                    | Self::TooManySessions
                    | Self::TooManySubscriptions
            )
    }
}

impl From<Malformed> for Refusal {
    fn from(rule: Malformed) -> Self {
        Self::Malformed(rule)
    }
}

impl From<Unencodable> for Refusal {
    fn from(_: Unencodable) -> Self {
        Self::Unencodable
    }
}
