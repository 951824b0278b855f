//! Grows the journal's tree: each second the new entries go into tiles on disk, under a signed checkpoint.

use std::sync::Arc;
use std::time::Duration;

use ironroot_store::Store;
use ironroot_time::Clock;
use ironroot_tree::TreeWriter;
use ironroot_views::TileLog;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::drain::Drain;
use crate::fault::chain;

/// How often the tree grows.
const INTERVAL: Duration = Duration::from_secs(1);

/// Grows the tree from `store` and tells `log` of it, until `stop` and once more after that.
pub async fn grow(
    mut writer: TreeWriter,
    store: Arc<dyn Store>,
    log: Arc<TileLog>,
    clock: Arc<dyn Clock>,
    mut stop: Drain,
) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        let last = tokio::select! {
            _tick = ticks.tick() => false,
            () = stop.begun() => true,
        };
        let store = Arc::clone(&store);
        let round = spawn_blocking(move || {
            let written = writer.write(store.as_ref());
            (writer, written)
        });
        let written = match round.await {
            Ok((back, written)) => {
                writer = back;
                written
            }
            Err(cause) => {
                tracing::error!(error = %cause, "The journal's tree does not grow any more: restart the hub.");
                return;
            }
        };
        let failing = match written {
            Ok(written) => {
                log.wrote(&written, clock.now());
                None
            }
            Err(cause) => Some(chain(&cause)),
        };
        if failing.is_some() && failing != told {
            tracing::error!(
                error = failing.as_deref(),
                "The journal's tree does not grow."
            );
        }
        told = failing;
        if last {
            return;
        }
    }
}
