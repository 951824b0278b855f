//! CONNECT, CONNACK and AUTH.

use super::*;

fn connect(level: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let no_properties: &[u8] = if level == 5 { &[0] } else { &[] };
    let head = [0, 4, b'M', b'Q', b'T', b'T', level, flags, 0, 60];
    packet(0x10, &[&head[..], no_properties, payload].concat())
}

#[test]
fn refuses_other_protocol_names_and_levels() {
    let named =
        |name: &[u8], level| packet(0x10, &[&text(name)[..], &[level, 2, 0, 60, 0, 0]].concat());
    check_all(&[
        (
            "3.1",
            V311,
            Client,
            named(b"MQIsdp", 3),
            Err(M::ProtocolName),
        ),
        (
            "lower case",
            V311,
            Client,
            named(b"mqtt", 4),
            Err(M::ProtocolName),
        ),
        (
            "empty name",
            V311,
            Client,
            named(b"", 4),
            Err(M::ProtocolName),
        ),
        (
            "longer name",
            V311,
            Client,
            named(b"MQTTT", 4),
            Err(M::ProtocolName),
        ),
        (
            "level 3",
            V311,
            Client,
            named(b"MQTT", 3),
            Err(M::ProtocolVersion(3)),
        ),
        (
            "level 6",
            V5,
            Client,
            named(b"MQTT", 6),
            Err(M::ProtocolVersion(6)),
        ),
        (
            "a bridge's level",
            V311,
            Client,
            named(b"MQTT", 0x84),
            Err(M::ProtocolVersion(0x84)),
        ),
        ("level 4", V311, Client, named(b"MQTT", 4), Ok(())),
    ]);
    for rule in [M::ProtocolName, M::ProtocolVersion(3)] {
        assert_eq!(rule.reason(), ReasonCode::UnsupportedProtocolVersion);
    }
}

/// All 256 connect flags in both versions, with every field present that the flags announce.
#[test]
fn refuses_every_wrong_combination_of_connect_flags() {
    for level in [4, 5] {
        for flags in 0..=255_u8 {
            let has = |flag| flags & flag != 0;
            let (user, password, will) = (has(0x80), has(0x40), has(0x04));
            let expected = if has(0x01) {
                Err(M::ConnectFlagReserved)
            } else if !will && has(0x38) {
                Err(M::WillFlags)
            } else if flags & 0x18 == 0x18 {
                Err(M::Qos)
            } else if level == 4 && password && !user {
                Err(M::PasswordWithoutUserName)
            } else {
                Ok(())
            };
            let mut payload = text(b"c");
            if will {
                payload.extend_from_slice(if level == 5 { &[0] } else { &[] });
                payload.extend([text(b"t"), text(b"p")].concat());
            }
            if user {
                payload.extend(text(b"u"));
            }
            if password {
                payload.extend(text(b"p"));
            }
            check(V5, Client, &connect(level, flags, &payload), expected);
            if expected.is_ok() {
                let short = &payload[..payload.len() - 1];
                check(V5, Client, &connect(level, flags, short), Err(M::Truncated));
                payload.push(0);
                check(
                    V5,
                    Client,
                    &connect(level, flags, &payload),
                    Err(M::TrailingBytes),
                );
            }
        }
    }
}

#[test]
fn refuses_bad_fields_of_a_connect() {
    let with_will = |topic: &[u8], properties: &[u8]| {
        connect(
            5,
            0x06,
            &[&text(b"c")[..], properties, &text(topic), &text(b"p")].concat(),
        )
    };
    check_all(&[
        (
            "empty id, clean",
            V311,
            Client,
            connect(4, 2, &text(b"")),
            Ok(()),
        ),
        (
            "empty id, not clean",
            V311,
            Client,
            connect(4, 0, &text(b"")),
            Err(M::ClientIdEmpty),
        ),
        (
            "empty id in 5",
            V5,
            Client,
            connect(5, 0, &text(b"")),
            Ok(()),
        ),
        (
            "id with NUL",
            V5,
            Client,
            connect(5, 2, &text(b"c\0")),
            Err(M::Text(BadText::Nul)),
        ),
        (
            "id not UTF-8",
            V5,
            Client,
            connect(5, 2, &text(b"\xC0\xAF")),
            Err(M::Text(BadText::Utf8)),
        ),
        (
            "id with an escape",
            V311,
            Client,
            connect(4, 2, &text(b"\x1B[2J")),
            Err(M::Text(BadText::Unprintable('\x1B'))),
        ),
        (
            "user name with a line end",
            V5,
            Client,
            connect(5, 0x82, &[text(b"c"), text(b"root\n")].concat()),
            Err(M::Text(BadText::Unprintable('\n'))),
        ),
        (
            "password of any bytes",
            V5,
            Client,
            connect(5, 0xC2, &[text(b"c"), text(b"u"), text(b"\0\xFF")].concat()),
            Ok(()),
        ),
        ("will", V5, Client, with_will(b"t", &[0]), Ok(())),
        (
            "will with a wildcard",
            V5,
            Client,
            with_will(b"t/#", &[0]),
            Err(M::TopicName(BadTopic::WildcardInName)),
        ),
        (
            "will without topic",
            V5,
            Client,
            with_will(b"", &[0]),
            Err(M::TopicName(BadTopic::Empty)),
        ),
        (
            "will with a connect property",
            V5,
            Client,
            with_will(b"t", &[5, 0x11, 0, 0, 0, 1]),
            Err(M::PropertyMisplaced(0x11)),
        ),
    ]);
    assert_eq!(
        M::ClientIdEmpty.reason(),
        ReasonCode::ClientIdentifierNotValid
    );
}

/// Client identifier, will topic and user name, topics and filters: the strings that are no properties.
#[test]
fn refuses_bad_text_in_every_field_that_is_text() {
    for (bad, rule) in BAD_TEXTS {
        let (named, bad) = (Err(M::Text(rule)), text(bad));
        let topic = if rule == BadText::Utf8 {
            named
        } else {
            Err(M::TopicName(BadTopic::Text(rule)))
        };
        let filter = if rule == BadText::Utf8 {
            named
        } else {
            Err(M::TopicFilter(BadTopic::Text(rule)))
        };
        for (version, level, none) in [(V311, 4, &[][..]), (V5, 5, &[0][..])] {
            let will = [&text(b"c")[..], none, &bad, &text(b"p")].concat();
            for (bytes, expected) in [
                (connect(level, 0x02, &bad), named),
                (
                    connect(level, 0x82, &[text(b"c"), bad.clone()].concat()),
                    named,
                ),
                (connect(level, 0x06, &will), topic),
                (packet(0x30, &[&bad, none].concat()), topic),
                (packet(0x82, &[&[0, 1], none, &bad, &[0]].concat()), filter),
                (packet(0xA2, &[&[0, 1], none, &bad].concat()), filter),
            ] {
                check(version, Client, &bytes, expected);
            }
        }
    }
}

#[test]
fn refuses_bad_acknowledge_flags_and_a_session_in_a_refusal() {
    for flags in 0..=255 {
        let expected = if flags <= 1 {
            Ok(())
        } else {
            Err(M::ConnAckFlags)
        };
        check(V311, Server, &packet(0x20, &[flags, 0]), expected);
        check(V5, Server, &packet(0x20, &[flags, 0, 0]), expected);
    }
    check(
        V311,
        Server,
        &packet(0x20, &[1, 5]),
        Err(M::SessionPresentInRefusal),
    );
    check(
        V5,
        Server,
        &packet(0x20, &[1, 0x87, 0]),
        Err(M::SessionPresentInRefusal),
    );
}

#[test]
fn every_rule_has_an_answer_that_a_server_may_send() {
    for rule in [
        M::PacketTypeReserved,
        M::TooLarge,
        M::WrongSide,
        M::TopicAliasZero,
        M::PropertyRepeated(0x26),
        M::TopicName(BadTopic::Empty),
        M::Qos,
    ] {
        assert!(
            rule.reason().allowed_in(PacketType::Disconnect, Server),
            "{rule}"
        );
        assert!(rule.section().starts_with("MQTT "));
    }
    // A broken CONNECT is answered with CONNACK.
    for rule in [
        M::ProtocolName,
        M::ClientIdEmpty,
        M::WillFlags,
        M::AuthenticationMethodMissing,
    ] {
        assert!(
            rule.reason().allowed_in(PacketType::ConnAck, Server),
            "{rule}"
        );
    }
}
