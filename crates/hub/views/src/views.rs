//! The one who is asked, and what answers come from.

use std::sync::Arc;

use ironroot_identity::Principal;
use ironroot_registry::{Registry, Row};
use ironroot_store::Store;
use ironroot_time::{Clock, UnixTime};
use parking_lot::Mutex;

use crate::{Live, NotShown, TileLog};

/// Answers questions about one hub.
#[derive(Debug)]
pub struct Views {
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<TileLog>,
    pub(crate) live: Arc<dyn Live>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: HubFacts,
    /// When it was first noticed that the journal does not append.
    pub(crate) failing_since: Mutex<Option<UnixTime>>,
}

/// What does not change while the hub runs.
#[derive(Clone, Debug)]
pub struct HubFacts {
    /// The program's version.
    pub version: &'static str,
    /// When the program started.
    pub started_at: UnixTime,
    /// Whether its fleet is the demonstration's.
    pub demonstration: bool,
    /// The key that people tell it by, in four groups: see the sign-in page.
    pub key: String,
    /// The device door's URL.
    pub device_door: String,
    /// The MQTT door's URL.
    pub mqtt_door: String,
}

impl Views {
    /// Answers from these parts of the hub.
    pub fn new(
        (registry, store, log): (Arc<Registry>, Arc<dyn Store>, Arc<TileLog>),
        live: Arc<dyn Live>,
        clock: Arc<dyn Clock>,
        hub: HubFacts,
    ) -> Self {
        Self {
            registry,
            store,
            log,
            live,
            clock,
            hub,
            failing_since: Mutex::default(),
        }
    }

    /// What does not change while the hub runs.
    pub fn hub(&self) -> &HubFacts {
        &self.hub
    }

    /// The present moment, as the hub's clock has it.
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// How many entries the journal has: the number changes with every change of state.
    pub fn journal_size(&self) -> u64 {
        self.store.head().size
    }

    /// Live sessions of one device or service.
    pub fn sessions(&self, principal: &Principal) -> u32 {
        self.live.activity(principal).sessions
    }

    pub(crate) async fn row<R: Row>(&self, key: &str) -> Result<Option<R>, NotShown> {
        let bytes = self.store.row(R::TABLE, key).await?;
        let read = bytes.map(|bytes| serde_json::from_slice(&bytes));
        Ok(read.transpose()?)
    }
}
