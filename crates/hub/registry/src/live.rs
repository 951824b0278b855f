//! The state in memory: every row that a door or a page asks for, kept current from the journal.

mod certificate;
mod device;
mod profile;
mod service;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use ironroot_identity::{
    CertificateSerial, DeviceId, Principal, ProfileName, ServiceName, ViewName,
};
use ironroot_standing::Grant;
use ironroot_store::{Committed, Follower, Table};
use parking_lot::RwLock;
use serde::de::DeserializeOwned;

pub use self::certificate::{CertificateStanding, KnownCertificate};
pub use self::device::Device;
pub use self::profile::Profile;
pub use self::service::Service;
use crate::revoked::RevokedCertificates;
use crate::row::{
    CertificateRow, DeviceRow, ManufacturerRow, ProfileRow, Row, ServiceRow, ViewRow,
};
use crate::subject::{Subject, Watcher};

/// All devices, services, certificates, profiles and manufacturers that the hub knows.
///
/// Reading never waits for the database; the store's writer changes it, in journal order, after the
/// commit and before the acknowledgement.
#[derive(Default)]
pub struct Registry {
    devices: RwLock<BTreeMap<DeviceId, Arc<Device>>>,
    services: RwLock<BTreeMap<ServiceName, Arc<Service>>>,
    certificates: RwLock<HashMap<CertificateSerial, KnownCertificate>>,
    revoked: RevokedCertificates,
    profiles: RwLock<BTreeMap<ProfileName, Arc<Profile>>>,
    manufacturers: RwLock<BTreeMap<ProfileName, ManufacturerRow>>,
    views: RwLock<BTreeMap<ViewName, ViewRow>>,
    watcher: OnceLock<Arc<dyn Watcher>>,
    enrolled: AtomicU64,
}

impl Registry {
    /// Names the one to be told of every change of a Grant. The first call counts.
    pub fn watch(&self, watcher: Arc<dyn Watcher>) {
        let _known = self.watcher.set(watcher);
    }

    /// The tables to be taken in at start-up, in this order: what Grants follow from comes first.
    pub const TABLES: [Table; 6] = [
        ProfileRow::TABLE,
        DeviceRow::TABLE,
        CertificateRow::TABLE,
        ServiceRow::TABLE,
        ManufacturerRow::TABLE,
        ViewRow::TABLE,
    ];

    /// Takes in a row as it stands in the store.
    ///
    /// # Errors
    /// When the row cannot be read: the store was written by another version.
    pub fn load(&self, table: Table, bytes: &[u8]) -> Result<(), serde_json::Error> {
        if table == ProfileRow::TABLE {
            self.put_profile(parse(bytes)?);
        } else if table == DeviceRow::TABLE {
            self.put_device(parse(bytes)?);
        } else if table == CertificateRow::TABLE {
            self.put_certificate(&parse(bytes)?);
        } else if table == ServiceRow::TABLE {
            self.put_service(parse(bytes)?);
        } else if table == ManufacturerRow::TABLE {
            let row: ManufacturerRow = parse(bytes)?;
            self.manufacturers.write().insert(row.name.clone(), row);
        } else if table == ViewRow::TABLE {
            let row: ViewRow = parse(bytes)?;
            self.views.write().insert(row.name.clone(), row);
        }
        Ok(())
    }

    /// All manufacturers, in the order of names.
    pub fn manufacturers(&self) -> Vec<ManufacturerRow> {
        self.manufacturers.read().values().cloned().collect()
    }

    /// All saved views of the devices, in the order of names.
    pub fn views(&self) -> Vec<ViewRow> {
        self.views.read().values().cloned().collect()
    }

    /// The subject of a principal.
    pub fn subject(&self, principal: &Principal) -> Option<Arc<Subject>> {
        match principal {
            Principal::Device(id) => Some(Arc::clone(self.device(id.as_str())?.subject())),
            Principal::Service(name) => Some(Arc::clone(self.service(name.as_str())?.subject())),
        }
    }

    fn set_grant(&self, subject: &Arc<Subject>, grant: Arc<Grant>) {
        if **subject.grant() != *grant {
            subject.set_grant(grant);
            self.tell(|watcher| watcher.grant_changed(subject));
        }
    }

    /// Takes note of a deleted row. Of the tables in memory only manufacturers and views lose rows.
    fn forget(&self, table: Table, key: &str) {
        if table == ManufacturerRow::TABLE {
            self.manufacturers.write().remove(key);
        } else if table == ViewRow::TABLE {
            self.views.write().remove(key);
        }
    }

    fn tell(&self, what: impl FnOnce(&dyn Watcher)) {
        if let Some(watcher) = self.watcher.get() {
            what(watcher.as_ref());
        }
    }
}

impl Follower for Registry {
    fn follow(&self, committed: &[Committed]) {
        for write in committed.iter().flat_map(|entry| &entry.writes) {
            let Some(bytes) = &write.value else {
                self.forget(write.table, &write.key);
                continue;
            };
            if let Err(cause) = self.load(write.table, bytes) {
                tracing::error!(table = %write.table, key = %write.key, error = %cause, "A written row cannot be read.");
            }
        }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("devices", &self.devices_count())
            .finish_non_exhaustive()
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}
