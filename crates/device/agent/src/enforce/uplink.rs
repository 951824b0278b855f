//! The MQTT session with the hub: what the spool holds goes up at QoS 1, in order, and is settled when the hub has it;
//! orders come down, and are acknowledged when they were carried out.
//!
//! A reading's packet identifier follows from its number, so that it is the same on every connection and after every
//! restart (MQTT 5 section 4.4). Its user properties `spool` and `number` tell a receiver which two deliveries are one
//! reading.

mod window;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ironroot_link::{Admitted, Flow, Opening, Session, SessionFailed, connect};
use ironroot_mqtt::{
    Ack, Delivery, Packet, PacketId, Publish, PublishProperties, Qos, ReasonCode, TopicName,
    Version,
};
use ironroot_spool::{Item, Reading};
use ironroot_time::Clock;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::time::{interval, sleep};

use crate::agent::Agent;
use crate::decide::backoff::Backoff;
use crate::enforce::enrolment::{Registrar, dial};
use crate::enforce::orders::{ORDERS_MAX, Order, Receipt};
use crate::outside::chance;
use crate::vault::Kept;

use window::Window;

/// The one who holds the session.
#[derive(Debug)]
pub(crate) struct Uplink {
    agent: Arc<Agent>,
    registrar: Arc<Registrar>,
    orders: mpsc::Sender<Order>,
    carried_out: mpsc::Receiver<Receipt>,
    identity: watch::Receiver<Option<Arc<Kept>>>,
    /// How many connections there were.
    connections: u64,
    /// Up to which number readings may have been sent before.
    sent: u64,
    /// Whether the disk does not take how far the hub has everything.
    unsaved: bool,
}

/// Why a session has ended, when nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// There is another certificate.
    Renewed,
}

/// Readings that the hub will never have.
#[derive(Debug, Serialize)]
struct Dropped<'a> {
    spool: &'a str,
    first: u64,
    last: u64,
    count: u64,
    why: &'a str,
}

impl Uplink {
    pub(crate) fn new(
        agent: Arc<Agent>,
        registrar: Arc<Registrar>,
        orders: mpsc::Sender<Order>,
        carried_out: mpsc::Receiver<Receipt>,
        identity: watch::Receiver<Option<Arc<Kept>>>,
    ) -> Self {
        Self {
            agent,
            registrar,
            orders,
            carried_out,
            identity,
            connections: 0,
            sent: 0,
            unsaved: false,
        }
    }

    /// Keeps a session as long as the program runs.
    pub(crate) async fn keep_up(mut self) {
        let mut backoff = Backoff::new(RETRY_FIRST, RETRY_MAX);
        loop {
            let outcome = self.connect_and_serve(&mut backoff).await;
            self.agent.link_is(None);
            self.save();
            match outcome {
                Ok(End::Renewed) => {}
                Err(cause) => {
                    let wait = backoff.wait(chance());
                    tracing::warn!(error = %format!("{cause:#}"), retry_ms = wait.as_millis(), "There is no session with the hub.");
                    tokio::select! {
                        () = sleep(wait) => {}
                        Ok(()) = self.identity.changed() => {}
                    }
                }
            }
        }
    }

    async fn connect_and_serve(&mut self, backoff: &mut Backoff) -> Result<End> {
        let kept = self
            .identity
            .wait_for(Option::is_some)
            .await?
            .clone()
            .context("there is no certificate")?;
        if kept.not_after <= self.agent.clock.now() {
            bail!("the certificate has ended on {}", kept.not_after);
        }
        let settings = &self.agent.settings;
        let endpoint = &settings.hub.mqtt;
        let config = self.registrar.trust()?.client(Some(&kept.identity))?;
        let stream = connect(dial(endpoint).await?, &endpoint.host, config)
            .await
            .with_context(|| format!("the hub's MQTT door {}", endpoint.host))?;
        let opening = Opening {
            version: Version::V5,
            client_id: settings.device.as_str(),
            clean_start: false,
            keep_alive_s: settings.mqtt.keep_alive_s,
            session_expiry_s: Some(settings.mqtt.session_expiry_s),
            receive_maximum: ORDERS_MAX.try_into().ok(),
        };
        let (session, admitted) = Session::open(stream, &opening).await?;
        backoff.reset();
        self.agent.link_is(Some(kept.not_after));
        tracing::info!(
            session_present = admitted.session_present,
            "Connected with the hub."
        );
        self.connections += 1;
        Connection::new(self, session, &admitted).serve().await
    }

    fn save(&mut self) {
        let outcome = self.agent.outgoing.spool().save();
        if let Err(cause) = &outcome
            && !self.unsaved
        {
            tracing::warn!(error = ?cause, "How far the hub has everything cannot be kept.");
        }
        self.unsaved = outcome.is_err();
    }
}

/// One connection of the session.
struct Connection<'a> {
    uplink: &'a mut Uplink,
    session: Session,
    window: Window,
    packet_size_max: usize,
    keep_alive: Duration,
    /// Up to which number readings are marked as perhaps sent before.
    dup_up_to: u64,
    sent_at: Instant,
    heard_at: Instant,
}

/// What came in one go.
#[derive(Default)]
struct Heard {
    acknowledged: Vec<(PacketId, ReasonCode)>,
    orders: Vec<Order>,
    subscribed: Option<ReasonCode>,
    ended: Option<ReasonCode>,
}

impl<'a> Connection<'a> {
    fn new(uplink: &'a mut Uplink, session: Session, admitted: &Admitted) -> Self {
        let settings = &uplink.agent.settings.mqtt;
        let in_flight = settings.in_flight_max.get();
        let keep_alive_s = admitted.keep_alive_s.unwrap_or(settings.keep_alive_s);
        let dup_up_to = {
            let mut spool = uplink.agent.outgoing.spool();
            spool.rewind();
            let settled = spool.settled();
            // What a program before this one has sent is not known; the window bounds it.
            let unknown = settled.saturating_add(in_flight.into());
            let maybe = if uplink.connections == 1 {
                unknown
            } else {
                uplink.sent
            };
            if admitted.session_present {
                maybe
            } else {
                settled
            }
        };
        Self {
            window: Window::new(in_flight.min(admitted.receive_maximum)),
            packet_size_max: admitted
                .packet_size_max
                .and_then(|max| usize::try_from(max).ok())
                .unwrap_or(usize::MAX),
            keep_alive: Duration::from_secs(keep_alive_s.max(1).into()),
            dup_up_to,
            sent_at: Instant::now(),
            heard_at: Instant::now(),
            session,
            uplink,
        }
    }

    async fn serve(mut self) -> Result<End> {
        let filter = self.uplink.agent.outgoing.whole_topic("down/#");
        self.session.outbox().subscribe(&filter, Qos::AtLeastOnce)?;
        let prefix = self.uplink.agent.outgoing.whole_topic("");
        let mut tick = interval(TICK);
        loop {
            self.fill()?;
            self.session.flush().await?;
            let mut heard = Heard::default();
            let agent = self.uplink.agent.clone();
            tokio::select! {
                flow = self.session.receive(|packet, _outbox| {
                    heard.take(packet, &prefix);
                    Ok::<_, SessionFailed>(())
                }) => {
                    self.heard_at = Instant::now();
                    if flow? == Flow::Ended {
                        heard.ended.get_or_insert_default();
                    }
                }
                () = agent.outgoing.more() => {}
                Some(receipt) = self.uplink.carried_out.recv() => self.acknowledge(receipt)?,
                Ok(()) = self.uplink.identity.changed() => {
                    // The session goes on under the new certificate.
                    let _old_connection = self.session.leave().await;
                    return Ok(End::Renewed);
                }
                _ = tick.tick() => self.look_at_the_time()?,
            }
            self.settle(heard).await?;
        }
    }

    /// Sends as much as the window takes.
    fn fill(&mut self) -> Result<()> {
        while self.window.has_room() {
            let item = self.uplink.agent.outgoing.spool().take()?;
            match item {
                Some(Item::Reading(reading)) => self.send(&reading)?,
                Some(Item::Gap { first, last }) => self.send_gap(first, last)?,
                None => break,
            }
        }
        Ok(())
    }

    fn send(&mut self, reading: &Reading) -> Result<()> {
        let topic = self.uplink.agent.outgoing.whole_topic(&reading.topic);
        let spool = self.uplink.agent.outgoing.spool().id().to_owned();
        let (number, at) = (reading.number.to_string(), reading.at.as_ms().to_string());
        let user = [
            ("spool", spool.as_str()),
            ("number", number.as_str()),
            ("at", at.as_str()),
        ];
        let own_report = reading.topic == DROPPED;
        self.publish(
            &topic,
            reading.number,
            reading.number,
            own_report,
            &user,
            &reading.payload,
        )
    }

    fn send_gap(&mut self, first: u64, last: u64) -> Result<()> {
        let topic = self.uplink.agent.outgoing.whole_topic(DROPPED);
        let spool = self.uplink.agent.outgoing.spool().id().to_owned();
        let dropped = Dropped {
            spool: &spool,
            first,
            last,
            count: last - first + 1,
            why: "no room was left, or the disk has damaged them",
        };
        tracing::warn!(first, last, "Readings were dropped.");
        let user = [("spool", spool.as_str())];
        self.publish(
            &topic,
            first,
            last,
            true,
            &user,
            &serde_json::to_vec(&dropped)?,
        )
    }

    fn publish(
        &mut self,
        topic: &str,
        first: u64,
        last: u64,
        own_report: bool,
        user: &[(&str, &str)],
        payload: &[u8],
    ) -> Result<()> {
        let packet_id = window::id_of(last);
        let packet = Packet::Publish(Publish {
            delivery: Delivery::AtLeastOnce {
                packet_id,
                dup: last <= self.dup_up_to,
            },
            retain: false,
            topic: Some(TopicName::parse(topic)?),
            properties: PublishProperties {
                user: user.into(),
                ..PublishProperties::default()
            },
            payload,
        });
        self.window.push(packet_id, first, last, own_report);
        if packet.encoded_len(Version::V5)? > self.packet_size_max {
            self.window.answered(packet_id, ReasonCode::PacketTooLarge);
            return Ok(());
        }
        self.session.outbox().push(&packet)?;
        self.uplink.sent = self.uplink.sent.max(last);
        self.sent_at = Instant::now();
        Ok(())
    }

    /// Carries on with what the hub has said.
    async fn settle(&mut self, heard: Heard) -> Result<()> {
        for (id, reason) in heard.acknowledged {
            if is_passing(reason) {
                bail!("the hub cannot take readings now: {reason:?}");
            }
            self.window.answered(id, reason);
        }
        for order in heard.orders {
            let receipt = order.receipt.map(|receipt| Receipt {
                connection: self.uplink.connections,
                ..receipt
            });
            // The receive maximum bounds those of QoS 1; what comes at QoS 0 beyond that is lost, as QoS 0 may be.
            if self
                .uplink
                .orders
                .try_send(Order { receipt, ..order })
                .is_err()
            {
                tracing::warn!("An order came while too many are being carried out.");
            }
        }
        while let Some(done) = self.window.pop() {
            if done.reason.is_failure() && done.own_report {
                tracing::error!(reason = ?done.reason, "The hub does not take the report of dropped readings.");
            } else if done.reason.is_failure() {
                self.report_refused(done.first, done.last, done.reason)
                    .await?;
            }
            self.uplink.agent.outgoing.spool().settle(done.last);
        }
        if let Some(reason) = heard.subscribed.filter(|reason| reason.is_failure()) {
            tracing::warn!(?reason, "The hub gives this device no orders.");
        }
        match heard.ended {
            Some(reason) => bail!("the hub has ended the session: {reason:?}"),
            None => Ok(()),
        }
    }

    /// A reading that the hub refuses for good is dropped; that it was is a reading of its own, durable before the
    /// other one is given up.
    async fn report_refused(&self, first: u64, last: u64, reason: ReasonCode) -> Result<()> {
        let outgoing = &self.uplink.agent.outgoing;
        let spool = outgoing.spool().id().to_owned();
        let why = format!("the hub refused: {reason:?}");
        tracing::warn!(number = first, ?reason, "The hub has refused a reading.");
        let dropped = Dropped {
            spool: &spool,
            first,
            last,
            count: last - first + 1,
            why: &why,
        };
        outgoing.report("dropped", &dropped).await
    }

    fn acknowledge(&mut self, receipt: Receipt) -> Result<(), SessionFailed> {
        // The hub hands out again what was not acknowledged on the connection that it came on.
        if receipt.connection == self.uplink.connections {
            let packet = Packet::PubAck(Ack::success(receipt.id));
            self.session.outbox().push(&packet)?;
            self.sent_at = Instant::now();
        }
        Ok(())
    }

    fn look_at_the_time(&mut self) -> Result<()> {
        if self.sent_at.elapsed() >= self.keep_alive / 2 {
            self.session.outbox().push(&Packet::PingReq)?;
            self.sent_at = Instant::now();
        }
        // MQTT 5 section 3.1.2.10 gives the server one and a half times the keep-alive; so do we.
        if self.heard_at.elapsed() > self.keep_alive.mul_f32(1.5) {
            bail!("the hub is silent");
        }
        self.uplink.save();
        Ok(())
    }
}

impl Heard {
    fn take(&mut self, packet: &Packet<'_>, prefix: &str) {
        match packet {
            Packet::PubAck(ack) => self.acknowledged.push((ack.packet_id, ack.reason)),
            Packet::SubAck(ack) => self.subscribed = ack.codes.iter().next(),
            Packet::Disconnect(disconnect) => self.ended = Some(disconnect.reason),
            Packet::Publish(publish) => self.orders.extend(order(publish, prefix)),
            _ => {}
        }
    }
}

/// The order in a message; none when its topic is not below `down/` of this device.
fn order(publish: &Publish<'_>, prefix: &str) -> Option<Order> {
    let topic = publish.topic?.as_str().strip_prefix(prefix)?;
    if !topic.starts_with("down/") {
        return None;
    }
    let receipt = match publish.delivery {
        Delivery::AtLeastOnce { packet_id, .. } => Some(packet_id),
        Delivery::AtMostOnce | Delivery::ExactlyOnce { .. } => None,
    };
    Some(Order {
        topic: topic.to_owned(),
        payload: publish.payload.to_vec(),
        correlation: publish.properties.correlation_data.map(<[u8]>::to_vec),
        receipt: receipt.map(|id| Receipt { connection: 0, id }),
    })
}

/// Whether the same reading may be taken later.
fn is_passing(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::QuotaExceeded
            | ReasonCode::ImplementationSpecificError
            | ReasonCode::UnspecifiedError
            | ReasonCode::PacketIdentifierInUse
    )
}

const DROPPED: &str = "up/agent/dropped";
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(300);
const TICK: Duration = Duration::from_secs(1);
