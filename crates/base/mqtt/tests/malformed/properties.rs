//! Which properties may stand where, how often, and with which values.

use super::*;

/// What a property block belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Of(PacketType),
    Will,
}

/// MQTT 5 section 2.2.2.2, table 2-4: each property, a valid value, and where it may stand.
fn properties() -> Vec<(u8, Vec<u8>, Vec<Place>)> {
    use PacketType as P;
    use Place::{Of, Will};
    let acks = [
        P::PubAck,
        P::PubRec,
        P::PubRel,
        P::PubComp,
        P::SubAck,
        P::UnsubAck,
    ]
    .map(Of);
    let reasons = [&acks[..], &[Of(P::ConnAck), Of(P::Disconnect), Of(P::Auth)]].concat();
    let requests = [P::Connect, P::Publish, P::Subscribe, P::Unsubscribe].map(Of);
    let users = [&reasons[..], &requests, &[Will]].concat();
    let message = vec![Of(P::Publish), Will];
    let both = vec![Of(P::Connect), Of(P::ConnAck)];
    let auth = vec![Of(P::Connect), Of(P::ConnAck), Of(P::Auth)];
    let connack = vec![Of(P::ConnAck)];
    vec![
        (0x01, vec![1], message.clone()),
        (0x02, vec![0, 0, 0, 1], message.clone()),
        (0x03, text(b"x"), message.clone()),
        (0x08, text(b"x"), message.clone()),
        (0x09, text(b"x"), message),
        (0x0B, vec![1], vec![Of(P::Publish), Of(P::Subscribe)]),
        (
            0x11,
            vec![0, 0, 0, 1],
            vec![Of(P::Connect), Of(P::ConnAck), Of(P::Disconnect)],
        ),
        (0x12, text(b"x"), connack.clone()),
        (0x13, vec![0, 1], connack.clone()),
        (0x15, text(b"x"), auth.clone()),
        (0x16, text(b"x"), auth),
        (0x17, vec![1], vec![Of(P::Connect)]),
        (0x18, vec![0, 0, 0, 1], vec![Will]),
        (0x19, vec![1], vec![Of(P::Connect)]),
        (0x1A, text(b"x"), connack.clone()),
        (0x1C, text(b"x"), vec![Of(P::ConnAck), Of(P::Disconnect)]),
        (0x1F, text(b"x"), reasons),
        (0x21, vec![0, 1], both.clone()),
        (0x22, vec![0, 1], both.clone()),
        (0x23, vec![0, 1], vec![Of(P::Publish)]),
        (0x24, vec![1], connack.clone()),
        (0x25, vec![1], connack.clone()),
        (0x26, [text(b"k"), text(b"v")].concat(), users),
        (0x27, vec![0, 0, 0, 1], both),
        (0x28, vec![1], connack.clone()),
        (0x29, vec![1], connack.clone()),
        (0x2A, vec![1], connack),
    ]
}

/// Every place that has properties, and which side its packet comes from.
fn places() -> Vec<(Place, Side)> {
    use PacketType as P;
    let mut places = vec![(Place::Will, Client)];
    for packet_type in P::ALL {
        for sender in [Client, Server] {
            let has_properties = !matches!(packet_type, P::PingReq | P::PingResp);
            if has_properties && packet_type.check_sender(V5, sender).is_ok() {
                places.push((Place::Of(packet_type), sender));
            }
        }
    }
    places
}

/// A packet with `block` as its properties, each of which is given as identifier and value.
fn with_properties(place: Place, properties: &[(u8, &[u8])]) -> Vec<u8> {
    use PacketType as P;
    let mut block = Vec::new();
    for (id, value) in properties {
        block.push(*id);
        block.extend_from_slice(value);
    }
    with_block(place, &block, |packet_type| match packet_type {
        // AUTH is nothing without its method.
        P::Auth if !properties.iter().any(|(id, _)| *id == 0x15) => &[0x15, 0, 1, b'm'],
        // The data is nothing without the method.
        P::Connect if properties.iter().any(|(id, _)| *id == 0x16) => &[0x15, 0, 1, b'm'],
        _ => &[],
    })
}

fn with_block(place: Place, block: &[u8], also: impl Fn(PacketType) -> &'static [u8]) -> Vec<u8> {
    use PacketType as P;
    let counted = |packet_type: P| {
        let also = also(packet_type);
        let length = u8::try_from(block.len() + also.len()).unwrap();
        assert!(length < 128);
        [&[length], block, also].concat()
    };
    let connect = [0, 4, b'M', b'Q', b'T', b'T', 5];
    let (first, body) = match place {
        Place::Will => {
            let block = counted(P::Publish);
            (
                0x10,
                [
                    &connect[..],
                    &[6, 0, 60, 0, 0, 0],
                    &block,
                    &text(b"t"),
                    &text(b"p"),
                ]
                .concat(),
            )
        }
        Place::Of(packet_type) => {
            let block = counted(packet_type);
            let body = match packet_type {
                P::Connect => [&connect[..], &[2, 0, 60], &block, &[0, 0]].concat(),
                P::ConnAck => [&[0, 0], &block[..]].concat(),
                P::Publish => [&text(b"t")[..], &[0, 1], &block].concat(),
                P::PubAck | P::PubRec | P::PubRel | P::PubComp => [&[0, 1, 0], &block[..]].concat(),
                P::Subscribe => [&[0, 1], &block[..], &text(b"f"), &[0]].concat(),
                P::Unsubscribe => [&[0, 1], &block[..], &text(b"f")].concat(),
                P::SubAck | P::UnsubAck => [&[0, 1], &block[..], &[0]].concat(),
                P::Disconnect => [&[0], &block[..]].concat(),
                P::Auth => [&[0x18], &block[..]].concat(),
                P::PingReq | P::PingResp => unreachable!("pings have no properties"),
            };
            (valid(V5, packet_type).0, body)
        }
    };
    packet(first, &body)
}

#[test]
fn takes_every_property_where_it_belongs_and_nowhere_else() {
    use PacketType as P;
    for (place, sender) in places() {
        for (id, value, allowed) in properties() {
            let expected = match (place, id, sender) {
                _ if !allowed.contains(&place) => Err(M::PropertyMisplaced(id)),
                // MQTT 5 sections 3.3.4, 3.14.2.2.2 and 3.14.2.2.5.
                (Place::Of(P::Publish), 0x0B, Client)
                | (Place::Of(P::Disconnect), 0x1C, Client)
                | (Place::Of(P::Disconnect), 0x11, Server) => Err(M::PropertyFromWrongSide(id)),
                _ => Ok(()),
            };
            check(
                V5,
                sender,
                &with_properties(place, &[(id, &value)]),
                expected,
            );
        }
    }
}

#[test]
fn refuses_every_property_that_stands_twice() {
    use PacketType as P;
    for (place, sender) in places() {
        for (id, value, allowed) in properties() {
            if !allowed.contains(&place) {
                continue;
            }
            let expected = match (place, id, sender) {
                (_, 0x26, _) | (Place::Of(P::Publish), 0x0B, Server) => Ok(()),
                (Place::Of(P::Publish), 0x0B, Client) => Err(M::PropertyFromWrongSide(id)),
                _ => Err(M::PropertyRepeated(id)),
            };
            let user = [text(b"k"), text(b"v")].concat();
            let twice = [(id, &value[..]), (0x26, &user), (id, &value)];
            check(V5, sender, &with_properties(place, &twice), expected);
        }
    }
}

#[test]
fn refuses_unknown_properties() {
    let known: Vec<u8> = properties().iter().map(|(id, ..)| *id).collect();
    for (place, sender) in places() {
        for id in (0..=255).filter(|id| !known.contains(id)) {
            let bytes = with_properties(place, &[(id, &[0, 0, 0, 0])]);
            check(V5, sender, &bytes, Err(M::PropertyUnknown(id)));
        }
    }
}

#[test]
fn refuses_every_property_cut_short() {
    for (place, sender) in places() {
        for (id, value, allowed) in properties() {
            if !allowed.contains(&place) {
                continue;
            }
            for end in 0..value.len() {
                let block = [&[id], &value[..end]].concat();
                let bytes = with_block(place, &block, |_| &[]);
                check(V5, sender, &bytes, Err(M::Truncated));
            }
        }
    }
}

/// Property `id` with `value` in a packet that may carry it.
#[track_caller]
fn check_value(place: Place, id: u8, value: &[u8], expected: Result<(), Malformed>) {
    let sender = match place {
        Place::Of(packet_type) => a_sender(packet_type),
        Place::Will => Client,
    };
    check(
        V5,
        sender,
        &with_properties(place, &[(id, value)]),
        expected,
    );
}

const CONNECT: Place = Place::Of(PacketType::Connect);
const CONNACK: Place = Place::Of(PacketType::ConnAck);
const PUBLISH: Place = Place::Of(PacketType::Publish);
const PUBACK: Place = Place::Of(PacketType::PubAck);
const SUBSCRIBE: Place = Place::Of(PacketType::Subscribe);

#[test]
fn refuses_values_that_a_property_cannot_have() {
    for (place, id) in [
        (PUBLISH, 0x01),
        (Place::Will, 0x01),
        (CONNECT, 0x17),
        (CONNECT, 0x19),
        (CONNACK, 0x24),
        (CONNACK, 0x25),
        (CONNACK, 0x28),
        (CONNACK, 0x29),
        (CONNACK, 0x2A),
    ] {
        check_value(place, id, &[0], Ok(()));
        check_value(place, id, &[1], Ok(()));
        check_value(place, id, &[2], Err(M::PropertyValue(id)));
    }
    for place in [CONNECT, CONNACK] {
        check_value(place, 0x21, &[0, 0], Err(M::PropertyValue(0x21)));
        check_value(place, 0x22, &[0, 0], Ok(()));
        check_value(place, 0x27, &[0; 4], Err(M::PropertyValue(0x27)));
    }
    check_value(PUBLISH, 0x0B, &[0], Err(M::PropertyValue(0x0B)));
    check_value(PUBLISH, 0x23, &[0, 0], Err(M::TopicAliasZero));
    assert_eq!(M::TopicAliasZero.reason(), ReasonCode::TopicAliasInvalid);
}

#[test]
fn refuses_subscription_identifiers_out_of_range() {
    check_value(SUBSCRIBE, 0x0B, &[0], Err(M::PropertyValue(0x0B)));
    check_value(SUBSCRIBE, 0x0B, &[0x80, 0], Err(M::VariableByteInteger));
    check_value(
        SUBSCRIBE,
        0x0B,
        &[0xFF, 0xFF, 0xFF, 0xFF],
        Err(M::VariableByteInteger),
    );
    check_value(SUBSCRIBE, 0x0B, &[1], Ok(()));
    check_value(SUBSCRIBE, 0x0B, &[0xFF, 0xFF, 0xFF, 0x7F], Ok(()));
}

#[test]
fn refuses_texts_that_a_property_cannot_have() {
    let wildcard = Err(M::TopicName(BadTopic::WildcardInName));
    check_value(
        PUBLISH,
        0x08,
        &text(b""),
        Err(M::TopicName(BadTopic::Empty)),
    );
    check_value(PUBLISH, 0x08, &text(b"a/+"), wildcard);
    check_value(Place::Will, 0x08, &text(b"#"), wildcard);

    let (nul, not_utf8) = (Err(M::Text(BadText::Nul)), Err(M::Text(BadText::Utf8)));
    check_value(PUBLISH, 0x03, &text(b"a\0"), nul);
    check_value(PUBLISH, 0x03, &text(b"\xFF"), not_utf8);
    check_value(PUBACK, 0x1F, &text(b"a\0"), nul);
    check_value(PUBACK, 0x26, &[text(b"k\0"), text(b"v")].concat(), nul);
    check_value(
        PUBACK,
        0x26,
        &[text(b"k"), text(b"\xED\xA0\x80")].concat(),
        not_utf8,
    );

    // Prose may carry line ends; an identifier may not.
    check_value(PUBACK, 0x1F, &text(b"two\nlines"), Ok(()));
    check_value(
        CONNACK,
        0x12,
        &text(b"a\n"),
        Err(M::Text(BadText::Unprintable('\n'))),
    );
}

#[test]
fn refuses_bad_text_in_every_property_that_is_text() {
    const PAIR: u8 = 0x26;
    for (place, sender) in places() {
        for (id, _, allowed) in properties() {
            if !allowed.contains(&place)
                || ![0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F, PAIR].contains(&id)
            {
                continue;
            }
            for (bad, rule) in BAD_TEXTS {
                let rule = match (id, rule) {
                    (0x08, BadText::Nul) => M::TopicName(BadTopic::Text(rule)),
                    _ => M::Text(rule),
                };
                let values = match id {
                    PAIR => vec![
                        [text(bad), text(b"v")].concat(),
                        [text(b"k"), text(bad)].concat(),
                    ],
                    _ => vec![text(bad)],
                };
                for value in values {
                    let bytes = with_properties(place, &[(id, &value)]);
                    let outcome = outcome(V5, sender, &bytes);
                    // The other side's property is refused whatever it says.
                    let wrong_side = Err(M::PropertyFromWrongSide(id));
                    assert!(
                        outcome == Err(rule) || outcome == wrong_side,
                        "{place:?} {id:#04x} {outcome:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn refuses_property_lengths_that_do_not_fit() {
    let publish = |tail: &[u8]| packet(0x30, &[&text(b"t")[..], tail].concat());
    check(V5, Client, &publish(&[]), Err(M::Truncated));
    check(V5, Client, &publish(&[1]), Err(M::PropertyLength));
    check(V5, Client, &publish(&[2, 0x01]), Err(M::PropertyLength));
    check(V5, Client, &publish(&[1, 0x01]), Err(M::Truncated));
    check(V5, Client, &publish(&[2, 0x01, 0x01]), Ok(()));
    check(
        V5,
        Client,
        &publish(&[0x82, 0x00, 0x01, 0x01]),
        Err(M::VariableByteInteger),
    );
    check(
        V5,
        Client,
        &publish(&[0xFF, 0xFF, 0xFF, 0x7F]),
        Err(M::PropertyLength),
    );
    check(
        V5,
        Client,
        &publish(&[0xFF, 0xFF, 0xFF, 0xFF]),
        Err(M::VariableByteInteger),
    );
    // The block ends in the middle of a value although the packet goes on.
    check(
        V5,
        Client,
        &publish(&[3, 0x02, 0, 0, 0, 1]),
        Err(M::Truncated),
    );
}

#[test]
fn refuses_authentication_data_without_a_method() {
    let with = |block: &[u8]| with_block(Place::Of(PacketType::Connect), block, |_| &[]);
    let (method, data) = ([0x15, 0, 1, b'm'], [0x16, 0, 1, b'd']);
    check(
        V5,
        Client,
        &with(&data),
        Err(M::AuthenticationMethodMissing),
    );
    check(V5, Client, &with(&method), Ok(()));
    check(V5, Client, &with(&[method, data].concat()), Ok(()));
    check(V5, Client, &with(&[data, method].concat()), Ok(()));

    let auth = |block: &[u8]| with_block(Place::Of(PacketType::Auth), block, |_| &[]);
    check(V5, Client, &auth(&[]), Err(M::AuthenticationMethodMissing));
    check(
        V5,
        Client,
        &auth(&data),
        Err(M::AuthenticationMethodMissing),
    );
    check(V5, Client, &auth(&method), Ok(()));
}
