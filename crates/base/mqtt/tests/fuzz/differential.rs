//! Two other implementations as oracles: they read what we write, and refuse what we refuse, but for
//! the differences in `KNOWN`, each with an example that still shows it.

use bolero::check;
use ironroot_mqtt::{Malformed, Packet, PacketType, Secret, Side, Version, frame};

use crate::encoded;
use crate::generate::{Entropy, packet};
use crate::mutate::mutate;
use crate::oracles::{Oracle, Verdict};

use Difference::{Lax, Wrong};
use Oracle::{Core, Rumqttc};
use Version::{V5, V311};

/// How an oracle differs from this crate.
#[derive(Clone, Copy, Debug)]
enum Difference {
    /// It reads what breaks the rule of this name.
    Lax(&'static str),
    /// It refuses valid packets of this kind, or changes them.
    Wrong(fn(&Packet<'_>) -> bool),
}

/// A difference that has been looked into, and is the oracle's.
struct Known {
    oracle: Oracle,
    difference: Difference,
    version: Version,
    example: &'static [u8],
    why: &'static str,
}

const fn known(
    oracle: Oracle,
    difference: Difference,
    version: Version,
    example: &'static [u8],
    why: &'static str,
) -> Known {
    Known {
        oracle,
        difference,
        version,
        example,
        why,
    }
}

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    known(Core, Lax("ConnAckFlags"), V311, b"\x20\x02\x02\x00", "ignores the reserved acknowledge flags"),
    known(Core, Lax("SessionPresentInRefusal"), V311, b"\x20\x02\x01\x03", "looks at each byte alone"),
    known(Core, Lax("ConnectFlagReserved"), V311, b"\x10\x0D\0\x04MQTT\x04\x03\0\0\0\x01c", "ignores the reserved flag"),
    known(Core, Lax("WillFlags"), V311, b"\x10\x0D\0\x04MQTT\x04\x22\0\0\0\x01c", "ignores the will's flags without a will"),
    known(Core, Lax("Text"), V311, b"\x10\x0D\0\x04MQTT\x04\x02\0\0\0\x01\0", "takes U+0000 and control characters"),
    known(Core, Lax("TopicName"), V311, b"\x30\x02\0\0", "takes empty topics, and wildcards and U+0000 in them"),
    known(Core, Lax("TopicFilter"), V311, b"\x82\x07\0\x01\0\x02++\0", "takes any text for a filter"),
    known(Core, Lax("TrailingBytes"), V311, b"\x40\x03\0\x01\x91", "takes MQTT 5 acknowledgements for 3.1.1"),
    known(Core, Lax("SubscriptionOptions"), V311, b"\x82\x06\0\x01\0\x01a\x10", "takes MQTT 5 options for 3.1.1"),
    known(Core, Lax("Truncated"), V5, b"\xF0\x01\0", "lets the property length be missing"),
    known(Core, Lax("TopicMissing"), V5, b"\x30\x05\0\0\x02\x01\x01", "takes any property in place of a topic"),
    known(Core, Lax("VariableByteInteger"), V5, b"\x90\x05\0\x01\x80\0\x80", "takes longer forms of a length"),
    known(Core, Lax("PacketIdZero"), V5, b"\xB0\x04\0\0\0\x11", "takes packet identifier 0 in UNSUBACK"),
    known(Core, Lax("PropertyFromWrongSide"), V5, b"\xE0\x07\x9C\x05\x11\0\0\0\x01", "knows no sides"),
    known(Core, Lax("ReasonCode"), V5, b"\xE0\x06\x04\x04\x1C\0\x01a", "knows no sides"),
    known(Core, Lax("ClientIdEmpty"), V311, b"\x10\x0E\0\x04MQTT\x04\x80\0\0\0\0\0\0", "takes an empty client identifier if a user name follows"),
    known(Core, Lax("NoLocalOnShared"), V5, b"\x82\x10\0\x01\0\0\x0A$share/g/f\x04", "looks at each byte alone"),
    known(Core, Lax("Qos"), V311, b"\x10\x14\0\x04MQTT\x04\x1E\0\0\0\x01c\0\x01t\0\x02pp", "takes a will at QoS 3"),
    known(Core, Lax("AuthenticationMethodMissing"), V5, b"\xF0\x08\0\x06\x1F\0\x03abc", "wants no method in AUTH"),
    known(Core, Lax("PropertyRepeated"), V5, b"\x82\x0B\0\x01\x04\x0B\x01\x0B\x01\0\x01a\0", "takes several subscription identifiers in SUBSCRIBE"),
    known(Core, Wrong(password_alone), V5, b"\x10\x10\0\x04MQTT\x05\x42\0\0\0\0\0\0\x01p", "wants a user name with a password, as 3.1.1 does"),

    known(Rumqttc, Lax("ConnAckFlags"), V311, b"\x20\x02\x02\x00", "ignores the reserved acknowledge flags"),
    known(Rumqttc, Lax("SessionPresentInRefusal"), V311, b"\x20\x02\x01\x03", "looks at each byte alone"),
    known(Rumqttc, Lax("TrailingBytes"), V311, b"\x40\x03\0\x01\0", "drops what is left"),
    known(Rumqttc, Lax("ClientIdEmpty"), V311, b"\x10\x15\0\x04MQTT\x04\xC0\0\0\0\0\0\x02uu\0\x03ppp", "looks at each field alone"),
    known(Rumqttc, Lax("ConnectFlagReserved"), V311, b"\x10\x0D\0\x04MQTT\x04\x03\0\0\0\x01c", "ignores the reserved flag"),
    known(Rumqttc, Lax("PasswordWithoutUserName"), V311, b"\x10\x10\0\x04MQTT\x04\x42\0\0\0\x01c\0\x01p", "looks at each field alone"),
    known(Rumqttc, Lax("Text"), V311, b"\x10\x0D\0\x04MQTT\x04\x02\0\0\0\x01\0", "takes U+0000 and control characters"),
    known(Rumqttc, Lax("TopicName"), V311, b"\x30\x02\0\0", "takes any bytes for a topic"),
    known(Rumqttc, Lax("TopicFilter"), V311, b"\x82\x07\0\x01\0\x02++\0", "takes any text for a filter"),
    known(Rumqttc, Lax("Truncated"), V5, b"\x40\x08\0\x01\x80\x03\x1F\0\x01a", "looks past the end of the properties"),
    known(Rumqttc, Lax("PacketIdZero"), V311, b"\x40\x02\0\0", "takes packet identifier 0 but in PUBLISH"),
    known(Rumqttc, Lax("SubscriptionOptions"), V311, b"\x82\x06\0\x01\0\x01a\x10", "ignores reserved options"),
    known(Rumqttc, Lax("NoLocalOnShared"), V5, b"\x82\x10\0\x01\0\0\x0A$share/g/f\x04", "knows no shared subscriptions"),
    known(Rumqttc, Lax("ListEmpty"), V5, b"\xA2\x03\0\x01\0", "takes requests for nothing"),
    known(Rumqttc, Lax("PropertyRepeated"), V5, b"\x30\x08\0\x01t\x04\x01\0\x01\x01", "takes the last of several values"),
    known(Rumqttc, Lax("PropertyValue"), V5, b"\x30\x06\0\x01t\x02\x01\x02", "takes any value"),
    known(Rumqttc, Lax("TopicAliasZero"), V5, b"\x30\x07\0\x01t\x03\x23\0\0", "takes any value"),
    known(Rumqttc, Lax("PropertyUnknown"), V5, b"\x30\x09\0\x01t\x05\x0B\x01\x0B\x01\x7F", "counts subscription identifiers wrongly and stops early"),
    known(Rumqttc, Lax("PropertyMisplaced"), V5, b"\x30\x09\0\x01t\x05\x0B\x01\x0B\x01\x11", "counts subscription identifiers wrongly and stops early"),
    known(Rumqttc, Lax("PropertyLength"), V5, b"\x30\x08\0\x01t\x05\x0B\x01\x0B\x01", "counts subscription identifiers wrongly and stops early"),
    known(Rumqttc, Lax("VariableByteInteger"), V5, b"\x90\x05\0\x01\x80\0\x80", "takes longer forms of a length"),
    known(Rumqttc, Lax("TopicMissing"), V5, b"\x30\x05\0\0\x02\x01\x01", "leaves the topic to its user"),
    known(Rumqttc, Lax("AuthenticationMethodMissing"), V5, b"\x10\x12\0\x04MQTT\x05\x02\0\0\x04\x16\0\x01d\0\x01c", "looks at each field alone"),
    known(Rumqttc, Lax("PropertyFromWrongSide"), V5, b"\xE0\x07\x9C\x05\x11\0\0\0\x01", "knows no sides"),
    known(Rumqttc, Lax("ReasonCode"), V5, b"\xE0\x06\x04\x04\x1C\0\x01a", "knows no sides"),
    known(Rumqttc, Wrong(half_a_login), V311, b"\x10\x0F\0\x04MQTT\x04\x82\0\0\0\x01c\0\0", "keeps an empty user name or password apart from none, and wants text"),
    known(Rumqttc, Wrong(several_subscription_ids), V5, b"\x30\x0A\0\x01t\x06\x0B\x01\x0B\x01\x0B\x01", "counts subscription identifiers wrongly and stops early"),
    known(Rumqttc, Wrong(auth), V5, b"\xF0\0", "has no AUTH to read"),
    known(Rumqttc, Wrong(short_disconnect), V5, b"\xE0\0", "wants reason code and property length in DISCONNECT"),
];

fn password_alone(packet: &Packet<'_>) -> bool {
    matches!(packet, Packet::Connect(connect) if connect.user_name.is_none() && connect.password.is_some())
}

fn half_a_login(packet: &Packet<'_>) -> bool {
    let Packet::Connect(connect) = packet else {
        return false;
    };
    let password = connect.password.map(Secret::as_bytes);
    connect.user_name == Some("")
        || password.is_some_and(|password| password.is_empty() || str::from_utf8(password).is_err())
}

fn several_subscription_ids(packet: &Packet<'_>) -> bool {
    matches!(packet, Packet::Publish(publish) if !publish.properties.subscription_ids.is_empty())
}

fn auth(packet: &Packet<'_>) -> bool {
    packet.packet_type() == PacketType::Auth
}

fn short_disconnect(packet: &Packet<'_>) -> bool {
    matches!(packet, Packet::Disconnect(disconnect) if disconnect.properties.is_empty())
}

/// What this crate makes of `bytes`; the oracles know no sides, so either will do.
fn ours(bytes: &[u8], version: Version) -> Result<Packet<'_>, Malformed> {
    let frame = frame(bytes, usize::MAX)?.ok_or(Malformed::Truncated)?;
    Packet::parse(&frame, version, Side::Client).or_else(|rule| match rule {
        Malformed::WrongSide | Malformed::PropertyFromWrongSide(_) | Malformed::ReasonCode(_) => {
            Packet::parse(&frame, version, Side::Server)
        }
        _ => Err(rule),
    })
}

/// Fails when `oracle` and this crate differ on `bytes` in a way that is not known.
fn compare(oracle: Oracle, bytes: &[u8], version: Version) -> Option<&'static Known> {
    let frame = match frame(bytes, usize::MAX) {
        Ok(Some(frame)) if frame.packet_len() == bytes.len() => frame,
        // Only one oracle reads fixed headers, and it is not asked about them.
        Ok(_) | Err(_) => return None,
    };
    let (ours, theirs) = (ours(bytes, version), oracle.judge(&frame, bytes, version));
    let is_known = |known: &&Known| match (known.difference, &ours) {
        _ if known.oracle != oracle => false,
        (Lax(rule), Err(broken)) => name_of(*broken) == rule,
        (Wrong(kind), Ok(packet)) => kind(packet),
        (Lax(_), Ok(_)) | (Wrong(_), Err(_)) => false,
    };
    let agree = match (&ours, &theirs) {
        (Ok(packet), Verdict::Reads(again)) => self::ours(again, version).as_ref() == Ok(packet),
        (Ok(_), Verdict::Refuses | Verdict::Panics) | (Err(_), Verdict::Reads(_)) => false,
        (Err(_), Verdict::Refuses | Verdict::Panics) => true,
    };
    if agree {
        return None;
    }
    let known = KNOWN.iter().find(is_known);
    assert!(
        known.is_some(),
        "{oracle:?} {theirs:02x?}, ours {ours:?} on {version:?} {bytes:02x?}"
    );
    known
}

/// The name of a rule, without the value that broke it.
fn name_of(rule: Malformed) -> String {
    let name = format!("{rule:?}");
    name.split('(').next().unwrap_or_default().to_owned()
}

#[test]
fn oracles_read_valid_packets_as_we_do() {
    check!().for_each(|input| {
        let mut entropy = Entropy::new(input);
        let (version, sender) = (entropy.version(), entropy.side());
        let bytes = encoded(&packet(&mut entropy, version, sender), version);
        for oracle in [Core, Rumqttc] {
            compare(oracle, &bytes, version);
        }
    });
}

#[test]
fn oracles_refuse_mutated_packets_as_we_do() {
    check!().for_each(|input| {
        let mut entropy = Entropy::new(input);
        let (version, sender) = (entropy.version(), entropy.side());
        let mut bytes = encoded(&packet(&mut entropy, version, sender), version);
        mutate(&mut bytes, &mut entropy);
        for oracle in [Core, Rumqttc] {
            compare(oracle, &bytes, version);
        }
    });
}

#[test]
fn every_known_difference_is_still_there() {
    for known in KNOWN {
        let found = compare(known.oracle, known.example, known.version);
        let same = found.is_some_and(|found| std::ptr::eq(found, known));
        assert!(
            same,
            "{:?} {:?}: it {}",
            known.oracle, known.difference, known.why
        );
    }
}
