//! Every way of breaking the standard that one packet can show, and the rule it is refused by.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod connection;
mod header;
mod messages;
mod properties;
mod reason_codes;

use ironroot_mqtt::Malformed as M;
use ironroot_mqtt::{
    BadText, BadTopic, Connect, FixedHeader, Malformed, Packet, PacketType, Qos, ReasonCode, Side,
    Version, frame,
};

use Side::{Client, Server};
use Version::{V5, V311};

const SIZE_MAX: usize = 1 << 20;

/// A packet of `first` byte, the right remaining length, and `body`.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    loop {
        let more = if left > 127 { 0x80 } else { 0 };
        bytes.push(u8::try_from(left & 0x7F).unwrap() | more);
        left >>= 7;
        if left == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat()
}

/// Texts that no string may be: U+0000, and what is not UTF-8 (a byte on its own, one too few, a form that is too
/// long, a surrogate, a character past the last; MQTT 5 section 1.5.4).
const BAD_TEXTS: [(&[u8], BadText); 8] = [
    (b"\0", BadText::Nul),
    (b"a\0b", BadText::Nul),
    (b"\xFF", BadText::Utf8),
    (b"a\x80", BadText::Utf8),
    (b"\xE2\x82", BadText::Utf8),
    (b"\xC0\x80", BadText::Utf8),
    (b"\xED\xA0\x80", BadText::Utf8),
    (b"\xF4\x90\x80\x80", BadText::Utf8),
];

/// What comes of `bytes`: nothing wrong, or the rule they break.
fn outcome(version: Version, sender: Side, bytes: &[u8]) -> Result<(), Malformed> {
    let frame = frame(bytes, SIZE_MAX)?.expect("the packet is whole");
    assert_eq!(frame.packet_len(), bytes.len());
    Packet::parse(&frame, version, sender).map(|_| ())
}

#[track_caller]
fn check(version: Version, sender: Side, bytes: &[u8], expected: Result<(), Malformed>) {
    assert_eq!(
        outcome(version, sender, bytes),
        expected,
        "{version:?} {sender:?} {bytes:02x?}"
    );
}

type Case = (&'static str, Version, Side, Vec<u8>, Result<(), Malformed>);

#[track_caller]
fn check_all(cases: &[Case]) {
    for (name, version, sender, bytes, expected) in cases {
        assert_eq!(
            outcome(*version, *sender, bytes),
            *expected,
            "{name}: {bytes:02x?}"
        );
    }
}

/// The side that sends packets of this type; for those that both send, the client.
fn a_sender(packet_type: PacketType) -> Side {
    match packet_type.check_sender(V5, Client) {
        Ok(()) => Client,
        Err(_) => Server,
    }
}

/// A small valid packet of each type, as first byte and body.
fn valid(version: Version, packet_type: PacketType) -> (u8, Vec<u8>) {
    let v5 = version == V5;
    let level = if v5 { 5 } else { 4 };
    let no_properties: &[u8] = if v5 { &[0] } else { &[] };
    let (flags, body) = match packet_type {
        PacketType::Connect => {
            let fixed = [0, 4, b'M', b'Q', b'T', b'T', level, 2, 0, 60];
            (0, [&fixed[..], no_properties, &text(b"c")].concat())
        }
        PacketType::ConnAck => (0, [&[0, 0], no_properties].concat()),
        PacketType::Publish => (2, [&text(b"t")[..], &[0, 1], no_properties, b"p"].concat()),
        PacketType::PubRel => (2, vec![0, 1]),
        PacketType::Subscribe => (2, [&[0, 1], no_properties, &text(b"f"), &[1]].concat()),
        PacketType::SubAck => (0, [&[0, 1], no_properties, &[1]].concat()),
        PacketType::Unsubscribe => (2, [&[0, 1], no_properties, &text(b"f")].concat()),
        PacketType::UnsubAck if v5 => (0, vec![0, 1, 0, 0x11]),
        PacketType::PubAck | PacketType::PubRec | PacketType::PubComp | PacketType::UnsubAck => {
            (0, vec![0, 1])
        }
        PacketType::PingReq | PacketType::PingResp | PacketType::Disconnect => (0, vec![]),
        PacketType::Auth => (0, [&[0x18, 4, 0x15], &text(b"m")[..]].concat()),
    };
    (packet_type.bits() << 4 | flags, body)
}

#[test]
fn the_small_valid_packets_are_valid() {
    for packet_type in PacketType::ALL {
        for version in [V311, V5] {
            let (first, body) = valid(version, packet_type);
            let expected = match (version, packet_type) {
                (V311, PacketType::Auth) => Err(M::AuthInV311),
                _ => Ok(()),
            };
            check(
                version,
                a_sender(packet_type),
                &packet(first, &body),
                expected,
            );
        }
    }
}
