//! The copied certificate is shown once more, after it was revoked.

use anyhow::{Context, Result, ensure};

use super::super::cast::COPIED;
use crate::demo::stage::Stage;

pub(super) async fn play(stage: &mut Stage) -> Result<()> {
    let stolen = stage
        .stolen
        .take()
        .context("no certificate was revoked in the scene before")?;
    stage.tell(&format!(
        "Whoever copied the key of {COPIED} tries again with the revoked certificate."
    ));
    ensure!(
        stage.connect_copy(&stolen).await.is_err(),
        "a revoked certificate was let in"
    );
    stage.tell(
        "The door refused it in the TLS handshake, before a single byte of MQTT. It stays on the revocation list for good.",
    );
    stage.beat().await;
    let sessions = stage.api().await?.device(COPIED).await?.item.sessions;
    ensure!(sessions == 1, "{COPIED} has {sessions} sessions");
    stage.tell(&format!("{COPIED} itself did not notice."));
    stage.beat().await;
    Ok(())
}
