//! The hub is killed under load at moments that chance picks: whatever was acknowledged is there ever after.
//!
//! `IRONROOT_KILL_ROUNDS=200` makes it a long one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use ironroot_testkit::{Postgres, SeededRng};
use ironroot_time::Rng;
use serde_json::json;

use crate::rig::{Api, Hub, Identity, LONGEST_WAIT, Place, Running, until, up};

const ROUNDS: usize = 20;

/// The same, with PostgreSQL.
const POSTGRES_ROUNDS: usize = 3;

/// The most acknowledgements before the hub is killed.
const ACKNOWLEDGED_MAX: u8 = 80;

/// Devices that are quarantined and released in turns, each by a thread of its own.
const ORDERED: [&str; 2] = ["ordered-0", "ordered-1"];

/// What is killed under load.
#[derive(Clone, Copy)]
enum Killed<'p> {
    Hub,
    Database(&'p Postgres),
}

/// What the hub said was done.
enum Done {
    Claimed {
        serial: String,
        token: String,
    },
    Enrolled {
        serial: String,
        certificate: String,
    },
    Ordered {
        device: &'static str,
        order: &'static str,
        entry: u64,
    },
}

#[test]
fn whatever_was_acknowledged_outlives_a_kill_at_any_moment() {
    let outcome = Fleet::of(Hub::start()).outlives_kills(rounds(ROUNDS), Killed::Hub);
    println!("{outcome}");
}

#[test]
fn whatever_was_acknowledged_outlives_a_kill_with_the_store_in_postgresql() {
    let server = Postgres::shared();
    let hub = Hub::with_store(&server.new_store());
    let outcome = Fleet::of(hub).outlives_kills(rounds(POSTGRES_ROUNDS), Killed::Hub);
    println!("{outcome}");
}

#[test]
fn whatever_was_acknowledged_outlives_a_kill_of_the_database() {
    let server = Postgres::start();
    let hub = Hub::with_store(&server.new_store());
    let outcome = Fleet::of(hub).outlives_kills(rounds(POSTGRES_ROUNDS), Killed::Database(&server));
    println!("{outcome}");
}

#[test]
fn a_first_start_that_was_killed_at_any_point_is_made_good_by_the_next() {
    for reached in FIRST_START {
        let mut hub = Hub::unstarted();
        let killed = Running::start(&mut up(&hub.data));
        until(reached, || hub.data.join(reached).exists().then_some(()));
        killed.kill();
        hub.starts();
        hub.mosquitto(&hub.device("cam-1"))
            .publishes("d/cam-1/up/t", "21")
            .ok();
        hub.stop();
        hub.ironroot(&["journal", "verify"]).ok();
    }
}

/// What a first start makes, in its order.
const FIRST_START: &[&str] = &[
    "keys",
    "keys/seal.key",
    "keys/journal.sealed",
    "store.sqlite",
    "store.sqlite-wal",
    "profiles/camera.toml",
    "admin.token",
    "ca.pem",
    "addresses.json",
];

fn rounds(few: usize) -> usize {
    let asked = std::env::var_os("IRONROOT_KILL_ROUNDS");
    asked.map_or(few, |rounds| rounds.to_str().unwrap().parse().unwrap())
}

/// A hub, and what loads it.
struct Fleet {
    hub: Hub,
    chance: SeededRng,
    /// Talks all the time.
    talker: Identity,
    listener: Identity,
    /// The key of every device that enrols under load, and its request, which names nobody.
    key: Identity,
    csr: PathBuf,
}

impl Fleet {
    fn of(hub: Hub) -> Self {
        for device in ORDERED {
            hub.device(device);
        }
        let key = Identity::with_new_key(hub.folder.path(), "fleet");
        let csr = hub.file("nameless.csr");
        fs::rename(key.csr("/"), &csr).unwrap();
        Self {
            talker: hub.device("talker"),
            listener: hub.service("listener"),
            csr,
            key,
            chance: SeededRng::new(7),
            hub,
        }
    }

    /// Is killed so often under load, and keeps every acknowledgement; says how many.
    fn outlives_kills(mut self, rounds: usize, killed: Killed<'_>) -> String {
        let mut all = Vec::new();
        for round in 0..rounds {
            let before = all.len();
            all.extend(self.is_loaded(round, killed));
            match killed {
                Killed::Hub => {
                    self.hub.kill();
                    self.hub.verifies();
                    self.hub.starts();
                }
                Killed::Database(server) => {
                    server.starts();
                    self.hub.is_well();
                }
            }
            self.has_all(&all[before..]);
            self.goes_on(&all[before..]);
            self.hub.verifies();
        }
        self.has_all(&all);
        self.hub.stop();
        let verified = self.hub.verifies();
        assert!(verified.contains(", 0 wait for the next"), "{verified}");
        format!("{} acknowledgements outlived {rounds} kills", all.len())
    }

    /// Loads the hub from all sides, in the middle of which it or its database is killed; what was
    /// acknowledged.
    fn is_loaded(&mut self, round: usize, killed: Killed<'_>) -> Vec<Done> {
        let mut chance = [0];
        self.chance.fill(&mut chance);
        let enough = usize::from(chance[0] % ACKNOWLEDGED_MAX) + 1;
        let hub = &self.hub;
        let _listener = hub.mosquitto(&self.listener).subscribes("d/+/up/#");
        let mut talker = hub
            .mosquitto(&self.talker)
            .keeps_publishing("d/talker/up/n");
        let lines = talker.stdin();
        let (tell, told) = mpsc::channel();
        let over = AtomicBool::new(false);
        let mut done = Vec::new();
        thread::scope(|scope| {
            let api = Api::of(hub);
            for worker in 0..2 {
                let (api, tell) = (api.clone(), tell.clone());
                scope.spawn(move || claims(&api, &format!("claimed-{round}-{worker}"), &tell));
            }
            for device in ORDERED {
                let (api, tell) = (api.clone(), tell.clone());
                let quarantined = hub.lifecycle(device) == "quarantined";
                scope.spawn(move || orders(&api, device, quarantined, &tell));
            }
            let (key, csr) = (&self.key, &self.csr);
            scope.spawn(move || enrols(hub, &api, (key, csr), round, &tell));
            scope.spawn(|| talks(lines, &over));
            while done.len() < enough {
                done.push(told.recv_timeout(LONGEST_WAIT).expect("the hub answers"));
            }
            match killed {
                Killed::Hub => hub.running().strike(),
                Killed::Database(server) => server.kill(),
            }
            over.store(true, Ordering::Relaxed);
            drop(talker);
            // The workers end when the hub does not answer; some had their answer before.
            done.extend(told);
        });
        done
    }

    /// Shows that each of these is in the journal and in the state.
    fn has_all(&self, done: &[Done]) {
        let api = Api::of(&self.hub);
        let lifecycle = |serial: &str| api.get(&format!("/devices/{serial}"))["lifecycle"].clone();
        for done in done {
            match done {
                Done::Claimed { serial, .. } => {
                    let lifecycle = lifecycle(serial);
                    assert!(
                        lifecycle == "claimed" || lifecycle == "enrolled",
                        "{serial}"
                    );
                }
                Done::Enrolled { serial, .. } => assert_eq!(lifecycle(serial), "enrolled"),
                Done::Ordered {
                    device,
                    order,
                    entry,
                } => {
                    let found = api.get(&format!("/journal/{entry}"));
                    let kind = if *order == "release" {
                        "device.released"
                    } else {
                        "device.quarantined"
                    };
                    assert_eq!(found["kind"], kind, "{found:#}");
                    assert_eq!(found["entry"]["device"], *device, "{found:#}");
                }
            }
        }
        for device in ORDERED {
            stands_as_ordered(&api, device, done);
        }
    }

    /// Shows that tokens and certificates from before the kill are good.
    fn goes_on(&self, done: &[Done]) {
        let token = done.iter().rev().find_map(|done| match done {
            Done::Claimed { serial, token } if serial.starts_with("claimed") => {
                Some((serial, token))
            }
            _ => None,
        });
        if let Some((serial, token)) = token {
            let answer = self.hub.enrols(&self.key.saying(serial), token, &self.csr);
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let enrolled = done.iter().rev().find_map(|done| match done {
            Done::Enrolled {
                serial,
                certificate,
            } => Some((serial, certificate)),
            _ => None,
        });
        if let Some((serial, certificate)) = enrolled {
            let device = self.key.saying(serial);
            device.take_certificate(certificate);
            let renewal = self
                .hub
                .curl()
                .as_(&device)
                .est("simplereenroll", &device.renewal());
            let answer = renewal.call();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

/// The last order of the round stands, unless the one that was under way was recorded too.
fn stands_as_ordered(api: &Api, device: &str, done: &[Done]) {
    let last = done.iter().rev().find_map(|done| match done {
        Done::Ordered {
            device: ordered,
            entry,
            ..
        } if *ordered == device => Some(*entry),
        _ => None,
    });
    let newest = &api.get(&format!("/journal?device={device}"))["items"][0];
    assert!(newest["index"].as_u64() >= last, "{newest:#}");
    let stands = match newest["kind"].as_str().unwrap() {
        "device.quarantined" => "quarantined",
        "device.released" => "active",
        "device.enrolled" => "enrolled",
        other => panic!("{other}"),
    };
    assert_eq!(api.get(&format!("/devices/{device}"))["lifecycle"], stands);
}

/// Claims one serial after the other until the hub is gone.
fn claims(api: &Api, prefix: &str, tell: &Sender<Done>) {
    for n in 0.. {
        let serial = format!("{prefix}-{n}");
        let Some(token) = claim(api, &serial) else {
            return;
        };
        tell.send(Done::Claimed { serial, token }).unwrap();
    }
}

/// Whether the hub says that its database is away: with SQLite it never does.
fn is_put_off(status: u16, problem: &serde_json::Value) -> bool {
    status == 503
        && problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("database"))
}

fn claim(api: &Api, serial: &str) -> Option<String> {
    let (status, claim) = api.post("/claims", &json!({"serial": serial, "profile": "camera"}))?;
    if is_put_off(status, &claim) {
        return None;
    }
    assert_eq!(status, 201, "{claim:#}");
    Some(claim["token"].as_str().unwrap().to_owned())
}

/// Claims and enrols one device after the other.
fn enrols(
    place: &Place,
    api: &Api,
    (key, csr): (&Identity, &Path),
    round: usize,
    tell: &Sender<Done>,
) {
    for n in 0.. {
        let serial = format!("enrolled-{round}-{n}");
        let Some(token) = claim(api, &serial) else {
            return;
        };
        let answer = place.enrols(&key.saying(&serial), &token, csr);
        tell.send(Done::Claimed {
            serial: serial.clone(),
            token,
        })
        .unwrap();
        match answer.status {
            0 | 503 => return,
            200 => tell
                .send(Done::Enrolled {
                    serial,
                    certificate: answer.body,
                })
                .unwrap(),
            _ => panic!("{answer:?}"),
        }
    }
}

/// Quarantines and releases in turns.
fn orders(api: &Api, device: &'static str, quarantined: bool, tell: &Sender<Done>) {
    let path = format!("/devices/{device}/orders");
    let turns = ["quarantine", "release"]
        .into_iter()
        .cycle()
        .skip(usize::from(quarantined));
    for order in turns {
        let asked = json!({"order": order, "why": "the turn of it"});
        let Some((status, done)) = api.post(&path, &asked) else {
            return;
        };
        if is_put_off(status, &done) {
            return;
        }
        assert_eq!(status, 200, "{done:#}");
        let entry = done["entry"].as_u64().unwrap();
        tell.send(Done::Ordered {
            device,
            order,
            entry,
        })
        .unwrap();
    }
}

/// Writes a line after the other for a device to publish.
fn talks(mut lines: impl Write, over: &AtomicBool) {
    // A pipe that breaks belongs to a publisher that was ended, and so does this.
    while !over.load(Ordering::Relaxed) && lines.write_all(b"something to say\n").is_ok() {}
}
