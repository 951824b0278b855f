//! The properties of MQTT 5: what each packet may carry, read and written (MQTT 5 section 2.2.2).

mod field;
pub(crate) mod id;

use core::num::{NonZeroU16, NonZeroU32};

use self::field::{Field, misplaced, take_block};
use crate::wire::{Reader, Writer};
use crate::{
    List, Malformed, PayloadFormat, Qos, Secret, SubscriptionId, TopicName, Unencodable, Version,
};

/// A name and a value that MQTT passes on and does not interpret.
pub type UserProperty<'a> = (&'a str, &'a str);

/// User properties in the order in which they were sent; names may repeat.
pub type UserProperties<'a> = List<'a, UserProperty<'a>>;

/// Makes one struct per packet of the properties it may carry, each named with its identifier, and
/// with it the reading and the writing. What is not listed is refused.
macro_rules! properties {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$field_doc:meta])* $field:ident: $type:ty = $id:ident, )* }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name<'a> {
            $( $(#[$field_doc])* pub $field: $type, )*
        }

        impl<'a> $name<'a> {
            /// Reads the property length and the properties; 3.1.1 has none.
            pub(crate) fn parse(
                reader: &mut Reader<'a>,
                version: Version,
            ) -> Result<Self, Malformed> {
                let mut properties = Self::default();
                if version == Version::V311 {
                    return Ok(properties);
                }
                let mut block = take_block(reader)?;
                while !block.is_empty() {
                    let from_here = block;
                    match block.byte()? {
                        $( id::$id => properties.$field.fill(id::$id, &mut block, from_here)?, )*
                        other => return Err(misplaced(other)),
                    }
                }
                Ok(properties)
            }

            /// Writes the property length and the properties.
            pub(crate) fn write(
                &self,
                version: Version,
                out: &mut Writer<'_>,
            ) -> Result<(), Unencodable> {
                if version == Version::V311 {
                    return if self.is_empty() { Ok(()) } else { Err(Unencodable::NotInVersion) };
                }
                out.length(Writer::count(|out| self.write_each(out))?)?;
                self.write_each(out)
            }

            /// Writes the properties without their length.
            pub(crate) fn write_each(&self, out: &mut Writer<'_>) -> Result<(), Unencodable> {
                $( self.$field.write(id::$id, out)?; )*
                Ok(())
            }

            /// Whether there is no property.
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    )* };
}

properties! {
    /// The properties of CONNECT (MQTT 5 section 3.1.2.11).
    ConnectProperties {
        /// How long the session outlives the connection, in seconds; absent is 0, `u32::MAX` for ever.
        session_expiry_s: Option<u32> = SESSION_EXPIRY_INTERVAL,
        /// How many QoS 1 and 2 messages the client takes at once; absent is 65,535.
        receive_maximum: Option<NonZeroU16> = RECEIVE_MAXIMUM,
        /// The largest packet that the client takes, in bytes.
        packet_size_max: Option<NonZeroU32> = MAXIMUM_PACKET_SIZE,
        /// The highest topic alias that the client takes; absent is 0.
        topic_alias_maximum: Option<u16> = TOPIC_ALIAS_MAXIMUM,
        /// Whether the client asks for response information; absent is no.
        request_response_information: Option<bool> = REQUEST_RESPONSE_INFORMATION,
        /// Whether reasons may be given outside CONNACK, DISCONNECT and PUBLISH; absent is yes.
        request_problem_information: Option<bool> = REQUEST_PROBLEM_INFORMATION,
        /// The name of the enhanced authentication.
        authentication_method: Option<&'a str> = AUTHENTICATION_METHOD,
        /// Its first step.
        authentication_data: Option<Secret<'a>> = AUTHENTICATION_DATA,
        /// The client's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }

    /// The properties of a will (MQTT 5 section 3.1.3.2).
    WillProperties {
        /// How long the will waits for the client to come back, in seconds; absent is 0.
        will_delay_s: Option<u32> = WILL_DELAY_INTERVAL,
        /// What the payload is; absent is bytes.
        payload_format: Option<PayloadFormat> = PAYLOAD_FORMAT_INDICATOR,
        /// How long the message is worth delivering, in seconds.
        message_expiry_s: Option<u32> = MESSAGE_EXPIRY_INTERVAL,
        /// What the payload is, in the publisher's words.
        content_type: Option<&'a str> = CONTENT_TYPE,
        /// Where an answer should go.
        response_topic: Option<TopicName<'a>> = RESPONSE_TOPIC,
        /// What an answer should carry.
        correlation_data: Option<&'a [u8]> = CORRELATION_DATA,
        /// The publisher's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }

    /// The properties of CONNACK (MQTT 5 section 3.2.2.3).
    ConnAckProperties {
        /// How long the session will outlive the connection, in seconds; absent is as asked for.
        session_expiry_s: Option<u32> = SESSION_EXPIRY_INTERVAL,
        /// How many QoS 1 and 2 messages the server takes at once; absent is 65,535.
        receive_maximum: Option<NonZeroU16> = RECEIVE_MAXIMUM,
        /// The highest QoS that the server takes, 0 or 1; absent is 2.
        maximum_qos: Option<Qos> = MAXIMUM_QOS,
        /// Whether the server keeps retained messages; absent is yes.
        retain_available: Option<bool> = RETAIN_AVAILABLE,
        /// The largest packet that the server takes, in bytes.
        packet_size_max: Option<NonZeroU32> = MAXIMUM_PACKET_SIZE,
        /// The client identifier that the server chose.
        assigned_client_id: Option<&'a str> = ASSIGNED_CLIENT_IDENTIFIER,
        /// The highest topic alias that the server takes; absent is 0.
        topic_alias_maximum: Option<u16> = TOPIC_ALIAS_MAXIMUM,
        /// The reason in words.
        reason_string: Option<&'a str> = REASON_STRING,
        /// Whether the server takes wildcards in subscriptions; absent is yes.
        wildcard_subscription_available: Option<bool> = WILDCARD_SUBSCRIPTION_AVAILABLE,
        /// Whether the server takes subscription identifiers; absent is yes.
        subscription_identifiers_available: Option<bool> = SUBSCRIPTION_IDENTIFIERS_AVAILABLE,
        /// Whether the server takes shared subscriptions; absent is yes.
        shared_subscription_available: Option<bool> = SHARED_SUBSCRIPTION_AVAILABLE,
        /// The keep alive to use instead of the client's, in seconds.
        server_keep_alive_s: Option<u16> = SERVER_KEEP_ALIVE,
        /// What the client can build response topics from.
        response_information: Option<&'a str> = RESPONSE_INFORMATION,
        /// Another server to use.
        server_reference: Option<&'a str> = SERVER_REFERENCE,
        /// The name of the enhanced authentication.
        authentication_method: Option<&'a str> = AUTHENTICATION_METHOD,
        /// Its last step.
        authentication_data: Option<Secret<'a>> = AUTHENTICATION_DATA,
        /// The server's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }

    /// The properties of PUBLISH (MQTT 5 section 3.3.2.3).
    PublishProperties {
        /// How long the message is worth delivering, in seconds.
        message_expiry_s: Option<u32> = MESSAGE_EXPIRY_INTERVAL,
        /// A number to use for the topic from now on, or in its place.
        topic_alias: Option<NonZeroU16> = TOPIC_ALIAS,
        /// Of which subscriptions this is a delivery; from a server only.
        subscription_ids: List<'a, SubscriptionId> = SUBSCRIPTION_IDENTIFIER,
        /// What the payload is; absent is bytes.
        payload_format: Option<PayloadFormat> = PAYLOAD_FORMAT_INDICATOR,
        /// What the payload is, in the publisher's words.
        content_type: Option<&'a str> = CONTENT_TYPE,
        /// Where an answer should go.
        response_topic: Option<TopicName<'a>> = RESPONSE_TOPIC,
        /// What an answer should carry.
        correlation_data: Option<&'a [u8]> = CORRELATION_DATA,
        /// The publisher's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }

    /// The properties of PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK (MQTT 5 section 3.4.2.2).
    AckProperties {
        /// The reason in words.
        reason_string: Option<&'a str> = REASON_STRING,
        /// The sender's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }

    /// The properties of SUBSCRIBE (MQTT 5 section 3.8.2.1).
    SubscribeProperties {
        /// The number that deliveries of these subscriptions carry.
        subscription_id: Option<SubscriptionId> = SUBSCRIPTION_IDENTIFIER,
        /// The client's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }

    /// The properties of UNSUBSCRIBE (MQTT 5 section 3.10.2.1).
    UnsubscribeProperties {
        /// The client's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }

    /// The properties of DISCONNECT (MQTT 5 section 3.14.2.2).
    DisconnectProperties {
        /// A new session expiry, in seconds; from a client only.
        session_expiry_s: Option<u32> = SESSION_EXPIRY_INTERVAL,
        /// The reason in words.
        reason_string: Option<&'a str> = REASON_STRING,
        /// Another server to use; from a server only.
        server_reference: Option<&'a str> = SERVER_REFERENCE,
        /// The sender's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }

    /// The properties of AUTH (MQTT 5 section 3.15.2.2).
    AuthProperties {
        /// The name of the enhanced authentication.
        authentication_method: Option<&'a str> = AUTHENTICATION_METHOD,
        /// One step of it.
        authentication_data: Option<Secret<'a>> = AUTHENTICATION_DATA,
        /// The reason in words.
        reason_string: Option<&'a str> = REASON_STRING,
        /// The sender's own.
        user: UserProperties<'a> = USER_PROPERTY,
    }
}
