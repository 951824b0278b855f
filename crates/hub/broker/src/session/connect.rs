//! CONNECT: who is let in, and what both sides agree on.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use ironroot_identity::Principal;
use ironroot_mqtt::{
    ConnAck, ConnAckProperties, Connect, Frame, Malformed, Packet, ReasonCode, Version,
};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;

use super::alias::{ClientAliases, OwnAliases};
use super::close::encode;
use super::gate::Gate;
use super::open::{ClientLimits, Open, Reasons};
use super::state::SessionState;
use super::will::Will;
use super::{Peer, report};
use crate::broker::Broker;
use crate::message::Origin;
use crate::outbox::{Lifetime, Outbox, SessionNumber};
use crate::rate::Pace;
use crate::refusal::Refusal;
use crate::sessions::{Admitted, SessionInfo, Start};
use crate::settings::BrokerSettings;
use crate::shelf::Step;
use crate::topics::SessionTopics;

/// Whether a client is in.
#[derive(Debug)]
pub(super) enum Opened {
    Now(Box<Open>),
    /// CONNECT is to be handled again when the client's earlier connection, which this is the queue of, has
    /// given up the session.
    After(Arc<Outbox>),
}

/// What a client that is in goes on with.
enum Admission {
    In(Box<Open>, SessionPresent),
    After(Arc<Outbox>),
}

/// Whether the client goes on with a session that it left behind (MQTT 5 section 3.2.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionPresent {
    Yes,
    No,
}

/// What both sides have agreed on, for the answer.
#[derive(Clone, Copy, Debug)]
struct Agreed<'a> {
    session_present: SessionPresent,
    client_id: &'a str,
    keep_alive_s: u16,
    session_expiry: Duration,
    packet_size_max: u32,
    response_information: Option<&'a str>,
}

/// Handles the first packet. A refusal is answered by CONNACK wherever the standard has one for it.
pub(super) fn open(
    broker: &Arc<Broker>,
    peer: &Peer,
    frame: &Frame<'_>,
    now: UnixTime,
    out: &mut Vec<u8>,
) -> Result<Opened, Refusal> {
    // MQTT 5 section 3.1.0 [MQTT-3.1.0-1]: anything but CONNECT is refused by its parser.
    let connect = Connect::parse(frame).inspect_err(|rule| refuse_unread(frame, *rule, out))?;
    let keep_alive_s = keep_alive_s(&connect, &broker.settings);
    let (admission, client_id) =
        admit(broker, peer, &connect, keep_alive_s, now).inspect_err(|refusal| {
            refuse(connect.version, *refusal, out);
        })?;
    let (mut open, session_present) = match admission {
        Admission::In(open, session_present) => (open, session_present),
        Admission::After(earlier) => return Ok(Opened::After(earlier)),
    };
    let response_information = response_information(&connect, peer);
    let agreed = Agreed {
        session_present,
        client_id: &client_id,
        keep_alive_s,
        session_expiry: open.client.session_expiry,
        packet_size_max: peer.subject.grant().limits().packet_size_max,
        response_information: response_information.as_deref(),
    };
    let start = out.len();
    open.send(
        &Packet::ConnAck(connack(&connect, agreed, &broker.settings)),
        out,
    );
    open.counters().connects.add(1);
    open.state.outbox.hear(now);
    open.counters().bytes_in.add(frame.packet_len());
    open.gate.hold(start, out);
    report::opened(&peer.subject);
    Ok(Opened::Now(open))
}

/// Every check on a CONNECT; the Grant is asked last, as the session is let in.
fn admit(
    broker: &Arc<Broker>,
    peer: &Peer,
    connect: &Connect<'_>,
    keep_alive_s: u16,
    now: UnixTime,
) -> Result<(Admission, Box<str>), Refusal> {
    let Peer {
        subject,
        certificate,
        ..
    } = peer;
    // MQTT 5 section 4.12: the certificate has said already who it is.
    if connect.properties.authentication_method.is_some() {
        return Err(Refusal::EnhancedAuthentication);
    }
    let outbox = broker.new_outbox(subject, broker.next_session());
    let client_id = bind_client_id(subject.principal(), connect.client_id, outbox.number())?;
    let origin = Origin {
        publisher: Arc::clone(subject),
        session: outbox.number(),
        at: now,
    };
    let mut open = unopened(broker, subject, connect, outbox, keep_alive_s, now);
    if let Some(will) = &connect.will {
        open.will = Some(Will::register(broker, origin, will)?);
    }
    let info = SessionInfo {
        client_id: client_id.clone(),
        version: connect.version,
        since: now,
        certificate: *certificate,
        address: peer.address,
    };
    let start = if connect.clean_start {
        Start::Clean
    } else {
        Start::Resume
    };
    let mut ended = Vec::new();
    let admitted = broker
        .sessions
        .admit(subject, info, &open.state.outbox, start, &mut ended)?;
    for parked in ended {
        parked.end(broker, now);
    }
    let session_present = match admitted {
        Admitted::After(earlier) => return Ok((Admission::After(earlier), client_id)),
        Admitted::New => {
            begin(&mut open, &client_id);
            SessionPresent::No
        }
        Admitted::Resumed(parked) => {
            resume(
                &mut open,
                parked.state,
                in_flight_max(connect, &broker.settings),
            );
            SessionPresent::Yes
        }
    };
    let will = open.will.as_ref().filter(|_| open.state.shelved);
    if let Some(step) = will.map(|will| will.step(open.state.outbox.number().0)) {
        open.note_if(true, |_session| step);
    }
    open.state
        .outbox
        .begin(lifetime(open.client.session_expiry));
    broker.watch_place(peer, &open.state.outbox, now);
    Ok((Admission::In(open, session_present), client_id))
}

/// What a session is made of that no client is in yet.
fn unopened(
    broker: &Arc<Broker>,
    subject: &Arc<Subject>,
    connect: &Connect<'_>,
    outbox: Arc<Outbox>,
    keep_alive_s: u16,
    now: UnixTime,
) -> Box<Open> {
    let settings = &broker.settings;
    // MQTT 5 section 3.1.2.10 [MQTT-3.1.2-22].
    let silence_max = Duration::from_millis(u64::from(keep_alive_s) * 1_500);
    Box::new(Open {
        broker: Arc::clone(broker),
        subject: Arc::clone(subject),
        state: SessionState::new(outbox, in_flight_max(connect, settings)),
        gate: Gate::new(broker.shelf.clone()),
        version: connect.version,
        client: ClientLimits::of(connect, settings),
        silence_max: (keep_alive_s > 0).then_some(silence_max),
        heard: now,
        will: None,
        client_aliases: ClientAliases::new(client_aliases_max(connect, settings)),
        own_aliases: OwnAliases::new(own_aliases_max(connect, settings)),
        pace: Pace::new(now),
        topics: SessionTopics::default(),
        pause: None,
        only_listens: false,
        gathers_until: None,
    })
}

/// Begins a session, which outlives the hub if it is to outlive its connection.
fn begin(open: &mut Open, client_id: &str) {
    let (subject, expiry_s) = (Arc::clone(&open.subject), expiry_s(open));
    open.state.shelved = expiry_s > 0;
    open.note_if(expiry_s > 0, |session| Step::Begin {
        session,
        principal: subject.principal().clone(),
        client_id: client_id.into(),
        expiry_s,
    });
}

/// Goes on with a session that the client left behind.
fn resume(open: &mut Open, state: SessionState, in_flight_max: u16) {
    open.state.resume(state, in_flight_max);
    if let Some(will) = &mut open.will {
        will.set_session(open.state.outbox.number());
    }
    let expiry_s = expiry_s(open);
    open.note_if(true, |session| Step::Resume { session, expiry_s });
}

fn expiry_s(open: &Open) -> u32 {
    u32::try_from(open.client.session_expiry.as_secs()).unwrap_or(u32::MAX)
}

/// How long what waits for a client is kept, whose session waits for it so long.
fn lifetime(session_expiry: Duration) -> Lifetime {
    if session_expiry.is_zero() {
        Lifetime::Connection
    } else {
        Lifetime::Session
    }
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

/// How long the session waits for its client: what that asked for, within our bound (MQTT 5 section 3.2.2.3.2). In
/// 3.1.1 a session that is not clean has no end of its own.
fn session_expiry(connect: &Connect<'_>, settings: &BrokerSettings) -> Duration {
    let asked_for_s = match (connect.version, connect.clean_start) {
        (Version::V5, _) => connect.properties.session_expiry_s.unwrap_or(0),
        (Version::V311, true) => 0,
        (Version::V311, false) => u32::MAX,
    };
    Duration::from_secs(asked_for_s.min(settings.session_expiry_max_s).into())
}

/// What the client takes at once (MQTT 5 section 3.1.2.11.3), if we would send as much.
fn in_flight_max(connect: &Connect<'_>, settings: &BrokerSettings) -> u16 {
    connect
        .properties
        .receive_maximum
        .map_or(u16::MAX, u16::from)
        .min(settings.in_flight_max)
}

/// How many topics the client may give a number; 3.1.1 knows none.
fn client_aliases_max(connect: &Connect<'_>, settings: &BrokerSettings) -> u16 {
    match connect.version {
        Version::V5 => settings.topic_alias_max,
        Version::V311 => 0,
    }
}

/// How many topics we give a number: what the client takes (MQTT 5 section 3.1.2.11.5), if we would keep as many.
fn own_aliases_max(connect: &Connect<'_>, settings: &BrokerSettings) -> u16 {
    let takes = connect.properties.topic_alias_maximum.unwrap_or(0);
    takes.min(settings.topic_alias_max)
}

/// Below which topic the client may be answered, if it asks (MQTT 5 section 3.2.2.3.15).
fn response_information(connect: &Connect<'_>, peer: &Peer) -> Option<String> {
    let asks = connect.properties.request_response_information == Some(true);
    let answered = || {
        let grant = peer.subject.grant();
        grant.subscribe().branch(peer.subject.principal().id())
    };
    asks.then(answered).flatten()
}

impl ClientLimits {
    fn of(connect: &Connect<'_>, settings: &BrokerSettings) -> Self {
        let properties = &connect.properties;
        Self {
            packet_size_max: properties
                .packet_size_max
                .map_or(usize::MAX, |max| max.get() as usize),
            reasons: match properties.request_problem_information {
                Some(false) => Reasons::Unwanted,
                Some(true) | None => Reasons::Wanted,
            },
            session_expiry: session_expiry(connect, settings),
        }
    }
}

/// The answer to a client that is in (MQTT 5 section 3.2.2.3).
fn connack<'a>(
    connect: &Connect<'_>,
    agreed: Agreed<'a>,
    settings: &BrokerSettings,
) -> ConnAck<'a> {
    let session_expiry_s = u32::try_from(agreed.session_expiry.as_secs()).unwrap_or(u32::MAX);
    let properties = match connect.version {
        Version::V311 => ConnAckProperties::default(),
        Version::V5 => ConnAckProperties {
            session_expiry_s: (session_expiry_s
                != connect.properties.session_expiry_s.unwrap_or(0))
            .then_some(session_expiry_s),
            receive_maximum: NonZeroU16::new(settings.in_flight_max),
            packet_size_max: NonZeroU32::new(agreed.packet_size_max),
            assigned_client_id: connect.client_id.is_empty().then_some(agreed.client_id),
            topic_alias_maximum: Some(settings.topic_alias_max),
            response_information: agreed.response_information,
            server_keep_alive_s: (agreed.keep_alive_s != connect.keep_alive_s)
                .then_some(agreed.keep_alive_s),
            ..ConnAckProperties::default()
        },
    };
    ConnAck {
        session_present: agreed.session_present == SessionPresent::Yes,
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
