//! From entries to rows, and from rows to live Grants, without a database.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use ironroot_identity::{CaNumber, CertificateSerial, DeviceId, Principal, RevocationReason};
use ironroot_journal::{Entry, SaltedDigest};
use ironroot_registry::{
    Actor, CaInstalled, CertificateRevoked, CertificateStanding, Credential, DeviceActivated,
    DeviceClaimed, DeviceEnrolled, DeviceEnrolmentRepeated, DeviceQuarantined, DeviceReenrolled,
    DeviceReleased, DeviceRetired, DeviceTransferred, Fact, Fold, IssuedCertificate, KeyMaker,
    ProfileSet, Refused, Registry, ResponderIssued, ServerIssued, ServiceIssued, ServiceRevoked,
    Subject, Watcher,
};
use ironroot_standing::{Lifecycle, QuarantineReason};
use ironroot_store::{
    ApplyError, Committed, Follower, KeyRange, Payload, Projection, Row, RowReader, RowWrite, Rows,
    StoreError, Table,
};
use ironroot_time::UnixTime;
use parking_lot::Mutex;

/// State tables in a map, and the registry that follows them.
#[derive(Default)]
struct Journal {
    rows: Memory,
    size: u64,
    registry: Registry,
}

#[derive(Default)]
struct Memory {
    rows: BTreeMap<(&'static str, String), Arc<[u8]>>,
    writes: Vec<RowWrite>,
}

impl RowReader for Memory {
    fn row(&mut self, table: Table, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        Ok(self.rows.get(&(table.name(), key.to_owned())).cloned())
    }
    fn rows(
        &mut self,
        _table: Table,
        _range: &KeyRange,
        _max: usize,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(Vec::new())
    }
    fn payload(&mut self, _digest: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
        Ok(None)
    }
}

impl Rows for Memory {
    fn put(&mut self, table: Table, key: &str, value: Vec<u8>) {
        let value: Arc<[u8]> = value.into();
        self.rows
            .insert((table.name(), key.to_owned()), Arc::clone(&value));
        self.writes.push(RowWrite {
            table,
            key: key.into(),
            value: Some(value),
        });
    }
    fn delete(&mut self, table: Table, key: &str) {
        self.rows.remove(&(table.name(), key.to_owned()));
        self.writes.push(RowWrite {
            table,
            key: key.into(),
            value: None,
        });
    }
}

impl Journal {
    fn with_profiles() -> Self {
        let mut journal = Self::default();
        for (name, text) in ironroot_profile::BUILT_IN {
            let fact = Fact::from(ProfileSet {
                name: name.parse().unwrap(),
                text: (*text).to_owned(),
                by: None,
            });
            journal.append(&fact).unwrap();
        }
        journal
    }

    /// Appends one fact at a time of its own; a refusal leaves no trace, as in a store.
    fn append(&mut self, fact: &Fact) -> Result<u64, Refused> {
        let draft = fact.draft().unwrap();
        let at = UnixTime::from_s(1_000 + self.size);
        let entry = Entry::compose(at, &draft.kind, draft.v, draft.fields).unwrap();
        assert_eq!(Fact::read(&entry).unwrap(), *fact);
        let before = self.rows.rows.clone();
        self.rows.writes.clear();
        match Fold.apply(self.size, &entry, &mut self.rows) {
            Ok(()) => {
                let writes = std::mem::take(&mut self.rows.writes);
                self.registry.follow(&[Committed {
                    index: self.size,
                    entry,
                    writes,
                }]);
                self.size += 1;
                Ok(self.size - 1)
            }
            Err(ApplyError::Refused(refusal)) => {
                self.rows.rows = before;
                Err(refusal
                    .downcast()
                    .expect("the fold refuses with its own type"))
            }
            Err(ApplyError::Store(cause)) => panic!("{cause}"),
        }
    }

    fn claim(&mut self, device: &str) -> Result<u64, Refused> {
        self.append(&Fact::from(DeviceClaimed {
            device: id(device),
            profile: "camera".parse().unwrap(),
            expires: UnixTime::from_s(5_000).as_ms(),
            by: person(),
        }))
    }

    fn enrol(&mut self, device: &str, claim: u64, serial: u8) -> Result<u64, Refused> {
        self.append(&Fact::from(DeviceEnrolled {
            device: id(device),
            claim,
            credential: Credential::Token,
            spki: Some(KEY.to_owned()),
            certificate: certificate(serial),
        }))
    }

    fn repeat(&mut self, claim: u64, spki: &str, serial: u8) -> Result<u64, Refused> {
        self.append(&Fact::from(DeviceEnrolmentRepeated {
            device: id("cam-1"),
            claim,
            spki: spki.to_owned(),
            certificate: certificate(serial),
        }))
    }

    fn reenrol(&mut self, device: &str, with: u8, serial: u8) -> Result<u64, Refused> {
        self.reenrol_via(None, device, with, serial)
    }

    fn reenrol_via(
        &mut self,
        via: Option<&str>,
        device: &str,
        with: u8,
        serial: u8,
    ) -> Result<u64, Refused> {
        self.append(&Fact::from(DeviceReenrolled {
            device: id(device),
            via: via.map(id),
            with: number(with),
            certificate: certificate(serial),
        }))
    }

    fn quarantine(&mut self, device: &str, reason: QuarantineReason) -> Result<u64, Refused> {
        self.append(&Fact::from(DeviceQuarantined {
            device: id(device),
            reason,
            by: person(),
            why: why(),
        }))
    }

    fn release(&mut self, device: &str, reason: QuarantineReason) -> Result<u64, Refused> {
        self.append(&Fact::from(DeviceReleased {
            device: id(device),
            reason,
            by: person(),
            why: why(),
        }))
    }

    fn retire(&mut self, device: &str) -> Result<u64, Refused> {
        self.append(&Fact::from(DeviceRetired {
            device: id(device),
            by: person(),
            why: why(),
        }))
    }

    fn enrolled(device: &str) -> Self {
        let mut journal = Self::with_profiles();
        let claim = journal.claim(device).unwrap();
        journal.enrol(device, claim, 1).unwrap();
        journal
    }

    fn lifecycle(&self, device: &str) -> Lifecycle {
        self.registry.device(device).unwrap().lifecycle()
    }

    fn may_connect(&self, device: &str) -> bool {
        self.registry
            .device(device)
            .unwrap()
            .subject()
            .grant()
            .may_connect()
    }

    fn standing_of(&self, serial: u8) -> CertificateStanding {
        self.registry.certificate(&number(serial), &[serial; 32])
    }
}

fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

fn person() -> Actor {
    Actor::Token("admin".to_owned())
}

fn why() -> String {
    "0".repeat(64)
}

fn number(n: u8) -> CertificateSerial {
    CertificateSerial::from_random([n; 16])
}

fn certificate(n: u8) -> IssuedCertificate {
    IssuedCertificate {
        serial: number(n),
        ca: CaNumber::FIRST,
        fingerprint: hex::encode([n; 32]),
        not_before: 0,
        not_after: 9_000,
        key: KeyMaker::Holder,
    }
}

/// The digest of the key that a device brings.
const KEY: &str = "5e";

#[test]
fn a_device_is_granted_nothing_before_it_is_enrolled() {
    let mut journal = Journal::with_profiles();
    let claim = journal.claim("cam-1").unwrap();
    assert!(!journal.may_connect("cam-1"));
    journal.enrol("cam-1", claim, 1).unwrap();
    assert!(journal.may_connect("cam-1"));
    assert_eq!(journal.standing_of(1), CertificateStanding::Good);
}

#[test]
fn a_claim_token_used_twice_is_refused_the_second_time() {
    let mut journal = Journal::with_profiles();
    let claim = journal.claim("cam-1").unwrap();
    journal.enrol("cam-1", claim, 1).unwrap();
    assert!(matches!(
        journal.enrol("cam-1", claim, 2),
        Err(Refused::Lifecycle { .. })
    ));
    assert_eq!(journal.standing_of(2), CertificateStanding::Unknown);
}

#[test]
fn an_enrolment_with_a_claim_that_was_replaced_is_refused() {
    let mut journal = Journal::with_profiles();
    let first = journal.claim("cam-1").unwrap();
    let second = journal.claim("cam-1").unwrap();
    assert!(matches!(
        journal.enrol("cam-1", first, 1),
        Err(Refused::ClaimReplaced { .. })
    ));
    journal.enrol("cam-1", second, 1).unwrap();
}

#[test]
fn an_enrolment_after_the_claim_has_expired_is_refused() {
    let mut journal = Journal::with_profiles();
    let expired = Fact::from(DeviceClaimed {
        device: id("cam-1"),
        profile: "camera".parse().unwrap(),
        expires: UnixTime::from_s(1_000).as_ms(),
        by: person(),
    });
    let claim = journal.append(&expired).unwrap();
    assert!(matches!(
        journal.enrol("cam-1", claim, 1),
        Err(Refused::ClaimExpired { .. })
    ));
}

#[test]
fn an_enrolment_is_repeated_with_the_same_key_and_the_certificate_before_is_revoked() {
    let mut journal = Journal::with_profiles();
    let claim = journal.claim("cam-1").unwrap();
    journal.enrol("cam-1", claim, 1).unwrap();
    journal.repeat(claim, KEY, 2).unwrap();
    assert_eq!(journal.standing_of(1), CertificateStanding::Revoked);
    assert_eq!(journal.standing_of(2), CertificateStanding::Good);
    assert_eq!(journal.lifecycle("cam-1"), Lifecycle::Enrolled);
}

#[test]
fn attack_an_enrolment_repeated_with_another_key_is_refused() {
    let mut journal = Journal::with_profiles();
    let claim = journal.claim("cam-1").unwrap();
    journal.enrol("cam-1", claim, 1).unwrap();
    let stolen = journal.repeat(claim, "another", 2);
    assert!(matches!(stolen, Err(Refused::NotTheSameEnrolment { .. })));
    assert_eq!(journal.standing_of(1), CertificateStanding::Good);
}

#[test]
fn an_enrolment_is_not_repeated_once_its_certificate_was_used_or_the_device_is_shut_out() {
    let mut journal = Journal::enrolled("cam-1");
    let claim = journal.registry.device("cam-1").unwrap().row().claim;
    journal
        .append(&Fact::from(DeviceActivated {
            device: id("cam-1"),
            door: "mqtt".to_owned(),
        }))
        .unwrap();
    let late = journal.repeat(claim, KEY, 2);
    assert!(matches!(late, Err(Refused::NotTheSameEnrolment { .. })));
    journal
        .quarantine("cam-1", QuarantineReason::Person)
        .unwrap();
    let shut_out = journal.repeat(claim, KEY, 2);
    assert!(matches!(shut_out, Err(Refused::Lifecycle { .. })));
}

#[test]
fn a_registration_authority_renews_with_its_own_certificate_while_in_good_standing() {
    let mut journal = Journal::enrolled("cam-1");
    let claim = journal.claim("gate-1").unwrap();
    journal.enrol("gate-1", claim, 7).unwrap();
    journal.reenrol_via(Some("gate-1"), "cam-1", 7, 2).unwrap();
    assert_eq!(journal.standing_of(2), CertificateStanding::Good);
    let with_the_devices = journal.reenrol_via(Some("gate-1"), "cam-1", 1, 3);
    assert!(matches!(
        with_the_devices,
        Err(Refused::NotItsCertificate { device, .. }) if device == id("gate-1")
    ));
    journal
        .quarantine("gate-1", QuarantineReason::Person)
        .unwrap();
    let shut_out = journal.reenrol_via(Some("gate-1"), "cam-1", 7, 3);
    assert!(matches!(
        shut_out,
        Err(Refused::Lifecycle { device, .. }) if device == id("gate-1")
    ));
}

#[test]
fn a_claim_for_an_unknown_profile_is_refused() {
    let mut journal = Journal::default();
    assert!(matches!(
        journal.claim("cam-1"),
        Err(Refused::UnknownProfile(_))
    ));
}

#[test]
fn quarantine_is_a_set_of_reasons_and_release_takes_one_away() {
    let mut journal = Journal::enrolled("cam-1");
    journal
        .quarantine("cam-1", QuarantineReason::Person)
        .unwrap();
    journal
        .quarantine("cam-1", QuarantineReason::Limit)
        .unwrap();
    journal.release("cam-1", QuarantineReason::Person).unwrap();
    assert_eq!(journal.lifecycle("cam-1"), Lifecycle::Quarantined);
    assert!(!journal.may_connect("cam-1"));
    let again = journal.release("cam-1", QuarantineReason::Person);
    assert!(matches!(again, Err(Refused::NoSuchReason { .. })));
    journal.release("cam-1", QuarantineReason::Limit).unwrap();
    assert_eq!(journal.lifecycle("cam-1"), Lifecycle::Active);
    assert!(journal.may_connect("cam-1"));
}

#[test]
fn retirement_revokes_every_certificate_of_the_device() {
    let mut journal = Journal::enrolled("cam-1");
    journal.reenrol("cam-1", 1, 2).unwrap();
    assert_eq!(journal.standing_of(1), CertificateStanding::Good);
    journal.retire("cam-1").unwrap();
    for serial in [1, 2] {
        assert_eq!(journal.standing_of(serial), CertificateStanding::Revoked);
    }
    assert!(!journal.may_connect("cam-1"));
}

#[test]
fn only_so_many_certificates_of_one_device_are_good_at_a_time() {
    let mut journal = Journal::enrolled("cam-1");
    for serial in 2..=5 {
        journal.reenrol("cam-1", serial - 1, serial).unwrap();
    }
    assert_eq!(journal.standing_of(1), CertificateStanding::Revoked);
    assert_eq!(journal.standing_of(2), CertificateStanding::Good);
    let with_revoked = journal.reenrol("cam-1", 1, 6);
    assert!(matches!(
        with_revoked,
        Err(Refused::NotItsCertificate { .. })
    ));
}

#[test]
fn a_certificate_with_a_known_number_and_other_bytes_is_unknown() {
    let journal = Journal::enrolled("cam-1");
    assert_eq!(
        journal.registry.certificate(&number(1), &[9; 32]),
        CertificateStanding::Unknown
    );
}

#[test]
fn a_transferred_device_starts_anew_with_its_next_owner() {
    let mut journal = Journal::enrolled("cam-1");
    let given_up = Fact::from(DeviceTransferred {
        device: id("cam-1"),
        by: person(),
        why: why(),
    });
    journal.append(&given_up).unwrap();
    assert_eq!(journal.standing_of(1), CertificateStanding::Revoked);
    let claim = journal.claim("cam-1").unwrap();
    journal.enrol("cam-1", claim, 2).unwrap();
    assert!(journal.may_connect("cam-1"));
}

#[test]
fn a_hold_cuts_before_the_journal_and_outlives_other_entries() {
    let mut journal = Journal::enrolled("cam-1");
    let device = journal.registry.device("cam-1").unwrap();
    journal.registry.hold(&device, Lifecycle::Quarantined);
    assert!(!device.subject().grant().may_connect());
    journal
        .append(&Fact::from(DeviceActivated {
            device: id("cam-1"),
            door: "mqtt".to_owned(),
        }))
        .unwrap();
    assert!(
        !device.subject().grant().may_connect(),
        "an entry about something else must not end the hold"
    );
    journal
        .quarantine("cam-1", QuarantineReason::Person)
        .unwrap();
    journal.release("cam-1", QuarantineReason::Person).unwrap();
    assert!(
        device.subject().grant().may_connect(),
        "the hold ends with the entry that it waited for"
    );
}

#[test]
fn a_hold_that_is_let_go_leaves_the_device_as_it_was() {
    let journal = Journal::enrolled("cam-1");
    let device = journal.registry.device("cam-1").unwrap();
    journal.registry.hold(&device, Lifecycle::Retired);
    journal.registry.let_go(&device);
    assert!(device.subject().grant().may_connect());
}

#[test]
fn a_changed_profile_changes_the_grants_of_its_devices_at_once() {
    let mut journal = Journal::enrolled("cam-1");
    let shut = "name = \"camera\"\nevidence = \"none\"\n[topics]\npublish = [\"x/{device}\"]\n";
    let fact = Fact::from(ProfileSet {
        name: "camera".parse().unwrap(),
        text: shut.to_owned(),
        by: None,
    });
    journal.append(&fact).unwrap();
    let device = journal.registry.device("cam-1").unwrap();
    assert_eq!(
        device
            .subject()
            .grant()
            .publish()
            .iter()
            .collect::<Vec<_>>(),
        ["x/{device}"]
    );
}

#[test]
fn a_faulty_profile_never_becomes_history() {
    let mut journal = Journal::with_profiles();
    let fact = Fact::from(ProfileSet {
        name: "camera".parse().unwrap(),
        text: "name = 1".to_owned(),
        by: None,
    });
    assert!(matches!(journal.append(&fact), Err(Refused::BadProfile(_))));
}

#[test]
fn a_service_that_is_issued_anew_loses_its_old_certificate() {
    let mut journal = Journal::with_profiles();
    let issue = |serial| {
        Fact::from(ServiceIssued {
            service: "backend".parse().unwrap(),
            publish: Vec::new(),
            subscribe: vec!["d/+/up/#".to_owned()],
            certificate: certificate(serial),
            by: person(),
        })
    };
    journal.append(&issue(1)).unwrap();
    journal.append(&issue(2)).unwrap();
    assert_eq!(journal.standing_of(1), CertificateStanding::Revoked);
    let revoke = Fact::from(ServiceRevoked {
        service: "backend".parse().unwrap(),
        by: person(),
    });
    journal.append(&revoke).unwrap();
    assert_eq!(journal.standing_of(2), CertificateStanding::Revoked);
    assert!(
        !journal
            .registry
            .service("backend")
            .unwrap()
            .subject()
            .grant()
            .may_connect()
    );
    assert!(matches!(
        journal.append(&revoke),
        Err(Refused::UnknownService(_))
    ));
}

#[test]
fn a_certificate_that_is_revoked_while_the_hub_runs_is_noted_on_its_holder() {
    let mut journal = Journal::enrolled("cam-1");
    let device = journal.registry.device("cam-1").unwrap();
    assert!(!device.subject().has_revoked(&number(1)));
    journal.retire("cam-1").unwrap();
    assert!(device.subject().has_revoked(&number(1)));
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Watcher for Told {
    fn grant_changed(&self, subject: &Arc<Subject>) {
        self.0
            .lock()
            .push(format!("{} changed", subject.principal()));
    }
    fn ended(&self, principal: &Principal) {
        self.0.lock().push(format!("{principal} ended"));
    }
}

#[test]
fn the_watcher_is_told_of_changes_and_of_nothing_else() {
    let mut journal = Journal::enrolled("cam-1");
    let told = Arc::new(Told::default());
    journal.registry.watch(told.clone());
    journal
        .append(&Fact::from(DeviceActivated {
            device: id("cam-1"),
            door: "mqtt".to_owned(),
        }))
        .unwrap();
    assert!(told.0.lock().is_empty());
    journal
        .quarantine("cam-1", QuarantineReason::Person)
        .unwrap();
    assert_eq!(*told.0.lock(), ["device cam-1 changed"]);
    journal.retire("cam-1").unwrap();
    assert!(told.0.lock().contains(&"device cam-1 ended".to_owned()));
}

fn revoke_one(serial: u8) -> Fact {
    Fact::from(CertificateRevoked {
        serial: number(serial),
        reason: RevocationReason::KeyCompromise,
        by: person(),
        why: why(),
    })
}

#[test]
fn one_certificate_is_revoked_and_the_device_keeps_its_others() {
    let mut journal = Journal::enrolled("cam-1");
    journal.reenrol("cam-1", 1, 2).unwrap();
    journal.append(&revoke_one(1)).unwrap();
    assert_eq!(journal.standing_of(1), CertificateStanding::Revoked);
    assert_eq!(journal.standing_of(2), CertificateStanding::Good);
    let device = journal.registry.device("cam-1").unwrap();
    assert!(device.subject().has_revoked(&number(1)));
    assert_eq!(device.row().certificates, [number(2)]);
    let listed = journal.registry.revoked_since(CaNumber::FIRST, 0);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].revocation.reason, RevocationReason::KeyCompromise);
    let known = journal.registry.known_certificate(&number(1)).unwrap();
    assert_eq!(known.revoked, Some(listed[0].revocation));
}

#[test]
fn refuses_to_revoke_what_was_never_issued_and_what_was_revoked_before() {
    let mut journal = Journal::enrolled("cam-1");
    assert!(matches!(
        journal.append(&revoke_one(9)),
        Err(Refused::UnknownCertificate(_))
    ));
    journal.append(&revoke_one(1)).unwrap();
    assert!(matches!(
        journal.append(&revoke_one(1)),
        Err(Refused::RevokedBefore(_))
    ));
    journal.retire("cam-1").unwrap();
    let listed = journal.registry.revoked_since(CaNumber::FIRST, 0);
    assert_eq!(
        listed[0].revocation.reason,
        RevocationReason::KeyCompromise,
        "the first reason counts"
    );
    assert_eq!(listed.len(), 1);
}

#[test]
fn a_service_whose_certificate_was_revoked_is_granted_nothing() {
    let mut journal = Journal::with_profiles();
    let issued = Fact::from(ServiceIssued {
        service: "backend".parse().unwrap(),
        publish: Vec::new(),
        subscribe: vec!["d/#".to_owned()],
        certificate: certificate(3),
        by: person(),
    });
    journal.append(&issued).unwrap();
    let service = journal.registry.service("backend").unwrap();
    assert!(service.subject().grant().may_connect());
    journal.append(&revoke_one(3)).unwrap();
    assert!(!service.subject().grant().may_connect());
}

#[test]
fn each_issuing_ca_has_a_list_of_its_own_and_a_number_that_is_given_once() {
    let mut journal = Journal::enrolled("cam-1");
    let second = CaNumber::FIRST.next();
    let install = Fact::from(CaInstalled {
        number: second,
        fingerprint: "cd".repeat(32),
        pem: String::new(),
        by: person(),
    });
    journal.append(&install).unwrap();
    assert!(matches!(
        journal.append(&install),
        Err(Refused::CaTaken(number)) if number == second
    ));
    let renewed = Fact::from(DeviceReenrolled {
        device: id("cam-1"),
        via: None,
        with: number(1),
        certificate: IssuedCertificate {
            ca: second,
            ..certificate(2)
        },
    });
    journal.append(&renewed).unwrap();
    journal.append(&revoke_one(1)).unwrap();
    journal.append(&revoke_one(2)).unwrap();
    assert_eq!(journal.registry.revoked_count(CaNumber::FIRST), 1);
    let of_second = journal.registry.revoked_since(second, 0);
    assert_eq!(of_second[0].serial, number(2));
}

#[test]
fn the_hubs_own_certificates_are_known_and_can_be_revoked() {
    let mut journal = Journal::default();
    let issued = Fact::from(ServerIssued {
        names: vec!["hub.example".to_owned()],
        certificate: certificate(7),
    });
    journal.append(&issued).unwrap();
    let responder = Fact::from(ResponderIssued {
        certificate: certificate(8),
    });
    journal.append(&responder).unwrap();
    assert_eq!(journal.standing_of(7), CertificateStanding::Good);
    journal.append(&revoke_one(7)).unwrap();
    assert_eq!(journal.standing_of(7), CertificateStanding::Revoked);
    assert_eq!(journal.standing_of(8), CertificateStanding::Good);
}
