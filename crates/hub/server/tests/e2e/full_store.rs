//! A store that takes no more: what widens is refused, what cuts off works on, and nothing that was
//! acknowledged is lost.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::rig::{Answer, Api, Hub, Identity, Running, Said, program, until, up};

/// Room for the hub's own entries, a few devices, and a few hundred claims.
const SMALL: &str = "[store]\nsize_max_bytes = 400_000\n";

/// A hub with a live camera, a quarantined one and a claimed one.
struct Scene {
    hub: Hub,
    session: Running,
    cam: Identity,
    fresh: Identity,
    token: String,
}

impl Scene {
    fn with(hub: Hub) -> Self {
        let cam = hub.device("cam-1");
        hub.device("cam-2");
        hub.orders("quarantine", "cam-2");
        Self {
            session: hub.mosquitto(&cam).subscribes("d/cam-1/down/#"),
            fresh: Identity::with_new_key(hub.folder.path(), "fresh"),
            token: hub.claim("fresh"),
            cam,
            hub,
        }
    }

    /// Shows that everything that would widen a Grant is refused for now.
    fn refuses_what_widens(&self) {
        let hub = &self.hub;
        let entries = hub.entries();
        let csr = self.fresh.csr("/CN=fresh");
        let answer = hub.enrols(&self.fresh, &self.token, &csr);
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, "30"),
            "{answer:?}"
        );
        assert!(
            hub.logs(&answer.reference())
                .contains("the journal cannot append")
        );
        let renewal = hub.renews(&self.cam);
        assert_eq!(renewal.status, 503, "{renewal:?}");
        for words in [
            ["device", "release", "cam-2"].as_slice(),
            &["service", "new", "late", "--subscribe", "#"],
            &["claim", "new", "a-late-one", "--profile", "camera"],
        ] {
            let refused = hub.ironroot(words);
            assert_eq!(refused.code, 1, "{words:?}: {refused:?}");
            assert!(
                refused.err.contains("journal cannot append"),
                "{words:?}: {refused:?}"
            );
        }
        assert_eq!(hub.lifecycle("cam-2"), "quarantined");
        assert_eq!(hub.entries(), entries);
    }

    /// Shows that a live session is cut all the same, and that the person is told what is missing.
    fn cuts_all_the_same(&mut self) {
        let held = self
            .hub
            .ironroot(&["device", "quarantine", "cam-1", "--why", "odd traffic"]);
        assert_eq!(held.code, 1, "{held:?}");
        for word in ["am-1 is cut off", "will be recorded as soon as"] {
            assert!(held.err.contains(word), "{held:?}");
        }
        self.session.says("Received DISCONNECT (135)");
        self.session.ends();
        let refused = self.hub.mosquitto(&self.cam).publishes("d/cam-1/up/t", "x");
        assert_ne!(refused.code, 0, "{refused:?}");
        assert_eq!(self.hub.lifecycle("cam-1"), "quarantined");
    }

    /// Shows that every surface says so.
    fn says_so(&self) {
        let ready = ready(&self.hub);
        assert_eq!(ready.status, 503, "{ready:?}");
        assert!(ready.body.contains("journal"), "{ready:?}");
        let status = self.hub.ironroot(&["status"]).ok();
        for word in ["takes no writes", "DEGRADED"] {
            assert!(status.contains(word), "{word:?} in {status}");
        }
        self.hub.ironroot(&["journal", "verify"]).ok();
    }
}

fn ready(hub: &Hub) -> Answer {
    let url = format!("{}/readyz", hub.url("console"));
    hub.curl().words(&[&url]).call()
}

/// Claims until the store takes nothing more; gives the serials that were acknowledged.
fn fills(hub: &Hub) -> Vec<String> {
    let api = Api::of(hub);
    let claims = |serial: &str| {
        let claim = json!({"serial": serial, "profile": "camera"});
        let (status, problem) = api.post("/claims", &claim).unwrap();
        if status == 503 {
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("the store is full"), "{problem:#}");
        } else {
            assert_eq!(status, 201, "{problem:#}");
        }
        status == 201
    };
    let serials = (0..).map(|n| format!("filler-{n}"));
    let claimed: Vec<_> = serials.take_while(|serial| claims(serial)).collect();
    // There was no room for one more row. A claim that replaces another needs room for its entry alone.
    while claims("filler-0") {}
    claimed
}

#[test]
fn a_full_store_stops_what_widens_and_cuts_all_the_same() {
    let mut scene = Scene::with(Hub::with(SMALL));
    assert_eq!(ready(&scene.hub).status, 200);
    let claimed = fills(&scene.hub);
    assert!(claimed.len() > 50, "{}", claimed.len());
    scene.refuses_what_widens();
    scene.cuts_all_the_same();
    scene.says_so();

    // Killed, and given room: whatever was acknowledged is there, and the hub goes on.
    scene.hub.kill();
    scene.hub.set("");
    scene.hub.starts();
    let api = Api::of(&scene.hub);
    for serial in claimed {
        assert_eq!(
            api.get(&format!("/devices/{serial}"))["lifecycle"],
            "claimed",
            "{serial}"
        );
    }
    let csr = scene.fresh.csr("/CN=fresh");
    assert_eq!(
        scene.hub.enrols(&scene.fresh, &scene.token, &csr).status,
        200
    );
    scene.hub.orders("release", "cam-2");
    scene.hub.ironroot(&["journal", "verify"]).ok();
}

#[test]
fn a_hub_does_not_start_on_a_full_store_and_says_what_to_do() {
    let mut hub = Hub::with(SMALL);
    fills(&hub);
    hub.kill();
    // Its new certificate has to be recorded before anybody sees it: each start takes a little room.
    let refused = (0..100).find_map(|_| {
        let mut start = Running::start(&mut up(&hub.data));
        until("it starts or refuses", || {
            let said = start.said();
            let (up, refused) = (
                said.contains("Ironroot is up."),
                said.contains("ironroot: "),
            );
            (up || refused).then_some(())
        });
        let refused = !start.said().contains("Ironroot is up.");
        refused.then(|| (start.ends(), start.said()))
    });
    let (status, said) = refused.expect("a start is refused at last");
    assert_eq!(status.code(), Some(1), "{said}");
    let cause = "the store is full; make room on its disk, or raise store.size_max_bytes";
    assert!(said.contains(cause), "{said}");
    hub.set("[store]\nsize_max_bytes = 4_000_000\n");
    hub.starts();
    hub.claim("cam-1");
}

#[test]
fn an_order_that_was_held_is_recorded_as_soon_as_the_disk_takes_it() {
    let mut hub = Hub::with("");
    hub.stop();
    hub.starts_as(&mut without_signal_when_a_file_grows_too_large(&hub));
    let mut scene = Scene::with(hub);
    file_size_max(&scene.hub, "4096");
    scene.refuses_what_widens();
    scene.cuts_all_the_same();
    scene.says_so();
    let entries = scene.hub.entries();

    file_size_max(&scene.hub, "unlimited");
    let recorded = until("the held order is recorded", || {
        let page = scene.hub.json(&["journal", "list", "--device", "cam-1"]);
        let newest = page["items"][0].clone();
        (newest["kind"] == "device.quarantined").then_some(newest)
    });
    assert!(recorded["index"].as_u64() >= Some(entries), "{recorded:#}");
    assert_eq!(ready(&scene.hub).status, 200);
    let device = scene.hub.json(&["device", "show", "cam-1"]);
    assert_eq!(device["reasons"][0]["why"], "odd traffic", "{device:#}");
    let csr = scene.fresh.csr("/CN=fresh");
    assert_eq!(
        scene.hub.enrols(&scene.fresh, &scene.token, &csr).status,
        200
    );
    scene.hub.kill();
    scene.hub.ironroot(&["journal", "verify"]).ok();
    scene.hub.starts();
    assert_eq!(scene.hub.lifecycle("cam-1"), "quarantined");
}

/// `ironroot up` to which the system says EFBIG, as a full disk says ENOSPC, and does not end it instead.
fn without_signal_when_a_file_grows_too_large(hub: &Hub) -> Command {
    let up = up(&hub.data);
    let mut shell = program("bash");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    shell.arg(up.get_program()).args(up.get_args());
    for (name, value) in up.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell.stdin(Stdio::null());
    shell
}

/// Sets how large the files may be that the hub writes, while it runs.
fn file_size_max(hub: &Hub, bytes: &str) {
    let process = hub.running().id().to_string();
    let limit = format!("--fsize={bytes}:unlimited");
    Said::of(program("prlimit").args(["--pid", &process, &limit])).ok();
}
