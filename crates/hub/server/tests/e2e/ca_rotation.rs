//! A new issuing CA, brought into service under a hub that is up: no device is touched.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rig::{Hub, IRONROOT, Identity, Place, Said, openssl, program, until, word};

/// A root in a folder of its own, and the passphrase that it is sealed under: the machine without a network.
pub(crate) struct RootKeeper {
    folder: PathBuf,
    passphrase: PathBuf,
}

impl RootKeeper {
    /// One with no root yet.
    pub(crate) fn at(place: &Place) -> Self {
        let (folder, passphrase) = (place.file("root"), place.file("passphrase"));
        fs::write(
            &passphrase,
            "a dozen words that nobody else has written down before now\n",
        )
        .unwrap();
        // As a passphrase file must be: the owner's alone.
        make_private(&passphrase);
        Self { folder, passphrase }
    }

    /// `ironroot ca root …` with the folder and the passphrase.
    pub(crate) fn root(&self, words: &[&str]) -> Said {
        let mut command = program(IRONROOT);
        command.args(["ca", "root"]).args(words);
        command.args(["--folder", word(&self.folder)]);
        Said::of(command.args(["--passphrase-file", word(&self.passphrase)]))
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// Signs a request; gives the file for `ca install`.
    pub(crate) fn signs(&self, place: &Place, csr: &str, more: &[&str]) -> PathBuf {
        let (request, out) = (place.file("request.pem"), place.file("issuing.pem"));
        fs::write(&request, csr).unwrap();
        let _old = fs::remove_file(&out);
        let sign = ["sign", word(&request), "--out", word(&out)];
        self.root(&[&sign, more].concat()).ok();
        out
    }
}

fn make_private(file: &Path) {
    Said::of(program("chmod").arg("600").arg(file)).ok();
}

/// Takes the root that the hub made for itself away from it.
fn exported(hub: &mut Hub) -> RootKeeper {
    hub.stop();
    let keeper = taken_from(hub);
    hub.starts();
    keeper
}

/// Takes the root away from a hub that is down.
pub(crate) fn taken_from(hub: &Hub) -> RootKeeper {
    let keeper = RootKeeper::at(hub);
    keeper.root(&["export", "--data", word(&hub.data)]).ok();
    hub.ironroot(&[
        "ca",
        "root",
        "remove",
        "--exported",
        word(&keeper.certificate()),
    ])
    .ok();
    assert!(!hub.data.join("keys/root-ca.sealed").exists());
    keeper
}

/// Brings the next issuing CA into service.
fn rotates(hub: &Hub, keeper: &RootKeeper) {
    rotates_to(hub, keeper, &[]);
}

/// The same, with a key that is made where `place` says.
pub(crate) fn rotates_to(hub: &Hub, keeper: &RootKeeper, place: &[&str]) {
    let csr = hub.ironroot(&[&["ca", "request"], place].concat()).ok();
    let issuing = keeper.signs(hub, &csr, &[]);
    hub.ironroot(&["ca", "install", word(&issuing)]).ok();
}

pub(crate) fn issuer_of(certificate: &Path) -> String {
    openssl(&["x509", "-in", word(certificate), "-noout", "-issuer"])
}

/// The issuer of the certificate that a door shows.
fn shown_at(hub: &Hub, door: &str, ca: &Path) -> String {
    let door = format!("localhost:{}", hub.port(door));
    let said = Said::of(program("openssl").args([
        "s_client",
        "-connect",
        &door,
        "-CAfile",
        word(ca),
        "-verify_return_error",
    ]));
    let line = |text: &str| {
        let mut lines = text.lines();
        lines
            .find_map(|line| line.strip_prefix("issuer="))
            .map(str::to_owned)
    };
    line(&said.out).unwrap_or_else(|| panic!("{said:?}"))
}

#[test]
fn a_device_keeps_its_session_and_renews_under_the_new_ca() {
    let mut hub = Hub::start();
    let keeper = exported(&mut hub);
    let (cam, other) = (hub.device("cam-1"), hub.device("cam-2"));
    let first_ca = issuer_of(&cam.certificate());
    let old_ca_pem = hub.file("old-ca.pem");
    fs::copy(hub.ca(), &old_ca_pem).unwrap();
    let session = hub.mosquitto(&cam).subscribes("d/cam-1/down/#");
    hub.until_sessions("cam-1", 1);

    rotates(&hub, &keeper);

    // Nobody was cut, and the old certificate still opens a session.
    assert_eq!(hub.sessions("cam-1"), 1);
    hub.mosquitto(&other).publishes("d/cam-2/up/t", "21").ok();
    // A new certificate comes from the new CA.
    let answer = hub.renews(&cam);
    assert_eq!(answer.status, 200, "{answer:?}");
    cam.take_certificate(&answer.body);
    assert_ne!(issuer_of(&cam.certificate()), first_ca);
    assert_eq!(hub.sessions("cam-1"), 1, "{}", session.said());
    drop(session);
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "21").ok();

    // The doors show a certificate of the new CA; a client with the old ca.pem has its root and goes on.
    until("the doors show a certificate of the new CA", || {
        let shown = shown_at(&hub, "mqtt", &old_ca_pem);
        (!first_ca.contains(&shown)).then_some(())
    });
    fs::copy(&old_ca_pem, hub.ca()).unwrap();
    hub.mosquitto(&other).publishes("d/cam-2/up/t", "22").ok();
    let answer = hub
        .curl()
        .words(&["--cert-status"])
        .est_get("cacerts")
        .call();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn both_cas_are_trust_anchors_and_both_have_lists_and_responders() {
    let mut hub = Hub::start();
    let keeper = exported(&mut hub);
    let old = hub.device("cam-1");
    rotates(&hub, &keeper);
    let new = hub.device("cam-2");
    let ca_pem = fs::read_to_string(hub.ca()).unwrap();
    assert_eq!(ca_pem.matches("BEGIN CERTIFICATE").count(), 3);
    let by_est = hub.curl().est_get("cacerts").call();
    let known = Identity::in_folder(hub.folder.path(), "by-est");
    known.take_certificate(&by_est.body);
    let known = fs::read_to_string(known.certificate()).unwrap();
    assert_eq!(known.matches("BEGIN CERTIFICATE").count(), 3);

    for (who, number) in [(&old, "1"), (&new, "2")] {
        hub.orders("retire", &who.id);
        let (certificate, ca) = (who.certificate(), hub.ca());
        let text = openssl(&["x509", "-in", word(&certificate), "-noout", "-text"]);
        for path in ["crl/N.crl", "crl/N.delta.crl", "ca/N.crt"] {
            let url = format!("{}/{}", hub.url("pki"), path.replace('N', number));
            assert!(text.contains(&url), "{url} in {text}");
        }
        let (issuer, list) = (hub.file("issuer.pem"), hub.file("list.pem"));
        for (what, path, to) in [("x509", "ca/N.crt", &issuer), ("crl", "crl/N.crl", &list)] {
            until("the revocation is on the list", || {
                let url = format!("{}/{}", hub.url("pki"), path.replace('N', number));
                let der = hub.file("fetched.der");
                let mut curl = program("curl");
                Said::of(curl.args(["--silent", "--fail", "--output", word(&der), &url])).ok();
                openssl(&[what, "-inform", "DER", "-in", word(&der), "-out", word(to)]);
                if what == "x509" {
                    return Some(());
                }
                let verify = [
                    "verify",
                    "-crl_check",
                    "-CAfile",
                    word(&ca),
                    "-CRLfile",
                    word(&list),
                ];
                let said = Said::of(program("openssl").args(verify).arg(&certificate));
                said.err.contains("certificate revoked").then_some(())
            });
        }
        let url = format!("{}/ocsp", hub.url("pki"));
        let ask = [
            "ocsp",
            "-CAfile",
            word(&ca),
            "-issuer",
            word(&issuer),
            "-url",
            &url,
        ];
        let said = Said::of(
            program("openssl")
                .args(ask)
                .args(["-cert", word(&certificate)]),
        );
        assert!(said.out.contains(": revoked"), "{said:?}");
        assert!((said.out + &said.err).contains("Response verify OK"));
    }
}

#[test]
fn a_rotation_is_in_the_journal_and_outlives_a_restart() {
    let mut hub = Hub::start();
    let keeper = exported(&mut hub);
    rotates(&hub, &keeper);
    let cam = hub.device("cam-1");
    let new_ca = issuer_of(&cam.certificate());
    hub.kill();
    hub.starts();
    let listed = hub.ironroot(&["journal", "list"]).ok();
    assert!(
        listed.contains("Issuing CA 2 was put into service by admin."),
        "{listed}"
    );
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "21").ok();
    assert_eq!(issuer_of(&hub.device("cam-2").certificate()), new_ca);
    hub.stop();
    hub.ironroot(&["journal", "verify"]).ok();
}

#[test]
fn refuses_certificates_that_make_no_ca_of_this_hub() {
    let mut hub = Hub::start();
    let keeper = exported(&mut hub);
    let refused = |file: &Path, part: &str| {
        let said = hub.ironroot(&["ca", "install", word(file)]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(part), "{part:?} in {said:?}");
    };
    // Nobody asked.
    let some = keeper.certificate();
    refused(&some, "ca request");
    let csr = hub.ironroot(&["ca", "request"]).ok();
    // Asked again, it is about the same key.
    let key_in = |csr: &str| {
        let file = hub.file("asked.pem");
        fs::write(&file, csr).unwrap();
        openssl(&["req", "-in", word(&file), "-noout", "-pubkey"])
    };
    let again = hub.ironroot(&["ca", "request"]).ok();
    assert_eq!(key_in(&csr), key_in(&again));
    // The root alone.
    refused(&some, "two certificates");
    // Another key's certificate.
    let foreign = Place::new();
    let other = Hub::start();
    let others_csr = other.ironroot(&["ca", "request"]).ok();
    refused(&keeper.signs(&hub, &others_csr, &[]), "not that of its key");
    // Another root's.
    let stranger = RootKeeper::at(&foreign);
    stranger.root(&["new"]).ok();
    refused(&stranger.signs(&foreign, &csr, &[]), "another root");
    // A signature that is not the root's.
    let signed = fs::read_to_string(stranger.signs(&foreign, &csr, &[])).unwrap();
    let end = "-----END CERTIFICATE-----\n";
    let issuing = signed.split_inclusive(end).next().unwrap();
    let forged = hub.file("forged.pem");
    let root = fs::read_to_string(keeper.certificate()).unwrap();
    fs::write(&forged, format!("{issuing}{root}")).unwrap();
    refused(&forged, "not signed by the root");
    // After all of that the right one still serves.
    hub.ironroot(&["ca", "install", word(&keeper.signs(&hub, &csr, &[]))])
        .ok();
}
