//! Fixed headers, the side that sends a packet, and where packets end.

use super::*;

#[test]
fn refuses_packet_type_zero_at_its_first_byte() {
    for flags in 0..16 {
        assert_eq!(
            FixedHeader::parse(&[flags], SIZE_MAX),
            Err(M::PacketTypeReserved)
        );
    }
}

#[test]
fn refuses_every_wrong_flag_at_the_first_byte() {
    for packet_type in PacketType::ALL {
        for flags in 0..16_u8 {
            let expected = match packet_type {
                PacketType::Publish => match flags {
                    0b1000 | 0b1001 => Err(M::DupAtQos0),
                    0b0110 | 0b0111 | 0b1110 | 0b1111 => Err(M::Qos),
                    _ => Ok(None),
                },
                PacketType::PubRel | PacketType::Subscribe | PacketType::Unsubscribe
                    if flags == 2 =>
                {
                    Ok(None)
                }
                PacketType::PubRel | PacketType::Subscribe | PacketType::Unsubscribe => {
                    Err(M::HeaderFlags)
                }
                _ if flags == 0 => Ok(None),
                _ => Err(M::HeaderFlags),
            };
            let first = packet_type.bits() << 4 | flags;
            assert_eq!(
                FixedHeader::parse(&[first], SIZE_MAX),
                expected,
                "{packet_type:?} {flags:04b}"
            );
        }
    }
}

#[test]
fn refuses_a_remaining_length_that_is_too_long_or_not_the_shortest() {
    for length in [
        &[0x80, 0x00][..],
        &[0x81, 0x00],
        &[0xFF, 0x80, 0x00],
        &[0x80, 0x80, 0x80, 0x00],
        &[0xFF, 0xFF, 0xFF, 0x80], // a fifth byte would have to follow, so it need not come
        &[0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    ] {
        let bytes = [&[0x30], length].concat();
        assert_eq!(
            FixedHeader::parse(&bytes, usize::MAX),
            Err(M::RemainingLength),
            "{length:02x?}"
        );
    }
    for length in [&[][..], &[0x80], &[0x80, 0x80], &[0x80, 0x80, 0x80]] {
        let bytes = [&[0x30], length].concat();
        assert_eq!(
            FixedHeader::parse(&bytes, usize::MAX),
            Ok(None),
            "{length:02x?}"
        );
    }
    for (length, packet_len) in [
        (&[0x00][..], 2),
        (&[0x7F], 2 + 127),
        (&[0x80, 0x01], 3 + 128),
        (&[0xFF, 0x7F], 3 + 16_383),
        (&[0x80, 0x80, 0x01], 4 + 16_384),
        (&[0xFF, 0xFF, 0x7F], 4 + 2_097_151),
        (&[0x80, 0x80, 0x80, 0x01], 5 + 2_097_152),
        (&[0xFF, 0xFF, 0xFF, 0x7F], 5 + 268_435_455),
    ] {
        let bytes = [&[0x30], length].concat();
        let header = FixedHeader::parse(&bytes, usize::MAX).unwrap().unwrap();
        assert_eq!(header.packet_len(), packet_len);
    }
}

#[test]
fn refuses_a_packet_above_the_limit_before_its_body_has_come() {
    let header = [0x30, 0x80, 0x01]; // 3 + 128 bytes
    assert_eq!(frame(&header, 130), Err(M::TooLarge));
    assert_eq!(frame(&header, 131), Ok(None));
    assert_eq!(M::TooLarge.reason(), ReasonCode::PacketTooLarge);
}

#[test]
fn a_packet_is_not_there_before_its_last_byte() {
    let (first, body) = valid(V5, PacketType::Connect);
    let bytes = packet(first, &body);
    for end in 0..bytes.len() {
        assert_eq!(frame(&bytes[..end], SIZE_MAX), Ok(None));
    }
    let with_more = [&bytes[..], &[0xC0, 0x00]].concat();
    assert_eq!(
        frame(&with_more, SIZE_MAX).unwrap().unwrap().packet_len(),
        bytes.len()
    );
}

#[test]
fn refuses_a_ping_with_a_body_at_its_header() {
    assert_eq!(frame(&[0xC0, 0x01], SIZE_MAX), Err(M::TrailingBytes));
    assert_eq!(frame(&[0xD0, 0x01], SIZE_MAX), Err(M::TrailingBytes));
}

#[test]
fn refuses_packets_that_only_the_other_side_sends() {
    use PacketType as P;
    for packet_type in P::ALL {
        for version in [V311, V5] {
            for sender in [Client, Server] {
                // MQTT 5 section 2.1.2, table 2-1; 3.1.1 section 2.2.1, table 2.1.
                let expected = match (packet_type, version, sender) {
                    (P::Auth, V311, _) => Err(M::AuthInV311),
                    (P::Connect | P::Subscribe | P::Unsubscribe | P::PingReq, _, Server)
                    | (P::ConnAck | P::SubAck | P::UnsubAck | P::PingResp, _, Client)
                    | (P::Disconnect, V311, Server) => Err(M::WrongSide),
                    _ => Ok(()),
                };
                let (first, body) = valid(version, packet_type);
                check(version, sender, &packet(first, &body), expected);
            }
        }
    }
}

#[test]
fn refuses_a_first_packet_that_is_no_connect() {
    for packet_type in PacketType::ALL {
        let (first, body) = valid(V5, packet_type);
        let bytes = packet(first, &body);
        let frame = frame(&bytes, SIZE_MAX).unwrap().unwrap();
        if packet_type == PacketType::Connect {
            assert_eq!(Connect::announced_version(&frame), Ok(V5));
            assert_eq!(Connect::parse(&frame).unwrap().client_id, "c");
        } else {
            assert_eq!(Connect::announced_version(&frame), Err(M::ConnectExpected));
            assert_eq!(Connect::parse(&frame), Err(M::ConnectExpected));
        }
    }
}

/// Every packet cut at every place: the result is refused, unless what is left is a packet too.
#[test]
fn refuses_every_packet_cut_short() {
    use PacketType as P;
    for packet_type in P::ALL {
        for version in [V311, V5] {
            if (packet_type, version) == (P::Auth, V311) {
                continue;
            }
            let (first, body) = valid(version, packet_type);
            for end in 0..body.len() {
                let outcome = outcome(version, a_sender(packet_type), &packet(first, &body[..end]));
                // What follows the variable header of PUBLISH is payload, and may be missing.
                let payload = packet_type == P::Publish && end + 1 == body.len();
                assert_eq!(
                    outcome.is_ok(),
                    payload,
                    "{version:?} {packet_type:?} {end} {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn refuses_trailing_bytes() {
    use PacketType as P;
    for packet_type in P::ALL {
        for version in [V311, V5] {
            let expected = match (packet_type, version) {
                (P::Auth, V311) => Err(M::AuthInV311),
                // One more byte is one more byte of payload.
                (P::Publish, _) => Ok(()),
                // One more byte is the beginning of one more entry.
                (P::Subscribe | P::Unsubscribe, _) => Err(M::Truncated),
                (P::SubAck, V311) | (P::SubAck | P::UnsubAck, V5) => Err(M::ReasonCode(0x7F)),
                // One more byte is a reason code.
                (P::PubAck | P::PubRec | P::PubRel | P::PubComp | P::Disconnect, V5) => {
                    Err(M::ReasonCode(0x7F))
                }
                _ => Err(M::TrailingBytes),
            };
            let (first, mut body) = valid(version, packet_type);
            body.push(0x7F);
            check(
                version,
                a_sender(packet_type),
                &packet(first, &body),
                expected,
            );
        }
    }
    // Behind reason code and properties nothing can follow.
    for first in [0x40, 0x50, 0x62, 0x70] {
        check(
            V5,
            Client,
            &packet(first, &[0, 1, 0, 0, 0]),
            Err(M::TrailingBytes),
        );
    }
    check(V5, Client, &packet(0xE0, &[0, 0, 0]), Err(M::TrailingBytes));
}

#[test]
fn the_short_forms_end_where_the_standard_says() {
    // MQTT 5 sections 3.4.2.1 and 3.14.2.1: the code alone, and the code with no properties.
    for first in [0x40, 0x50, 0x62, 0x70] {
        check(V5, Client, &packet(first, &[0, 1]), Ok(()));
        check(V5, Client, &packet(first, &[0, 1, 0]), Ok(()));
        check(V5, Client, &packet(first, &[0, 1, 0, 0]), Ok(()));
        check(
            V311,
            Client,
            &packet(first, &[0, 1, 0]),
            Err(M::TrailingBytes),
        );
    }
    check(V5, Client, &packet(0xE0, &[4]), Ok(()));
    check(V5, Client, &packet(0xE0, &[4, 0]), Ok(()));
    check(V311, Client, &packet(0xE0, &[0]), Err(M::TrailingBytes));
    // MQTT 5 section 3.15.2.1: nothing or everything, and success is the server's to say.
    check(V5, Server, &packet(0xF0, &[]), Ok(()));
    check(V5, Client, &packet(0xF0, &[]), Err(M::ReasonCode(0)));
    check(V5, Server, &packet(0xF0, &[0]), Err(M::Truncated));
}
