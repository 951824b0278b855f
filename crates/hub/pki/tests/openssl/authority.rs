//! What OpenSSL says of the chain and of each profile.

use std::fs;
use std::thread;

use ironroot_identity::CertificateSerial;
use ironroot_pki::authority::{
    Authority, AuthorityError, CertificateProfile, ISSUING_FILE, Issuance, IssueRefused, PkiUrls,
    ROOT_FILE,
};
use ironroot_pki::custody::{CustodyError, read_sealed};
use ironroot_pki::facts::CertificateFacts;
use ironroot_pki::key::SoftwareKey;
use ironroot_pki::seal::{BadSeal, SealKey};
use ironroot_time::UnixTime;

use crate::fixture::{DAY, Hub, NOW, device, server, service};
use crate::tool::OpenSsl;

/// The text of a certificate, as OpenSSL prints it, white space evened out.
fn text_of(hub: &Hub, profile: &CertificateProfile) -> String {
    let openssl = OpenSsl::new();
    let key = SoftwareKey::generate().unwrap();
    openssl.write("leaf.pem", hub.issue(profile, &key.public_key()).pem());
    even(&openssl.ok("x509 -in leaf.pem -noout -text"))
}

fn even(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn openssl_accepts_the_chain_under_strict_rules() {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    openssl.write_pem("root.pem", &[hub.authority.current().root()]);
    openssl.write_pem("issuing.pem", &[hub.authority.current().certificate()]);
    openssl.write("ca.pem", hub.authority.ca_pem());
    let at = NOW.as_s();
    for (profile, purpose) in [
        (device("cam-1"), "sslclient"),
        (device("cam_under_score"), "sslclient"),
        (service("backend"), "sslclient"),
        (server(&["localhost", "127.0.0.1"]), "sslserver"),
    ] {
        openssl.write_pem("leaf.pem", &[&hub.peer(&profile).certificate]);
        let verify = format!("verify -x509_strict -attime {at} -purpose {purpose}");
        openssl.ok(&format!(
            "{verify} -CAfile root.pem -untrusted issuing.pem leaf.pem"
        ));
        openssl.ok(&format!("{verify} -CAfile ca.pem leaf.pem"));
        openssl.ok(&format!(
            "{verify} -partial_chain -CAfile issuing.pem leaf.pem"
        ));
    }
}

#[test]
fn the_root_allows_one_ca_below_it_and_the_issuing_ca_none() {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    for (certificate, path_length) in [
        (hub.authority.current().root(), 1),
        (hub.authority.current().certificate(), 0),
    ] {
        openssl.write_pem("ca.pem", &[certificate]);
        let text = even(&openssl.ok("x509 -in ca.pem -noout -text"));
        let constraints = format!("Basic Constraints: critical CA:TRUE, pathlen:{path_length}");
        assert!(text.contains(&constraints), "{text}");
        assert!(text.contains("Key Usage: critical Certificate Sign, CRL Sign"));
        assert!(text.contains("ASN1 OID: prime256v1"));
    }
}

#[test]
fn a_device_certificate_is_for_a_client_and_names_the_device_alone() {
    let text = text_of(&Hub::new(), &device("cam-1"));
    for part in [
        "Subject: serialNumber = cam-1, CN = cam-1",
        "Subject Alternative Name: URI:urn:ironroot:device:cam-1 ",
        "Extended Key Usage: TLS Web Client Authentication X509v3",
        "Key Usage: critical Digital Signature X509v3",
        "Basic Constraints: critical CA:FALSE",
        "Subject Key Identifier",
        "Authority Key Identifier",
        "URI:http://hub.example/crl/1.crl",
        "Freshest CRL: Full Name: URI:http://hub.example/crl/1.delta.crl",
        "OCSP - URI:http://hub.example/ocsp",
        "CA Issuers - URI:http://hub.example/ca/1.crt",
        "Not Before: May 31 23:00:00 2026 GMT",
        "Not After : Jul 1 00:00:00 2026 GMT",
        "Serial Number: 47:07:07",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn a_service_and_a_server_have_names_and_usages_of_their_own() {
    let hub = Hub::new();
    let text = text_of(&hub, &service("backend"));
    assert!(text.contains("Alternative Name: URI:urn:ironroot:service:backend "));
    assert!(text.contains("Extended Key Usage: TLS Web Client Authentication X509v3"));
    let text = text_of(&hub, &server(&["hub.example", "192.0.2.1", "2001:db8::1"]));
    let names =
        "Alternative Name: DNS:hub.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1 ";
    assert!(text.contains(names), "{text}");
    assert!(text.contains("Extended Key Usage: TLS Web Server Authentication X509v3"));
}

#[test]
fn the_hub_starts_without_the_roots_key() {
    let hub = Hub::new();
    fs::remove_file(hub.file(ROOT_FILE)).unwrap();
    assert!(Authority::exists(hub.folder.path()));
    let again = Authority::load(hub.folder.path(), &hub.seal).unwrap();
    assert_eq!(again.ca_pem(), hub.authority.ca_pem());
    let again = Hub {
        authority: again,
        ..hub
    };
    let openssl = OpenSsl::new();
    openssl.write("ca.pem", again.authority.ca_pem());
    openssl.write_pem("leaf.pem", &[&again.device("cam-1").certificate]);
    openssl.ok(&format!(
        "verify -x509_strict -attime {} -CAfile ca.pem leaf.pem",
        NOW.as_s()
    ));
}

#[test]
fn the_sealed_root_key_belongs_to_the_root() {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    let key = read_sealed(&hub.file(ROOT_FILE), &hub.seal, "root-ca").unwrap();
    let key = SoftwareKey::from_pkcs8(key.expose()).unwrap();
    openssl.write_pem("root.pem", &[hub.authority.current().root()]);
    let spki = openssl.ok("x509 -in root.pem -noout -pubkey");
    openssl.write("spki.der", key.public_key().spki_der());
    assert_eq!(openssl.ok("pkey -pubin -inform DER -in spki.der"), spki);
}

#[test]
fn a_ca_is_made_once() {
    let hub = Hub::new();
    for _ in 0..2 {
        assert!(matches!(
            Authority::create(hub.folder.path(), &hub.seal, NOW),
            Err(AuthorityError::Custody(CustodyError::Exists { .. }))
        ));
        // Also when only one of both files is left.
        fs::remove_file(hub.file(ROOT_FILE)).ok();
    }
}

#[test]
fn no_key_lies_on_disk_in_clear() {
    let hub = Hub::new();
    let key = read_sealed(&hub.file(ROOT_FILE), &hub.seal, "root-ca").unwrap();
    for file in fs::read_dir(hub.folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(32)
                .any(|window| key.expose().windows(32).any(|key| key == window))
        );
    }
}

#[test]
fn refuses_to_load_with_another_key_or_the_files_exchanged() {
    let hub = Hub::new();
    let other = SealKey::generate(&hub.file("other.key")).unwrap();
    assert!(matches!(
        Authority::load(hub.folder.path(), &other),
        Err(AuthorityError::Custody(CustodyError::Seal {
            cause: BadSeal::OtherKey { .. },
            ..
        }))
    ));
    fs::rename(hub.file(ROOT_FILE), hub.file(ISSUING_FILE)).unwrap();
    assert!(matches!(
        Authority::load(hub.folder.path(), &hub.seal),
        Err(AuthorityError::Custody(CustodyError::Seal {
            cause: BadSeal::Altered { .. },
            ..
        }))
    ));
}

#[test]
fn nothing_outlives_the_issuing_ca_or_begins_after_its_end() {
    let hub = Hub::new();
    let ca_end = CertificateFacts::read(hub.authority.current().certificate())
        .unwrap()
        .not_after;
    let key = SoftwareKey::generate().unwrap().public_key();
    let issue = |now, not_after| {
        hub.authority.issue(&Issuance {
            profile: &device("cam-1"),
            public_key: &key,
            serial: CertificateSerial::from_random([1; 16]),
            now,
            not_after,
            urls: &PkiUrls::default(),
        })
    };
    let forever = UnixTime::from_ms(u64::MAX);
    assert_eq!(issue(NOW, forever).unwrap().not_after, ca_end);
    assert!(issue(ca_end.minus(DAY), forever).is_ok());
    assert!(matches!(
        issue(ca_end, forever),
        Err(IssueRefused::Ended { .. })
    ));
    assert!(matches!(issue(NOW, NOW), Err(IssueRefused::Ended { .. })));
}

#[test]
fn refuses_a_server_without_a_name() {
    let hub = Hub::new();
    let refused = hub.authority.issue(&Issuance {
        profile: &CertificateProfile::Server(Vec::new()),
        public_key: &SoftwareKey::generate().unwrap().public_key(),
        serial: CertificateSerial::from_random([1; 16]),
        now: NOW,
        not_after: NOW.plus(DAY),
        urls: &PkiUrls::default(),
    });
    assert!(matches!(refused, Err(IssueRefused::Nameless)));
}

#[test]
fn many_threads_issue_at_once() {
    let hub = Hub::new();
    let key = SoftwareKey::generate().unwrap().public_key();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (hub, key) = (&hub, &key);
            scope.spawn(move || {
                for number in 0..50 {
                    let id = format!("cam-{thread}-{number}");
                    let issued = hub.issue(&device(&id), key);
                    let facts = CertificateFacts::read(&issued.der).unwrap();
                    assert_eq!(facts.subject, format!("CN={id},SERIALNUMBER={id}"));
                }
            });
        }
    });
}

#[test]
fn the_facts_are_those_that_openssl_prints() {
    let hub = Hub::new();
    let issued = hub.issue(
        &device("cam-1"),
        &SoftwareKey::generate().unwrap().public_key(),
    );
    let facts = CertificateFacts::read(&issued.der).unwrap();
    assert_eq!(facts.serial, issued.serial.to_string());
    assert_eq!(facts.fingerprint, issued.fingerprint);
    assert_eq!(
        (facts.not_before, facts.not_after),
        (issued.not_before, issued.not_after)
    );
    assert_eq!(
        facts.alternative_names[0].to_string(),
        "URI:urn:ironroot:device:cam-1"
    );
    assert_eq!((facts.key.as_str(), facts.is_ca), ("secp256r1", false));
    let openssl = OpenSsl::new();
    openssl.write("leaf.pem", issued.pem());
    let printed = openssl
        .ok("x509 -in leaf.pem -noout -serial -fingerprint -sha256 -issuer -nameopt RFC2253");
    let printed = printed.replace(':', "").to_lowercase();
    assert!(printed.contains(&format!("serial={}", facts.serial)));
    assert!(printed.contains(&facts.fingerprint.to_string()));
    assert!(printed.contains(&facts.issuer.to_lowercase()));
    assert!(CertificateFacts::read(b"no certificate").is_err());
}
