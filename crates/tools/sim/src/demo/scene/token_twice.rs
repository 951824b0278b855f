//! A sensor gets a new owner, who claims it; the claim's token falls into other hands.

use anyhow::{Result, ensure};
use ironroot_api::Lifecycle;
use ironroot_link::{EstRefused, HttpFailed};

use super::super::cast::{ELSEWHERE, NEWCOMER};
use crate::demo::stage::Stage;
use crate::est::Applicant;

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    drop(stage.take(NEWCOMER)?);
    let (device, token) = stage.onboard(NEWCOMER).await?;
    stage.tell(&format!(
        "{NEWCOMER} has a new owner, who claimed it: with the claim's token it enrolled, and its old certificates are revoked."
    ));
    stage.renew(device)?;
    stage.everybody_lives();
    stage
        .until(NEWCOMER, "it is connected", |device| {
            device.item.sessions == 1 && device.item.lifecycle == Lifecycle::Active
        })
        .await?;
    stage.beat().await;

    stage.tell("Somebody has read the token off the packaging, and tries to enrol with it.");
    let thief = Applicant {
        serial: NEWCOMER,
        number: ELSEWHERE,
    };
    let enrolled = thief.enrol(stage.hub(), stage.trust(), &token).await;
    let refused = enrolled
        .as_ref()
        .err()
        .and_then(|cause| cause.downcast_ref());
    let is_refusal = matches!(
        refused,
        Some(EstRefused::Http(HttpFailed::Refused { status, .. })) if status.as_u16() == 401
    );
    ensure!(is_refusal, "a used token was not refused: {enrolled:?}");
    stage.tell(
        "A token serves once, for one key: the second key was refused, and the hub's log has an alarm about it.",
    );
    stage.beat().await;
    Ok(())
}
