//! The camera was cleaned, and a person lets it back in.

use anyhow::Result;
use ironroot_api::{Lifecycle, Order};

use super::super::cast::IMPOSTOR;
use crate::demo::stage::Stage;

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    let mut api = stage.api().await?;
    if api.device(IMPOSTOR).await?.item.lifecycle == Lifecycle::Quarantined {
        stage.tell(&format!(
            "{IMPOSTOR} has new firmware. An operator releases it from quarantine."
        ));
        let why = "new firmware, checked on the bench";
        api.order(IMPOSTOR, Order::Release, why).await?;
    }
    stage
        .until(IMPOSTOR, "it is back", |device| device.item.sessions == 1)
        .await?;
    stage.tell(&format!(
        "{IMPOSTOR} is connected again. Every step is in the journal."
    ));
    stage.beat().await;
    Ok(())
}
