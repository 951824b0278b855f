//! Somebody has copied a camera's key and certificate, and connects from elsewhere.

use std::time::Instant;

use anyhow::{Context, Result};
use ironroot_api::{CertificateStatus, TimelineEntry};
use ironroot_link::Session;
use tokio::time::timeout;

use super::super::cast::COPIED;
use crate::demo::stage::Stage;
use crate::demo::{END_MAX, ms};
use crate::est::Applicant;
use crate::fleet::Device;

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    let device = stage.take(COPIED)?;
    let mut real = stage.connect(&device).await?;
    let detail = stage.api().await?.device(COPIED).await?;
    let valid = detail
        .certificates
        .iter()
        .find(|certificate| certificate.status == CertificateStatus::Valid);
    let serial = valid.context("it has no certificate")?.serial.clone();

    stage.tell(&format!(
        "Somebody has copied the key of {COPIED}, and connects with it from another address."
    ));
    let from = stage.entries().await?;
    let mut copy = stage.connect_copy(&device).await?;
    for _ in 0..RETURNS {
        // One identity has one session: whoever comes ends the other's.
        ends(&mut real).await?;
        real = stage.connect(&device).await?;
        ends(&mut copy).await?;
        copy = stage.connect_copy(&device).await?;
    }
    stage.tell(
        "One identity has one session: camera and copy take it from each other, again and again.",
    );
    stage
        .until(COPIED, "this is noticed", |device| {
            let noticed = |entry: &&TimelineEntry| entry.kind == "device.in_two_places";
            let newest = device.timeline.iter().find(noticed);
            newest.is_some_and(|entry| entry.entry >= from)
        })
        .await?;
    stage.tell("The hub noticed it by itself; it waits for a person on the Overview and the device's page.");
    stage.beat().await;

    let applicant = Applicant {
        serial: COPIED,
        number: device.number,
    };
    let identity = applicant
        .reenrol(stage.hub(), stage.trust(), &device.identity)
        .await?;
    stage.tell(&format!("{COPIED} enrols again, for a new key."));
    let sent = Instant::now();
    let end = tokio::spawn(async move { copy.ended().await });
    let why = format!("the key of {COPIED} was used from two places");
    stage.api().await?.revoke_certificate(&serial, &why).await?;
    let ended = timeout(END_MAX, end).await??;
    stage.tell(&format!(
        "An operator revokes the old certificate. The copy's live session was cut after {}.",
        ms(ended.saturating_duration_since(sent))
    ));
    stage.stolen = Some(device.clone());
    let renewed = Device {
        id: COPIED.to_owned(),
        number: device.number,
        identity,
    };
    stage.renew(renewed)?;
    stage.everybody_lives();
    stage
        .until(COPIED, "it is back with its new key", |device| {
            device.item.sessions == 1
        })
        .await?;
    stage.tell(&format!("{COPIED} itself is back, with its new key."));
    stage.beat().await;
    Ok(())
}

async fn ends(session: &mut Session) -> Result<()> {
    let ended = timeout(END_MAX, session.ended()).await;
    ended.context("two sessions of one identity are open at once")?;
    Ok(())
}

/// How often the device and the copy take the session from each other: so often, it is no accident.
const RETURNS: usize = 3;
