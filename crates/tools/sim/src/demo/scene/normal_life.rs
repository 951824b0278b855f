//! Everybody does what they are for.

use anyhow::Result;

use crate::demo::stage::Stage;

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    let here = stage.connected().await?;
    stage.tell(&format!(
        "{here} of {} devices are connected: cameras, sensors and gateways, each by a certificate of its own.",
        stage.size()
    ));
    let before = stage.backend().messages();
    stage.beat().await;
    stage.beat().await;
    let heard = stage.backend().messages() - before;
    stage.tell(&format!(
        "The backend has heard {heard} messages meanwhile."
    ));
    Ok(())
}
