//! The device's own time: the machine's clock as long as that is plausible, and never before what a hub has vouched
//! for.
//!
//! Many devices have no battery for their clock and wake up in 1970; certificates judged by such a clock are all "not
//! yet valid", or, worse, one that ended long ago is good again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ironroot_custody::files::write_private;
use ironroot_time::{Clock, ClockChange, ClockStep, Timeline, Tolerance, UnixTime};
use parking_lot::Mutex;
use rustls::pki_types;
use rustls::time_provider::TimeProvider;

use ironroot_machine::SystemClock;

/// The clock that certificates are judged by and readings are dated with.
#[derive(Debug)]
pub(crate) struct DeviceClock {
    machine: Box<dyn Clock>,
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    timeline: Timeline,
    /// The latest moment that is on disk.
    kept: UnixTime,
    unreported: Option<ClockStep>,
}

impl DeviceClock {
    /// Time that goes on after `floor`, and after the last moment in the file at `path`.
    pub(crate) fn open(path: &Path, floor: UnixTime) -> Self {
        Self::on(Box::new(SystemClock), path, floor)
    }

    fn on(machine: Box<dyn Clock>, path: &Path, floor: UnixTime) -> Self {
        let kept = std::fs::read_to_string(path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .map_or(UnixTime::default(), UnixTime::from_s);
        let timeline = Timeline::after(kept.max(floor), machine.steady(), TOLERANCE);
        Self {
            machine,
            path: path.to_owned(),
            state: Mutex::new(State {
                timeline,
                kept,
                unreported: None,
            }),
        }
    }

    /// The jump that nobody was told of yet.
    pub(crate) fn unreported_step(&self) -> Option<ClockStep> {
        self.now();
        self.state.lock().unreported.take()
    }

    /// The jump that is not over.
    pub(crate) fn step(&self) -> Option<ClockStep> {
        self.now();
        self.state.lock().timeline.step()
    }

    /// Takes the time of a hub whose certificate was verified as a moment that is not before the present.
    ///
    /// It is kept on disk, so that the next start begins there, whatever the machine's clock shows then.
    pub(crate) fn vouched(&self, hub: UnixTime) -> std::io::Result<()> {
        let (now, steady) = (self.now(), self.machine.steady());
        let mut state = self.state.lock();
        if hub > now.plus(TOLERANCE.back) {
            state.timeline = Timeline::after(hub, steady, TOLERANCE);
            drop(state);
            self.now();
            state = self.state.lock();
        }
        if hub <= state.kept.plus(KEEP_EVERY) {
            return Ok(());
        }
        state.kept = hub;
        drop(state);
        let text = format!("{}\n", hub.as_s());
        write_private(&self.path, text.as_bytes()).map_err(std::io::Error::other)
    }
}

impl Clock for DeviceClock {
    fn now(&self) -> UnixTime {
        let (shown, steady) = (self.machine.now(), self.machine.steady());
        let mut state = self.state.lock();
        match state.timeline.observe(shown, steady) {
            Some(ClockChange::Stepped(step)) => state.unreported = Some(step),
            Some(ClockChange::Agreed { .. }) | None => {}
        }
        state.timeline.now(steady)
    }

    fn steady(&self) -> Duration {
        self.machine.steady()
    }
}

impl TimeProvider for DeviceClock {
    fn current_time(&self) -> Option<pki_types::UnixTime> {
        let since = Duration::from_millis(self.now().as_ms());
        Some(pki_types::UnixTime::since_unix_epoch(since))
    }
}

/// Behind by minutes, or ahead by a day while running, is a clock that was set; a device may have lain in a store for
/// years before it is switched on.
const TOLERANCE: Tolerance = Tolerance {
    back: Duration::from_secs(300),
    ahead: Duration::from_secs(86_400),
    away: Duration::from_secs(10 * 366 * 86_400),
};
/// How often the time is written to disk at most.
const KEEP_EVERY: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const FLOOR: UnixTime = UnixTime::from_s(1_795_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);

    /// A machine's clock that shows what it is told.
    #[derive(Debug)]
    struct Shows(Arc<Mutex<UnixTime>>);

    impl Clock for Shows {
        fn now(&self) -> UnixTime {
            *self.0.lock()
        }

        fn steady(&self) -> Duration {
            Duration::ZERO
        }
    }

    struct Scene {
        folder: tempfile::TempDir,
        shown: Arc<Mutex<UnixTime>>,
    }

    impl Scene {
        fn showing(shown: UnixTime) -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                shown: Arc::new(Mutex::new(shown)),
            }
        }

        fn starts(&self) -> DeviceClock {
            let path = self.folder.path().join("clock");
            DeviceClock::on(Box::new(Shows(self.shown.clone())), &path, FLOOR)
        }
    }

    #[test]
    fn a_plausible_clock_is_followed() {
        let clock = Scene::showing(FLOOR.plus(HOUR)).starts();
        assert_eq!(clock.now(), FLOOR.plus(HOUR));
        assert_eq!(clock.unreported_step(), None);
    }

    #[test]
    fn a_clock_that_wakes_up_in_1970_is_not_followed_and_is_reported_once() {
        let clock = Scene::showing(UnixTime::from_s(60)).starts();
        assert_eq!(clock.now(), FLOOR);
        let step = clock.unreported_step().unwrap();
        assert_eq!(step.shown, UnixTime::from_s(60));
        assert_eq!(clock.unreported_step(), None);
    }

    #[test]
    fn a_clock_in_the_far_future_is_not_followed() {
        let clock = Scene::showing(FLOOR.plus(HOUR * 24 * 366 * 30)).starts();
        assert_eq!(clock.now(), FLOOR);
    }

    #[test]
    fn what_a_hub_vouched_for_is_the_floor_of_the_next_start() {
        let scene = Scene::showing(UnixTime::from_s(60));
        let hub = FLOOR.plus(HOUR * 1_000);
        let clock = scene.starts();
        clock.vouched(hub).unwrap();
        assert_eq!(clock.now(), hub);
        assert_eq!(scene.starts().now(), hub);
    }

    #[test]
    fn attack_a_hub_cannot_take_time_back() {
        let scene = Scene::showing(FLOOR.plus(HOUR * 10));
        let clock = scene.starts();
        clock.vouched(FLOOR.minus(HOUR * 1_000)).unwrap();
        assert_eq!(clock.now(), FLOOR.plus(HOUR * 10));
        clock.vouched(FLOOR.plus(HOUR * 9)).unwrap();
        assert_eq!(clock.now(), FLOOR.plus(HOUR * 10));
    }

    #[test]
    fn a_wrong_clock_never_reaches_the_disk() {
        let scene = Scene::showing(FLOOR.plus(HOUR * 24 * 1_000));
        assert_eq!(scene.starts().now(), FLOOR.plus(HOUR * 24 * 1_000));
        *scene.shown.lock() = FLOOR.plus(HOUR);
        assert_eq!(scene.starts().now(), FLOOR.plus(HOUR));
    }
}
