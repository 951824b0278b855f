//! An MQTT session as a device holds it: 3.1.1 or 5, over mutual TLS, QoS 0 and 1.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use ironroot_mqtt::{
    ConnAck, Connect, ConnectProperties, Delivery, Disconnect, Malformed, Packet, PacketId,
    Publish, PublishProperties, Qos, ReasonCode, RetainHandling, Side, SubAck, Subscribe,
    SubscribeProperties, Subscription, TopicFilter, TopicName, Unencodable, Version, frame,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

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

/// How a session is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The version to speak.
    pub version: Version,
    /// Who the client says it is.
    pub client_id: &'a str,
    /// Whether an old session is thrown away.
    pub clean_start: bool,
    /// How long the client may be silent, in seconds; 0 is for ever.
    pub keep_alive_s: u16,
    /// How long the session outlives the connection, in seconds; not in 3.1.1.
    pub session_expiry_s: Option<u32>,
    /// How many messages of QoS 1 the client takes at once; not in 3.1.1.
    pub receive_maximum: Option<NonZeroU16>,
}

/// On which terms the server lets a client in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Whether the server kept a session of this client.
    pub session_present: bool,
    /// How many messages of QoS 1 the server takes at once.
    pub receive_maximum: u16,
    /// The largest packet that the server takes, in bytes, if it says so.
    pub packet_size_max: Option<u32>,
    /// How long the client may be silent, in seconds, where the server says so.
    pub keep_alive_s: Option<u16>,
}

/// Why a session did not begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionFailed {
    /// The server refused.
    #[error("the server says {0:?}")]
    Refused(ReasonCode),
    /// The server does not answer, or takes nothing.
    #[error("the server does not answer, or takes nothing that is sent")]
    Silent,
    /// The server has ended the connection.
    #[error("the server has ended the connection")]
    Ended,
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[from] std::io::Error),
    /// What the server sends is no MQTT.
    #[error("what the server sends is no MQTT")]
    Malformed(#[from] Malformed),
    /// What is to be sent is no MQTT.
    #[error("what is to be sent is no MQTT: {0}")]
    Unencodable(#[from] Unencodable),
    /// A topic is none.
    #[error("the topic filter is none: {0}")]
    Topic(#[from] ironroot_mqtt::BadTopic),
    /// QoS 2 is not spoken here.
    #[error("QoS 2 is not spoken")]
    Qos2,
}

impl Session {
    /// Speaks MQTT on a connection, and is let in.
    ///
    /// # Errors
    /// [`SessionFailed`] when the server does not let the client in.
    pub async fn open(
        stream: TlsStream<TcpStream>,
        opening: &Opening<'_>,
    ) -> Result<(Self, Admitted), SessionFailed> {
        let version = opening.version;
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
            clean_start: opening.clean_start,
            keep_alive_s: opening.keep_alive_s,
            properties: ConnectProperties {
                session_expiry_s: opening.session_expiry_s,
                receive_maximum: opening.receive_maximum,
                ..ConnectProperties::default()
            },
            client_id: opening.client_id,
            will: None,
            user_name: None,
            password: None,
        }))?;
        let answer = session.ask(|packet| match packet {
            Packet::ConnAck(answer) => Some((Admitted::by(answer), answer.reason)),
            _ => None,
        });
        let (admitted, reason) = answer.await?;
        check(reason)?;
        Ok((session, admitted))
    }

    /// Subscribes to one filter; messages that come before the answer are passed over.
    ///
    /// # Errors
    /// When it is not granted.
    pub async fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<(), SessionFailed> {
        self.outbox.subscribe(filter, qos)?;
        let answer = self.ask(|packet| match packet {
            Packet::SubAck(SubAck { codes, .. }) => codes.iter().next(),
            _ => None,
        });
        check(answer.await?)
    }

    /// Shows that the session is alive, and waits until the server does.
    ///
    /// # Errors
    /// When the session has ended, or the server is silent.
    pub async fn ping(&mut self) -> Result<(), SessionFailed> {
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
    pub async fn flush(&mut self) -> Result<(), SessionFailed> {
        if self.outbox.bytes.is_empty() {
            return Ok(());
        }
        timeout(WAIT_MAX, async {
            self.stream.write_all(&self.outbox.bytes).await?;
            self.stream.flush().await
        })
        .await
        .map_err(|_elapsed| SessionFailed::Silent)??;
        self.outbox.bytes.clear();
        Ok(())
    }

    /// Hands every packet that is whole to `take`, which may answer into the outbox; waits for bytes when there
    /// is none.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the server sends what is no MQTT, or `take` refuses a packet.
    pub async fn receive<E: From<SessionFailed>>(
        &mut self,
        mut take: impl FnMut(&Packet<'_>, &mut Outbox) -> Result<(), E> + Send,
    ) -> Result<Flow, E> {
        if self.take_packets(usize::MAX, &mut take)? > 0 {
            return Ok(Flow::Open);
        }
        let flow = self.read().await;
        self.take_packets(usize::MAX, &mut take)?;
        Ok(flow)
    }

    async fn read(&mut self) -> Flow {
        self.inbox.reserve(READ_SIZE);
        match self.stream.read_buf(&mut self.inbox).await {
            Ok(0) | Err(_) => Flow::Ended,
            Ok(_more) => Flow::Open,
        }
    }

    /// Hands so many packets at most to `take`; how many there were.
    fn take_packets<E: From<SessionFailed>>(
        &mut self,
        at_most: usize,
        take: &mut impl FnMut(&Packet<'_>, &mut Outbox) -> Result<(), E>,
    ) -> Result<usize, E> {
        let (mut count, mut taken) = (0, 0);
        while count < at_most {
            let bytes = self.inbox.get(taken..).unwrap_or_default();
            let Some(frame) = frame(bytes, PACKET_SIZE_MAX).map_err(SessionFailed::from)? else {
                break;
            };
            let packet = Packet::parse(&frame, self.version, Side::Server);
            take(&packet.map_err(SessionFailed::from)?, &mut self.outbox)?;
            taken += frame.packet_len();
            count += 1;
        }
        self.inbox.drain(..taken);
        Ok(count)
    }

    /// Waits until the server ends the session, and says when the end was seen.
    pub async fn ended(&mut self) -> Instant {
        while let Ok(Flow::Open) = self
            .receive(|_packet, _outbox| Ok::<_, SessionFailed>(()))
            .await
        {}
        Instant::now()
    }

    /// Leaves in order.
    ///
    /// # Errors
    /// When the connection has ended already.
    pub async fn leave(mut self) -> Result<(), SessionFailed> {
        self.outbox
            .push(&Packet::Disconnect(Disconnect::default()))?;
        self.flush().await?;
        Ok(self.stream.shutdown().await?)
    }

    /// Sends the outbox and waits for the answer that `pick` recognises. What comes behind it is left to
    /// [`receive`](Self::receive), and what comes before it is passed over.
    async fn ask<T: Send>(
        &mut self,
        pick: impl Fn(&Packet<'_>) -> Option<T> + Send + Sync,
    ) -> Result<T, SessionFailed> {
        self.flush().await?;
        loop {
            let mut answer = None;
            let taken = self.take_packets::<SessionFailed>(1, &mut |packet, _outbox| {
                answer = pick(packet);
                Ok(())
            })?;
            if let Some(answer) = answer {
                return Ok(answer);
            }
            if taken > 0 {
                continue;
            }
            let flow = timeout(WAIT_MAX, self.read()).await;
            if flow.map_err(|_elapsed| SessionFailed::Silent)? == Flow::Ended {
                return Err(SessionFailed::Ended);
            }
        }
    }
}

impl Admitted {
    fn by(answer: &ConnAck<'_>) -> Self {
        let given = &answer.properties;
        Self {
            session_present: answer.session_present,
            // MQTT 5 section 3.2.2.3.3.
            receive_maximum: given.receive_maximum.map_or(u16::MAX, NonZeroU16::get),
            packet_size_max: given.packet_size_max.map(std::num::NonZeroU32::get),
            keep_alive_s: given.server_keep_alive_s,
        }
    }
}

impl Outbox {
    /// Adds a packet.
    ///
    /// # Errors
    /// When it cannot be written in the session's version.
    pub fn push(&mut self, packet: &Packet<'_>) -> Result<(), SessionFailed> {
        let start = self.bytes.len();
        self.bytes
            .resize(start + packet.encoded_len(self.version)?, 0);
        packet.encode(
            self.version,
            self.bytes.get_mut(start..).unwrap_or_default(),
        )?;
        Ok(())
    }

    /// Adds a request for one filter; its answer is one that [`Session::receive`] hands out.
    ///
    /// # Errors
    /// When the filter is none.
    pub fn subscribe(&mut self, filter: &str, qos: Qos) -> Result<(), SessionFailed> {
        let subscription = Subscription {
            filter: TopicFilter::parse(filter)?,
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Always,
        };
        self.push(&Packet::Subscribe(Subscribe {
            packet_id: SUBSCRIBE_ID,
            properties: SubscribeProperties::default(),
            subscriptions: (&[subscription]).into(),
        }))
    }

    /// Adds a message.
    ///
    /// # Errors
    /// [`SessionFailed::Qos2`] at QoS 2.
    pub fn publish(
        &mut self,
        topic: TopicName<'_>,
        qos: Qos,
        payload: &[u8],
    ) -> Result<(), SessionFailed> {
        let delivery = match qos {
            Qos::AtMostOnce => Delivery::AtMostOnce,
            Qos::AtLeastOnce => Delivery::AtLeastOnce {
                packet_id: self.next_id(),
                dup: false,
            },
            Qos::ExactlyOnce => return Err(SessionFailed::Qos2),
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
            match PacketId::new(self.last_id) {
                Some(id) if id != SUBSCRIBE_ID => return id,
                Some(_) | None => {}
            }
        }
    }
}

fn check(reason: ReasonCode) -> Result<(), SessionFailed> {
    if reason.is_failure() {
        return Err(SessionFailed::Refused(reason));
    }
    Ok(())
}

/// The identifier of every SUBSCRIBE, and of no message: so that a message keeps its own.
const SUBSCRIBE_ID: PacketId = match PacketId::new(u16::MAX) {
    Some(id) => id,
    None => unreachable!(),
};

/// The largest packet taken from a server, in bytes.
const PACKET_SIZE_MAX: usize = 1024 * 1024;

/// How many bytes are read at once.
const READ_SIZE: usize = 4 * 1024;

/// The longest wait for an answer, or for the server to take what is sent.
const WAIT_MAX: Duration = Duration::from_secs(30);
