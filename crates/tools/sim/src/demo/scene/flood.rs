//! A sensor sends as fast as it can, and does not stop when it is told to wait.

use anyhow::Result;
use ironroot_link::Session;
use ironroot_mqtt::{Qos, TopicName};
use tokio::task::JoinSet;

use super::super::cast::FLOODER;
use crate::demo::stage::Stage;

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    let device = stage.take(FLOODER)?;
    let session = stage.connect(&device).await?;
    let before = stage.api().await?.device(FLOODER).await?;
    let limits = &before.grant;
    stage.tell(&format!(
        "{FLOODER} sends as fast as it can; its profile allows {} messages a second.",
        limits.messages_per_s
    ));
    // Ends with the scene, whatever becomes of it.
    let mut flooding = JoinSet::new();
    flooding.spawn(flood(session));
    let before = before.traffic;
    stage
        .until(FLOODER, "it is held", |device| {
            device.traffic.held > before.held
        })
        .await?;
    stage.tell("The door drops what is past the rate. It goes on, so the door holds it: nothing of it is read for a while.");
    let after = stage
        .until(FLOODER, "it is cut off", |device| {
            device.traffic.cut_off > before.cut_off
        })
        .await?;
    stage.tell(&format!(
        "It still goes on. Held {} times, it is cut off. The other devices did not notice.",
        after.traffic.held - before.held
    ));
    stage.beat().await;
    Ok(())
}

/// Sends until the session ends.
async fn flood(mut session: Session) -> Result<()> {
    let topic = format!("d/{FLOODER}/up/temperature");
    loop {
        for _ in 0..BATCH {
            let topic = TopicName::parse(&topic)?;
            session.outbox().publish(topic, Qos::AtMostOnce, b"{}")?;
        }
        session.flush().await?;
    }
}

/// How many messages are sent in one piece.
const BATCH: usize = 100;
