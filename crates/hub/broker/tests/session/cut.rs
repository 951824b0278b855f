//! A Grant that shrinks while sessions live: who is cut, who is not, and what is still delivered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use ironroot_identity::CertificateSerial;
use ironroot_mqtt::{ConnAck, Packet, Publish, Qos, ReasonCode, Version};
use ironroot_standing::{Grant, Lifecycle};

use crate::bench::{Bench, QOS1, device, publish, service};

#[test]
fn every_session_is_cut_when_the_grant_no_longer_allows_one() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut v5 = bench.joins(&cam, Version::V5);
    let mut v311 = bench.arrives(&cam, Version::V311);
    v311.sends(&Packet::Connect(crate::bench::connect(
        Version::V311,
        "cam-1/old",
    )));
    v311.gets();
    let mut other = bench.joins(&device("cam-2"), Version::V5);
    bench.moves(&cam, Lifecycle::Retired);
    assert_eq!(v5.is_refused(), ReasonCode::NotAuthorized);
    assert!(v311.is_closed_in_silence());
    assert!(other.gets().is_empty() && !other.session.is_over());
    assert!(bench.broker.sessions_of(cam.principal()).is_empty());
}

#[test]
fn a_session_is_cut_when_the_certificate_that_it_lives_by_is_revoked() {
    let bench = Bench::new();
    let backend = service("backend");
    let [old, new] = [1, 2].map(|n| CertificateSerial::from_random([n; 16]));
    let connect = |id| Packet::Connect(crate::bench::connect(Version::V5, id));
    let mut with_old = bench.arrives_with(&backend, old, Version::V5);
    with_old.sends(&connect("a"));
    with_old.gets();
    let mut with_new = bench.arrives_with(&backend, new, Version::V5);
    with_new.sends(&connect("b"));
    with_new.gets();
    backend.revoke(old);
    bench.broker.grant_changed(&backend);
    assert_eq!(with_old.is_refused(), ReasonCode::NotAuthorized);
    assert!(with_new.gets().is_empty() && !with_new.session.is_over());
    let mut late = bench.arrives_with(&backend, old, Version::V5);
    late.sends(&connect("c"));
    assert!(matches!(
        late.gets()[..],
        [Packet::ConnAck(ConnAck {
            reason: ReasonCode::NotAuthorized,
            ..
        })]
    ));
}

#[test]
fn a_cut_wakes_the_session_at_once() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    client.session.wake_for_output(&Waker::from(count.clone()));
    bench.grants(&cam, Arc::new(Grant::nothing()));
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
}

#[test]
fn a_session_lives_on_under_a_quarantine_that_grants_one() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    bench.moves(&cam, Lifecycle::Quarantined);
    assert!(client.gets().is_empty() && !client.session.is_over());
    assert_eq!(
        client.publishes_qos1("d/cam-1/up/t", "x"),
        ReasonCode::NotAuthorized
    );
    assert_eq!(
        client.publishes_qos1("d/cam-1/up/diagnosis", "x"),
        ReasonCode::NoMatchingSubscribers
    );
    assert_eq!(
        client.subscribes("d/cam-1/down/#", Qos::AtMostOnce),
        ReasonCode::NotAuthorized
    );
    assert_eq!(
        client.subscribes("d/cam-1/down/order", Qos::AtMostOnce),
        ReasonCode::Success
    );
}

#[test]
fn a_message_accepted_before_a_cut_is_delivered() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = bench.joins(&service("backend"), Version::V5);
    reader.subscribes("d/#", Qos::AtLeastOnce);
    let mut writer = bench.joins(&cam, Version::V5);
    assert_eq!(
        writer.publishes_qos1("d/cam-1/up/t", "before"),
        ReasonCode::Success
    );
    bench.moves(&cam, Lifecycle::Retired);
    writer.sends(&Packet::Publish(Publish {
        delivery: QOS1,
        ..publish("d/cam-1/up/t", "after")
    }));
    assert_eq!(reader.gets_messages(), [("d/cam-1/up/t", "before")]);
}

#[test]
fn nothing_is_delivered_after_a_cut() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut reader = bench.joins(&cam, Version::V5);
    reader.subscribes("d/cam-1/down/#", Qos::AtMostOnce);
    bench
        .joins(&service("backend"), Version::V5)
        .publishes("d/cam-1/down/order", "x");
    bench.moves(&cam, Lifecycle::Retired);
    let got = reader.gets();
    assert!(matches!(got[..], [Packet::Disconnect(_)]), "{got:?}");
}

#[test]
fn a_hub_that_stops_says_so_and_lets_nobody_in() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    bench.broker.drain();
    assert_eq!(client.is_refused(), ReasonCode::ServerShuttingDown);
    let mut late = bench.arrives(&cam, Version::V5);
    late.sends(&Packet::Connect(crate::bench::connect(
        Version::V5,
        "cam-1",
    )));
    assert!(
        matches!(late.gets()[..], [Packet::ConnAck(connack)] if connack.reason == ReasonCode::ServerUnavailable)
    );
}

#[test]
fn a_session_whose_edge_cannot_send_obeys_a_cut_all_the_same() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    client.session.obey(bench.now(), &mut Vec::new());
    assert!(!client.session.is_over());
    bench.moves(&cam, Lifecycle::Retired);
    client.session.obey(bench.now(), &mut Vec::new());
    assert!(client.session.is_over());
}
