//! Stretches of time that figures are shown over, and the steps in which they are.

use ironroot_time::UnixTime;

/// How long the steps of a window are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// As a line is drawn.
    Fine,
    /// As bars are, and tables.
    Coarse,
}

/// A stretch of time up to the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    name: &'static str,
    span_s: u64,
    fine_s: u64,
    coarse_s: u64,
}

impl Window {
    /// Every one, the shortest first. Steps begin at whole multiples of their length.
    pub const ALL: [Self; 9] = [
        Self::of("1m", 60, 5, 5),
        Self::of("2m", 120, 5, 10),
        Self::of("5m", 300, 5, 15),
        Self::of("15m", 900, 15, 60),
        Self::of("1h", 3_600, 60, 180),
        Self::of("3h", 10_800, 300, 600),
        Self::of("8h", 28_800, 300, 1_200),
        Self::DAY,
        Self::LONGEST,
    ];

    /// A day.
    pub(crate) const DAY: Self = Self::of("24h", 86_400, 900, 3_600);

    /// The one that is only shown where it is asked for.
    pub(crate) const LONGEST: Self = Self::of("14d", 1_209_600, 86_400, 86_400);

    const fn of(name: &'static str, span_s: u64, fine_s: u64, coarse_s: u64) -> Self {
        Self {
            name,
            span_s,
            fine_s,
            coarse_s,
        }
    }

    /// The window of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.name == name)
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// How long a step is, in seconds.
    pub const fn step_s(self, grain: Grain) -> u64 {
        match grain {
            Grain::Fine => self.fine_s,
            Grain::Coarse => self.coarse_s,
        }
    }

    /// How many steps it has, the present one included, which is not over yet.
    pub fn steps(self, grain: Grain) -> u64 {
        self.span_s.checked_div(self.step_s(grain)).unwrap_or(0)
    }

    /// Where its first step begins.
    pub fn from(self, grain: Grain, now: UnixTime) -> UnixTime {
        let step_s = self.step_s(grain);
        let last = floor(now, step_s).as_s();
        UnixTime::from_s(last.saturating_sub(self.span_s.saturating_sub(step_s)))
    }
}

/// The beginning of the step that `at` lies in.
pub(crate) fn floor(at: UnixTime, step_s: u64) -> UnixTime {
    let past_s = at.as_s().checked_rem(step_s).unwrap_or(0);
    UnixTime::from_s(at.as_s().saturating_sub(past_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_and_their_steps_fit_into_them_and_into_a_ring() {
        assert!(Window::ALL.is_sorted_by_key(|window| window.span_s));
        for window in Window::ALL {
            assert_eq!(Window::named(window.name), Some(window));
            for grain in [Grain::Fine, Grain::Coarse] {
                let step_s = window.step_s(grain);
                assert!(window.span_s.is_multiple_of(step_s), "{}", window.name);
                let reaches = |(ring_s, slots): &(u64, usize)| {
                    step_s.is_multiple_of(*ring_s) && ring_s * *slots as u64 >= window.span_s
                };
                let coarsest = crate::RINGS
                    .iter()
                    .rfind(|(ring_s, _)| step_s.is_multiple_of(*ring_s));
                assert!(coarsest.is_some_and(reaches), "{}", window.name);
            }
            assert!(window.steps(Grain::Fine) <= 96 && window.steps(Grain::Coarse) <= 24);
        }
    }

    #[test]
    fn a_window_ends_with_the_step_of_the_present() {
        let now = UnixTime::from_s(1_795_323_961);
        assert_eq!(
            Window::DAY.from(Grain::Coarse, now).to_string(),
            "2026-11-21T06:00:00.000Z"
        );
        assert_eq!(
            Window::LONGEST.from(Grain::Fine, now).to_string(),
            "2026-11-09T00:00:00.000Z"
        );
    }
}
