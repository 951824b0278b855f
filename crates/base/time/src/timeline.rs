//! A hub's own time: it follows the machine's clock while that is plausible, and goes on by itself when that jumps.

use core::time::Duration;

use crate::UnixTime;

/// How far the machine's clock may lie from where it is expected before it is no longer followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// How far it may be behind, in all, since it was first followed.
    pub back: Duration,
    /// How far it may be ahead, in all, since it was first followed.
    pub ahead: Duration,
    /// How far it may be past the last known moment when it is first looked at.
    pub away: Duration,
}

/// A jump of the machine's clock that was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// What it was expected to show.
    pub expected: UnixTime,
    /// What it showed.
    pub shown: UnixTime,
}

/// What a look at the machine's clock brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// It has jumped, and is not followed any more.
    Stepped(ClockStep),
    /// It is where it was expected again, and is followed again.
    Agreed {
        /// What it shows.
        shown: UnixTime,
    },
}

/// The state of a hub's time. It never goes back, whatever the machine's clock does.
///
/// `steady` is always the time since some fixed moment by a clock that nobody can set.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    tolerance: Tolerance,
    /// Whether the clock was followed already.
    begun: bool,
    /// What tolerance is counted from; it does not move, so that many small jumps are not worth a large one.
    anchor: Option<Reading>,
    /// The last moment at which the clock was followed.
    followed: Reading,
    /// The latest moment that was told.
    told: UnixTime,
    step: Option<ClockStep>,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    shown: UnixTime,
    steady: Duration,
}

impl Reading {
    /// What a clock that showed this shows now.
    fn by(&self, steady: Duration) -> UnixTime {
        self.shown.plus(steady.saturating_sub(self.steady))
    }
}

impl Timeline {
    /// Time that begins with whatever the clock first shows.
    pub fn new(tolerance: Tolerance) -> Self {
        Self {
            tolerance,
            begun: false,
            anchor: None,
            followed: Reading {
                shown: UnixTime::default(),
                steady: Duration::ZERO,
            },
            told: UnixTime::default(),
            step: None,
        }
    }

    /// Time that goes on after `last`, the last moment that is known for certain.
    pub fn after(last: UnixTime, steady: Duration, tolerance: Tolerance) -> Self {
        let reading = Reading {
            shown: last,
            steady,
        };
        Self {
            anchor: Some(reading),
            followed: reading,
            told: last,
            ..Self::new(tolerance)
        }
    }

    /// Takes note of what the machine's clock shows; says what changed by it.
    pub fn observe(&mut self, shown: UnixTime, steady: Duration) -> Option<ClockChange> {
        if self
            .anchor
            .is_none_or(|anchor| self.plausible(anchor, shown, steady))
        {
            let agreed = self.step.take();
            self.follow(shown, steady);
            return agreed.map(|_step| ClockChange::Agreed { shown });
        }
        if self.step.is_some() {
            return None;
        }
        let expected = self.followed.by(steady);
        let step = ClockStep { expected, shown };
        self.step = Some(step);
        Some(ClockChange::Stepped(step))
    }

    /// Follows the clock from what it shows now, because a person says that it is right. Time still does not
    /// go back: it stands still until the clock has caught up.
    pub fn confirm(&mut self, shown: UnixTime, steady: Duration) {
        self.step = None;
        self.begun = false;
        self.follow(shown, steady);
    }

    /// The present moment.
    pub fn now(&mut self, steady: Duration) -> UnixTime {
        let now = match self.step {
            None => self.followed.shown,
            Some(_) => self.followed.by(steady),
        };
        self.told = self.told.max(now);
        self.told
    }

    /// The jump that the clock has made and that nobody has confirmed.
    pub fn step(&self) -> Option<ClockStep> {
        self.step
    }

    fn plausible(&self, anchor: Reading, shown: UnixTime, steady: Duration) -> bool {
        let expected = anchor.by(steady);
        let ahead = if self.begun {
            self.tolerance.ahead
        } else {
            self.tolerance.away
        };
        (expected.minus(self.tolerance.back)..=expected.plus(ahead)).contains(&shown)
    }

    fn follow(&mut self, shown: UnixTime, steady: Duration) {
        self.followed = Reading { shown, steady };
        self.told = self.told.max(shown);
        if !self.begun {
            self.begun = true;
            self.anchor = Some(self.followed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DAY: Duration = Duration::from_secs(86_400);
    const START: UnixTime = UnixTime::from_s(1_795_323_961);
    const TOLERANCE: Tolerance = Tolerance {
        back: Duration::from_secs(300),
        ahead: DAY,
        away: Duration::from_secs(366 * 86_400),
    };

    /// A timeline that has followed a clock, and how long that is ago.
    fn running() -> Timeline {
        let mut timeline = Timeline::new(TOLERANCE);
        assert_eq!(timeline.observe(START, Duration::ZERO), None);
        timeline
    }

    #[test]
    fn follows_a_clock_within_both_bounds_and_not_past_them() {
        let late = START.minus(TOLERANCE.back);
        let early = START.plus(TOLERANCE.ahead);
        for shown in [late, early] {
            assert_eq!(running().observe(shown, Duration::ZERO), None);
        }
        for shown in [late.minus(SECOND), early.plus(SECOND)] {
            let step = ClockStep {
                expected: START,
                shown,
            };
            let mut timeline = running();
            let change = timeline.observe(shown, Duration::ZERO);
            assert_eq!(change, Some(ClockChange::Stepped(step)));
            assert_eq!(timeline.step(), Some(step));
        }
    }

    #[test]
    fn never_goes_back_and_goes_on_by_itself_after_a_jump() {
        let mut timeline = running();
        assert_eq!(timeline.observe(START.minus(SECOND), SECOND), None);
        assert_eq!(timeline.now(SECOND), START);
        let ten_years = START.plus(DAY * 3_650);
        timeline.observe(ten_years, SECOND * 60);
        timeline.observe(ten_years, SECOND * 120);
        assert_eq!(timeline.now(SECOND * 120), START.plus(SECOND * 118));
    }

    #[test]
    fn a_clock_that_is_set_right_again_is_followed_again() {
        let mut timeline = running();
        timeline.observe(START.plus(DAY * 3_650), SECOND);
        let right = START.plus(SECOND * 10);
        let change = timeline.observe(right, SECOND * 10);
        assert_eq!(change, Some(ClockChange::Agreed { shown: right }));
        assert_eq!((timeline.step(), timeline.now(SECOND * 10)), (None, right));
    }

    #[test]
    fn attack_many_small_jumps_are_no_way_to_a_large_one() {
        let mut timeline = running();
        let mut shown = START;
        for _ in 0..100 {
            shown = shown.plus(DAY / 2);
            timeline.observe(shown, SECOND);
        }
        assert!(timeline.step().is_some());
        assert!(timeline.now(SECOND) <= START.plus(DAY).plus(SECOND));
    }

    #[test]
    fn a_confirmed_clock_is_followed_and_a_late_one_is_waited_for() {
        let mut timeline = running();
        let ahead = START.plus(DAY * 30);
        timeline.observe(ahead, SECOND);
        timeline.confirm(ahead, SECOND);
        assert_eq!((timeline.step(), timeline.now(SECOND)), (None, ahead));
        timeline.observe(START, SECOND);
        timeline.confirm(START, SECOND);
        assert_eq!(timeline.now(SECOND), ahead);
        let caught_up = ahead.plus(SECOND);
        timeline.observe(caught_up, SECOND + DAY * 30);
        assert_eq!(timeline.now(SECOND + DAY * 30), caught_up);
    }

    #[test]
    fn after_a_rest_the_clock_may_be_far_ahead_once_and_not_behind() {
        let rested = |shown| {
            let mut timeline = Timeline::after(START, Duration::ZERO, TOLERANCE);
            timeline.observe(shown, Duration::ZERO);
            timeline
        };
        let months = START.plus(DAY * 200);
        assert_eq!(rested(months).step(), None);
        for shown in [START.plus(DAY * 400), START.minus(DAY)] {
            assert!(rested(shown).step().is_some());
        }
        let mut timeline = rested(months);
        timeline.observe(months.plus(DAY * 200), Duration::ZERO);
        assert!(timeline.step().is_some());
    }

    #[test]
    fn after_a_rest_nothing_is_older_than_the_last_known_moment() {
        let mut timeline = Timeline::after(START, Duration::ZERO, TOLERANCE);
        timeline.observe(START.minus(SECOND), Duration::ZERO);
        assert_eq!(
            (timeline.step(), timeline.now(Duration::ZERO)),
            (None, START)
        );
    }
}
