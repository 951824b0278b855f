//! An MQTT session as a device holds it: 3.1.1 or 5, over mutual TLS, QoS 0 and 1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ironroot_mqtt::{
    ConnAck, Connect, ConnectProperties, Delivery, Disconnect, Packet, PacketId, Publish,
    PublishProperties, Qos, ReasonCode, RetainHandling, Side, SubAck, Subscribe,
    SubscribeProperties, Subscription, TopicFilter, TopicName, Version, frame,
};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::tls;

/// One session, connected.
#[derive(Debug)]
pub struct Session {
    stream: TlsStream<TcpStream>,
    version: Version,
    /// Bytes that came and are no whole packet yet.
    inbox: Vec<u8>,
    outbox: Outbox,
}

/// Packets that are to be sent together.
#[derive(Debug)]
pub struct Outbox {
    version: Version,
    bytes: Vec<u8>,
    last_id: u16,
}

/// Whether a session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Open,
    /// The server has ended it.
    Ended,
}

impl Session {
    /// Connects to the MQTT door at `address`, as the device with this number, and is let in.
    ///
    /// # Errors
    /// When the handshake fails, or the server does not let the client in.
    pub async fn connect(
        address: SocketAddr,
        number: usize,
        config: Arc<ClientConfig>,
        client_id: &str,
        version: Version,
    ) -> Result<Self> {
        let stream = tls::connect(address, number, config).await?;
        let mut session = Self {
            stream,
            version,
            inbox: Vec::new(),
            outbox: Outbox {
                version,
                bytes: Vec::new(),
                last_id: 0,
            },
        };
        session.outbox.push(&Packet::Connect(Connect {
            version,
            clean_start: true,
            keep_alive_s: 0,
            properties: ConnectProperties::default(),
            client_id,
            will: None,
            user_name: None,
            password: None,
        }))?;
        let answer = session.ask(|packet| match packet {
            Packet::ConnAck(ConnAck { reason, .. }) => Some(*reason),
            _ => None,
        });
        check(answer.await?).with_context(|| format!("{client_id} is not let in"))?;
        Ok(session)
    }

    /// Subscribes to one filter.
    ///
    /// # Errors
    /// When it is not granted.
    pub async fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<()> {
        let subscription = Subscription {
            filter: TopicFilter::parse(filter)?,
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Always,
        };
        let packet_id = self.outbox.next_id();
        self.outbox.push(&Packet::Subscribe(Subscribe {
            packet_id,
            properties: SubscribeProperties::default(),
            subscriptions: (&[subscription]).into(),
        }))?;
        let answer = self.ask(|packet| match packet {
            Packet::SubAck(SubAck { codes, .. }) => codes.iter().next(),
            _ => None,
        });
        check(answer.await?).with_context(|| format!("{filter} is not granted"))
    }

    /// Shows that the session is alive, and waits until the server does.
    ///
    /// # Errors
    /// When the session has ended, or the server is silent.
    pub async fn ping(&mut self) -> Result<()> {
        self.outbox.push(&Packet::PingReq)?;
        self.ask(|packet| matches!(packet, Packet::PingResp).then_some(()))
            .await
    }

    /// Packets that [`flush`](Self::flush) sends.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Sends what is in the outbox, in one piece.
    ///
    /// # Errors
    /// When the connection has ended, or the server takes nothing for a long time.
    pub async fn flush(&mut self) -> Result<()> {
        if self.outbox.bytes.is_empty() {
            return Ok(());
        }
        timeout(WAIT_MAX, async {
            self.stream.write_all(&self.outbox.bytes).await?;
            self.stream.flush().await
        })
        .await
        .context("the server takes nothing")??;
        self.outbox.bytes.clear();
        Ok(())
    }

    /// Waits for bytes and hands every packet that is whole to `take`, which may answer into the outbox.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the server sends what is no MQTT, or `take` refuses a packet.
    pub async fn receive(
        &mut self,
        mut take: impl FnMut(&Packet<'_>, &mut Outbox) -> Result<()> + Send,
    ) -> Result<Flow> {
        self.inbox.reserve(READ_SIZE);
        match self.stream.read_buf(&mut self.inbox).await {
            Ok(0) | Err(_) => return Ok(Flow::Ended),
            Ok(_more) => {}
        }
        let mut taken = 0;
        while let Some(frame) = frame(self.inbox.get(taken..).unwrap_or_default(), PACKET_SIZE_MAX)?
        {
            let packet = Packet::parse(&frame, self.version, Side::Server)?;
            take(&packet, &mut self.outbox)?;
            taken += frame.packet_len();
        }
        self.inbox.drain(..taken);
        Ok(Flow::Open)
    }

    /// Waits until the server ends the session, and says when the end was seen.
    pub async fn ended(&mut self) -> Instant {
        while let Ok(Flow::Open) = self.receive(|_packet, _outbox| Ok(())).await {}
        Instant::now()
    }

    /// Leaves in order.
    ///
    /// # Errors
    /// When the connection has ended already.
    pub async fn leave(mut self) -> Result<()> {
        self.outbox
            .push(&Packet::Disconnect(Disconnect::default()))?;
        self.flush().await?;
        Ok(self.stream.shutdown().await?)
    }

    /// Sends the outbox and waits for the answer that `pick` recognises.
    async fn ask<T: Send>(
        &mut self,
        pick: impl Fn(&Packet<'_>) -> Option<T> + Send + Sync,
    ) -> Result<T> {
        self.flush().await?;
        let mut answer = None;
        while answer.is_none() {
            let flow = timeout(
                WAIT_MAX,
                self.receive(|packet, _outbox| {
                    answer = answer.take().or_else(|| pick(packet));
                    Ok(())
                }),
            )
            .await
            .context("the server does not answer")??;
            if flow == Flow::Ended && answer.is_none() {
                bail!("the server has ended the connection");
            }
        }
        answer.context("the server does not answer")
    }
}

impl Outbox {
    /// Adds a packet.
    ///
    /// # Errors
    /// When it cannot be written in the session's version.
    pub fn push(&mut self, packet: &Packet<'_>) -> Result<()> {
        let start = self.bytes.len();
        self.bytes
            .resize(start + packet.encoded_len(self.version)?, 0);
        packet.encode(
            self.version,
            self.bytes.get_mut(start..).unwrap_or_default(),
        )?;
        Ok(())
    }

    /// Adds a message.
    ///
    /// # Errors
    /// At QoS 2, which is not simulated.
    pub fn publish(&mut self, topic: TopicName<'_>, qos: Qos, payload: &[u8]) -> Result<()> {
        let delivery = match qos {
            Qos::AtMostOnce => Delivery::AtMostOnce,
            Qos::AtLeastOnce => Delivery::AtLeastOnce {
                packet_id: self.next_id(),
                dup: false,
            },
            Qos::ExactlyOnce => bail!("QoS 2 is not simulated"),
        };
        self.push(&Packet::Publish(Publish {
            delivery,
            retain: false,
            topic: Some(topic),
            properties: PublishProperties::default(),
            payload,
        }))
    }

    fn next_id(&mut self) -> PacketId {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            if let Some(id) = PacketId::new(self.last_id) {
                return id;
            }
        }
    }
}

fn check(reason: ReasonCode) -> Result<()> {
    ensure!(!reason.is_failure(), "the server says {reason:?}");
    Ok(())
}

/// The largest packet taken from a server, in bytes.
const PACKET_SIZE_MAX: usize = 1024 * 1024;

/// How many bytes are read at once.
const READ_SIZE: usize = 4 * 1024;

/// The longest wait for an answer, or for the server to take what is sent.
const WAIT_MAX: Duration = Duration::from_secs(30);
