//! Malformed packets at a live door, by the hundred: each ends its own session by the rule it breaks, and no other
//! session notices.
//!
//! The codec says which rule that is; its own tests hold it to the standard.

use std::thread;

use ironroot_mqtt::{Malformed, Packet, PacketType, ReasonCode, Side, Version, frame};

use crate::generate::{Entropy, packet_of};
use crate::rig::{Hub, Identity, RoundTrips, Socket};

/// Sessions that send them at once.
const ATTACKERS: usize = 4;

const CONNECT: [(Version, &[u8]); 2] = [
    (
        Version::V311,
        b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
    ),
    (
        Version::V5,
        b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00",
    ),
];

#[test]
fn each_malformed_packet_ends_its_own_session_by_its_rule_and_no_other() {
    let hub = Hub::start();
    let rights = ["--publish", "#", "--subscribe", "#"];
    let attacker = hub.service_with("attacker", &rights).saying("");
    let beside = RoundTrips::begin(&hub);
    let attacks = [flags(), properties(), texts()].concat();
    thread::scope(|scope| {
        for part in attacks.chunks(attacks.len().div_ceil(ATTACKERS)) {
            let (hub, attacker) = (&hub, &attacker);
            scope.spawn(move || {
                for attack in part {
                    attack.ends_alone(hub, attacker);
                }
            });
        }
    });
    let trips = beside.end();
    println!("{} malformed packets; beside them {trips:?}", attacks.len());
    assert!(attacks.len() > 400, "{}", attacks.len());
    trips.are_undisturbed();
}

/// A packet that breaks a rule.
#[derive(Clone, Debug)]
struct Attack {
    version: Version,
    bytes: Vec<u8>,
    rule: Malformed,
}

impl Attack {
    /// None where the packet breaks no rule.
    fn new(version: Version, bytes: Vec<u8>) -> Option<Self> {
        let parsed = frame(&bytes, usize::MAX).and_then(|frame| {
            let frame = frame.expect("the packet is whole");
            Packet::parse(&frame, version, Side::Client).map(drop)
        });
        let rule = parsed.err()?;
        Some(Self {
            version,
            bytes,
            rule,
        })
    }

    /// Sends it in a session of its own, and reads to the end what the hub says of it.
    fn ends_alone(&self, hub: &Hub, attacker: &Identity) {
        let mut socket = Socket::tls(hub, "mqtt", Some(attacker));
        let connect = CONNECT.iter().find(|(version, _)| *version == self.version);
        assert!(socket.sends(connect.expect("both are there").1));
        socket.sends(&self.bytes);
        let answer = socket.gets_all();
        let connack = frame(&answer, usize::MAX).unwrap().expect("it is let in");
        let farewell = frame(&answer[connack.packet_len()..], usize::MAX).unwrap();
        let reason = farewell.map(|frame| {
            match Packet::parse(&frame, self.version, Side::Server).unwrap() {
                Packet::Disconnect(farewell) => farewell.reason,
                other => panic!("{self:?} is answered by {other:?}"),
            }
        });
        let expected = match self.version {
            // MQTT 3.1.1 section 4.8: there is no word for it.
            Version::V311 => None,
            Version::V5 => Some(reason_of(self.rule)),
        };
        assert_eq!(reason, expected, "{self:?}");
    }
}

/// What a DISCONNECT can say of it.
fn reason_of(rule: Malformed) -> ReasonCode {
    let reason = rule.reason();
    if reason.allowed_in(PacketType::Disconnect, Side::Server) {
        reason
    } else {
        ReasonCode::UnspecifiedError
    }
}

/// Every type of packet, those of a server included, under each of the sixteen flags.
fn flags() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for version in [Version::V311, Version::V5] {
        for packet_type in PacketType::ALL {
            let known = packet_type.check_sender(version, Side::Client).is_ok();
            let (version_of_body, sender) = match packet_type {
                PacketType::Auth => (Version::V5, Side::Client),
                _ if known => (version, Side::Client),
                _ => (version, Side::Server),
            };
            let mut drawn = Entropy::new(&[]);
            let packet = packet_of(&mut drawn, packet_type, version_of_body, sender);
            let mut bytes = vec![0; packet.encoded_len(version_of_body).unwrap()];
            packet.encode(version_of_body, &mut bytes).unwrap();
            for flags in 0..16 {
                bytes[0] = packet_type.bits() << 4 | flags;
                attacks.extend(Attack::new(version, bytes.clone()));
            }
        }
        attacks.extend((0..16).filter_map(|flags| Attack::new(version, vec![flags, 0])));
    }
    attacks
}

/// Every property, known or not, once and twice in each packet that a client may send in a session.
fn properties() -> Vec<Attack> {
    // First byte, what stands before the properties, and what behind.
    const PLACES: [(u8, &[u8], &[u8]); 9] = [
        (0x30, b"\0\x01t", b""),
        (0x40, b"\0\x01\0", b""),
        (0x50, b"\0\x01\0", b""),
        (0x62, b"\0\x01\0", b""),
        (0x70, b"\0\x01\0", b""),
        (0x82, b"\0\x01", b"\0\x01f\0"),
        (0xA2, b"\0\x01", b"\0\x01f"),
        (0xE0, b"\0", b""),
        (0xF0, b"\x18", b""),
    ];
    let mut attacks = Vec::new();
    for (first, before, behind) in PLACES {
        for id in 0..=0x2B {
            let once = [&[id], value_of(id)].concat();
            for block in [once.clone(), once.repeat(2)] {
                let block_len = u8::try_from(block.len()).unwrap();
                let body = [before, &[block_len], &block, behind].concat();
                let body_len = u8::try_from(body.len()).unwrap();
                let bytes = [&[first, body_len], &body[..]].concat();
                attacks.extend(Attack::new(Version::V5, bytes));
            }
        }
    }
    // One in three: the codec's own tests try them all.
    attacks.into_iter().step_by(3).collect()
}

/// A value of the property's shape (MQTT 5 section 2.2.2.2).
fn value_of(id: u8) -> &'static [u8] {
    match id {
        0x02 | 0x11 | 0x18 | 0x27 => b"\0\0\0\x01",
        0x13 | 0x21 | 0x22 | 0x23 => b"\0\x01",
        0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1A | 0x1C | 0x1F => b"\0\x01x",
        0x26 => b"\0\x01k\0\x01v",
        _ => b"\x01",
    }
}

/// Texts, packet identifiers, lengths and options that no packet may have.
fn texts() -> Vec<Attack> {
    let bad_topics: [&[u8]; 9] = [
        b"",
        b"\0",
        b"a\0b",
        b"a/#",
        b"+",
        b"\xFF",
        b"\xC0\xAF",
        b"\xED\xA0\x80",
        b"a\x1Bb",
    ];
    let bad_filters: [&[u8]; 9] = [
        b"",
        b"a\0",
        b"a#",
        b"#/a",
        b"a+/b",
        b"\xFF",
        b"$share/g",
        b"$share//a",
        b"$share/+/a",
    ];
    let mut attacks = Vec::new();
    for version in [Version::V311, Version::V5] {
        let none: &[u8] = if version == Version::V5 { &[0] } else { &[] };
        let mut add = |first: u8, body: &[u8]| {
            let body_len = u8::try_from(body.len()).unwrap();
            attacks.extend(Attack::new(version, [&[first, body_len], body].concat()));
        };
        for topic in bad_topics {
            add(0x30, &[&counted(topic), none].concat());
        }
        for filter in bad_filters {
            let filter = counted(filter);
            add(0x82, &[&[0, 1], none, &filter, &[0]].concat());
            add(0xA2, &[&[0, 1], none, &filter].concat());
        }
        // Packet identifier zero.
        add(0x32, &[b"\0\x01t\0\0", none].concat());
        add(0x82, &[b"\0\0", none, b"\0\x01f\0"].concat());
        add(0xA2, &[b"\0\0", none, b"\0\x01f"].concat());
        for first in [0x40, 0x50, 0x62, 0x70] {
            add(first, b"\0\0");
            add(first, b"\0");
            add(first, b"");
        }
        // No filter at all; QoS 3 and reserved options.
        add(0x82, &[b"\0\x01", none].concat());
        add(0xA2, &[b"\0\x01", none].concat());
        for options in [0x03, 0x30, 0x40, 0x80] {
            add(0x82, &[b"\0\x01", none, b"\0\x01f", &[options]].concat());
        }
        // A ping with a body, a second CONNECT that is none.
        add(0xC0, b"x");
        add(0x10, b"\0\x04MQTT\x06\x02\0\x3c\0\0");
        // A length that is not the shortest.
        attacks.extend(Attack::new(version, b"\xC0\x80\x00".to_vec()));
    }
    attacks
}

fn counted(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&length.to_be_bytes(), text].concat()
}
