//! An MQTT 5 client over TLS, to the letter and no further.

use std::io;
use std::sync::Arc;

use ironroot_mqtt::{
    Connect, ConnectProperties, Delivery, Disconnect, List, Packet, PacketId, Publish,
    PublishProperties, Qos, ReasonCode, RetainHandling, Side, Subscribe, SubscribeProperties,
    Subscription, TopicFilter, TopicName, Version, frame,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::house::{House, LONGEST_WAIT, Resident};

pub(crate) const PACKET_ID: PacketId = PacketId::new(1).unwrap();

pub(crate) struct Client {
    pub(crate) stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

/// A packet that a client got, with its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Got {
    ConnAck(ReasonCode),
    SubAck(ReasonCode),
    PubAck(ReasonCode),
    Message(String, Vec<u8>),
    Disconnect(ReasonCode),
    PingResp,
    /// The stream has ended.
    End,
}

pub(crate) fn tls(house: &House, resident: Option<&Resident>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(house.authority.current().root().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(roots);
    match resident {
        None => builder.with_no_client_auth(),
        Some(resident) => {
            let key = resident.key.to_pkcs8().unwrap();
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.expose().to_vec()));
            // The leaf alone: the issuing CA is a trust anchor.
            builder
                .with_client_auth_cert(vec![resident.certificate.clone()], key)
                .unwrap()
        }
    }
}

impl Client {
    pub(crate) async fn connect(house: &House, resident: Option<&Resident>) -> io::Result<Self> {
        Self::connect_with(house, tls(house, resident)).await
    }

    pub(crate) async fn connect_with(house: &House, tls: ClientConfig) -> io::Result<Self> {
        let socket = TcpStream::connect(house.address).await?;
        socket.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::new(tls));
        let stream = connector
            .connect("localhost".try_into().unwrap(), socket)
            .await?;
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    pub(crate) async fn sends(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        let mut bytes = vec![0; packet.encoded_len(Version::V5).unwrap()];
        packet.encode(Version::V5, &mut bytes).unwrap();
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    /// The next packet, or the end.
    pub(crate) async fn gets(&mut self) -> Got {
        timeout(LONGEST_WAIT, self.next())
            .await
            .expect("a packet in time")
    }

    async fn next(&mut self) -> Got {
        loop {
            if let Some(frame) = frame(&self.read, usize::MAX).unwrap() {
                let got = match Packet::parse(&frame, Version::V5, Side::Server).unwrap() {
                    Packet::ConnAck(connack) => Got::ConnAck(connack.reason),
                    Packet::SubAck(suback) => Got::SubAck(suback.codes.iter().next().unwrap()),
                    Packet::PubAck(ack) => Got::PubAck(ack.reason),
                    Packet::Publish(publish) => Got::Message(
                        publish.topic.unwrap().as_str().to_owned(),
                        publish.payload.to_vec(),
                    ),
                    Packet::Disconnect(disconnect) => Got::Disconnect(disconnect.reason),
                    Packet::PingResp => Got::PingResp,
                    other => panic!("{other:?}"),
                };
                let len = frame.packet_len();
                self.read.drain(..len);
                return got;
            }
            // A stream that ends without close_notify is an error here, as it should be.
            match self.stream.read_buf(&mut self.read).await {
                Ok(0) => return Got::End,
                Ok(_) => {}
                Err(cause) => panic!("the stream broke: {cause}"),
            }
        }
    }

    pub(crate) async fn joins(&mut self, client_id: &str) {
        self.sends(&Packet::Connect(connect(client_id)))
            .await
            .unwrap();
        assert_eq!(self.gets().await, Got::ConnAck(ReasonCode::Success));
    }

    pub(crate) async fn subscribes(&mut self, filter: &str, qos: Qos) -> Got {
        self.asks_for(filter, qos).await;
        self.gets().await
    }

    /// Sends a SUBSCRIBE and waits for nothing.
    pub(crate) async fn asks_for(&mut self, filter: &str, qos: Qos) {
        self.sends(&Packet::Subscribe(Subscribe {
            packet_id: PACKET_ID,
            properties: SubscribeProperties::default(),
            subscriptions: List::from(&[Subscription {
                filter: TopicFilter::parse(filter).unwrap(),
                qos,
                no_local: false,
                retain_as_published: false,
                retain_handling: RetainHandling::Always,
            }]),
        }))
        .await
        .unwrap();
    }

    pub(crate) async fn publishes(&mut self, topic: &str, payload: &[u8]) {
        self.sends(&Packet::Publish(publish(topic, payload)))
            .await
            .unwrap();
    }

    pub(crate) async fn publishes_qos1(&mut self, topic: &str, payload: &[u8]) -> Got {
        let delivery = Delivery::AtLeastOnce {
            packet_id: PACKET_ID,
            dup: false,
        };
        self.sends(&Packet::Publish(Publish {
            delivery,
            ..publish(topic, payload)
        }))
        .await
        .unwrap();
        self.gets().await
    }

    pub(crate) async fn leaves(&mut self) {
        self.sends(&Packet::Disconnect(Disconnect::default()))
            .await
            .unwrap();
    }
}

pub(crate) fn connect(client_id: &str) -> Connect<'_> {
    Connect {
        version: Version::V5,
        clean_start: true,
        keep_alive_s: 60,
        properties: ConnectProperties::default(),
        client_id,
        will: None,
        user_name: None,
        password: None,
    }
}

pub(crate) fn publish<'a>(topic: &'a str, payload: &'a [u8]) -> Publish<'a> {
    Publish {
        delivery: Delivery::AtMostOnce,
        retain: false,
        topic: Some(TopicName::parse(topic).unwrap()),
        properties: PublishProperties::default(),
        payload,
    }
}
