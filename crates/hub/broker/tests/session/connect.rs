//! CONNECT: who is let in, what is agreed, and every way to be refused.

use std::time::Duration;

use ironroot_mqtt::{ConnAck, Connect, ConnectProperties, Packet, Qos, ReasonCode, Version};
use ironroot_standing::Lifecycle;

use crate::bench::{Bench, Client, connect, device, service};

const BOTH: [Version; 2] = [Version::V311, Version::V5];

/// What a CONNECT is answered with.
fn answer(client: &mut Client<'_>, connect: &Connect<'_>) -> ConnAck<'static> {
    client.sends(&Packet::Connect(*connect));
    match client.gets()[..] {
        [Packet::ConnAck(connack)] => connack,
        ref other => panic!("no CONNACK: {other:?}"),
    }
}

#[test]
fn a_device_is_let_in_under_its_own_client_id() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for version in BOTH {
        for client_id in ["cam-1", "cam-1/video"] {
            let mut client = bench.arrives(&cam, version);
            let connack = answer(&mut client, &connect(version, client_id));
            assert_eq!(
                (connack.reason, connack.session_present),
                (ReasonCode::Success, false)
            );
        }
    }
    assert_eq!(bench.counters(&cam).connects, 4);
}

#[test]
fn an_empty_client_id_stands_for_the_device_id() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.arrives(&cam, Version::V5);
    let connack = answer(&mut client, &connect(Version::V5, ""));
    assert_eq!(connack.properties.assigned_client_id, Some("cam-1"));
    assert_eq!(
        &*bench.broker.sessions_of(cam.principal())[0].client_id,
        "cam-1"
    );
}

#[test]
fn each_session_of_a_service_without_a_client_id_is_given_its_own() {
    let bench = Bench::new();
    let backend = service("backend");
    let assigned = |client: &mut Client<'_>| {
        answer(client, &connect(Version::V5, ""))
            .properties
            .assigned_client_id
            .unwrap()
    };
    let (mut first, mut second) = (
        bench.arrives(&backend, Version::V5),
        bench.arrives(&backend, Version::V5),
    );
    assert_ne!(assigned(&mut first), assigned(&mut second));
    assert_eq!(bench.broker.sessions_of(backend.principal()).len(), 2);
}

#[test]
fn an_mqtt_5_client_is_told_the_bounds_of_its_session() {
    let bench = Bench::new();
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    let properties = ConnectProperties {
        session_expiry_s: Some(u32::MAX),
        ..ConnectProperties::default()
    };
    let connack = answer(
        &mut client,
        &Connect {
            properties,
            ..connect(Version::V5, "cam-1")
        },
    );
    let said = connack.properties;
    assert_eq!(said.session_expiry_s, Some(7 * 86_400));
    assert_eq!(said.receive_maximum.map(u16::from), Some(1_024));
    assert_eq!(said.topic_alias_maximum, Some(16));
    assert_eq!(said.maximum_qos, None, "QoS 2 is offered");
    assert_eq!(said.shared_subscription_available, None, "they are");
    assert_eq!(said.packet_size_max.map(u32::from), Some(4_096));
    assert_eq!(said.assigned_client_id, None);
}

#[test]
fn a_client_that_asks_is_told_below_which_topic_it_may_be_answered() {
    let bench = Bench::new();
    for (principal, asks, told) in [
        (device("cam-1"), Some(true), Some("d/cam-1/down")),
        (device("cam-2"), Some(false), None),
        (device("cam-3"), None, None),
        // No branch of topics is a service's own.
        (service("backend"), Some(true), None),
    ] {
        let mut client = bench.arrives(&principal, Version::V5);
        let properties = ConnectProperties {
            request_response_information: asks,
            ..ConnectProperties::default()
        };
        let connect = Connect {
            properties,
            ..connect(Version::V5, "")
        };
        let connack = answer(&mut client, &connect);
        assert_eq!(connack.properties.response_information, told);
    }
}

#[test]
fn the_keep_alive_of_an_mqtt_5_client_has_a_bound_and_it_is_told() {
    let bench = Bench::new();
    let cam = device("cam-1");
    for (asked_for, told) in [
        (60, None),
        (3_600, None),
        (3_601, Some(3_600)),
        (0, Some(3_600)),
    ] {
        let mut client = bench.arrives(&cam, Version::V5);
        let connack = answer(
            &mut client,
            &Connect {
                keep_alive_s: asked_for,
                ..connect(Version::V5, "cam-1")
            },
        );
        assert_eq!(connack.properties.server_keep_alive_s, told);
    }
}

#[test]
fn a_silent_client_is_ended_after_one_and_a_half_times_its_keep_alive() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    bench.passes(Duration::from_millis(89_999));
    client.handle_deadline();
    assert!(!client.session.is_over());
    client.sends(&Packet::PingReq);
    assert_eq!(client.gets(), [Packet::PingResp]);
    assert_eq!(
        client.session.deadline(),
        Some(bench.now().plus(Duration::from_secs(90)))
    );
    bench.passes(Duration::from_secs(90));
    client.handle_deadline();
    assert_eq!(client.is_refused(), ReasonCode::KeepAliveTimeout);
}

#[test]
fn attack_half_a_packet_at_a_time_keeps_no_session_alive() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.joins(&cam, Version::V5);
    // The head of a PUBLISH of 100 bytes, whose rest comes byte by byte.
    client.sends_bytes(&[0x30, 100]);
    for _ in 0..89 {
        bench.passes(Duration::from_secs(1));
        client.sends_bytes(&[0]);
        client.handle_deadline();
        assert!(!client.session.is_over());
    }
    bench.passes(Duration::from_secs(1));
    client.sends_bytes(&[0]);
    client.handle_deadline();
    assert_eq!(client.is_refused(), ReasonCode::KeepAliveTimeout);
}

#[test]
fn a_client_of_3_1_1_with_keep_alive_zero_may_be_silent_for_ever() {
    let bench = Bench::new();
    let mut client = bench.arrives(&device("cam-1"), Version::V311);
    answer(
        &mut client,
        &Connect {
            keep_alive_s: 0,
            ..connect(Version::V311, "cam-1")
        },
    );
    assert_eq!(client.session.deadline(), None);
    bench.passes(Duration::from_secs(1_000_000));
    client.handle_deadline();
    assert!(!client.session.is_over());
}

#[test]
fn refuses_a_client_that_does_not_connect_in_time() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut client = bench.arrives(&cam, Version::V5);
    client.sends_bytes(&[0x10]);
    assert_eq!(
        client.session.deadline(),
        Some(bench.now().plus(Duration::from_secs(10)))
    );
    bench.passes(Duration::from_secs(10));
    client.handle_deadline();
    assert!(client.is_closed_in_silence());
    assert_eq!(bench.counters(&cam).refused, 1);
}

#[test]
fn refuses_a_first_packet_that_is_not_connect() {
    let bench = Bench::new();
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    client.sends(&Packet::PingReq);
    assert!(client.is_closed_in_silence());
}

#[test]
fn refuses_a_second_connect() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    client.sends(&Packet::Connect(connect(Version::V5, "cam-1")));
    assert_eq!(client.is_refused(), ReasonCode::ProtocolError);
}

#[test]
fn refuses_a_device_whose_grant_opens_no_session() {
    let bench = Bench::new();
    let cam = device("cam-1");
    bench.moves(&cam, Lifecycle::Retired);
    for version in BOTH {
        let mut client = bench.arrives(&cam, version);
        let connack = answer(&mut client, &connect(version, "cam-1"));
        assert_eq!(connack.reason, ReasonCode::NotAuthorized);
        assert!(client.session.is_over());
    }
    assert_eq!(
        (bench.counters(&cam).refused, bench.counters(&cam).connects),
        (2, 0)
    );
}

#[test]
fn refuses_a_client_id_that_is_not_the_devices_own() {
    let bench = Bench::new();
    for version in BOTH {
        for client_id in ["cam-2", "cam-10", "cam-1/", "CAM-1"] {
            let mut client = bench.arrives(&device("cam-1"), version);
            let connack = answer(&mut client, &connect(version, client_id));
            assert_eq!(
                connack.reason,
                ReasonCode::ClientIdentifierNotValid,
                "{client_id}"
            );
            assert!(client.session.is_over());
        }
    }
}

#[test]
fn refuses_more_sessions_than_the_grant_allows() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let _first = bench.joins(&cam, Version::V5);
    let mut second = bench.arrives(&cam, Version::V5);
    assert_eq!(
        answer(&mut second, &connect(Version::V5, "cam-1/2")).reason,
        ReasonCode::Success
    );
    let mut third = bench.arrives(&cam, Version::V5);
    assert_eq!(
        answer(&mut third, &connect(Version::V5, "cam-1/3")).reason,
        ReasonCode::QuotaExceeded
    );
    second.leaves();
    let mut third = bench.arrives(&cam, Version::V311);
    assert_eq!(
        answer(&mut third, &connect(Version::V311, "cam-1/3")).reason,
        ReasonCode::Success
    );
    let mut fourth = bench.arrives(&cam, Version::V311);
    assert_eq!(
        answer(&mut fourth, &connect(Version::V311, "cam-1/4")).reason,
        ReasonCode::ServerUnavailable
    );
}

#[test]
fn a_new_session_takes_over_the_one_with_the_same_client_id() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let mut old = bench.joins(&cam, Version::V5);
    old.subscribes("all/#", Qos::AtMostOnce);
    let mut new = bench.joins(&cam, Version::V5);
    assert_eq!(old.is_refused(), ReasonCode::SessionTakenOver);
    assert_eq!(bench.broker.sessions_of(cam.principal()).len(), 1);
    assert_eq!(bench.broker.totals().sessions, 1);
    bench
        .joins(&service("backend"), Version::V5)
        .publishes("all/news", "x");
    assert!(new.gets().is_empty(), "nothing of the old session is left");
}

#[test]
fn refuses_enhanced_authentication() {
    let bench = Bench::new();
    let mut client = bench.arrives(&device("cam-1"), Version::V5);
    let properties = ConnectProperties {
        authentication_method: Some("SCRAM-SHA-256"),
        ..ConnectProperties::default()
    };
    let connack = answer(
        &mut client,
        &Connect {
            properties,
            ..connect(Version::V5, "cam-1")
        },
    );
    assert_eq!(connack.reason, ReasonCode::BadAuthenticationMethod);
}

#[test]
fn answers_an_unknown_version_in_the_nearest_form() {
    let bench = Bench::new();
    let older = [
        0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 3, 2, 0, 60, 0, 1, b'x',
    ];
    let mut client = bench.arrives(&device("x"), Version::V311);
    client.sends_bytes(&older);
    assert!(matches!(
        client.gets()[..],
        [Packet::ConnAck(ConnAck {
            reason: ReasonCode::UnsupportedProtocolVersion,
            ..
        })]
    ));
    let newer = [
        0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 6, 2, 0, 60, 0, 0, 1, b'x',
    ];
    let mut client = bench.arrives(&device("x"), Version::V5);
    client.sends_bytes(&newer);
    assert!(matches!(
        client.gets()[..],
        [Packet::ConnAck(ConnAck {
            reason: ReasonCode::UnsupportedProtocolVersion,
            ..
        })]
    ));
}

#[test]
fn refuses_a_malformed_connect_as_its_version_can() {
    let bench = Bench::new();
    let cam = device("x");
    // The reserved connect flag is set.
    let mut v5 = bench.arrives(&cam, Version::V5);
    v5.sends_bytes(&[
        0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 3, 0, 60, 0, 0, 1, b'x',
    ]);
    assert!(matches!(
        v5.gets()[..],
        [Packet::ConnAck(ConnAck {
            reason: ReasonCode::MalformedPacket,
            ..
        })]
    ));
    let mut v311 = bench.arrives(&cam, Version::V311);
    v311.sends_bytes(&[
        0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 3, 0, 60, 0, 1, b'x',
    ]);
    assert!(v311.is_closed_in_silence());
    // 3.1.1 section 3.1.3.1: no client identifier, and the session is not clean.
    let mut kept = bench.arrives(&cam, Version::V311);
    kept.sends_bytes(&[0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 0, 0, 60, 0, 0]);
    assert!(matches!(
        kept.gets()[..],
        [Packet::ConnAck(ConnAck {
            reason: ReasonCode::ClientIdentifierNotValid,
            ..
        })]
    ));
}

#[test]
fn a_packet_may_come_byte_by_byte() {
    let bench = Bench::new();
    let mut client = bench.arrives(&device("x"), Version::V311);
    for byte in [
        0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'x', 0xC0, 0,
    ] {
        client.sends_bytes(&[byte]);
    }
    assert!(matches!(
        client.gets()[..],
        [Packet::ConnAck(_), Packet::PingResp]
    ));
}

#[test]
fn refuses_disconnect_that_sets_an_expiry_where_connect_set_none() {
    let bench = Bench::new();
    let cam = device("cam-1");
    let goodbye = Packet::Disconnect(ironroot_mqtt::Disconnect {
        properties: ironroot_mqtt::DisconnectProperties {
            session_expiry_s: Some(5),
            ..Default::default()
        },
        ..Default::default()
    });
    let mut client = bench.joins(&cam, Version::V5);
    client.sends(&goodbye);
    assert_eq!(client.is_refused(), ReasonCode::ProtocolError);
    let mut client = bench.arrives(&cam, Version::V5);
    let properties = ConnectProperties {
        session_expiry_s: Some(60),
        ..ConnectProperties::default()
    };
    answer(
        &mut client,
        &Connect {
            properties,
            ..connect(Version::V5, "cam-1")
        },
    );
    client.sends(&goodbye);
    assert!(client.is_closed_in_silence());
}

#[test]
fn refuses_auth_where_no_method_was_agreed() {
    let bench = Bench::new();
    let mut client = bench.joins(&device("cam-1"), Version::V5);
    let properties = ironroot_mqtt::AuthProperties {
        authentication_method: Some("x"),
        ..Default::default()
    };
    client.sends(&Packet::Auth(ironroot_mqtt::Auth {
        reason: ReasonCode::Reauthenticate,
        properties,
    }));
    assert_eq!(client.is_refused(), ReasonCode::ProtocolError);
}
