//! A root that was made and is kept on another machine: all that passes between the two is a file each way.

use std::fs;

use crate::ca_rotation::RootKeeper;
use crate::rig::{Hub, Place, Said, openssl, program, up, word};

/// A hub that never had a root's key.
fn hub_under(keeper: &RootKeeper, more: &[&str]) -> Hub {
    let mut hub = Hub::unstarted();
    let csr = hub.ironroot(&["ca", "request"]).ok();
    let issuing = keeper.signs(&hub, &csr, more);
    hub.ironroot(&["ca", "install", word(&issuing)]).ok();
    hub.starts();
    hub
}

#[test]
fn a_hub_is_set_up_under_a_root_that_it_never_held() {
    let elsewhere = Place::new();
    let keeper = RootKeeper::at(&elsewhere);
    let said = keeper.root(&["new", "--name", "Example Root 2026"]).ok();
    assert!(
        said.contains("root.pem") && said.contains("SHA-256"),
        "{said}"
    );
    let hub = hub_under(&keeper, &[]);
    assert!(!hub.data.join("keys/root-ca.sealed").exists());
    let cam = hub.device("cam-1");
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "21").ok();
    let (root, certificate) = (keeper.certificate(), cam.certificate());
    let issuing = elsewhere.file("chain.pem");
    fs::copy(hub.ca(), &issuing).unwrap();
    let verify = ["verify", "-x509_strict", "-CAfile", word(&root)];
    openssl(
        &[
            &verify[..],
            &["-untrusted", word(&issuing), word(&certificate)],
        ]
        .concat(),
    );
    let text = openssl(&[
        "x509",
        "-in",
        word(&hub.file("issuing.pem")),
        "-noout",
        "-text",
    ]);
    assert!(text.contains("Issuer: CN = Example Root 2026"), "{text}");
    assert!(text.contains("CA:TRUE, pathlen:0"), "{text}");
}

#[test]
fn a_hub_whose_ca_was_requested_does_not_make_one_of_its_own() {
    let hub = Hub::unstarted();
    hub.ironroot(&["ca", "request"]).ok();
    let said = Said::of(&mut up(&hub.data));
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("ironroot ca install FILE"), "{said:?}");
    assert!(!hub.data.join("keys/issuing-ca.sealed").exists());
}

#[test]
fn refuses_a_wrong_passphrase_a_second_root_and_a_request_that_is_none() {
    let place = Place::new();
    let keeper = RootKeeper::at(&place);
    let unmade = keeper.root(&["sign", "x.pem", "--out", "y.pem"]);
    assert_eq!(unmade.code, 1, "{unmade:?}");
    keeper.root(&["new"]).ok();
    let second = keeper.root(&["new"]);
    assert!(second.err.contains("holds a root already"), "{second:?}");

    let (junk, out) = (place.file("junk.pem"), place.file("out.pem"));
    fs::write(&junk, "no request").unwrap();
    let sign = ["sign", word(&junk), "--out", word(&out)];
    let refused = keeper.root(&sign);
    assert!(
        refused.code == 1 && refused.err.contains("junk.pem"),
        "{refused:?}"
    );

    let hub = Hub::unstarted();
    fs::write(&junk, hub.ironroot(&["ca", "request"]).ok()).unwrap();
    fs::write(
        place.file("passphrase"),
        "another passphrase that is long enough too\n",
    )
    .unwrap();
    let refused = keeper.root(&sign);
    assert!(
        refused.code == 1 && refused.err.contains("passphrase"),
        "{refused:?}"
    );
    assert!(!out.exists());
}

#[test]
fn a_ca_that_is_held_to_names_passes_its_own_devices_and_no_foreign_server() {
    let elsewhere = Place::new();
    let keeper = RootKeeper::at(&elsewhere);
    keeper.root(&["new"]).ok();
    let permits = [
        "--permit",
        "dns:localhost",
        "--permit",
        "ip:127.0.0.0/8",
        "--permit",
        "ip:::1/128",
    ];
    let hub = hub_under(&keeper, &permits);
    let cam = hub.device("cam-1");
    // Our own verifier, mosquitto's and curl's take it.
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "21").ok();
    let answer = hub.renews(&cam);
    assert_eq!(answer.status, 200, "{answer:?}");
    let (root, ca, certificate) = (keeper.certificate(), hub.ca(), cam.certificate());
    let verify = ["verify", "-x509_strict", "-CAfile", word(&root)];
    openssl(&[&verify[..], &["-untrusted", word(&ca), word(&certificate)]].concat());

    // The same CA under another name is refused by whoever asks for it.
    let foreign = hub_under(&keeper, &["--permit", "dns:hub.example"]);
    let door = format!("localhost:{}", foreign.port("device"));
    let connect = ["s_client", "-verify_return_error", "-connect", &door];
    let said = Said::of(
        program("openssl")
            .args(connect)
            .args(["-CAfile", word(&root)]),
    );
    assert!(said.err.contains("permitted subtree violation"), "{said:?}");
}

#[test]
fn refuses_a_constraint_on_uris_and_says_why() {
    let place = Place::new();
    let keeper = RootKeeper::at(&place);
    for permit in [
        "uri:urn:ironroot:",
        "dns:",
        "ip:10.0.0.0",
        "ip:10.0.0.0/33",
        "hub",
    ] {
        let sign = ["sign", "x.pem", "--out", "y.pem", "--permit", permit];
        let refused = keeper.root(&sign);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains("4.2.1.10"), "{refused:?}");
    }
}
