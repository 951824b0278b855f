//! Those who have no business here, by name.

use std::sync::atomic::Ordering::Relaxed;

use ironroot_mqtt::{Packet, ReasonCode};
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, Got, connect, tls};
use crate::house::{House, Resident};

/// Whether the client gets a session. In TLS 1.3 a client learns that its certificate is refused only after
/// its own handshake is done.
async fn gets_in(house: &House, resident: Option<&Resident>) -> bool {
    let Ok(mut client) = Client::connect(house, resident).await else {
        return false;
    };
    if client
        .sends(&Packet::Connect(connect("cam-1")))
        .await
        .is_err()
    {
        return false;
    }
    let mut byte = [0];
    matches!(client.stream.read(&mut byte).await, Ok(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_a_certificate_gets_no_session() {
    let house = House::open().await;
    assert!(!gets_in(&house, None).await);
    assert!(gets_in(&house, Some(&house.device("cam-1"))).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_hub_gets_no_session() {
    let (house, other) = (House::open().await, House::open().await);
    house.device("cam-1");
    assert!(!gets_in(&house, Some(&other.device("cam-1"))).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valid_certificate_of_somebody_unknown_gets_no_session() {
    let house = House::open().await;
    let cam = house.device("cam-1");
    house.forget(&cam);
    assert!(!gets_in(&house, Some(&cam)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_no_good_certificate_is_counted_and_who_hangs_up_is_not() {
    let (mut house, other) = (House::open().await, House::open().await);
    let cam = house.device("cam-1");
    assert!(!gets_in(&house, None).await);
    assert!(!gets_in(&house, Some(&other.device("cam-1"))).await);
    drop(TcpStream::connect(house.address).await.unwrap());
    assert!(gets_in(&house, Some(&cam)).await);
    house.forget(&cam);
    assert!(!gets_in(&house, Some(&cam)).await);
    house.begin_drain();
    house.closed().await;
    assert_eq!(house.certificates_refused.load(Relaxed), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_speaks_no_tls_is_closed() {
    let house = House::open().await;
    let mut socket = TcpStream::connect(house.address).await.unwrap();
    socket
        .write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x")
        .await
        .unwrap();
    let mut answer = Vec::new();
    // An alert, and the end.
    let _reset = socket.read_to_end(&mut answer).await;
    assert!(answer.len() < 16, "{answer:?}");
    assert_eq!(house.broker.totals().sessions, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_after_the_handshake_ends_that_connection_alone() {
    let house = House::open().await;
    let mut good = house.joins(&house.device("cam-1")).await;
    let mut bad = house.joins(&house.device("cam-2")).await;
    bad.stream.write_all(&[0xff; 64]).await.unwrap();
    assert_eq!(
        bad.gets().await,
        Got::Disconnect(ReasonCode::MalformedPacket)
    );
    assert_eq!(bad.gets().await, Got::End);
    good.sends(&Packet::PingReq).await.unwrap();
    assert_eq!(good.gets().await, Got::PingResp);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_cut_off_without_a_farewell_ends_the_session() {
    let house = House::open().await;
    let cam = house.device("cam-1");
    let client = house.joins(&cam).await;
    // The socket alone is closed: no DISCONNECT, no close_notify.
    drop(client.stream.into_inner().0);
    house
        .until("the session is gone", |broker| {
            broker.sessions_of(cam.subject.principal()).is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_client_that_talks_on_is_not_listened_to() {
    let house = House::open().await;
    let cam = house.device("cam-1");
    let mut device = house.joins(&cam).await;
    house.cut(&cam);
    assert_eq!(
        device.gets().await,
        Got::Disconnect(ReasonCode::NotAuthorized)
    );
    let before = house.broker.counters_of(cam.subject.principal()).unwrap();
    for _ in 0..10 {
        let packet = Packet::Publish(crate::client::publish("d/cam-1/up/t", b"still here"));
        if device.sends(&packet).await.is_err() {
            break;
        }
    }
    assert_eq!(device.gets().await, Got::End);
    let after = house.broker.counters_of(cam.subject.principal()).unwrap();
    assert_eq!(
        (before.messages_in, before.bytes_in),
        (after.messages_in, after.bytes_in)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_no_session_of_tls_is_resumed_so_that_no_early_data_is_replayed() {
    let house = House::open().await;
    let cam = house.device("cam-1");
    let mut config = tls(&house, Some(&cam));
    config.enable_early_data = true;
    // Both connections share what the hub gave the client to come back with.
    for _ in 0..2 {
        let mut client = Client::connect_with(&house, config.clone()).await.unwrap();
        client.joins("cam-1").await;
        let (_, connection) = client.stream.get_ref();
        assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(connection.tls13_tickets_received(), 0);
        client.leaves().await;
        assert_eq!(client.gets().await, Got::End);
    }
}
