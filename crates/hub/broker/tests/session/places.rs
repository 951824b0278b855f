//! One certificate in two places at once is noticed, and what only looks so is not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ironroot_broker::{InTwoPlaces, TwoPlaces};
use ironroot_identity::CertificateSerial;
use ironroot_mqtt::{Packet, Version};
use ironroot_registry::Subject;
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, Client, connect, device, grant_of, service};

const HERE: [u8; 4] = [192, 0, 2, 1];
const THERE: [u8; 4] = [198, 51, 100, 7];

fn certificate(n: u8) -> CertificateSerial {
    CertificateSerial::from_random([n; 16])
}

/// A session of this client id, by this certificate.
fn joins<'b>(
    bench: &'b Bench,
    subject: &Arc<Subject>,
    (from, n): ([u8; 4], u8),
    client_id: &str,
) -> Client<'b> {
    let mut client = bench.arrives_from(from, subject, certificate(n), Version::V5);
    client.sends(&Packet::Connect(connect(Version::V5, client_id)));
    assert!(matches!(client.gets()[..], [Packet::ConnAck(_)]));
    client
}

/// Both talk for so long, each second.
fn talk(bench: &Bench, clients: &mut [&mut Client<'_>], seconds: u64) {
    for _ in 0..seconds {
        bench.passes(Duration::from_secs(1));
        for client in &mut *clients {
            client.sends(&Packet::PingReq);
        }
        bench.broker.tick(bench.now());
    }
}

fn noticed(bench: &Bench) -> Vec<InTwoPlaces> {
    bench.broker.take_in_two_places()
}

#[test]
fn attack_a_copied_certificate_in_a_session_of_its_own_is_noticed_once() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut owner = joins(&bench, &cam, (HERE, 1), "cam-1");
    let mut thief = joins(&bench, &cam, (THERE, 1), "cam-1/x");
    talk(&bench, &mut [&mut owner, &mut thief], 9);
    assert!(
        noticed(&bench).is_empty(),
        "it may be a connection that died"
    );
    talk(&bench, &mut [&mut owner, &mut thief], 60);
    let [one] = &noticed(&bench)[..] else {
        panic!("not noticed once")
    };
    assert_eq!(one.principal, *cam.principal());
    assert_eq!(
        (one.certificate, one.how),
        (certificate(1), TwoPlaces::Overlap)
    );
    assert_eq!(one.sources, [HERE, THERE].map(IpAddr::from));
    assert!(
        !owner.session.is_over() && !thief.session.is_over(),
        "it is told, not cut"
    );

    drop(thief);
    let mut thief = joins(&bench, &cam, (THERE, 1), "cam-1/x");
    talk(&bench, &mut [&mut owner, &mut thief], 20);
    assert!(noticed(&bench).is_empty(), "the same episode");
    drop(thief);
    bench.passes(Duration::from_secs(3_601));
    let mut owner = joins(&bench, &cam, (HERE, 1), "cam-1");
    let mut thief = joins(&bench, &cam, (THERE, 1), "cam-1/x");
    talk(&bench, &mut [&mut owner, &mut thief], 20);
    assert_eq!(noticed(&bench).len(), 1, "another one");
}

#[test]
fn attack_a_copied_certificate_that_takes_sessions_over_is_noticed() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for round in 0..4 {
        assert!(noticed(&bench).is_empty(), "round {round}");
        bench.passes(Duration::from_secs(30));
        drop(joins(&bench, &cam, ([HERE, THERE][round % 2], 1), "cam-1"));
    }
    drop(joins(&bench, &cam, (HERE, 1), "cam-1"));
    let [one] = &noticed(&bench)[..] else {
        panic!("not noticed once")
    };
    assert_eq!(
        (one.how, one.sources),
        (TwoPlaces::Alternation, [THERE, HERE].map(IpAddr::from))
    );
    let sources = bench.broker.sources_of(cam.principal());
    assert_eq!(sources.len(), 2);
}

#[test]
fn a_connection_that_died_without_a_word_is_not_noticed() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let _dead = joins(&bench, &cam, (HERE, 1), "cam-1");
    let mut alive = joins(&bench, &cam, (THERE, 1), "cam-1/x");
    talk(&bench, &mut [&mut alive], 60);
    assert!(noticed(&bench).is_empty());
}

#[test]
fn one_address_and_two_certificates_are_not_noticed() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut first = joins(&bench, &cam, (HERE, 1), "cam-1");
    let mut second = joins(&bench, &cam, (HERE, 1), "cam-1/x");
    talk(&bench, &mut [&mut first, &mut second], 60);
    drop(second);
    let mut renewed = joins(&bench, &cam, (THERE, 2), "cam-1/x");
    talk(&bench, &mut [&mut first, &mut renewed], 60);
    assert!(noticed(&bench).is_empty());
}

#[test]
fn as_many_places_as_the_profile_allows_are_not_noticed() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let roaming = "name='c'\nevidence='none'\n[topics]\npublish=['#']\n[limits]\nsessions_max=4\nsources_max=2\nmessages_per_s=0";
    bench.grants(&cam, grant_of(roaming, Lifecycle::Active));
    let mut first = joins(&bench, &cam, (HERE, 1), "cam-1");
    let mut second = joins(&bench, &cam, (THERE, 1), "cam-1/x");
    talk(&bench, &mut [&mut first, &mut second], 60);
    assert!(noticed(&bench).is_empty());
    let mut third = joins(&bench, &cam, ([203, 0, 113, 9], 1), "cam-1/y");
    talk(&bench, &mut [&mut first, &mut second, &mut third], 60);
    assert_eq!(noticed(&bench).len(), 1);

    let backend = service("backend");
    let mut here = joins(&bench, &backend, (HERE, 3), "a");
    let mut there = joins(&bench, &backend, (THERE, 3), "b");
    talk(&bench, &mut [&mut here, &mut there], 60);
    assert!(
        noticed(&bench).is_empty(),
        "a service runs on many machines"
    );
}
