//! The demonstration: what its script tells is what the journal and the API say, and its hub is never taken
//! for a real one.

use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use ironroot_machine::SystemClock;
use ironroot_server::outside::SystemRng;
use ironroot_server::settings::{Settings, UpArgs};
use ironroot_server::wiring::{self, Outside};
use ironroot_sim::demo::{Demonstration, FLEET_SIZE, Pace, Scene};
use ironroot_sim::hub::Hub as SimulatedHub;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::newcomer::signs_in;
use crate::rig::{Hub, IRONROOT, Place, Running, Said, program, up, up_args};

/// So that a flood is not waited for.
const QUICK: &str = "[broker]\nhold_ms = 100\n";

/// Goes so fast that only what is waited for takes time.
const AT_ONCE: u32 = 10_000;

/// The demonstration's hub without its script, inside the test.
pub(crate) struct DemonstrationHub {
    place: Place,
    hub: Option<wiring::Hub>,
    runtime: Runtime,
}

impl DemonstrationHub {
    fn start() -> Self {
        let (place, runtime) = (Place::new(), Runtime::new().unwrap());
        std::fs::write(place.data.join("ironroot.toml"), QUICK).unwrap();
        let args = UpArgs {
            demo: true,
            ..up_args(&place.data)
        };
        let outside = Outside {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
        };
        let hub = wiring::Hub::start(Settings::gather(args).unwrap(), outside);
        let hub = Some(runtime.block_on(hub).unwrap());
        Self {
            place,
            hub,
            runtime,
        }
    }
}

impl Deref for DemonstrationHub {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Drop for DemonstrationHub {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.take() {
            self.runtime.block_on(hub.stop());
        }
    }
}

/// A hub of the demonstration, inside the test, and the script scene by scene.
pub(crate) struct Play {
    pub(crate) hub: DemonstrationHub,
    runtime: Runtime,
    demonstration: Demonstration,
    told: Arc<Mutex<String>>,
    /// How many entries the journal had before the scene.
    before: u64,
}

impl Play {
    fn begin() -> Self {
        Self::at(Pace::times(AT_ONCE))
    }

    /// The same, as fast as this.
    pub(crate) fn at(pace: Pace) -> Self {
        let hub = DemonstrationHub::start();
        let runtime = Runtime::new().unwrap();
        let told = Arc::new(Mutex::new(String::new()));
        let teller = told.clone();
        let tell = move |sentence: &str| {
            let mut told = teller.lock().unwrap();
            told.push_str(sentence);
            told.push('\n');
        };
        let at = SimulatedHub::read(&hub.data).unwrap();
        let demonstration = Demonstration::begin(at, pace, Box::new(tell));
        Self {
            demonstration: runtime.block_on(demonstration).unwrap(),
            before: hub.entries(),
            hub,
            runtime,
            told,
        }
    }

    /// Plays a scene; gives what was told.
    pub(crate) fn plays(&mut self, scene: Scene) -> String {
        self.before = self.hub.entries();
        self.told.lock().unwrap().clear();
        let played = self.demonstration.play(scene);
        self.runtime.block_on(played).unwrap();
        self.told.lock().unwrap().clone()
    }

    fn device(&self, id: &str) -> Value {
        self.hub.json(&["device", "show", id])
    }

    /// The kinds of what the scene has put into the journal, oldest first.
    fn recorded(&self) -> Vec<String> {
        let from = self.before.to_string();
        let entries = self.hub.json(&["journal", "list", "--from", &from]);
        let entries = entries["items"].as_array().unwrap().iter();
        entries
            .map(|entry| entry["kind"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn every_scene_leaves_in_the_journal_and_the_api_what_it_told() {
    let mut play = Play::begin();

    let told = play.plays(Scene::NormalLife);
    assert!(told.contains("40 of 40 devices are connected"), "{told}");
    let fleet = play.hub.json(&["device", "list", "--limit", "100"]);
    let fleet = fleet["items"].as_array().unwrap();
    assert_eq!(fleet.len(), FLEET_SIZE);
    for device in fleet {
        assert_eq!(device["simulated"], true, "{device}");
        assert_eq!(device["sessions"], 1, "{device}");
        assert_eq!(device["lifecycle"], "active", "{device}");
    }

    let told = play.plays(Scene::AnothersName);
    assert!(told.contains("The door refused the message"), "{told}");
    assert!(told.contains("cam-07 was quarantined by admin"), "{told}");
    assert_eq!(play.recorded(), ["device.quarantined"]);
    let impostor = play.device("cam-07");
    assert_eq!(impostor["lifecycle"], "quarantined");
    assert_eq!(
        impostor["reasons"][0]["why"],
        "published as cam-12: it is not what it was"
    );
    assert!(impostor["traffic"]["refused"].as_u64().unwrap() > 0);

    let told = play.plays(Scene::Flood);
    assert!(told.contains("Held 3 times, it is cut off"), "{told}");
    let flooder = play.device("sensor-05");
    assert_eq!(flooder["traffic"]["cut_off"], 1);
    assert!(flooder["traffic"]["refused"].as_u64().unwrap() > 0);

    let told = play.plays(Scene::TwoPlaces);
    assert!(
        told.contains("The copy's live session was cut after"),
        "{told}"
    );
    let recorded = play.recorded();
    for kind in [
        "device.in_two_places",
        "device.reenrolled",
        "certificate.revoked",
    ] {
        assert!(recorded.iter().any(|other| other == kind), "{recorded:?}");
    }
    let copied = play.device("cam-03");
    assert_eq!(copied["certificates"][0]["status"], "valid");
    assert_eq!(copied["certificates"][1]["status"], "revoked");
    assert_eq!(copied["sessions"], 1);

    let told = play.plays(Scene::RevokedReturns);
    assert!(told.contains("refused it in the TLS handshake"), "{told}");
    assert_eq!(play.recorded(), [""; 0], "a refusal changed something");
    assert_eq!(play.device("cam-03")["sessions"], 1);

    let told = play.plays(Scene::TokenTwice);
    assert!(told.contains("the second key was refused"), "{told}");
    let kinds = [
        "device.transferred",
        "device.claimed",
        "device.enrolled",
        "device.activated",
    ];
    assert_eq!(play.recorded(), kinds);
    assert_eq!(play.device("sensor-18")["lifecycle"], "active");

    let told = play.plays(Scene::Release);
    assert!(told.contains("cam-07 is connected again"), "{told}");
    assert_eq!(play.recorded(), ["device.released"]);
    assert_eq!(play.device("cam-07")["lifecycle"], "active");
}

#[test]
fn a_scene_that_finds_a_device_gone_says_so_and_the_others_go_on() {
    let mut play = Play::begin();
    play.hub.orders("retire", "cam-07");
    let played = play.demonstration.play(Scene::AnothersName);
    let cause = play.runtime.block_on(played).unwrap_err();
    let said = format!("{cause:#}");
    assert!(said.contains("scene 2 did not go as written"), "{said}");
    play.plays(Scene::TokenTwice);
}

/// `ironroot up --demo` in a folder, on free ports.
fn demo(folder: &Path) -> Command {
    let data = folder.join("ironroot-demo");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("ironroot.toml"), QUICK).unwrap();
    let mut command = up(&data);
    command.args(["--demo", "--demo-speed", "50"]);
    command
}

#[test]
fn the_program_plays_the_script_and_begins_again_after_a_stop() {
    let place = Place::new();
    let mut running = Running::start(&mut demo(place.folder.path()));
    running.says("This is the demonstration");
    for scene in Scene::ALL {
        running.says(&format!("Scene {} of 7: {}", scene.number(), scene.title()));
    }
    running.says("That was the whole script.");
    let said = running.said();
    assert!(!said.contains("did not go as written"), "{said}");
    running.terminate();
    assert!(running.ends().success(), "{}", running.said());

    let running = Running::start(&mut demo(place.folder.path()));
    running.says("Scene 1 of 7");
    assert!(!running.said().contains("The demonstration ended"));
}

#[test]
fn a_demonstration_and_a_real_hub_never_open_each_others_data() {
    let place = Place::new();
    let folder = place.folder.path();
    let mut running = Running::start(&mut demo(folder));
    running.says("Ironroot is up.");
    running.terminate();
    running.ends();
    let refused = Said::of(&mut up(&folder.join("ironroot-demo")));
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("this is the demonstration's data"),
        "{refused:?}"
    );

    let mut real = Hub::start();
    let status = real.json(&["status"]);
    assert_eq!(
        (&status["demonstration"], &status["devices"]),
        (&false.into(), &0.into())
    );
    real.stop();
    let refused = Said::of(up(&real.data).arg("--demo"));
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("this is a real hub's data"),
        "{refused:?}"
    );
    real.starts();
}

#[test]
fn everything_that_a_demonstration_signs_says_what_it_is() {
    let hub = DemonstrationHub::start();
    let ca = hub.ca();
    let ca = ["x509", "-noout", "-subject", "-in", ca.to_str().unwrap()];
    let subject = Said::of(program("openssl").args(ca)).ok();
    assert!(subject.contains("Ironroot Demonstration"), "{subject}");
    let entries = hub.json(&["journal", "list", "--from", "0", "--limit", "1"]);
    let first = &entries["items"][0];
    assert_eq!(first["entry"]["demonstration"], true);
    assert!(
        first["sentence"]
            .as_str()
            .unwrap()
            .contains("simulated devices")
    );
    let log = first["entry"]["log"].as_str().unwrap();
    assert!(
        log.starts_with("localhost/ironroot-demonstration+"),
        "{log}"
    );
    assert_eq!(hub.json(&["status"])["demonstration"], true);
}

#[test]
fn every_page_of_the_console_says_demonstration() {
    let hub = DemonstrationHub::start();
    hub.claim("cam-1");
    let link = hub.hub.as_ref().unwrap().sign_in.url.reveal().to_owned();
    let (cookie, ..) = signs_in(&hub, &link);
    for page in ["/", "/devices", "/devices/cam-1", "/journal", "/journal/0"] {
        let url = format!("{}{page}", hub.url("console"));
        let shown = hub.curl().words(&["--cookie", &cookie, &url]).call();
        let body = shown.body.as_str();
        assert!(
            body.matches(">Demonstration</span>").count() == 2,
            "{page}: {body}"
        );
        assert!(
            body.contains("· Demonstration · Ironroot</title>"),
            "{page}: {body}"
        );
    }
    // Where nobody is signed in, and where there is no page.
    for (page, status) in [
        ("/sign-in", 200),
        ("/devices/no-such-device", 404),
        ("/nothing", 404),
    ] {
        let url = format!("{}{page}", hub.url("console"));
        let shown = hub.curl().words(&["--cookie", &cookie, &url]).call();
        assert_eq!(shown.status, status, "{page}");
        assert!(
            shown.body.contains(">Demonstration</span>"),
            "{page}: {shown:?}"
        );
    }
}

#[test]
fn nothing_of_it_listens_beyond_this_machine() {
    let shown = Said::of(program(IRONROOT).args(["check-settings", "--demo"])).ok();
    assert!(shown.contains("./ironroot-demo"), "{shown}");
    assert!(!shown.contains("0.0.0.0"), "{shown}");
    let shown = Said::of(program(IRONROOT).arg("check-settings")).ok();
    assert!(
        shown.contains("./ironroot-data") && shown.contains("0.0.0.0:8883"),
        "{shown}"
    );
}
