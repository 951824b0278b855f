//! A hub's state without its doors: a store on disk, the registry that follows it, a log, and the views.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ironroot_history::History;
use ironroot_identity::{CaNumber, CertificateSerial, Principal};
use ironroot_journal::SALT_SIZE;
use ironroot_journal::note::SigningKey;
use ironroot_registry::{
    Actor, Credential, DeviceActivated, DeviceClaimed, DeviceEnrolled, DeviceInTwoPlaces,
    DeviceQuarantined, Fact, Fold, IssuedCertificate, KeyMaker, ProfileSet, Registry,
};
use ironroot_standing::QuarantineReason;
use ironroot_store::{Change, Payload, Store};
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_testkit::ManualClock;
use ironroot_time::{Clock, UnixTime};
use ironroot_tree::{LogPlace, TreeWriter};
use ironroot_views::{Activity, HubFacts, Live, TileLog, Trouble, Views};
use parking_lot::Mutex;
use tempfile::TempDir;

/// The moment at which every test begins: 2026-11-22 05:06:01 UTC.
pub(crate) const BEGIN: UnixTime = UnixTime::from_s(1_795_323_961);

pub(crate) struct Hub {
    pub(crate) views: Views,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) doors: Arc<Doors>,
    pub(crate) clock: Arc<ManualClock>,
    log: Arc<TileLog>,
    writer: TreeWriter,
    _folder: TempDir,
}

/// The doors as a test wants them.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    pub(crate) activity: Mutex<HashMap<Principal, Activity>>,
    pub(crate) held: AtomicUsize,
    pub(crate) troubles: Mutex<Vec<Trouble>>,
    pub(crate) history: Mutex<History>,
}

impl Live for Doors {
    fn activity(&self, principal: &Principal) -> Activity {
        let known = self.activity.lock();
        known.get(principal).cloned().unwrap_or_default()
    }

    fn sessions_count(&self) -> u64 {
        let known = self.activity.lock();
        known
            .values()
            .map(|activity| u64::from(activity.sessions))
            .sum()
    }

    fn held_orders(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn troubles(&self) -> Vec<Trouble> {
        self.troubles.lock().clone()
    }

    fn history(&self) -> &Mutex<History> {
        &self.history
    }
}

impl Hub {
    /// A hub with the built-in profiles and nothing else.
    pub(crate) async fn new() -> Self {
        Self::of_size(None).await
    }

    /// The same, whose store takes no more than `size_max` bytes.
    pub(crate) async fn of_size(size_max: Option<u64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(BEGIN));
        let registry = Arc::new(Registry::default());
        let settings = Settings {
            path: folder.path().join("store.sqlite"),
            size_max,
        };
        let store = SqliteStore::open(&settings, clock.clone(), Arc::new(Fold), registry.clone());
        let store = Arc::new(store.unwrap());
        let key = SigningKey::from_seed("test.example/ironroot", &[7; 32]).unwrap();
        let tiles = folder.path().join("log");
        std::fs::create_dir(&tiles).unwrap();
        let log = Arc::new(TileLog::new(
            LogPlace::new(&tiles),
            key.verifier_key().clone(),
        ));
        let doors = Arc::new(Doors::default());
        let facts = HubFacts {
            version: "1.2.3",
            started_at: BEGIN,
            demonstration: false,
            key: "SHA256:7c1f 09e4 b2a6 5d13".to_owned(),
            device_door: "https://localhost:8444".to_owned(),
            mqtt_door: "mqtts://localhost:8883".to_owned(),
        };
        let parts = (
            registry.clone(),
            store.clone() as Arc<dyn Store>,
            log.clone(),
        );
        let hub = Self {
            views: Views::new(parts, doors.clone(), clock.clone(), facts),
            store,
            registry,
            doors,
            clock,
            log,
            writer: TreeWriter::open(&tiles, key).unwrap(),
            _folder: folder,
        };
        for (name, text) in ironroot_profile::BUILT_IN {
            let name = name.parse().unwrap();
            let text = (*text).to_owned();
            hub.records(&Fact::from(ProfileSet {
                name,
                text,
                by: None,
            }))
            .await;
        }
        hub
    }

    pub(crate) async fn records(&self, fact: &Fact) -> u64 {
        self.commits(Change::of(fact.draft().unwrap())).await
    }

    async fn commits(&self, change: Change) -> u64 {
        self.store.commit(change).await.unwrap().indices.start
    }

    pub(crate) async fn claims(&self, device: &str) -> u64 {
        let expires = self.clock.now().plus(Duration::from_secs(3_600)).as_ms();
        self.records(&Fact::from(DeviceClaimed {
            device: device.parse().unwrap(),
            profile: first_profile().parse().unwrap(),
            expires,
            by: admin(),
        }))
        .await
    }

    /// Claims, enrols and activates a device.
    pub(crate) async fn brings_in(&self, device: &str) {
        let claim = self.claims(device).await;
        self.records(&Fact::from(DeviceEnrolled {
            device: device.parse().unwrap(),
            claim,
            credential: Credential::Token,
            spki: None,
            certificate: certificate(device),
        }))
        .await;
        self.records(&Fact::from(DeviceActivated {
            device: device.parse().unwrap(),
            door: "mqtt".to_owned(),
        }))
        .await;
    }

    pub(crate) async fn quarantines(&self, device: &str, why: &str) -> u64 {
        let words = Payload::new([1; SALT_SIZE], why.as_bytes().to_vec());
        let fact = Fact::from(DeviceQuarantined {
            device: device.parse().unwrap(),
            reason: QuarantineReason::Person,
            by: admin(),
            why: words.digest().to_string(),
        });
        self.commits(Change::of(fact.draft().unwrap()).with_payload(words))
            .await
    }

    /// A certificate of the device was used in two places.
    pub(crate) async fn sees_in_two_places(&self, device: &str, what: &str) -> u64 {
        let words = Payload::new([2; SALT_SIZE], what.as_bytes().to_vec());
        let fact = Fact::from(DeviceInTwoPlaces {
            device: device.parse().unwrap(),
            certificate: certificate(device).serial,
            door: "mqtt".to_owned(),
            why: words.digest().to_string(),
        });
        self.commits(Change::of(fact.draft().unwrap()).with_payload(words))
            .await
    }

    /// Signs all that was recorded.
    pub(crate) fn signs(&mut self) {
        let written = self.writer.write(self.store.as_ref()).unwrap();
        self.log.wrote(&written, self.clock.now());
    }

    pub(crate) fn connects(&self, device: &str, at: UnixTime, sessions: u32) {
        let activity = Activity {
            sessions,
            last_seen: Some(at),
            ..Activity::default()
        };
        let principal = Principal::Device(device.parse().unwrap());
        self.doors.activity.lock().insert(principal, activity);
    }
}

pub(crate) fn admin() -> Actor {
    Actor::Token("admin".to_owned())
}

pub(crate) fn first_profile() -> &'static str {
    ironroot_profile::BUILT_IN[0].0
}

/// A certificate whose serial number follows from its holder's name.
pub(crate) fn certificate(holder: &str) -> IssuedCertificate {
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(holder.bytes()) {
        *place = byte;
    }
    IssuedCertificate {
        serial: CertificateSerial::from_random(bytes),
        ca: CaNumber::FIRST,
        fingerprint: "ab".repeat(32),
        not_before: BEGIN.as_s(),
        not_after: BEGIN.as_s() + 86_400,
        key: KeyMaker::Holder,
    }
}
