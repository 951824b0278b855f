//! A camera has been broken into and tells the backend something under another camera's name.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ironroot_api::Order;
use ironroot_link::{Flow, Session};
use ironroot_mqtt::{Ack, Packet, Qos, ReasonCode, TopicName};
use tokio::time::timeout;

use super::super::backend::FORGED;
use super::super::cast::{IMPOSTOR, VICTIM};
use crate::demo::stage::Stage;
use crate::demo::{END_MAX, ms};

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    let device = stage.take(IMPOSTOR)?;
    let mut session = stage.connect(&device).await?;
    let forged = stage.backend().forged();
    let refused = stage.refused(IMPOSTOR).await?;

    let topic = format!("d/{VICTIM}/up/motion");
    stage.tell(&format!(
        "{IMPOSTOR} publishes to {topic}, as if it were {VICTIM}."
    ));
    let answer = publish(&mut session, &topic).await?;
    ensure!(
        answer == ReasonCode::NotAuthorized,
        "the door said {answer:?} to a forged message"
    );
    stage
        .until(IMPOSTOR, "the refusal is counted", |device| {
            device.traffic.refused > refused
        })
        .await?;
    ensure!(
        stage.backend().forged() == forged,
        "the backend heard a forged message"
    );
    stage.tell(&format!(
        "The door refused the message: {IMPOSTOR} may publish below d/{IMPOSTOR}/up/ alone. The backend never heard it."
    ));
    stage.beat().await;

    let why = format!("published as {VICTIM}: it is not what it was");
    let sent = Instant::now();
    let end = tokio::spawn(async move { session.ended().await });
    let mut api = stage.api().await?;
    api.order(IMPOSTOR, Order::Quarantine, &why).await?;
    let ended = timeout(END_MAX, end).await??;
    stage.tell(&format!(
        "An operator quarantines {IMPOSTOR}. Its live session was cut after {}.",
        ms(ended.saturating_duration_since(sent))
    ));
    stage.tell("It tries to come back every few seconds, and is refused each time.");
    stage.beat().await;
    Ok(())
}

/// Publishes the forged message; gives what the door says to it.
async fn publish(session: &mut Session, topic: &str) -> Result<ReasonCode> {
    let topic = TopicName::parse(topic)?;
    session.outbox().publish(topic, Qos::AtLeastOnce, FORGED)?;
    session.flush().await?;
    let mut answer = None;
    while answer.is_none() {
        let hear = session.receive(|packet, _outbox| {
            if let Packet::PubAck(Ack { reason, .. }) = packet {
                answer = Some(*reason);
            }
            anyhow::Ok(())
        });
        let flow = timeout(END_MAX, hear).await??;
        ensure!(flow == Flow::Open, "the door closed the session");
    }
    answer.context("the door said nothing")
}
