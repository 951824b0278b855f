//! Packet identifiers, PUBLISH, SUBSCRIBE and UNSUBSCRIBE.

use super::*;

#[test]
fn refuses_packet_identifier_zero() {
    use PacketType as P;
    for packet_type in [
        P::PubAck,
        P::PubRec,
        P::PubRel,
        P::PubComp,
        P::Subscribe,
        P::SubAck,
        P::Unsubscribe,
        P::UnsubAck,
    ] {
        for version in [V311, V5] {
            let (first, mut body) = valid(version, packet_type);
            body[..2].fill(0);
            check(
                version,
                a_sender(packet_type),
                &packet(first, &body),
                Err(M::PacketIdZero),
            );
        }
    }
    for first in [0x32, 0x34, 0x3A, 0x3D] {
        check(
            V311,
            Client,
            &packet(first, &[0, 1, b't', 0, 0]),
            Err(M::PacketIdZero),
        );
        check(
            V5,
            Client,
            &packet(first, &[0, 1, b't', 0, 0, 0]),
            Err(M::PacketIdZero),
        );
    }
}

#[test]
fn refuses_bad_topics_in_publish() {
    let publish = |version, topic: &[u8]| {
        let no_properties: &[u8] = if version == V5 { &[0] } else { &[] };
        packet(0x30, &[&text(topic)[..], no_properties, b"p"].concat())
    };
    for version in [V311, V5] {
        for (topic, rule) in [
            (&b"a/+"[..], M::TopicName(BadTopic::WildcardInName)),
            (b"a#", M::TopicName(BadTopic::WildcardInName)),
            (b"a\0b", M::TopicName(BadTopic::Text(BadText::Nul))),
            (
                b"a\x07",
                M::TopicName(BadTopic::Text(BadText::Unprintable('\x07'))),
            ),
            (
                b"\xEF\xBF\xBF",
                M::TopicName(BadTopic::Text(BadText::Unprintable('\u{FFFF}'))),
            ),
            (b"\xED\xA0\x80", M::Text(BadText::Utf8)),
            (b"a\x80", M::Text(BadText::Utf8)),
        ] {
            check(version, Client, &publish(version, topic), Err(rule));
        }
        for topic in [&b"/"[..], b"//", b"$SYS/x", b" ", "ä/ß".as_bytes()] {
            check(version, Client, &publish(version, topic), Ok(()));
        }
    }
    check(
        V311,
        Client,
        &publish(V311, b""),
        Err(M::TopicName(BadTopic::Empty)),
    );
    check(V5, Client, &publish(V5, b""), Err(M::TopicMissing));
    check(V5, Client, &packet(0x30, &[0, 0, 3, 0x23, 0, 1]), Ok(()));
}

#[test]
fn the_payload_is_what_is_left() {
    let bytes = packet(0x32, &[0, 1, b't', 0, 7, 0, 1, 2, 3]);
    let frame = frame(&bytes, SIZE_MAX).unwrap().unwrap();
    let Ok(Packet::Publish(publish)) = Packet::parse(&frame, V5, Client) else {
        panic!("it is a PUBLISH");
    };
    assert_eq!(publish.payload, [1, 2, 3]);
    assert_eq!(publish.delivery.qos(), Qos::AtLeastOnce);
    assert_eq!(publish.delivery.packet_id().unwrap().get(), 7);
}

#[test]
fn refuses_requests_and_answers_without_an_entry() {
    for (version, no_properties) in [(V311, &[][..]), (V5, &[0])] {
        let empty = [&[0, 1], no_properties].concat();
        for first in [0x82, 0xA2] {
            check(version, Client, &packet(first, &empty), Err(M::ListEmpty));
        }
        check(version, Server, &packet(0x90, &empty), Err(M::ListEmpty));
    }
    check(V5, Server, &packet(0xB0, &[0, 1, 0]), Err(M::ListEmpty));
    check(V311, Server, &packet(0xB0, &[0, 1]), Ok(()));
}

/// All 256 subscription options in both versions, on a plain and on a shared subscription.
#[test]
fn refuses_every_wrong_subscription_option() {
    for filter in [&b"f"[..], b"$share/g/f"] {
        for options in 0..=255_u8 {
            let entry = [&text(filter)[..], &[options]].concat();
            let v311 = match options {
                0..=2 => Ok(()),
                3 => Err(M::Qos),
                _ => Err(M::SubscriptionOptions),
            };
            check(
                V311,
                Client,
                &packet(0x82, &[&[0, 1], &entry[..]].concat()),
                v311,
            );
            let v5 = if options & 0xC0 != 0 {
                Err(M::SubscriptionOptions)
            } else if options & 0x03 == 3 {
                Err(M::Qos)
            } else if options & 0x30 == 0x30 {
                Err(M::RetainHandling)
            } else if options & 0x04 != 0 && filter != b"f" {
                Err(M::NoLocalOnShared)
            } else {
                Ok(())
            };
            check(
                V5,
                Client,
                &packet(0x82, &[&[0, 1, 0], &entry[..]].concat()),
                v5,
            );
        }
    }
}

#[test]
fn refuses_bad_filters_even_behind_good_ones() {
    for (filter, rule) in [
        (&b""[..], M::TopicFilter(BadTopic::Empty)),
        (b"a/#/b", M::TopicFilter(BadTopic::Wildcard)),
        (b"a/b#", M::TopicFilter(BadTopic::Wildcard)),
        (b"a+/b", M::TopicFilter(BadTopic::Wildcard)),
        (b"##", M::TopicFilter(BadTopic::Wildcard)),
        (b"$share", M::TopicFilter(BadTopic::Share)),
        (b"$share/", M::TopicFilter(BadTopic::Share)),
        (b"$share/g", M::TopicFilter(BadTopic::Share)),
        (b"$share/g/", M::TopicFilter(BadTopic::Share)),
        (b"$share//f", M::TopicFilter(BadTopic::Share)),
        (b"$share/+/f", M::TopicFilter(BadTopic::Share)),
        (b"$share/g#/f", M::TopicFilter(BadTopic::Share)),
        (b"$share/g/a/#/b", M::TopicFilter(BadTopic::Wildcard)),
        (b"a\0", M::TopicFilter(BadTopic::Text(BadText::Nul))),
        (
            b"a\x7F",
            M::TopicFilter(BadTopic::Text(BadText::Unprintable('\x7F'))),
        ),
        (b"\xFE", M::Text(BadText::Utf8)),
    ] {
        for version in [V311, V5] {
            let head: &[u8] = if version == V5 { &[0, 1, 0] } else { &[0, 1] };
            let good = text(b"good/+");
            let subscribe = [head, &good, &[0], &text(filter), &[0]].concat();
            check(version, Client, &packet(0x82, &subscribe), Err(rule));
            let unsubscribe = [head, &good, &text(filter)].concat();
            check(version, Client, &packet(0xA2, &unsubscribe), Err(rule));
        }
    }
}

#[test]
fn takes_a_filter_of_the_longest_length() {
    let longest = text(&vec![b'x'; 65_535]);
    check(
        V5,
        Client,
        &packet(0x82, &[&[0, 1, 0], &longest[..], &[0]].concat()),
        Ok(()),
    );
    check(
        V5,
        Client,
        &packet(0x30, &[&longest[..], &[0]].concat()),
        Ok(()),
    );
}
