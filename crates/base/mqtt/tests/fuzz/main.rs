//! What must hold for every packet and for all bytes, tried on generated, mutated and random ones.
//!
//! Each target runs for a second; `BOLERO_RANDOM_TEST_TIME_MS` sets another time.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod differential;
mod generate;
mod mutate;
mod oracles;

use bolero::check;
use ironroot_mqtt::{
    Delivery, DeliveryHead, FixedHeader, List, Packet, Publish, PublishProperties, Side,
    SubscriptionId, TopicFilter, TopicName, Unencodable, Version, frame,
};

use crate::generate::{Entropy, packet};
use crate::mutate::mutate;

fn encoded(packet: &Packet<'_>, version: Version) -> Vec<u8> {
    let mut bytes = vec![0; packet.encoded_len(version).expect("the packet is valid")];
    assert_eq!(packet.encode(version, &mut bytes), Ok(bytes.len()));
    bytes
}

/// Whatever parses comes back equal from the bytes that it is encoded to.
fn parse_and_come_back(bytes: &[u8], version: Version, sender: Side) {
    let Ok(Some(frame)) = frame(bytes, usize::MAX) else {
        return;
    };
    let Ok(packet) = Packet::parse(&frame, version, sender) else {
        return;
    };
    let again = encoded(&packet, version);
    assert!(
        again.len() <= frame.packet_len(),
        "there is no shorter form"
    );
    assert_eq!(parsed(&again, version, sender), packet);
}

fn parsed(bytes: &[u8], version: Version, sender: Side) -> Packet<'_> {
    let frame = frame(bytes, bytes.len())
        .unwrap()
        .expect("the packet is whole");
    assert_eq!(frame.packet_len(), bytes.len());
    Packet::parse(&frame, version, sender).unwrap()
}

#[test]
fn a_valid_packet_comes_back_equal() {
    check!().for_each(|input| {
        let mut entropy = Entropy::new(input);
        let (version, sender) = (entropy.version(), entropy.side());
        let packet = packet(&mut entropy, version, sender);
        let mut bytes = encoded(&packet, version);
        assert_eq!(parsed(&bytes, version, sender), packet);
        let short = bytes.len() - 1;
        let too_small = Err(Unencodable::BufferTooSmall);
        assert_eq!(packet.encode(version, &mut bytes[..short]), too_small);
    });
}

#[test]
fn random_bytes_never_panic() {
    check!().for_each(|bytes| {
        for version in [Version::V311, Version::V5] {
            for sender in [Side::Client, Side::Server] {
                parse_and_come_back(bytes, version, sender);
            }
        }
    });
}

#[test]
fn mutated_packets_never_panic_and_what_parses_comes_back_equal() {
    check!().for_each(|input| {
        let mut entropy = Entropy::new(input);
        let (version, sender) = (entropy.version(), entropy.side());
        let mut bytes = encoded(&packet(&mut entropy, version, sender), version);
        mutate(&mut bytes, &mut entropy);
        parse_and_come_back(&bytes, version, sender);
        parse_and_come_back(&bytes, entropy.version(), entropy.side());
    });
}

/// The verdict on a stream's first packet does not depend on how much of the stream has come.
#[test]
fn more_bytes_never_change_a_frame_or_a_refusal() {
    check!().for_each(|input| {
        let mut entropy = Entropy::new(input);
        let version = entropy.version();
        let mut bytes = encoded(&packet(&mut entropy, version, Side::Client), version);
        mutate(&mut bytes, &mut entropy);
        let size_max = entropy.below(300);
        let whole = frame(&bytes, size_max);
        for end in 0..bytes.len().min(64) {
            match frame(&bytes[..end], size_max) {
                Ok(None) => {}
                verdict => assert_eq!(verdict, whole),
            }
            if let Ok(Some(header)) = FixedHeader::parse(&bytes[..end], size_max) {
                assert!(header.packet_len() <= size_max);
            }
        }
    });
}

#[test]
fn a_delivery_is_the_publish_with_the_receivers_own_head() {
    check!().for_each(|input| {
        let mut entropy = Entropy::new(input);
        let publish = generate::publish(&mut entropy, Version::V5, Side::Client);
        let mut shared = vec![0; publish.shared_layout().unwrap().len()];
        let layout = publish.encode_shared(&mut shared).unwrap();

        let receiver = entropy.version();
        let own = generate::publish(&mut entropy, receiver, Side::Server);
        let ids: Vec<SubscriptionId> = own.properties.subscription_ids.iter().collect();
        let head = DeliveryHead {
            delivery: own.delivery,
            retain: own.retain,
            topic: own.topic,
            message_expiry_s: own.properties.message_expiry_s,
            topic_alias: own.properties.topic_alias,
            subscription_ids: &ids,
        };
        let mut bytes = vec![0; head.encoded_len(receiver, layout).unwrap()];
        assert_eq!(head.encode(receiver, layout, &mut bytes), Ok(bytes.len()));
        bytes.extend_from_slice(layout.tail(&shared, receiver));

        let expected = Publish {
            properties: match receiver {
                Version::V311 => PublishProperties::default(),
                Version::V5 => PublishProperties {
                    message_expiry_s: head.message_expiry_s,
                    topic_alias: head.topic_alias,
                    subscription_ids: List::from(&ids[..]),
                    ..publish.properties
                },
            },
            payload: publish.payload,
            ..own
        };
        assert_eq!(
            parsed(&bytes, receiver, Side::Server),
            Packet::Publish(expected)
        );
        assert_eq!(
            head.delivery == Delivery::AtMostOnce,
            head.delivery.packet_id().is_none()
        );
    });
}

#[test]
fn a_filter_matches_what_any_filter_it_covers_matches() {
    check!().for_each(|input| {
        let texts: Vec<String> = input
            .split(|byte| *byte == 0)
            .map(generate::topic_text)
            .take(3)
            .collect();
        let [wide, narrow, name] = &texts[..] else {
            return;
        };
        let (Ok(wide), Ok(narrow)) = (TopicFilter::parse(wide), TopicFilter::parse(narrow)) else {
            return;
        };
        assert!(wide.covers(wide) && narrow.covers(narrow));
        let Ok(name) = TopicName::parse(name) else {
            return;
        };
        if wide.covers(narrow) && narrow.matches(name) {
            assert!(wide.matches(name), "{wide} {narrow} {name}");
        }
        // A name is a filter that matches itself alone, unless it is written like a shared one.
        match TopicFilter::parse(name.as_str()) {
            Ok(exact) if exact.group().is_none() => {
                assert!(exact.matches(name));
                assert_eq!(wide.covers(exact), wide.matches(name), "{wide} {name}");
            }
            Ok(_) | Err(_) => assert!(name.as_str().starts_with("$share")),
        }
    });
}
