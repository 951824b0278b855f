//! Every refusal is counted and logged here, once.
//!
//! `debug` for single packets; `warn` where a session or a will is refused: odd, and handled.

use std::time::Duration;

use ironroot_identity::Principal;
use ironroot_registry::Subject;

use crate::broker::Broker;
use crate::counters::Counters;
use crate::refusal::Refusal;

/// One message or one subscription was refused; the session goes on.
pub(super) fn packet_refused(counters: &Counters, subject: &Subject, refusal: Refusal) {
    count(counters, refusal);
    let (device, service) = ids(subject.principal());
    tracing::debug!(device.id = device, service.id = service, door = "mqtt", cause = %refusal, "Request refused.");
}

/// A session was not let in, or was ended by us.
pub(super) fn session_refused(broker: &Broker, subject: &Subject, refusal: Refusal) {
    let (device, service) = ids(subject.principal());
    match refusal {
        // Usual in a fleet; nobody did anything wrong.
        Refusal::TakenOver
        | Refusal::ShuttingDown
        | Refusal::KeepAliveTimeout
        | Refusal::CertificateExpired => {
            tracing::debug!(device.id = device, service.id = service, door = "mqtt", cause = %refusal, "Session ended.");
        }
        _ => {
            let counters = broker.counters.of(subject.principal());
            count(&counters, refusal);
            counters.cut_off.add(usize::from(refusal.is_too_much()));
            tracing::warn!(device.id = device, service.id = service, door = "mqtt", cause = %refusal, "Session refused.");
        }
    }
}

fn count(counters: &Counters, refusal: Refusal) {
    counters.refused.add(1);
    counters
        .over_limit
        .add(usize::from(refusal.is_over_limit()));
}

/// The session is not read from for a while, since it sends too much.
pub(super) fn held(subject: &Subject, hold: Duration) {
    let (device, service) = ids(subject.principal());
    tracing::debug!(
        device.id = device,
        service.id = service,
        door = "mqtt",
        hold.ms = hold.as_millis(),
        "Session held."
    );
}

/// A will was not published.
pub(super) fn will_refused(broker: &Broker, subject: &Subject, refusal: Refusal) {
    count(&broker.counters.of(subject.principal()), refusal);
    let (device, service) = ids(subject.principal());
    tracing::warn!(device.id = device, service.id = service, door = "mqtt", cause = %refusal, "Will not published.");
}

/// A delivery of an earlier life of the hub cannot be read, and is lost.
pub(super) fn damaged(subject: &Subject, number: u64) {
    let (device, service) = ids(subject.principal());
    tracing::error!(
        device.id = device,
        service.id = service,
        delivery.number = number,
        door = "mqtt",
        "A kept delivery is damaged and is left out."
    );
}

/// A will of an earlier life of the hub cannot be read, and is lost.
pub(super) fn will_damaged(subject: &Subject) {
    let (device, service) = ids(subject.principal());
    tracing::error!(
        device.id = device,
        service.id = service,
        door = "mqtt",
        "A kept will is damaged and is left out."
    );
}

/// A session was let in.
pub(super) fn opened(subject: &Subject) {
    let (device, service) = ids(subject.principal());
    tracing::debug!(
        device.id = device,
        service.id = service,
        door = "mqtt",
        "Session opened."
    );
}

/// The values of the log fields `device.id` and `service.id`.
fn ids(principal: &Principal) -> (Option<&str>, Option<&str>) {
    match principal {
        Principal::Device(id) => (Some(id.as_str()), None),
        Principal::Service(name) => (None, Some(name.as_str())),
    }
}
