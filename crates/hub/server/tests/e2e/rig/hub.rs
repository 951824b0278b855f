//! A hub: as a program of its own, or inside the test where the test must move time.

use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ironroot_machine::SystemClock;
use ironroot_server::outside::SystemRng;
use ironroot_server::settings::{LogFormat, Settings, UpArgs};
use ironroot_server::wiring::{self, Outside};
use ironroot_testkit::ManualClock;
use ironroot_time::{Clock, UnixTime};
use tokio::runtime::Runtime;

use super::place::IRONROOT;
use super::{Answer, Place, Running, Said, program, until};

/// What the hub logs in tests: refusals too, so that a test can find their causes.
pub(crate) const LOG_FILTER: &str = "info,ironroot_server=debug";

/// `ironroot up`, and the folder it works in.
pub(crate) struct Hub {
    place: Place,
    /// Where its store is, unless it is in its folder.
    store: Option<String>,
    running: Option<Running>,
}

impl Hub {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// A hub with these settings.
    pub(crate) fn with(settings: &str) -> Self {
        let mut hub = Self::unstarted();
        hub.set(settings);
        hub.starts();
        hub
    }

    /// One that never was up.
    pub(crate) fn unstarted() -> Self {
        Self {
            place: Place::new(),
            store: None,
            running: None,
        }
    }

    /// A hub whose store is at this URL.
    pub(crate) fn with_store(url: &str) -> Self {
        let mut hub = Self::unstarted();
        hub.store = Some(url.to_owned());
        hub.starts();
        hub
    }

    /// Another hub on a copy of everything that this one has, keys included.
    pub(crate) fn on_a_copy_of(other: &Self) -> Self {
        let mut hub = Self::unstarted();
        let from = other.data.join(".");
        Said::of(program("cp").arg("-r").arg(from).arg(&hub.data)).ok();
        hub.starts();
        hub
    }

    /// Writes the settings file; it counts from the next start.
    pub(crate) fn set(&self, settings: &str) {
        std::fs::write(self.data.join("ironroot.toml"), settings).unwrap();
    }

    /// `ironroot up` as this hub is started.
    pub(crate) fn up(&self) -> Command {
        let mut command = up(&self.place.data);
        if let Some(url) = &self.store {
            command.args(["--store", url]);
        }
        command
    }

    /// Shows that journal, store and state agree; what was said of it.
    pub(crate) fn verifies(&self) -> String {
        let store = self.store.iter().flat_map(|url| ["--store", url]);
        let words: Vec<_> = ["journal", "verify"].into_iter().chain(store).collect();
        self.ironroot(&words).ok()
    }

    /// Starts the hub on what it left, and waits until it is up.
    pub(crate) fn starts(&mut self) {
        self.starts_as(&mut self.up());
    }

    /// The same, by another command that comes to it.
    pub(crate) fn starts_as(&mut self, command: &mut Command) {
        let running = Running::start(command);
        running.says("Ironroot is up.");
        self.running = Some(running);
    }

    /// Kills the hub outright, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.running.take().expect("it is up").kill();
    }

    /// Asks the hub to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Running {
        let mut running = self.running.take().expect("it is up");
        running.terminate();
        assert!(running.ends().success(), "{}", running.said());
        running
    }

    /// Waits until the hub says by itself that all is well: it takes writes, and holds no order.
    pub(crate) fn is_well(&self) {
        until("all is well", || {
            let status = self.json(&["status"]);
            (status["degraded"] == serde_json::json!([])).then_some(())
        });
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().expect("it is up")
    }

    /// Asks, and shows that the answer was a refusal of this kind, for this cause, that changed nothing: the
    /// peer is told a class and a reference, and the log has the cause.
    pub(crate) fn refuses(
        &self,
        (status, cause): (u16, &str),
        ask: impl FnOnce() -> Answer,
    ) -> Answer {
        let entries = self.entries();
        let answer = ask();
        assert_eq!(answer.status, status, "{answer:?}");
        let line = self.logs(&answer.reference());
        assert!(line.contains(cause), "{cause:?} in {line}");
        assert!(
            !answer.body.contains(cause),
            "the peer was told: {answer:?}"
        );
        assert_eq!(self.entries(), entries, "a refusal changed something");
        answer
    }

    /// Waits until the hub's log has a line with this in it, and gives the line.
    pub(crate) fn logs(&self, text: &str) -> String {
        self.running().says(text)
    }
}

impl Deref for Hub {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

/// `ironroot up` on free ports.
pub(crate) fn up(data: &Path) -> Command {
    up_at(data, "", "")
}

/// The same, with one of its doors at a certain address.
pub(crate) fn up_at(data: &Path, certain: &str, address: &str) -> Command {
    let mut command = program(IRONROOT);
    command.arg("up").arg("--data").arg(data);
    for door in ["console", "mqtt", "device", "pki"] {
        let address = if door == certain {
            address
        } else {
            "127.0.0.1:0"
        };
        command.args([&format!("--{door}-addr"), address]);
    }
    command.env("RUST_LOG", LOG_FILTER);
    command
}

/// What `ironroot up` is given on free ports, and nothing else.
pub(crate) fn up_args(data: &Path) -> UpArgs {
    let any = "127.0.0.1:0".parse().unwrap();
    UpArgs {
        data: data.to_owned(),
        demo: false,
        demo_speed: 1,
        console_addr: any,
        mqtt_addr: any,
        device_addr: any,
        pki_addr: any,
        store: None,
        seal_key: None,
        ca_key: None,
        settings: None,
        log_format: LogFormat::Text,
    }
}

/// A hub inside the test, whose clock the test moves.
pub(crate) struct InsideHub {
    place: Place,
    clock: Arc<ManualClock>,
    hub: Option<wiring::Hub>,
    runtime: Runtime,
}

impl InsideHub {
    pub(crate) fn start() -> Self {
        let mut hub = Self {
            place: Place::new(),
            clock: Arc::new(ManualClock::at(SystemClock.now())),
            hub: None,
            runtime: Runtime::new().unwrap(),
        };
        hub.starts();
        hub
    }

    /// Starts it on what it left.
    pub(crate) fn starts(&mut self) {
        let outside = Outside {
            clock: self.clock.clone(),
            rng: Arc::new(SystemRng),
        };
        let settings = Settings::gather(up_args(&self.place.data)).unwrap();
        let starting = wiring::Hub::start(settings, outside);
        self.hub = Some(self.runtime.block_on(starting).unwrap());
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) {
        let hub = self.hub.take().expect("it is up");
        self.runtime.block_on(hub.stop());
    }

    /// What its clock shows.
    pub(crate) fn shown(&self) -> UnixTime {
        self.clock.now()
    }

    /// Sets the machine's clock, without any time passing.
    pub(crate) fn set_clock(&self, to: UnixTime) {
        self.clock.set(to);
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }
}

impl Deref for InsideHub {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Drop for InsideHub {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.take() {
            self.runtime.block_on(hub.stop());
        }
    }
}
