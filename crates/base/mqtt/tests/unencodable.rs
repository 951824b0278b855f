//! What is refused before it is written, because the receiver would refuse it or the version has no
//! words for it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use ironroot_mqtt::{
    Ack, AckProperties, Auth, AuthProperties, BadText, ConnAck, ConnAckProperties, Connect,
    ConnectProperties, Delivery, Disconnect, List, Malformed, Packet, PacketId, Publish,
    PublishProperties, Qos, ReasonCode, RetainHandling, Secret, SubAck, Subscribe,
    SubscribeProperties, Subscription, TopicFilter, TopicName, Unencodable, UnsubAck, Unsubscribe,
    UnsubscribeProperties, Version,
};

use Version::{V5, V311};

const NOT_IN_VERSION: Result<usize, Unencodable> = Err(Unencodable::NotInVersion);

fn refused(rule: Malformed) -> Result<usize, Unencodable> {
    Err(Unencodable::Refused(rule))
}

fn one() -> PacketId {
    PacketId::new(1).unwrap()
}

fn connect(version: Version) -> Connect<'static> {
    Connect {
        version,
        clean_start: true,
        keep_alive_s: 60,
        properties: ConnectProperties::default(),
        client_id: "cam-1",
        will: None,
        user_name: None,
        password: None,
    }
}

fn publish() -> Publish<'static> {
    Publish {
        delivery: Delivery::AtMostOnce,
        retain: false,
        topic: Some(TopicName::parse("t").unwrap()),
        properties: PublishProperties::default(),
        payload: b"",
    }
}

fn subscription(filter: &str) -> Subscription<'_> {
    Subscription {
        filter: TopicFilter::parse(filter).unwrap(),
        qos: Qos::AtMostOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::Always,
    }
}

fn subscribe(subscriptions: &[Subscription<'_>], version: Version) -> Result<usize, Unencodable> {
    let packet = Packet::Subscribe(Subscribe {
        packet_id: one(),
        properties: SubscribeProperties::default(),
        subscriptions: List::from(subscriptions),
    });
    packet.encoded_len(version)
}

#[test]
fn refuses_texts_that_no_packet_may_carry() {
    let longer = "x".repeat(65_536);
    for (client_id, expected) in [
        ("a\0", refused(Malformed::Text(BadText::Nul))),
        ("a\n", refused(Malformed::Text(BadText::Unprintable('\n')))),
        (&longer, Err(Unencodable::TooLong)),
    ] {
        let connect = Connect {
            client_id,
            ..connect(V5)
        };
        assert_eq!(Packet::Connect(connect).encoded_len(V5), expected);
    }
    let properties = PublishProperties {
        content_type: Some("a\0"),
        ..Default::default()
    };
    let publish = Publish {
        properties,
        ..publish()
    };
    let nul = refused(Malformed::Text(BadText::Nul));
    assert_eq!(Packet::Publish(publish).encoded_len(V5), nul);
    assert!(publish.shared_layout().is_err());
}

#[test]
fn refuses_half_a_sign_in() {
    let alone = Connect {
        password: Some(Secret::new(b"p")),
        ..connect(V311)
    };
    let rule = refused(Malformed::PasswordWithoutUserName);
    assert_eq!(Packet::Connect(alone).encoded_len(V311), rule);
    let alone = Connect {
        version: V5,
        ..alone
    };
    assert!(Packet::Connect(alone).encoded_len(V5).is_ok());

    let data = Some(Secret::new(b"d"));
    let properties = ConnectProperties {
        authentication_data: data,
        ..Default::default()
    };
    let connect = Connect {
        properties,
        ..connect(V5)
    };
    let rule = refused(Malformed::AuthenticationMethodMissing);
    assert_eq!(Packet::Connect(connect).encoded_len(V5), rule);
    let properties = AuthProperties {
        authentication_data: data,
        ..Default::default()
    };
    let auth = Auth {
        reason: ReasonCode::ContinueAuthentication,
        properties,
    };
    assert_eq!(Packet::Auth(auth).encoded_len(V5), rule);
}

#[test]
fn refuses_an_empty_client_id_with_a_kept_session_in_v311() {
    let nobody = Connect {
        client_id: "",
        clean_start: false,
        ..connect(V311)
    };
    let rule = refused(Malformed::ClientIdEmpty);
    assert_eq!(Packet::Connect(nobody).encoded_len(V311), rule);
}

#[test]
fn refuses_codes_and_values_out_of_place() {
    let success_only = Ack {
        reason: ReasonCode::ServerBusy,
        ..Ack::success(one())
    };
    let rule = refused(Malformed::ReasonCode(0x89));
    assert_eq!(Packet::PubAck(success_only).encoded_len(V5), rule);
    let disconnect = Disconnect {
        reason: ReasonCode::Banned,
        ..Default::default()
    };
    let rule = refused(Malformed::ReasonCode(0x8A));
    assert_eq!(Packet::Disconnect(disconnect).encoded_len(V5), rule);

    let reason = ReasonCode::NotAuthorized;
    let connack = ConnAck {
        session_present: true,
        reason,
        ..Default::default()
    };
    let rule = refused(Malformed::SessionPresentInRefusal);
    assert_eq!(Packet::ConnAck(connack).encoded_len(V5), rule);
    let maximum_qos = Some(Qos::ExactlyOnce);
    let properties = ConnAckProperties {
        maximum_qos,
        ..Default::default()
    };
    let connack = ConnAck {
        properties,
        ..Default::default()
    };
    let rule = refused(Malformed::PropertyValue(0x24));
    assert_eq!(Packet::ConnAck(connack).encoded_len(V5), rule);
}

#[test]
fn refuses_requests_and_answers_without_an_entry() {
    let rule = refused(Malformed::ListEmpty);
    assert_eq!(subscribe(&[], V5), rule);
    let properties = UnsubscribeProperties::default();
    let unsubscribe = Unsubscribe {
        packet_id: one(),
        properties,
        filters: List::default(),
    };
    assert_eq!(Packet::Unsubscribe(unsubscribe).encoded_len(V5), rule);
    let (packet_id, properties, codes) = (one(), AckProperties::default(), List::default());
    let suback = SubAck {
        packet_id,
        properties,
        codes,
    };
    assert_eq!(Packet::SubAck(suback).encoded_len(V311), rule);
    let unsuback = UnsubAck {
        packet_id,
        properties,
        codes,
    };
    assert_eq!(Packet::UnsubAck(unsuback).encoded_len(V5), rule);
    assert_eq!(Packet::UnsubAck(unsuback).encoded_len(V311), Ok(4));
}

#[test]
fn refuses_no_local_on_a_shared_subscription() {
    let shared = Subscription {
        no_local: true,
        ..subscription("$share/g/f")
    };
    assert_eq!(
        subscribe(&[shared], V5),
        refused(Malformed::NoLocalOnShared)
    );
    let plain = Subscription {
        no_local: true,
        ..subscription("f")
    };
    assert!(subscribe(&[plain], V5).is_ok());
}

#[test]
fn refuses_a_publish_without_topic_and_alias() {
    let publish = Publish {
        topic: None,
        ..publish()
    };
    assert_eq!(
        Packet::Publish(publish).encoded_len(V5),
        refused(Malformed::TopicMissing)
    );
}

#[test]
fn says_what_v311_has_no_words_for() {
    let reason = ReasonCode::NotAuthorized;
    let properties = AckProperties {
        reason_string: Some("why"),
        ..Default::default()
    };
    let codes = List::from(&[ReasonCode::NotAuthorized]);
    let alias = PublishProperties {
        topic_alias: Some(7.try_into().unwrap()),
        ..Default::default()
    };
    for packet in [
        Packet::PubAck(Ack {
            reason,
            ..Ack::success(one())
        }),
        Packet::PubRel(Ack {
            properties,
            ..Ack::success(one())
        }),
        Packet::ConnAck(ConnAck {
            reason: ReasonCode::Banned,
            ..Default::default()
        }),
        Packet::SubAck(SubAck {
            packet_id: one(),
            properties,
            codes,
        }),
        Packet::SubAck(SubAck {
            packet_id: one(),
            properties: AckProperties::default(),
            codes,
        }),
        Packet::UnsubAck(UnsubAck {
            packet_id: one(),
            properties: AckProperties::default(),
            codes: List::from(&[ReasonCode::Success]),
        }),
        Packet::Publish(Publish {
            properties: alias,
            ..publish()
        }),
        Packet::Publish(Publish {
            properties: alias,
            topic: None,
            ..publish()
        }),
        Packet::Disconnect(Disconnect {
            reason: ReasonCode::DisconnectWithWill,
            ..Default::default()
        }),
        Packet::Auth(Auth::default()),
    ] {
        assert_eq!(packet.encoded_len(V311), NOT_IN_VERSION, "{packet:?}");
    }
    for subscription in [
        Subscription {
            no_local: true,
            ..subscription("f")
        },
        Subscription {
            retain_as_published: true,
            ..subscription("f")
        },
        Subscription {
            retain_handling: RetainHandling::Never,
            ..subscription("f")
        },
    ] {
        assert_eq!(subscribe(&[subscription], V311), NOT_IN_VERSION);
    }
}

#[test]
fn secrets_are_not_printed() {
    let connect = Connect {
        user_name: Some("u"),
        password: Some(Secret::new(b"hunter2")),
        ..connect(V5)
    };
    let printed = format!("{:?}", Packet::Connect(connect));
    assert!(
        printed.contains("Secret(..)") && !printed.contains("104"),
        "{printed}"
    );
}
