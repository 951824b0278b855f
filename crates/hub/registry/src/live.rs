//! The state in memory: every row that a door or a page asks for, kept current from the journal.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use ironroot_identity::{
    CaNumber, CertificateSerial, DeviceId, Principal, ProfileName, Revocation, ServiceName,
    ViewName,
};
use ironroot_mqtt::TopicTemplate;
use ironroot_profile::{DeviceProfile, Topics};
use ironroot_standing::{Grant, Lifecycle, Standing, Tier, grant_device, grant_service};
use ironroot_store::{Committed, Follower, Table};
use parking_lot::RwLock;
use serde::de::DeserializeOwned;

use crate::revoked::{RevokedCertificate, RevokedCertificates};
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

/// A device: its row and its live Grant.
#[derive(Debug)]
pub struct Device {
    subject: Arc<Subject>,
    state: RwLock<DeviceState>,
}

#[derive(Debug)]
struct DeviceState {
    row: DeviceRow,
    /// A shrinking order that is obeyed already and is not in the journal yet.
    held: Option<Lifecycle>,
}

/// A service: its row and its live Grant.
#[derive(Debug)]
pub struct Service {
    subject: Arc<Subject>,
    row: RwLock<ServiceRow>,
}

/// A profile and the Grants that follow from it.
#[derive(Debug)]
pub struct Profile {
    /// The row it was read from.
    pub row: ProfileRow,
    /// The profile.
    pub profile: DeviceProfile,
    grants: Vec<(Standing, Arc<Grant>)>,
}

/// What a handshake or a question about a certificate must know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCertificate {
    /// SHA-256 of its DER bytes.
    pub fingerprint: [u8; 32],
    /// The issuing CA that signed it.
    pub ca: CaNumber,
    /// End of its validity, seconds since 1970.
    pub not_after: u64,
    /// When and why it was revoked.
    pub revoked: Option<Revocation>,
}

/// What a certificate is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStanding {
    /// Issued here and not revoked.
    Good,
    /// Issued here and revoked.
    Revoked,
    /// Not issued here, or not with these bytes.
    Unknown,
}

impl Device {
    /// Its identity and Grant.
    pub fn subject(&self) -> &Arc<Subject> {
        &self.subject
    }

    /// Its row, with a held order already counted in.
    pub fn row(&self) -> DeviceRow {
        let state = self.state.read();
        let mut row = state.row.clone();
        row.lifecycle = state.held.unwrap_or(row.lifecycle);
        row
    }

    /// Where it stands in its life, a held order counted in.
    pub fn lifecycle(&self) -> Lifecycle {
        let state = self.state.read();
        state.held.unwrap_or(state.row.lifecycle)
    }

    /// Looks at its row as it was recorded, and at where it stands with a held order counted in, without a copy.
    pub fn inspect<T>(&self, look: impl FnOnce(&DeviceRow, Lifecycle) -> T) -> T {
        let state = self.state.read();
        look(&state.row, state.held.unwrap_or(state.row.lifecycle))
    }
}

impl Service {
    /// Its identity and Grant.
    pub fn subject(&self) -> &Arc<Subject> {
        &self.subject
    }

    /// Its row.
    pub fn row(&self) -> ServiceRow {
        self.row.read().clone()
    }
}

impl Profile {
    fn read(row: ProfileRow) -> Option<Self> {
        let profile = DeviceProfile::parse(&row.text).ok()?;
        let tiers = [
            Tier::None,
            Tier::Affirming,
            Tier::Warning,
            Tier::Contraindicated,
        ];
        let standings = Lifecycle::ALL.iter().flat_map(|lifecycle| {
            tiers.map(|tier| Standing {
                lifecycle: *lifecycle,
                tier,
            })
        });
        let grants = standings
            .map(|standing| (standing, Arc::new(grant_device(standing, &profile))))
            .collect();
        Some(Self {
            row,
            profile,
            grants,
        })
    }

    fn grant(&self, standing: Standing) -> Option<Arc<Grant>> {
        self.grants
            .iter()
            .find(|(known, _)| *known == standing)
            .map(|(_, grant)| Arc::clone(grant))
    }
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

    /// The device of this id.
    pub fn device(&self, id: &str) -> Option<Arc<Device>> {
        self.devices.read().get(id).cloned()
    }

    /// Calls `visit` with each device, in the order of ids, after `after`, until it returns `false`.
    pub fn visit_devices(
        &self,
        after: Option<&DeviceId>,
        mut visit: impl FnMut(&Arc<Device>) -> bool,
    ) {
        use std::ops::Bound::{Excluded, Unbounded};
        let devices = self.devices.read();
        let from = after.map_or(Unbounded, Excluded);
        for (_, device) in devices.range::<DeviceId, _>((from, Unbounded)) {
            if !visit(device) {
                return;
            }
        }
    }

    /// How many devices there are.
    pub fn devices_count(&self) -> usize {
        self.devices.read().len()
    }

    /// How many devices got their first certificate since the hub started.
    pub fn enrolled_count(&self) -> u64 {
        self.enrolled.load(Relaxed)
    }

    /// The service of this name.
    pub fn service(&self, name: &str) -> Option<Arc<Service>> {
        self.services.read().get(name).cloned()
    }

    /// All services, in the order of names.
    pub fn services(&self) -> Vec<Arc<Service>> {
        self.services.read().values().cloned().collect()
    }

    /// The profile of this name.
    pub fn profile(&self, name: &str) -> Option<Arc<Profile>> {
        self.profiles.read().get(name).cloned()
    }

    /// All profiles, in the order of names.
    pub fn profiles(&self) -> Vec<Arc<Profile>> {
        self.profiles.read().values().cloned().collect()
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

    /// What the certificate of this serial number and fingerprint is worth.
    pub fn certificate(
        &self,
        serial: &CertificateSerial,
        fingerprint: &[u8; 32],
    ) -> CertificateStanding {
        match self.known_certificate(serial) {
            Some(known) if known.fingerprint != *fingerprint => CertificateStanding::Unknown,
            Some(known) if known.revoked.is_some() => CertificateStanding::Revoked,
            Some(_) => CertificateStanding::Good,
            None => CertificateStanding::Unknown,
        }
    }

    /// The certificate of this serial number, whoever holds it.
    pub fn known_certificate(&self, serial: &CertificateSerial) -> Option<KnownCertificate> {
        self.certificates.read().get(serial).copied()
    }

    /// When the last of these certificates ends, seconds since 1970; none when there is none.
    pub fn certificates_end(&self, serials: &[CertificateSerial]) -> Option<u64> {
        let known = self.certificates.read();
        let ends = serials.iter().filter_map(|serial| known.get(serial));
        ends.map(|known| known.not_after).max()
    }

    /// What issuing CA `ca` has revoked, from the `from`th on, in the order of taking note.
    pub fn revoked_since(&self, ca: CaNumber, from: usize) -> Vec<RevokedCertificate> {
        self.revoked.since(ca, from)
    }

    /// How many certificates issuing CA `ca` has revoked.
    pub fn revoked_count(&self, ca: CaNumber) -> usize {
        self.revoked.count(ca)
    }

    /// Shrinks a device's Grant at once, ahead of the journal, as if it were in `lifecycle` already.
    ///
    /// The hold ends with the entry that brings the device into that state, or by [`Registry::let_go`].
    pub fn hold(&self, device: &Device, lifecycle: Lifecycle) {
        device.state.write().held = Some(lifecycle);
        self.regrant(device);
    }

    /// Ends a hold whose order was refused.
    pub fn let_go(&self, device: &Device) {
        device.state.write().held = None;
        self.regrant(device);
    }

    fn put_device(&self, row: DeviceRow) {
        let known = self.devices.read().get(&row.id).cloned();
        let ended = matches!(row.lifecycle, Lifecycle::Retired | Lifecycle::Transferred);
        let device = if let Some(device) = known {
            let mut state = device.state.write();
            let enrols =
                state.row.lifecycle != row.lifecycle && row.lifecycle == Lifecycle::Enrolled;
            self.enrolled.fetch_add(enrols.into(), Relaxed);
            state.held = state.held.filter(|held| !settles(row.lifecycle, *held));
            state.row = row;
            drop(state);
            device
        } else {
            let subject = Subject::new(
                Principal::Device(row.id.clone()),
                Arc::new(Grant::nothing()),
            );
            let id = row.id.clone();
            let device = Arc::new(Device {
                subject: Arc::new(subject),
                state: RwLock::new(DeviceState { row, held: None }),
            });
            self.devices.write().insert(id, Arc::clone(&device));
            device
        };
        self.regrant(&device);
        if ended {
            self.tell(|watcher| watcher.ended(device.subject.principal()));
        }
    }

    /// Computes the Grant anew and tells the watcher when it changed.
    fn regrant(&self, device: &Device) {
        let (profile, standing) = {
            let state = device.state.read();
            let lifecycle = state.held.unwrap_or(state.row.lifecycle);
            (
                self.profile(state.row.profile.as_str()),
                Standing {
                    lifecycle,
                    ..state.row.standing()
                },
            )
        };
        let grant = profile
            .and_then(|profile| profile.grant(standing))
            .unwrap_or_else(|| Arc::new(Grant::nothing()));
        self.set_grant(&device.subject, grant);
    }

    fn set_grant(&self, subject: &Arc<Subject>, grant: Arc<Grant>) {
        if **subject.grant() != *grant {
            subject.set_grant(grant);
            self.tell(|watcher| watcher.grant_changed(subject));
        }
    }

    fn put_service(&self, row: ServiceRow) {
        let grant = match row.certificate {
            Some(_) => grant_service(topics(&row.publish), topics(&row.subscribe)),
            None => Grant::nothing(),
        };
        let known = self.service(row.name.as_str());
        let service = known.unwrap_or_else(|| {
            let subject = Subject::new(
                Principal::Service(row.name.clone()),
                Arc::new(Grant::nothing()),
            );
            let service = Arc::new(Service {
                subject: Arc::new(subject),
                row: RwLock::new(row.clone()),
            });
            self.services
                .write()
                .insert(row.name.clone(), Arc::clone(&service));
            service
        });
        *service.row.write() = row;
        self.set_grant(&service.subject, Arc::new(grant));
    }

    fn put_certificate(&self, row: &CertificateRow) {
        let mut fingerprint = [0; 32];
        if hex::decode_to_slice(&row.fingerprint, &mut fingerprint).is_err() {
            // Left out, so that nobody gets in with it.
            tracing::error!(certificate.serial = %row.serial, "Certificate row without a fingerprint.");
            return;
        }
        let revoked = row.revoked.map(|revoked| Revocation {
            at_s: revoked.at / 1_000,
            reason: revoked.reason,
        });
        let known = KnownCertificate {
            fingerprint,
            ca: row.ca,
            not_after: row.not_after,
            revoked,
        };
        let before = self.certificates.write().insert(row.serial, known);
        let Some(revocation) = revoked else { return };
        if before.is_some_and(|before| before.revoked.is_some()) {
            return;
        }
        self.revoked.add(row.ca, row.serial, revocation);
        let subject = row.holder.as_ref().and_then(|holder| self.subject(holder));
        if let (Some(_), Some(subject)) = (before, subject) {
            subject.revoke(row.serial);
            self.tell(|watcher| watcher.grant_changed(&subject));
        }
    }

    fn put_profile(&self, row: ProfileRow) {
        let name = row.name.clone();
        let Some(profile) = Profile::read(row) else {
            tracing::error!(profile = %name, "Profile row that cannot be read; its devices are granted nothing.");
            return;
        };
        self.profiles
            .write()
            .insert(name.clone(), Arc::new(profile));
        self.visit_devices(None, |device| {
            if device.state.read().row.profile == name {
                self.regrant(device);
            }
            true
        });
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

/// Whether a device that the journal has in the state `kept` needs `held` no longer.
fn settles(kept: Lifecycle, held: Lifecycle) -> bool {
    kept == held || kept == Lifecycle::Retired
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Filters that were checked when the service was made; one that does not pass opens nothing.
fn topics(texts: &[String]) -> Topics {
    Topics::new(
        texts
            .iter()
            .filter_map(|text| TopicTemplate::parse(text.as_str().into()).ok())
            .collect(),
    )
}
