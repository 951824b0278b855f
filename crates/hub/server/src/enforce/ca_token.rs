//! The token that keeps the issuing CA's key: waited for off the doors' threads, and looked after while nobody
//! asks it for anything.

use std::sync::Arc;
use std::time::Duration;

use ironroot_pki::authority::{Authority, CaKey};
use ironroot_time::Clock;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::sleep;

use crate::upkeep::{Chore, Upkeep};

/// How often the token is asked whether it is there.
const INTERVAL: Duration = Duration::from_secs(5);

/// Does what signs with a CA's key, aside when that is on a token.
pub fn waiting<T>(key: &CaKey, signs: impl FnOnce() -> T) -> T {
    match key.token() {
        Some(_) => aside(signs),
        None => signs(),
    }
}

/// Does what calls a token. That may keep its caller waiting for seconds, and meanwhile other tasks go on on
/// another thread.
pub fn aside<T>(calls: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(calls),
        Ok(_) | Err(_) => calls(),
    }
}

/// Notices a token that went away or came back, though nobody enrols.
pub async fn watch(authority: Arc<Authority>, upkeep: Arc<Upkeep>, clock: Arc<dyn Clock>) {
    loop {
        sleep(INTERVAL).await;
        let Some(key) = authority.current().key().token().cloned() else {
            upkeep.works(Chore::CaToken);
            continue;
        };
        match spawn_blocking(move || key.probe()).await {
            Ok(Ok(())) => upkeep.works(Chore::CaToken),
            Ok(Err(cause)) => upkeep.fails(Chore::CaToken, &cause.to_string(), clock.now()),
            // The hub is stopping.
            Err(_) => return,
        }
    }
}
