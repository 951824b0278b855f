//! `ironroot-agent` at a hub: how a device gets its identity and keeps it, and what it refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::rig::{Agent, Hub, Identity, MakersCa, Said, as_pkcs8, openssl, word};

#[test]
fn enrols_with_a_token_and_publishes() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    agent.publishes("up/temperature", "21").ok();
    subscriber.says("got d/cam-1/up/temperature 21");
    assert_eq!(hub.lifecycle("cam-1"), "active");
    assert_eq!(agent.status()["connected"], true);
    agent.stop();
}

#[test]
fn enrols_with_an_idevid() {
    let hub = Hub::start();
    let acme = MakersCa::new(hub.folder.path(), "acme");
    let ca = acme.certificate();
    hub.ironroot(&["ca", "manufacturer", "add", "acme", word(&ca)])
        .ok();
    hub.claim("cam-1");
    let idevid = Identity::with_new_key(hub.folder.path(), "idevid").saying("cam-1");
    acme.issue(&idevid, "cam-1");
    as_pkcs8(&idevid);
    let key = idevid.key().with_extension("pkcs8");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let agent = Agent::unclaimed(&hub, "cam-1");
    let certificate = idevid.certificate();
    agent.set(
        &hub,
        &format!(
            "[enrol]\nidevid_certificate = \"{}\"\nidevid_key = \"{}\"\n",
            word(&certificate),
            word(&key)
        ),
    );
    let said = agent.says(&["enroll"]).ok();
    assert!(said.contains("cam-1 has certificate"), "{said}");
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
}

#[test]
fn renews_with_a_fresh_key_each_time_and_goes_on() {
    let hub = Hub::start();
    let mut agent = Agent::claimed(&hub, "cam-1");
    let first = certificate(&agent.says(&["enroll"]));
    assert_eq!(certificate(&agent.says(&["enroll"])), first);
    let second = certificate(&agent.says(&["enroll", "--renew"]));
    assert_ne!(first, second);
    agent.connects();
    agent.publishes("up/t", "21").ok();
}

/// The program is killed at any moment of a renewal: it always has an identity that works, and no key is used twice.
#[test]
fn a_kill_at_any_moment_of_a_renewal_leaves_a_working_identity() {
    let hub = Hub::start();
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.says(&["enroll"]).ok();
    // How far it came is seen from the files that it has touched, so that each round is struck somewhere else.
    let states = ["pending.sealed", "identity.sealed.new", "identity.sealed"];
    for round in 0..12 {
        let watched = agent.file("state/keys").join(states[round % states.len()]);
        let before = changed(&watched);
        let mut renewal = crate::rig::Running::start(&mut agent.command(&["enroll", "--renew"]));
        let struck = std::time::Instant::now();
        while changed(&watched) == before && struck.elapsed() < crate::rig::LONGEST_WAIT {
            if renewal.has_ended() {
                break;
            }
            std::thread::yield_now();
        }
        if !renewal.has_ended() {
            renewal.strike();
        }
        renewal.ends();
        let said = agent.says(&["enroll"]).ok();
        assert!(said.contains("cam-1 has certificate"), "{said}");
    }
    agent.connects();
    agent.publishes("up/t", "21").ok();
    agent.stop();
    // And the next renewal is for a key that has no certificate yet.
    let last = certificate(&agent.says(&["enroll"]));
    assert_ne!(certificate(&agent.says(&["enroll", "--renew"])), last);
}

fn changed(path: &std::path::Path) -> Option<(std::time::SystemTime, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((
        metadata.modified().ok()?,
        std::os::unix::fs::MetadataExt::ino(&metadata),
    ))
}

#[test]
fn a_running_agent_renews_by_itself_and_keeps_its_session() {
    let mut hub = Hub::unstarted();
    // An hour of its certificate has passed when it is issued: more than a hundredth of a day.
    let profile = "name = \"brief\"\nevidence = \"none\"\ncertificate_days = 1\n\
                   [topics]\npublish = [\"d/{device}/up/#\"]\nsubscribe = [\"d/{device}/down/#\"]\n";
    hub.profile("brief", profile);
    hub.starts();
    let mut agent = Agent::claimed_as(&hub, "cam-1", "brief");
    let first = certificate(&agent.says(&["enroll"]));
    agent.set(&hub, "[enrol]\nrenew_at_percent = 1\n");
    agent.starts();
    agent.logs("A certificate was issued.");
    agent.logs("Connected with the hub.");
    agent.publishes("up/t", "21").ok();
    agent.stop();
    assert_ne!(certificate(&agent.says(&["enroll"])), first);
}

#[test]
fn attack_a_hub_that_ca_pem_does_not_lead_to_gets_neither_token_nor_reading() {
    let hub = Hub::start();
    let stranger = MakersCa::new(hub.folder.path(), "stranger");
    let mut agent = Agent::claimed(&hub, "cam-1");
    fs::copy(stranger.certificate(), agent.file("ca.pem")).unwrap();
    let refused = agent.says(&["enroll"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("UnknownIssuer"), "{refused:?}");
    assert_eq!(hub.lifecycle("cam-1"), "claimed");
    // Enrolled, and then the hub is another one.
    fs::copy(hub.ca(), agent.file("ca.pem")).unwrap();
    agent.says(&["enroll"]).ok();
    fs::copy(stranger.certificate(), agent.file("ca.pem")).unwrap();
    agent.starts();
    assert!(agent.logs("There is no session").contains("UnknownIssuer"));
}

#[test]
fn a_private_key_never_lies_open_on_the_disk() {
    let hub = Hub::start();
    let agent = Agent::claimed(&hub, "cam-1");
    agent.says(&["enroll"]).ok();
    let keys = agent.file("state/keys");
    for entry in fs::read_dir(&keys).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{entry:?}");
        let bytes = fs::read(entry.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        // PKCS#8 of P-256 in base64, and in PEM.
        assert!(
            !text.contains("MIGHAgEAMBMGByqGSM49") && !text.contains("BEGIN"),
            "{entry:?}"
        );
    }
    let mode = fs::metadata(&keys).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[test]
fn a_sealed_identity_opens_with_its_passphrase_alone() {
    let hub = Hub::start();
    let agent = Agent::claimed(&hub, "cam-1");
    agent.writes_secret("passphrase", "correct horse battery staple\n");
    let settings =
        "seal_key = \"passphrase:FOLDER/passphrase\"\n[enrol]\ntoken_file = \"FOLDER/token\"\n";
    agent.set(&hub, settings);
    agent.says(&["enroll"]).ok();
    agent.writes_secret("passphrase", "another horse battery staple\n");
    let refused = agent.says(&["enroll"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("passphrase"), "{refused:?}");
}

#[test]
fn refuses_a_token_that_others_may_read_and_settings_that_are_wrong() {
    let hub = Hub::start();
    let agent = Agent::claimed(&hub, "cam-1");
    agent.says(&["check"]).ok();
    let token = agent.file("token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = agent.says(&["enroll"]);
    assert!(
        refused.code == 1 && refused.err.contains("chmod 600"),
        "{refused:?}"
    );
    agent.set(&hub, "surprise = 1");
    let refused = agent.says(&["check"]);
    assert!(
        refused.code == 1 && refused.err.contains("surprise"),
        "{refused:?}"
    );
    assert_eq!(agent.says(&["no-such-command"]).code, 2);
}

#[test]
fn two_agents_do_not_share_an_identity() {
    let hub = Hub::start();
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    let refused = agent.says(&["run"]);
    assert!(
        refused.code == 1 && refused.err.contains("in use"),
        "{refused:?}"
    );
}

#[test]
fn a_certificate_of_another_device_is_refused_on_the_disk() {
    let hub = Hub::start();
    let agent = Agent::claimed(&hub, "cam-1");
    agent.says(&["enroll"]).ok();
    let settings = fs::read_to_string(agent.file("agent.toml")).unwrap();
    let other = settings.replace("device = \"cam-1\"", "device = \"cam-2\"");
    fs::write(agent.file("agent.toml"), other).unwrap();
    let refused = agent.says(&["enroll"]);
    assert!(
        refused.code == 1 && refused.err.contains("no identity of cam-2"),
        "{refused:?}"
    );
}

/// The serial number of the certificate in what `enroll` says.
fn certificate(said: &Said) -> String {
    assert_eq!(said.code, 0, "{said:?}");
    let (_, rest) = said.out.split_once("has certificate ").unwrap();
    rest.split_once(',').unwrap().0.to_owned()
}

#[test]
fn the_learned_ca_is_what_the_hub_publishes() {
    let hub = Hub::start();
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    let learned = agent.file("state/ca.pem");
    crate::rig::until("the CA is learned", || learned.exists().then_some(()));
    openssl(&["x509", "-in", word(&learned), "-noout", "-subject"]);
}
