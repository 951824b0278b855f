//! Sessions over real sockets: messages of every size, many at once.

use std::collections::HashMap;

use ironroot_mqtt::{Connect, Packet, Qos, ReasonCode, TopicName, Will, WillProperties};
use rustls::ProtocolVersion;
use tokio::io::AsyncWriteExt;

use crate::client::{Client, Got, connect, tls};
use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_from_a_device_to_a_service_and_back() {
    let house = House::open().await;
    let (cam, backend) = (house.device("cam-1"), house.service("backend"));
    let mut service = house.joins(&backend).await;
    assert_eq!(
        service.subscribes("d/+/up/#", Qos::AtLeastOnce).await,
        Got::SubAck(ReasonCode::GrantedQos1)
    );
    let mut device = house.joins(&cam).await;
    assert_eq!(
        device.subscribes("d/cam-1/down/#", Qos::AtMostOnce).await,
        Got::SubAck(ReasonCode::Success)
    );
    assert_eq!(
        device.publishes_qos1("d/cam-1/up/t", b"21").await,
        Got::PubAck(ReasonCode::Success)
    );
    assert_eq!(
        service.gets().await,
        Got::Message("d/cam-1/up/t".to_owned(), b"21".to_vec())
    );
    service.publishes("d/cam-1/down/order", b"blink").await;
    assert_eq!(
        device.gets().await,
        Got::Message("d/cam-1/down/order".to_owned(), b"blink".to_vec())
    );
    let (_, connection) = device.stream.get_ref();
    assert_eq!(
        connection.protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
    device.leaves().await;
    assert_eq!(device.gets().await, Got::End);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_device_may_speak_tls_1_2() {
    let house = House::open().await;
    let cam = house.device("cam-1");
    let mut config = tls(&house, Some(&cam));
    config.alpn_protocols = vec![b"x-amzn-mqtt-ca".to_vec()];
    let old = rustls::ClientConfig::builder_with_provider(std::sync::Arc::clone(
        config.crypto_provider(),
    ))
    .with_protocol_versions(&[&rustls::version::TLS12])
    .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(house.authority.current().root().clone()).unwrap();
    let mut old = old.with_root_certificates(roots).with_no_client_auth();
    old.client_auth_cert_resolver = config.client_auth_cert_resolver.clone();
    old.alpn_protocols = config.alpn_protocols.clone();
    let mut client = Client::connect_with(&house, old).await.unwrap();
    client.joins("cam-1").await;
    assert_eq!(
        client.stream.get_ref().1.protocol_version(),
        Some(ProtocolVersion::TLSv1_2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_may_span_many_records_and_reads() {
    let house = House::open().await;
    let (cam, backend) = (house.device("cam-1"), house.service("backend"));
    let mut service = house.joins(&backend).await;
    service.subscribes("d/#", Qos::AtMostOnce).await;
    let mut device = house.joins(&cam).await;
    let payload: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    device.publishes("d/cam-1/up/picture", &payload).await;
    assert_eq!(
        service.gets().await,
        Got::Message("d/cam-1/up/picture".to_owned(), payload)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_may_come_one_byte_to_a_record() {
    let house = House::open().await;
    let mut client = Client::connect(&house, Some(&house.device("cam-1")))
        .await
        .unwrap();
    let packet = Packet::Connect(connect("cam-1"));
    let mut bytes = vec![0; packet.encoded_len(ironroot_mqtt::Version::V5).unwrap()];
    packet
        .encode(ironroot_mqtt::Version::V5, &mut bytes)
        .unwrap();
    for byte in bytes.chunks(1) {
        client.stream.write_all(byte).await.unwrap();
        client.stream.flush().await.unwrap();
    }
    assert_eq!(client.gets().await, Got::ConnAck(ReasonCode::Success));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_publishers_reach_one_subscriber_each_in_its_order() {
    const DEVICES: usize = 40;
    const MESSAGES: usize = 100;
    let house = House::open().await;
    let mut service = house.joins(&house.service("backend")).await;
    service.subscribes("d/+/up/n", Qos::AtMostOnce).await;
    let mut publishers = tokio::task::JoinSet::new();
    for n in 0..DEVICES {
        let id = format!("cam-{n}");
        let mut client = house.joins(&house.device(&id)).await;
        publishers.spawn(async move {
            for n in 0..MESSAGES {
                let got = client
                    .publishes_qos1(&format!("d/{id}/up/n"), n.to_string().as_bytes())
                    .await;
                assert_eq!(got, Got::PubAck(ReasonCode::Success));
            }
        });
    }
    let mut next: HashMap<String, usize> = HashMap::new();
    for _ in 0..DEVICES * MESSAGES {
        let Got::Message(topic, payload) = service.gets().await else {
            panic!("no message")
        };
        let expected = next.entry(topic).or_default();
        assert_eq!(String::from_utf8(payload).unwrap(), expected.to_string());
        *expected += 1;
    }
    publishers.join_all().await;
    assert_eq!(house.broker.totals().queued_bytes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_will_is_published_when_the_connection_breaks() {
    let house = House::open().await;
    let mut service = house.joins(&house.service("backend")).await;
    service.subscribes("d/#", Qos::AtMostOnce).await;
    let mut device = Client::connect(&house, Some(&house.device("cam-1")))
        .await
        .unwrap();
    let will = Will {
        qos: Qos::AtMostOnce,
        retain: false,
        properties: WillProperties::default(),
        topic: TopicName::parse("d/cam-1/up/gone").unwrap(),
        payload: b"gone",
    };
    device
        .sends(&Packet::Connect(Connect {
            will: Some(will),
            ..connect("cam-1")
        }))
        .await
        .unwrap();
    assert_eq!(device.gets().await, Got::ConnAck(ReasonCode::Success));
    drop(device);
    assert_eq!(
        service.gets().await,
        Got::Message("d/cam-1/up/gone".to_owned(), b"gone".to_vec())
    );
}
