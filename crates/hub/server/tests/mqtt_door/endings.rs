//! Every way in which a connection ends by our doing.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ironroot_broker::BrokerSettings;
use ironroot_mqtt::{Packet, Qos, ReasonCode};
use ironroot_server::collect::doors::admission::AdmissionSettings;
use ironroot_server::collect::doors::mqtt::MqttSettings;
use ironroot_time::Clock;
use rustls::ClientConnection;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::client::{Client, Got, connect, tls};
use crate::house::{House, LONGEST_WAIT, Resident};

/// Whether the other end closes a bare socket.
async fn is_closed(mut socket: TcpStream) -> bool {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(LONGEST_WAIT, socket.read_to_end(&mut bytes)).await;
    read.is_ok() && bytes.is_empty()
}

/// Publishes to a client that reads nothing, until the sockets' buffers and its queue are full.
pub(crate) async fn overwhelm(house: &House, service: &mut Client) {
    let payload = vec![0; 50_000];
    while house.broker.totals().counters.dropped == 0 {
        service.publishes("d/cam-1/down/x", &payload).await;
        service.sends(&Packet::PingReq).await.unwrap();
        assert_eq!(service.gets().await, Got::PingResp);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_reaches_every_live_session_with_its_reason_and_then_the_end() {
    let house = House::open().await;
    let cam = house.device("cam-1");
    let mut device = house.joins(&cam).await;
    let mut other = house.joins(&house.device("cam-2")).await;
    let ordered = Instant::now();
    house.cut(&cam);
    assert_eq!(
        device.gets().await,
        Got::Disconnect(ReasonCode::NotAuthorized)
    );
    assert_eq!(device.gets().await, Got::End);
    assert!(ordered.elapsed() < Duration::from_secs(1));
    other.sends(&Packet::PingReq).await.unwrap();
    assert_eq!(other.gets().await, Got::PingResp);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_reaches_a_client_that_reads_nothing() {
    // It is not the write timeout that ends it.
    let patient = MqttSettings {
        write_timeout_s: 3_600,
        ..MqttSettings::default()
    };
    let house = House::with(patient, BrokerSettings::default()).await;
    let cam = house.device("cam-1");
    let mut device = house.joins(&cam).await;
    device.subscribes("d/cam-1/down/#", Qos::AtMostOnce).await;
    let mut service = house.joins(&house.service("backend")).await;
    overwhelm(&house, &mut service).await;
    house.cut(&cam);
    house
        .until("the session is gone", |broker| {
            broker.sessions_of(cam.subject.principal()).is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_is_cut_after_a_while() {
    let house = House::with(
        MqttSettings {
            write_timeout_s: 1,
            ..MqttSettings::default()
        },
        BrokerSettings::default(),
    )
    .await;
    let cam = house.device("cam-1");
    let mut device = house.joins(&cam).await;
    device.subscribes("d/cam-1/down/#", Qos::AtMostOnce).await;
    let mut service = house.joins(&house.service("backend")).await;
    overwhelm(&house, &mut service).await;
    house
        .until("the session is gone", |broker| {
            broker.sessions_of(cam.subject.principal()).is_empty()
        })
        .await;
    assert_eq!(house.broker.totals().queued_bytes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_stops_tells_its_clients_and_then_closes_the_door() {
    let mut house = House::open().await;
    let mut device = house.joins(&house.device("cam-1")).await;
    let unfinished = TcpStream::connect(house.address).await.unwrap();
    house.begin_drain();
    assert_eq!(
        device.gets().await,
        Got::Disconnect(ReasonCode::ServerShuttingDown)
    );
    assert_eq!(device.gets().await, Got::End);
    assert!(is_closed(unfinished).await);
    drop(device);
    house.closed().await;
    assert!(TcpStream::connect(house.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_with_the_certificate_that_it_was_opened_with() {
    let house = House::open().await;
    let cam = house.device_until("cam-1", house.clock.now().plus(Duration::from_secs(2)));
    let mut device = house.joins(&cam).await;
    assert_eq!(
        device.gets().await,
        Got::Disconnect(ReasonCode::MaximumConnectTime)
    );
    assert_eq!(device.gets().await, Got::End);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_finish_its_handshake_in_time_is_closed() {
    let house = House::with(
        MqttSettings {
            handshake_timeout_s: 1,
            ..MqttSettings::default()
        },
        BrokerSettings::default(),
    )
    .await;
    assert!(is_closed(TcpStream::connect(house.address).await.unwrap()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_has_gone_before_its_handshake_is_answered_is_closed() {
    let house = House::open().await;
    let cam = house.device("cam-1");
    let goodbye = |client: &mut ClientConnection| client.send_close_notify();
    says_with_its_handshake(&house, &cam, CONNECT, goodbye).await;
    let principal = cam.subject.principal();
    assert_eq!(house.broker.counters_of(principal).unwrap().connects, 1);
    assert!(house.broker.sessions_of(principal).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_over_before_its_first_turn_is_answered() {
    let house = House::open().await;
    let cam = house.device("cam-1");
    let twice = [CONNECT, CONNECT].concat();
    let answer = says_with_its_handshake(&house, &cam, &twice, |_stays| {}).await;
    assert_eq!(answer[0], 0x20, "CONNACK comes first");
    let farewell = &answer[2 + usize::from(answer[1])..];
    assert_eq!((farewell[0], farewell[2]), (0xe0, 0x82), "{answer:02x?}");
}

/// A CONNECT of MQTT 5 without a client id.
const CONNECT: &[u8] = b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00";

/// Sends the end of the handshake and `packets` in one segment, and what `then` adds; gives what the door answers
/// until it closes.
async fn says_with_its_handshake(
    house: &House,
    device: &Resident,
    packets: &[u8],
    then: impl FnOnce(&mut ClientConnection) + Send + 'static,
) -> Vec<u8> {
    let (address, tls) = (house.address, Arc::new(tls(house, Some(device))));
    let packets = packets.to_vec();
    let talk = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(LONGEST_WAIT)).unwrap();
        let mut client = ClientConnection::new(tls, "localhost".try_into().unwrap()).unwrap();
        client.write_tls(&mut socket).unwrap();
        while client.is_handshaking() {
            client.read_tls(&mut socket).unwrap();
            client.process_new_packets().unwrap();
        }
        client.writer().write_all(&packets).unwrap();
        then(&mut client);
        let mut records = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut records).unwrap();
        }
        socket.write_all(&records).unwrap();
        let mut answer = Vec::new();
        while client.read_tls(&mut socket).unwrap() > 0 {
            let state = client.process_new_packets().unwrap();
            let mut plaintext = vec![0; state.plaintext_bytes_to_read()];
            client.reader().read_exact(&mut plaintext).unwrap();
            answer.extend(plaintext);
        }
        answer
    });
    talk.await.expect("the door closes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_connect_in_time_is_closed() {
    let house = House::with(
        MqttSettings::default(),
        BrokerSettings {
            connect_timeout_s: 1,
            ..BrokerSettings::default()
        },
    )
    .await;
    let mut client = Client::connect(&house, Some(&house.device("cam-1")))
        .await
        .unwrap();
    assert_eq!(client.gets().await, Got::End);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_falls_silent_is_closed() {
    let house = House::open().await;
    let mut client = Client::connect(&house, Some(&house.device("cam-1")))
        .await
        .unwrap();
    let mut packet = connect("cam-1");
    packet.keep_alive_s = 1;
    client.sends(&Packet::Connect(packet)).await.unwrap();
    assert_eq!(client.gets().await, Got::ConnAck(ReasonCode::Success));
    assert_eq!(
        client.gets().await,
        Got::Disconnect(ReasonCode::KeepAliveTimeout)
    );
    assert_eq!(client.gets().await, Got::End);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_with_too_many_connections_is_closed_before_its_handshake() {
    let admission = AdmissionSettings {
        connections_per_source_max: 1,
        ..AdmissionSettings::default()
    };
    let house = House::with(
        MqttSettings {
            admission,
            ..MqttSettings::default()
        },
        BrokerSettings::default(),
    )
    .await;
    let cam = house.device("cam-1");
    let mut first = house.joins(&cam).await;
    assert!(is_closed(TcpStream::connect(house.address).await.unwrap()).await);
    first.leaves().await;
    assert_eq!(first.gets().await, Got::End);
    drop(first);
    // The place is free as soon as the first connection is gone.
    let deadline = Instant::now() + LONGEST_WAIT;
    while Client::connect(&house, Some(&cam)).await.is_err() {
        assert!(Instant::now() < deadline, "the place was never given back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_sessions_are_cut_at_once() {
    const SESSIONS: usize = 200;
    let house = House::open().await;
    let mut residents = Vec::new();
    let mut clients = Vec::new();
    for n in 0..SESSIONS {
        let resident = house.device(&format!("cam-{n}"));
        clients.push(house.joins(&resident).await);
        residents.push(resident);
    }
    let ordered = Instant::now();
    for resident in &residents {
        house.cut(resident);
    }
    for client in &mut clients {
        assert_eq!(
            client.gets().await,
            Got::Disconnect(ReasonCode::NotAuthorized)
        );
        assert_eq!(client.gets().await, Got::End);
    }
    assert!(ordered.elapsed() < Duration::from_secs(5));
    assert_eq!(house.broker.totals().sessions, 0);
}
