//! CONNECT: who is let in, and what both sides agree on.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ironroot_identity::{CertificateSerial, Principal};
use ironroot_mqtt::{
    ConnAck, ConnAckProperties, Connect, Frame, Malformed, Packet, Qos, ReasonCode, Version,
};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;

use super::close::encode;
use super::in_flight::InFlight;
use super::open::{ClientLimits, Open, Reasons, SessionExpiry};
use super::{report, will};
use crate::broker::Broker;
use crate::message::Origin;
use crate::outbox::SessionNumber;
use crate::rate::TokenBucket;
use crate::refusal::Refusal;
use crate::sessions::SessionInfo;
use crate::settings::BrokerSettings;

/// Handles the first packet. A refusal is answered by CONNACK wherever the standard has one for it.
pub(super) fn open(
    broker: &Arc<Broker>,
    (subject, certificate): (&Arc<Subject>, &CertificateSerial),
    frame: &Frame<'_>,
    now: UnixTime,
    out: &mut Vec<u8>,
) -> Result<Box<Open>, Refusal> {
    // MQTT 5 section 3.1.0 [MQTT-3.1.0-1]: anything but CONNECT is refused by its parser.
    let connect = Connect::parse(frame).inspect_err(|rule| refuse_unread(frame, *rule, out))?;
    let keep_alive_s = keep_alive_s(&connect, &broker.settings);
    let (open, client_id) = admit(broker, (subject, certificate), &connect, keep_alive_s, now)
        .inspect_err(|refusal| {
            refuse(connect.version, *refusal, out);
        })?;
    let packet_size_max = subject.grant().limits().packet_size_max;
    open.send(
        &Packet::ConnAck(connack(&connect, &client_id, keep_alive_s, packet_size_max)),
        out,
    );
    open.counters().connects.add(1);
    open.counters().heard(now);
    open.counters().bytes_in.add(frame.packet_len());
    report::opened(subject);
    Ok(open)
}

/// Every check on a CONNECT; the Grant is asked last, as the session is let in.
fn admit(
    broker: &Arc<Broker>,
    (subject, certificate): (&Arc<Subject>, &CertificateSerial),
    connect: &Connect<'_>,
    keep_alive_s: u16,
    now: UnixTime,
) -> Result<(Box<Open>, Box<str>), Refusal> {
    // MQTT 5 section 4.12: the certificate has said already who it is.
    if connect.properties.authentication_method.is_some() {
        return Err(Refusal::EnhancedAuthentication);
    }
    let outbox = broker.new_outbox(subject);
    let client_id = bind_client_id(subject.principal(), connect.client_id, outbox.number())?;
    let origin = Origin {
        publisher: Arc::clone(subject),
        session: outbox.number(),
        at: now,
    };
    let will = connect
        .will
        .map(|will| will::register(broker, origin, &will, connect.version));
    let open = Box::new(Open {
        broker: Arc::clone(broker),
        subject: Arc::clone(subject),
        outbox,
        version: connect.version,
        client: ClientLimits::of(connect),
        // MQTT 5 section 3.1.2.10 [MQTT-3.1.2-22].
        silence_max: (keep_alive_s > 0)
            .then(|| Duration::from_millis(u64::from(keep_alive_s) * 1_500)),
        heard: now,
        will: will.transpose()?,
        filters: Vec::new(),
        replays: VecDeque::new(),
        in_flight: InFlight::new(in_flight_max(connect, &broker.settings)),
        rate: TokenBucket::new(now),
        pause: None,
    });
    let info = SessionInfo {
        client_id: client_id.clone(),
        version: connect.version,
        since: now,
        certificate: *certificate,
    };
    broker.sessions.admit(subject, info, &open.outbox)?;
    Ok((open, client_id))
}

/// The client id that the session has: the one asked for if it is the principal's own, or one of ours.
fn bind_client_id(
    principal: &Principal,
    asked_for: &str,
    number: SessionNumber,
) -> Result<Box<str>, Refusal> {
    match (asked_for, principal) {
        ("", Principal::Device(id)) => Ok(id.as_str().into()),
        ("", Principal::Service(name)) => Ok(format!("{name}/{}", number.0).into()),
        _ if principal.may_use_client_id(asked_for) => Ok(asked_for.into()),
        _ => Err(Refusal::ClientIdNotOwn),
    }
}

/// What the client asked for, or in MQTT 5 what we bid it use instead (section 3.2.2.3.14).
fn keep_alive_s(connect: &Connect<'_>, settings: &BrokerSettings) -> u16 {
    let (asked_for, max) = (connect.keep_alive_s, settings.keep_alive_max_s);
    match connect.version {
        Version::V5 if max > 0 && (asked_for == 0 || asked_for > max) => max,
        Version::V5 | Version::V311 => asked_for,
    }
}

/// What the client takes at once (MQTT 5 section 3.1.2.11.3), if we would send as much.
fn in_flight_max(connect: &Connect<'_>, settings: &BrokerSettings) -> u16 {
    connect
        .properties
        .receive_maximum
        .map_or(u16::MAX, u16::from)
        .min(settings.in_flight_max)
}

impl ClientLimits {
    fn of(connect: &Connect<'_>) -> Self {
        let properties = &connect.properties;
        Self {
            packet_size_max: properties
                .packet_size_max
                .map_or(usize::MAX, |max| max.get() as usize),
            reasons: match properties.request_problem_information {
                Some(false) => Reasons::Unwanted,
                Some(true) | None => Reasons::Wanted,
            },
            session_expiry: match properties.session_expiry_s {
                Some(0) | None => SessionExpiry::NotAskedFor,
                Some(_) => SessionExpiry::AskedFor,
            },
        }
    }
}

/// The answer to a client that is in; what is not offered is said here (MQTT 5 section 3.2.2.3).
fn connack<'a>(
    connect: &Connect<'_>,
    client_id: &'a str,
    keep_alive_s: u16,
    packet_size_max: u32,
) -> ConnAck<'a> {
    let properties = match connect.version {
        Version::V311 => ConnAckProperties::default(),
        Version::V5 => ConnAckProperties {
            session_expiry_s: Some(0),
            maximum_qos: Some(Qos::AtLeastOnce),
            packet_size_max: NonZeroU32::new(packet_size_max),
            assigned_client_id: connect.client_id.is_empty().then_some(client_id),
            topic_alias_maximum: Some(0),
            shared_subscription_available: Some(false),
            server_keep_alive_s: (keep_alive_s != connect.keep_alive_s).then_some(keep_alive_s),
            ..ConnAckProperties::default()
        },
    };
    ConnAck {
        session_present: false,
        reason: ReasonCode::Success,
        properties,
    }
}

/// Answers a CONNECT that could not be read, if so much of it could that there is an answer.
fn refuse_unread(frame: &Frame<'_>, rule: Malformed, out: &mut Vec<u8>) {
    let version = match (Connect::announced_version(frame), rule) {
        (Ok(version), _) => version,
        // MQTT 5 section 3.1.2.2, 3.1.1 section 3.1.2.2: an older client reads the older form.
        (Err(_), Malformed::ProtocolVersion(0..5)) => Version::V311,
        (Err(_), Malformed::ProtocolVersion(_)) => Version::V5,
        (Err(_), _) => return,
    };
    let known_to_v311 = [
        ReasonCode::ClientIdentifierNotValid,
        ReasonCode::UnsupportedProtocolVersion,
    ];
    // MQTT 3.1.1 section 4.8: a violation of the protocol has no return code there.
    if version == Version::V5 || known_to_v311.contains(&rule.reason()) {
        refuse(version, rule.into(), out);
    }
}

/// Writes a CONNACK that says no (MQTT 5 section 3.2.2.2, 3.1.1 section 3.2.2.3).
fn refuse(version: Version, refusal: Refusal, out: &mut Vec<u8>) {
    let words = refusal.to_string();
    let (reason, reason_string) = match version {
        Version::V5 => (refusal.reason(), Some(words.as_str())),
        Version::V311 => (refusal.reason().nearest_in_v311_connack(), None),
    };
    let properties = ConnAckProperties {
        reason_string,
        ..ConnAckProperties::default()
    };
    let connack = Packet::ConnAck(ConnAck {
        session_present: false,
        reason,
        properties,
    });
    encode(&connack, version, usize::MAX, out);
}
