//! The one fold from journal entries to state rows, run when an entry is committed and when the state is rebuilt.
//!
//! It is also the last check before an entry becomes history: an entry that does not fit the state of that
//! moment is refused, and the change that brought it leaves no trace.

use ironroot_identity::{
    CaNumber, CertificateSerial, DeviceId, Principal, ProfileName, RevocationReason, ServiceName,
    ViewName,
};
use ironroot_journal::Entry;
use ironroot_profile::{BadProfile, DeviceProfile};
use ironroot_standing::{
    Event, Lifecycle, NotAllowed, NotReleased, QuarantineReason, release, transition,
};
use ironroot_store::{ApplyError, Projection, Rows};

use crate::fact::{Actor, Fact, IssuedCertificate, Unreadable};
use crate::row::{
    CertificateRow, DeviceRow, FoldRow, InTwoPlacesRow, IssuingCaRow, ManufacturerRow, ProfileRow,
    ReasonRow, RevokedRow, Row, SegmentRow, ServiceRow, TIMELINE, TokenRow, ViewRow, timeline_key,
};

/// The number of certificates of one device that are good at the same time; a further one revokes the oldest.
const CERTIFICATES_MAX: usize = 4;

/// Why an entry does not fit the state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The lifecycle table does not allow it.
    #[error("{device}: {cause}")]
    Lifecycle {
        /// The device.
        device: DeviceId,
        /// What the table says. Part of the sentence above, so no source.
        cause: NotAllowed,
    },
    /// The claim that the device enrols with was replaced by a newer one.
    #[error("{device} was claimed again meanwhile: the token is void, use the newer one")]
    ClaimReplaced {
        /// The device.
        device: DeviceId,
    },
    /// The claim's time is over.
    #[error("the claim of {device} has expired: claim it again")]
    ClaimExpired {
        /// The device.
        device: DeviceId,
    },
    /// No claim of the device waits.
    #[error("no claim of {device} waits for its device")]
    NoClaim {
        /// The device.
        device: DeviceId,
    },
    /// The certificate to be replaced is not one of the device's good ones.
    #[error("certificate {serial} is not a good certificate of {device}")]
    NotItsCertificate {
        /// The device.
        device: DeviceId,
        /// The certificate it came with.
        serial: CertificateSerial,
    },
    /// The repetition of an enrolment by a device that has had its certificate, or that has another key.
    #[error(
        "{device} enrolled on this claim with another key, or has used its certificate since: its token is void"
    )]
    NotTheSameEnrolment {
        /// The device.
        device: DeviceId,
    },
    /// The device has no such reason.
    #[error("{device} is not under quarantine for the reason {reason}")]
    NoSuchReason {
        /// The device.
        device: DeviceId,
        /// The reason to be taken away.
        reason: QuarantineReason,
    },
    /// A certificate of this serial number was issued before.
    #[error("certificate serial number {0} is taken")]
    SerialTaken(CertificateSerial),
    /// The hub issued no such certificate.
    #[error("this hub issued no certificate {0}")]
    UnknownCertificate(CertificateSerial),
    /// A revocation is for ever, and the first one counts.
    #[error("certificate {0} was revoked before")]
    RevokedBefore(CertificateSerial),
    /// Another issuing CA has the number.
    #[error("there is an issuing CA {0} already")]
    CaTaken(CaNumber),
    /// The hub has no such profile.
    #[error("there is no profile {0}: `ironroot profile list` shows those there are")]
    UnknownProfile(ProfileName),
    /// The profile's text is faulty.
    #[error("the profile is faulty")]
    BadProfile(#[source] BadProfile),
    /// The hub has no such service.
    #[error("there is no service {0}, or it was revoked already")]
    UnknownService(ServiceName),
    /// There is no such token.
    #[error("there is no token of {0}, or it was revoked already")]
    UnknownToken(String),
    /// The hub knows no such manufacturer.
    #[error("there is no manufacturer CA {0}")]
    UnknownManufacturer(ProfileName),
    /// The hub knows no such view.
    #[error("there is no view {0}")]
    UnknownView(ViewName),
    /// A manufacturer of this name is there already.
    #[error("there is a manufacturer CA {0} already: remove it first")]
    ManufacturerTaken(ProfileName),
    /// The entry cannot be read by this hub.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A row of the state cannot be read or written.
    #[error("a row of the state is damaged: `ironroot journal rebuild` makes it again")]
    DamagedRow(#[source] serde_json::Error),
}

/// The fold of this hub's facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fold;

impl Projection for Fold {
    fn apply(&self, index: u64, entry: &Entry, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let fact = Fact::read(entry).map_err(|cause| refuse(cause.into()))?;
        let mut step = Step {
            rows,
            index,
            at: entry.at().as_ms(),
        };
        step.apply(&fact)?;
        if let Some(device) = fact.device() {
            step.rows
                .put(TIMELINE, &timeline_key(device, index), Vec::new());
        }
        Ok(())
    }
}

fn refuse(cause: Refused) -> ApplyError {
    ApplyError::refuse(cause)
}

/// One entry being applied.
struct Step<'a> {
    rows: &'a mut dyn Rows,
    index: u64,
    at: u64,
}

impl Step<'_> {
    #[expect(clippy::too_many_lines, reason = "an arm for each kind")]
    fn apply(&mut self, fact: &Fact) -> Result<(), ApplyError> {
        match fact {
            Fact::HubRestored { .. }
            | Fact::JournalKeyChanged { .. }
            | Fact::PasswordSet { .. }
            | Fact::SignInLinkMade { .. }
            | Fact::SessionsEnded { .. }
            | Fact::ClockStepped { .. }
            | Fact::ClockAgreed { .. }
            | Fact::ClockConfirmed { .. }
            | Fact::PayloadErased { .. }
            | Fact::SnapshotTaken { .. } => Ok(()),
            Fact::TokenIssued { name, .. } => self.put(
                name,
                &TokenRow {
                    name: name.clone(),
                    at: self.at,
                    entry: self.index,
                },
            ),
            Fact::TokenRevoked { name, .. } => self.revoke_token(name),
            Fact::HubCreated { issuing, .. } => {
                self.put(FoldRow::KEY, &FoldRow::PRESENT)?;
                self.install_ca(CaNumber::FIRST, issuing)
            }
            Fact::CaInstalled {
                number,
                fingerprint,
                ..
            } => self.install_ca(*number, fingerprint),
            Fact::ServerIssued { certificate, .. } | Fact::ResponderIssued { certificate } => {
                self.issue(None, certificate)
            }
            Fact::CertificateRevoked { serial, reason, .. } => self.revoke_one(*serial, *reason),
            Fact::SegmentArchived {
                first,
                entries,
                root,
                place,
            } => self.put(
                &SegmentRow::key(*first),
                &SegmentRow {
                    first: *first,
                    entries: *entries,
                    root: root.clone(),
                    place: place.clone(),
                    entry: self.index,
                },
            ),
            Fact::ProfileSet { name, text, .. } => self.set_profile(name, text),
            Fact::DeviceClaimed {
                device,
                profile,
                expires,
                ..
            } => self.claim(device, profile, *expires),
            Fact::DeviceClaimWithdrawn { device, .. } => self.withdraw_claim(device),
            Fact::DeviceEnrolled {
                device,
                claim,
                spki,
                certificate,
                ..
            } => self.enrol(device, *claim, spki.as_deref(), certificate),
            Fact::DeviceEnrolmentRepeated {
                device,
                claim,
                spki,
                certificate,
            } => self.repeat_enrolment(device, *claim, spki, certificate),
            Fact::DeviceReenrolled {
                device,
                via,
                with,
                certificate,
            } => self.reenrol(device, via.as_ref(), *with, certificate),
            Fact::DeviceActivated { device, .. } => {
                self.change(device, Event::Activate, |_row| Ok(()))
            }
            Fact::DeviceInTwoPlaces {
                device,
                certificate,
                why,
                ..
            } => self.notice(device, *certificate, why),
            Fact::DeviceQuarantined {
                device,
                reason,
                by,
                why,
            } => self.quarantine(device, *reason, by, why),
            Fact::DeviceReleased { device, reason, .. } => self.release(device, *reason),
            Fact::DeviceTransferred { device, .. } => self.give_up(
                device,
                Event::Transfer,
                RevocationReason::AffiliationChanged,
            ),
            Fact::DeviceRetired { device, .. } => self.give_up(
                device,
                Event::Retire,
                RevocationReason::CessationOfOperation,
            ),
            Fact::ServiceIssued {
                service,
                publish,
                subscribe,
                certificate,
                ..
            } => self.issue_service(service, publish, subscribe, certificate),
            Fact::ServiceRevoked { service, .. } => self.revoke_service(service),
            Fact::ManufacturerAdded {
                name, pem, prefix, ..
            } => self.add_manufacturer(name, pem, prefix),
            Fact::ManufacturerRemoved { name, .. } => self.remove_manufacturer(name),
            Fact::ViewSaved { name, query, .. } => self.put(
                name.as_str(),
                &ViewRow {
                    name: name.clone(),
                    query: query.clone(),
                    entry: self.index,
                },
            ),
            Fact::ViewRemoved { name, .. } => self.remove_view(name),
        }
    }

    fn revoke_token(&mut self, name: &str) -> Result<(), ApplyError> {
        if self.get::<TokenRow>(name)?.is_none() {
            return Err(refuse(Refused::UnknownToken(name.to_owned())));
        }
        self.rows.delete(TokenRow::TABLE, name);
        Ok(())
    }

    fn set_profile(&mut self, name: &ProfileName, text: &str) -> Result<(), ApplyError> {
        DeviceProfile::parse(text).map_err(|cause| refuse(Refused::BadProfile(cause)))?;
        let row = ProfileRow {
            name: name.clone(),
            text: text.to_owned(),
            entry: self.index,
        };
        self.put(name.as_str(), &row)
    }

    fn claim(
        &mut self,
        device: &DeviceId,
        profile: &ProfileName,
        expires: u64,
    ) -> Result<(), ApplyError> {
        if self.get::<ProfileRow>(profile.as_str())?.is_none() {
            return Err(refuse(Refused::UnknownProfile(profile.clone())));
        }
        let before = self.get::<DeviceRow>(device.as_str())?;
        let lifecycle = next(
            device,
            before.as_ref().map(|row| row.lifecycle),
            Event::Claim,
        )?;
        let row = DeviceRow {
            id: device.clone(),
            profile: profile.clone(),
            lifecycle,
            reasons: Vec::new(),
            claim: self.index,
            claim_expires: expires,
            in_two_places: None,
            enrolled_spki: None,
            certificates: Vec::new(),
            changed: self.at,
            changed_entry: self.index,
        };
        self.put(device.as_str(), &row)
    }

    fn withdraw_claim(&mut self, device: &DeviceId) -> Result<(), ApplyError> {
        let row = self.get::<DeviceRow>(device.as_str())?;
        let waiting =
            row.filter(|row| row.lifecycle == Lifecycle::Claimed && !row.claim_withdrawn());
        let mut row = waiting.ok_or_else(|| {
            refuse(Refused::NoClaim {
                device: device.clone(),
            })
        })?;
        row.claim_expires = DeviceRow::CLAIM_WITHDRAWN;
        (row.changed, row.changed_entry) = (self.at, self.index);
        self.put(device.as_str(), &row)
    }

    fn enrol(
        &mut self,
        device: &DeviceId,
        claim: u64,
        spki: Option<&str>,
        issued: &IssuedCertificate,
    ) -> Result<(), ApplyError> {
        let at = self.at;
        self.change(device, Event::Enrol, |row| {
            check_claim(row, claim, at)?;
            row.enrolled_spki = spki.map(str::to_owned);
            row.certificates = vec![issued.serial];
            Ok(())
        })?;
        self.issue(Some(Principal::Device(device.clone())), issued)
    }

    /// The certificate that never arrived is revoked: nobody has it, or somebody who should not.
    fn repeat_enrolment(
        &mut self,
        device: &DeviceId,
        claim: u64,
        spki: &str,
        issued: &IssuedCertificate,
    ) -> Result<(), ApplyError> {
        let (at, mut superseded) = (self.at, Vec::new());
        self.change(device, Event::Reenrol, |row| {
            check_claim(row, claim, at)?;
            if row.lifecycle != Lifecycle::Enrolled || row.enrolled_spki.as_deref() != Some(spki) {
                return Err(Refused::NotTheSameEnrolment {
                    device: device.clone(),
                });
            }
            superseded = std::mem::replace(&mut row.certificates, vec![issued.serial]);
            Ok(())
        })?;
        self.revoke(&superseded, RevocationReason::Superseded)?;
        self.issue(Some(Principal::Device(device.clone())), issued)
    }

    fn reenrol(
        &mut self,
        device: &DeviceId,
        via: Option<&DeviceId>,
        with: CertificateSerial,
        issued: &IssuedCertificate,
    ) -> Result<(), ApplyError> {
        let asking = via.unwrap_or(device);
        let asks = self.device(asking, Event::Reenrol)?;
        next(asking, Some(asks.lifecycle), Event::Reenrol)?;
        if !asks.certificates.contains(&with) {
            return Err(refuse(Refused::NotItsCertificate {
                device: asking.clone(),
                serial: with,
            }));
        }
        let mut superseded = Vec::new();
        self.change(device, Event::Reenrol, |row| {
            row.certificates.push(issued.serial);
            let excess = row.certificates.len().saturating_sub(CERTIFICATES_MAX);
            superseded = row.certificates.drain(..excess).collect();
            Ok(())
        })?;
        self.revoke(&superseded, RevocationReason::Superseded)?;
        self.issue(Some(Principal::Device(device.clone())), issued)
    }

    /// Notes what a person should look at; the device's Standing stays as it is.
    fn notice(
        &mut self,
        device: &DeviceId,
        certificate: CertificateSerial,
        why: &str,
    ) -> Result<(), ApplyError> {
        let row = self.get::<DeviceRow>(device.as_str())?;
        let mut row = row.ok_or_else(|| unknown(device))?;
        row.in_two_places = Some(InTwoPlacesRow {
            certificate,
            why: why.to_owned(),
            at: self.at,
            entry: self.index,
        });
        self.put(device.as_str(), &row)
    }

    fn quarantine(
        &mut self,
        device: &DeviceId,
        kind: QuarantineReason,
        by: &Actor,
        why: &str,
    ) -> Result<(), ApplyError> {
        let reason = ReasonRow {
            kind,
            by: by.clone(),
            why: why.to_owned(),
            at: self.at,
            entry: self.index,
        };
        self.change(device, Event::Quarantine, |row| {
            row.reasons.retain(|known| known.kind != kind);
            row.reasons.push(reason);
            Ok(())
        })
    }

    /// Takes one reason away; the device is released with the last of them.
    fn release(&mut self, device: &DeviceId, kind: QuarantineReason) -> Result<(), ApplyError> {
        let mut row = self.device(device, Event::Release)?;
        let device = device.clone();
        row.lifecycle =
            release(row.lifecycle, &row.reason_kinds(), kind).map_err(|cause| match cause {
                NotReleased::NotAllowed(cause) => refuse(Refused::Lifecycle { device, cause }),
                NotReleased::NoSuchReason(reason) => {
                    refuse(Refused::NoSuchReason { device, reason })
                }
            })?;
        row.reasons.retain(|known| known.kind != kind);
        self.put_device(row)
    }

    fn give_up(
        &mut self,
        device: &DeviceId,
        event: Event,
        reason: RevocationReason,
    ) -> Result<(), ApplyError> {
        let mut revoked = Vec::new();
        self.change(device, event, |row| {
            row.reasons.clear();
            revoked = std::mem::take(&mut row.certificates);
            Ok(())
        })?;
        self.revoke(&revoked, reason)
    }

    fn issue_service(
        &mut self,
        name: &ServiceName,
        publish: &[String],
        subscribe: &[String],
        issued: &IssuedCertificate,
    ) -> Result<(), ApplyError> {
        let before = self
            .get::<ServiceRow>(name.as_str())?
            .and_then(|row| row.certificate);
        self.revoke(before.as_slice(), RevocationReason::Superseded)?;
        let row = ServiceRow {
            name: name.clone(),
            publish: publish.to_vec(),
            subscribe: subscribe.to_vec(),
            certificate: Some(issued.serial),
            changed: self.at,
        };
        self.put(name.as_str(), &row)?;
        self.issue(Some(Principal::Service(name.clone())), issued)
    }

    fn revoke_service(&mut self, name: &ServiceName) -> Result<(), ApplyError> {
        let unknown = || refuse(Refused::UnknownService(name.clone()));
        let mut row = self.get::<ServiceRow>(name.as_str())?.ok_or_else(unknown)?;
        let serial = row.certificate.take().ok_or_else(unknown)?;
        row.changed = self.at;
        self.put(name.as_str(), &row)?;
        self.revoke(&[serial], RevocationReason::CessationOfOperation)
    }

    fn add_manufacturer(
        &mut self,
        name: &ProfileName,
        pem: &str,
        prefix: &str,
    ) -> Result<(), ApplyError> {
        if self.get::<ManufacturerRow>(name.as_str())?.is_some() {
            return Err(refuse(Refused::ManufacturerTaken(name.clone())));
        }
        let row = ManufacturerRow {
            name: name.clone(),
            pem: pem.to_owned(),
            prefix: prefix.to_owned(),
            at: self.at,
            entry: self.index,
        };
        self.put(name.as_str(), &row)
    }

    fn remove_manufacturer(&mut self, name: &ProfileName) -> Result<(), ApplyError> {
        if self.get::<ManufacturerRow>(name.as_str())?.is_none() {
            return Err(refuse(Refused::UnknownManufacturer(name.clone())));
        }
        self.rows.delete(ManufacturerRow::TABLE, name.as_str());
        Ok(())
    }

    fn remove_view(&mut self, name: &ViewName) -> Result<(), ApplyError> {
        if self.get::<ViewRow>(name.as_str())?.is_none() {
            return Err(refuse(Refused::UnknownView(name.clone())));
        }
        self.rows.delete(ViewRow::TABLE, name.as_str());
        Ok(())
    }

    fn install_ca(&mut self, number: CaNumber, fingerprint: &str) -> Result<(), ApplyError> {
        let key = number.to_string();
        if self.get::<IssuingCaRow>(&key)?.is_some() {
            return Err(refuse(Refused::CaTaken(number)));
        }
        let row = IssuingCaRow {
            number,
            fingerprint: fingerprint.to_owned(),
            at: self.at,
            entry: self.index,
        };
        self.put(&key, &row)
    }

    fn issue(
        &mut self,
        holder: Option<Principal>,
        issued: &IssuedCertificate,
    ) -> Result<(), ApplyError> {
        let key = issued.serial.to_string();
        if self.get::<CertificateRow>(&key)?.is_some() {
            return Err(refuse(Refused::SerialTaken(issued.serial)));
        }
        let row = CertificateRow {
            serial: issued.serial,
            holder,
            ca: issued.ca,
            fingerprint: issued.fingerprint.clone(),
            not_before: issued.not_before,
            not_after: issued.not_after,
            revoked: None,
        };
        self.put(&key, &row)
    }

    /// Revokes one certificate, ended or not, and takes it from its holder's good ones.
    fn revoke_one(
        &mut self,
        serial: CertificateSerial,
        reason: RevocationReason,
    ) -> Result<(), ApplyError> {
        let row = self
            .get::<CertificateRow>(&serial.to_string())?
            .ok_or_else(|| refuse(Refused::UnknownCertificate(serial)))?;
        if row.revoked.is_some() {
            return Err(refuse(Refused::RevokedBefore(serial)));
        }
        match &row.holder {
            Some(Principal::Device(id)) => {
                if let Some(mut device) = self.get::<DeviceRow>(id.as_str())? {
                    device.certificates.retain(|held| *held != serial);
                    self.put_device(device)?;
                }
            }
            Some(Principal::Service(name)) => {
                if let Some(mut service) = self.get::<ServiceRow>(name.as_str())?
                    && service.certificate == Some(serial)
                {
                    service.certificate = None;
                    service.changed = self.at;
                    self.put(name.as_str(), &service)?;
                }
            }
            None => {}
        }
        self.revoke(&[serial], reason)
    }

    fn revoke(
        &mut self,
        serials: &[CertificateSerial],
        reason: RevocationReason,
    ) -> Result<(), ApplyError> {
        for serial in serials {
            let key = serial.to_string();
            if let Some(mut row) = self.get::<CertificateRow>(&key)? {
                row.revoked = Some(RevokedRow {
                    at: self.at,
                    reason,
                    entry: self.index,
                });
                self.put(&key, &row)?;
            }
        }
        Ok(())
    }

    /// Moves a device along the lifecycle table and lets `edit` change the rest of its row.
    fn change(
        &mut self,
        device: &DeviceId,
        event: Event,
        edit: impl FnOnce(&mut DeviceRow) -> Result<(), Refused>,
    ) -> Result<(), ApplyError> {
        let mut row = self.device(device, event)?;
        row.lifecycle = next(device, Some(row.lifecycle), event)?;
        edit(&mut row).map_err(refuse)?;
        self.put_device(row)
    }

    fn device(&mut self, device: &DeviceId, event: Event) -> Result<DeviceRow, ApplyError> {
        match self.get::<DeviceRow>(device.as_str())? {
            Some(row) => Ok(row),
            None => Err(next(device, None, event)
                .err()
                .unwrap_or_else(|| unknown(device))),
        }
    }

    fn put_device(&mut self, mut row: DeviceRow) -> Result<(), ApplyError> {
        row.changed = self.at;
        row.changed_entry = self.index;
        self.put(row.id.as_str(), &row)
    }

    fn get<R: Row>(&mut self, key: &str) -> Result<Option<R>, ApplyError> {
        let Some(bytes) = self.rows.row(R::TABLE, key)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|cause| refuse(Refused::DamagedRow(cause)))
    }

    fn put<R: Row>(&mut self, key: &str, row: &R) -> Result<(), ApplyError> {
        let bytes = serde_json::to_vec(row).map_err(|cause| refuse(Refused::DamagedRow(cause)))?;
        self.rows.put(R::TABLE, key, bytes);
        Ok(())
    }
}

fn next(device: &DeviceId, from: Option<Lifecycle>, event: Event) -> Result<Lifecycle, ApplyError> {
    transition(from, event).map_err(|cause| {
        refuse(Refused::Lifecycle {
            device: device.clone(),
            cause,
        })
    })
}

/// The claim must be the latest, and its time must not be over.
fn check_claim(row: &DeviceRow, claim: u64, at: u64) -> Result<(), Refused> {
    let device = || row.id.clone();
    if row.claim != claim {
        return Err(Refused::ClaimReplaced { device: device() });
    }
    if row.claim_expires <= at {
        return Err(Refused::ClaimExpired { device: device() });
    }
    Ok(())
}

fn unknown(device: &DeviceId) -> ApplyError {
    refuse(Refused::Lifecycle {
        device: device.clone(),
        cause: NotAllowed::Unknown,
    })
}
