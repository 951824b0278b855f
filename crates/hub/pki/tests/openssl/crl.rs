//! What OpenSSL makes of the full and the delta list.

use std::time::{Duration, Instant};

use ironroot_identity::{CertificateSerial, Revocation, RevocationReason};
use ironroot_pki::crl::{CRL_LIFETIME, RevocationList, SignedLists};
use ironroot_pki::key::SoftwareKey;
use ironroot_time::UnixTime;

use crate::fixture::{DAY, Hub, NOW, device, urls};
use crate::tool::{OpenSsl, Said};

fn number(n: u8) -> CertificateSerial {
    CertificateSerial::from_random([n; 16])
}

fn revoked_at(at: UnixTime, reason: RevocationReason) -> Revocation {
    Revocation {
        at_s: at.as_s(),
        reason,
    }
}

/// Certificates 1, 2 and 3, and the files that OpenSSL verifies them with.
struct Verifier {
    hub: Hub,
    openssl: OpenSsl,
    list: RevocationList,
}

impl Verifier {
    fn new() -> Self {
        let (hub, openssl) = (Hub::new(), OpenSsl::new());
        openssl.write("ca.pem", hub.authority.ca_pem());
        for n in 1..=3 {
            let key = SoftwareKey::generate().unwrap();
            let id = device(&format!("cam-{n}"));
            let issued = hub.issue_numbered(number(n), NOW, &id, &key.public_key());
            openssl.write(&format!("{n}.pem"), issued.pem());
        }
        Self {
            hub,
            openssl,
            list: RevocationList::default(),
        }
    }

    fn revoke(&mut self, n: u8, reason: RevocationReason) {
        self.list.add(&number(n), revoked_at(NOW, reason)).unwrap();
    }

    /// Signs both lists and writes them as PEM.
    fn publish(&mut self, now: UnixTime) -> SignedLists {
        let ca = self.hub.authority.current();
        let lists = self.list.sign(&ca, &urls(), now).unwrap();
        for (name, der) in [("full", &lists.full), ("delta", &lists.delta)] {
            self.openssl.write(&format!("{name}.der"), der);
            self.openssl
                .ok(&format!("crl -inform DER -in {name}.der -out {name}.pem"));
        }
        lists
    }

    fn verify(&self, n: u8, at: UnixTime, lists: &str) -> Said {
        let at = at.as_s();
        self.openssl.run(&format!(
            "verify -x509_strict -crl_check -attime {at} -CAfile ca.pem {lists} {n}.pem"
        ))
    }

    fn text(&self, file: &str) -> String {
        let text = self.openssl.ok(&format!("crl -in {file} -noout -text"));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn openssl_refuses_what_is_on_the_list_and_takes_what_is_not() {
    let mut verifier = Verifier::new();
    verifier.revoke(2, RevocationReason::KeyCompromise);
    verifier.publish(NOW);
    let good = verifier.verify(1, NOW, "-CRLfile full.pem");
    assert!(good.success, "{}", good.text);
    let refused = verifier.verify(2, NOW, "-CRLfile full.pem");
    assert!(!refused.success && refused.text.contains("certificate revoked"));
}

#[test]
fn an_empty_list_is_whole_and_signed_by_the_ca() {
    let mut verifier = Verifier::new();
    verifier.publish(NOW);
    assert!(verifier.verify(1, NOW, "-CRLfile full.pem").success);
    assert!(
        verifier
            .text("full.pem")
            .contains("No Revoked Certificates")
    );
    let checked = verifier
        .openssl
        .ok("crl -in full.pem -noout -verify -CAfile ca.pem");
    assert!(checked.contains("verify OK"), "{checked}");
}

#[test]
fn a_list_says_what_rfc_5280_asks_of_it() {
    let mut verifier = Verifier::new();
    verifier.revoke(1, RevocationReason::CessationOfOperation);
    let lists = verifier.publish(NOW);
    let full = verifier.text("full.pem");
    for part in [
        "Version 2 (0x1)",
        "Signature Algorithm: ecdsa-with-SHA256",
        "Last Update: Jun 1 00:00:00 2026 GMT",
        "Next Update: Jun 2 00:00:00 2026 GMT",
        "X509v3 Authority Key Identifier",
        "X509v3 CRL Number",
        "X509v3 Freshest CRL",
        "URI:http://hub.example/crl/1.delta.crl",
        "X509v3 CRL Reason Code: Cessation Of Operation",
    ] {
        assert!(full.contains(part), "{part}: {full}");
    }
    assert!(!full.contains("Issuing Distribution Point"), "{full}");
    let dump = verifier.openssl.ok("asn1parse -inform DER -in full.der");
    // id-ce-expiredCertsOnCRL: everything since the CA began, an hour before it was made.
    let since = hex::encode_upper(b"\x18\x0f20260531230000Z");
    assert!(
        dump.contains("2.5.29.60") && dump.contains(&since),
        "{dump}"
    );
    let delta = verifier.text("delta.pem");
    assert!(
        delta.contains("X509v3 Delta CRL Indicator: critical"),
        "{delta}"
    );
    assert!(!delta.contains("Freshest"), "{delta}");
    assert_eq!(lists.number, NOW.as_ms());
}

#[test]
fn openssl_puts_a_delta_on_top_of_an_older_full_list() {
    let mut verifier = Verifier::new();
    verifier.revoke(1, RevocationReason::Superseded);
    verifier.publish(NOW);
    let base = verifier.openssl.read("full.pem");
    let later = NOW.plus(Duration::from_secs(7_200));
    verifier.revoke(2, RevocationReason::KeyCompromise);
    let lists = verifier.publish(later);
    assert!(lists.delta.len() < lists.full.len());
    verifier.openssl.write("base.pem", base);
    assert!(verifier.verify(2, later, "-CRLfile base.pem").success);
    let both = "-extended_crl -use_deltas -CRLfile base.pem -CRLfile delta.pem";
    for (n, good) in [(1, false), (2, false), (3, true)] {
        let said = verifier.verify(n, later, both);
        assert_eq!(said.success, good, "{n}: {}", said.text);
    }
}

#[test]
fn an_expired_certificate_stays_on_the_list() {
    let mut verifier = Verifier::new();
    let after_its_end = NOW.plus(40 * DAY);
    verifier.publish(NOW.plus(20 * DAY));
    verifier
        .list
        .add(
            &number(1),
            revoked_at(after_its_end, RevocationReason::KeyCompromise),
        )
        .unwrap();
    verifier.publish(after_its_end);
    let full = verifier.text("full.pem").to_lowercase();
    assert!(full.contains(&number(1).to_string()), "{full}");
    let revoked = verifier.verify(1, after_its_end, "-CRLfile full.pem");
    assert!(
        revoked.text.contains("certificate revoked"),
        "{}",
        revoked.text
    );
    let expired = verifier.verify(2, after_its_end, "-CRLfile full.pem");
    assert!(
        expired.text.contains("certificate has expired"),
        "{}",
        expired.text
    );
}

#[test]
fn refuses_a_list_that_has_ended() {
    let mut verifier = Verifier::new();
    verifier.publish(NOW);
    let late = NOW.plus(CRL_LIFETIME + Duration::from_secs(1));
    let said = verifier.verify(1, late, "-CRLfile full.pem");
    assert!(said.text.contains("CRL has expired"), "{}", said.text);
}

#[test]
fn numbers_rise_though_the_clock_stands_still_or_goes_back() {
    let mut verifier = Verifier::new();
    let first = verifier.publish(NOW).number;
    let second = verifier.publish(NOW).number;
    let third = verifier.publish(UnixTime::from_s(1)).number;
    assert!(first < second && second < third);
}

#[test]
fn the_deltas_base_moves_on_with_the_days() {
    let mut verifier = Verifier::new();
    verifier.revoke(1, RevocationReason::Superseded);
    verifier.publish(NOW);
    for hours in 1..=30 {
        verifier.publish(NOW.plus(Duration::from_secs(3_600 * hours)));
    }
    let delta = verifier.text("delta.pem");
    assert!(delta.contains("No Revoked Certificates"), "{delta}");
}

#[test]
fn a_list_of_300_000_is_made_in_bounded_time() {
    let hub = Hub::new();
    let ca = hub.authority.current();
    let mut list = RevocationList::default();
    for n in 0..300_000_u128 {
        let serial = CertificateSerial::from_random(n.to_be_bytes());
        list.add(&serial, revoked_at(NOW, RevocationReason::Superseded))
            .unwrap();
    }
    let begun = Instant::now();
    let lists = list.sign(&ca, &urls(), NOW).unwrap();
    let took = begun.elapsed();
    println!("{} bytes signed in {took:?}", lists.full.len());
    assert!(lists.full.len() > 10_000_000);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let openssl = OpenSsl::new();
    openssl.write("full.der", &lists.full);
    openssl.write("ca.pem", hub.authority.ca_pem());
    let checked = openssl.ok("crl -inform DER -in full.der -noout -verify -CAfile ca.pem");
    assert!(checked.contains("verify OK"), "{checked}");
}
