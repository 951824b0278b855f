//! Which reason codes may stand in which packet.

use super::*;

/// The tables of MQTT 5 sections 3.2.2.2, 3.4.2.1 to 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1 and 3.15.2.1.
fn codes_of(packet_type: PacketType, sender: Side) -> &'static [u8] {
    use PacketType as P;
    match (packet_type, sender) {
        (P::ConnAck, Server) => &[
            0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90,
            0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
        ],
        (P::PubAck | P::PubRec, Server) => &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        (P::PubAck | P::PubRec, Client) => &[0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
        (P::PubRel | P::PubComp, _) => &[0x00, 0x92],
        (P::SubAck, Server) => &[
            0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2,
        ],
        (P::UnsubAck, Server) => &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91],
        (P::Disconnect, Client) => &[
            0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
        ],
        (P::Disconnect, Server) => &[
            0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
            0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
        ],
        (P::Auth, Client) => &[0x18, 0x19],
        (P::Auth, Server) => &[0x00, 0x18],
        _ => &[],
    }
}

#[test]
fn refuses_every_reason_code_that_is_not_in_the_packets_table() {
    use PacketType as P;
    for packet_type in P::ALL {
        for sender in [Client, Server] {
            for byte in 0..=255 {
                let allowed = codes_of(packet_type, sender).contains(&byte);
                let by_table = ReasonCode::from_byte(byte)
                    .is_some_and(|code| code.allowed_in(packet_type, sender));
                assert_eq!(by_table, allowed, "{packet_type:?} {sender:?} {byte:#04x}");
                let body = match packet_type {
                    P::ConnAck => vec![0, byte, 0],
                    P::PubAck | P::PubRec | P::PubRel | P::PubComp => vec![0, 1, byte],
                    P::SubAck | P::UnsubAck => vec![0, 1, 0, byte],
                    P::Disconnect => vec![byte],
                    P::Auth => vec![byte, 4, 0x15, 0, 1, b'm'],
                    _ => continue,
                };
                if packet_type.check_sender(V5, sender).is_err() {
                    continue;
                }
                let expected = if allowed {
                    Ok(())
                } else {
                    Err(M::ReasonCode(byte))
                };
                check(
                    V5,
                    sender,
                    &packet(valid(V5, packet_type).0, &body),
                    expected,
                );
            }
        }
    }
}

#[test]
fn refuses_the_codes_that_v311_does_not_know() {
    for byte in 0..=255 {
        let connack = if byte <= 5 {
            Ok(())
        } else {
            Err(M::ReasonCode(byte))
        };
        check(V311, Server, &packet(0x20, &[0, byte]), connack);
        let suback = if [0, 1, 2, 0x80].contains(&byte) {
            Ok(())
        } else {
            Err(M::ReasonCode(byte))
        };
        check(V311, Server, &packet(0x90, &[0, 1, byte]), suback);
    }
}
