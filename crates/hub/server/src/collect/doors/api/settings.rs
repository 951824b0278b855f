//! `GET /settings`: where the hub keeps what, and with what keys.

use std::fs;
use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use ironroot_api::{DoorAddresses, HubSettings, SnapshotKept};
use ironroot_custody::Record;
use rustix::fs::statvfs;

use super::Api;
use crate::files::Addresses;
use crate::settings::Settings;
use crate::storage::StoreUrl;

/// What does not change while the hub runs.
#[derive(Clone, Debug)]
pub struct About {
    /// The database.
    pub store: StoreUrl,
    /// The data folder.
    pub data: PathBuf,
    /// The key that people tell the hub by, in four groups.
    pub key: String,
    /// How the sealing key is had.
    pub sealing: String,
    /// Where the issuing CA's key is.
    pub ca_key: String,
    /// The journal's verifier key.
    pub log: String,
    /// The archive's URL.
    pub archive: Option<String>,
    /// Where the doors are.
    pub addresses: Addresses,
}

impl About {
    /// Of a hub with these settings, whose keys lie in `keys`.
    pub fn new(
        settings: &Settings,
        keys: &Path,
        (key, log): (String, String),
        addresses: Addresses,
    ) -> Self {
        let record = Record::read(keys).ok().flatten();
        Self {
            store: settings.store.clone(),
            data: settings.data.clone(),
            key,
            sealing: record.map_or_else(
                || "not known".to_owned(),
                |record| record.source().to_string(),
            ),
            ca_key: match &settings.ca_key {
                None => "in a sealed file".to_owned(),
                Some(_on_token) => "on a PKCS#11 token".to_owned(),
            },
            log,
            archive: settings.file.archive.url.clone(),
            addresses,
        }
    }
}

/// Where the hub keeps what, with what keys, and how full its disk is.
#[utoipa::path(get, path = "/settings", tag = "hub", responses((status = 200, body = HubSettings)))]
pub(crate) async fn show(State(api): State<Api>) -> Json<HubSettings> {
    let about = &api.about;
    let Addresses {
        console,
        mqtt,
        device,
        pki,
    } = about.addresses.clone();
    Json(HubSettings {
        store: about.store.to_string(),
        store_bytes: store_bytes(&about.store),
        free_bytes: free_bytes(&about.data),
        data: about.data.display().to_string(),
        key: about.key.clone(),
        sealing: about.sealing.clone(),
        ca_key: about.ca_key.clone(),
        log: about.log.clone(),
        archive: about.archive.clone(),
        last_backup: api.backups.last().map(|at| at.to_string()),
        snapshot: api.snapshotter.newest().map(|newest| SnapshotKept {
            entries: newest.entries,
            at: newest.at.to_string(),
        }),
        snapshot_every_entries: api.snapshotter.every_entries(),
        clock_stepped: api.clock.step().is_some(),
        has_password: api.password.is_set(),
        doors: DoorAddresses {
            console,
            mqtt,
            device,
            pki,
        },
    })
}

/// The database's file and the log that SQLite writes ahead of it.
fn store_bytes(store: &StoreUrl) -> Option<u64> {
    let StoreUrl::Sqlite(path) = store else {
        return None;
    };
    let size = |path: &Path| fs::metadata(path).ok().map(|file| file.len());
    let ahead = path.with_extension("sqlite-wal");
    Some(size(path)? + size(&ahead).unwrap_or(0))
}

fn free_bytes(data: &Path) -> Option<u64> {
    let disk = statvfs(data).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}
