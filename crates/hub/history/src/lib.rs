//! The hub's figures over time: what it counted, in rings of fixed size.
//!
//! Stage: after enforce; the server puts figures in every few seconds, `views` reads them out.
//! Never: reads a clock, a counter or a file; grows. A hub that runs for years keeps as much as one that runs
//! for a fortnight.
//! To add a figure: a line at the end of `figures!`; to add a stretch of time: a line in [`Window::ALL`].

mod figures;
mod ring;
mod window;

use ironroot_time::UnixTime;
use serde::{Deserialize, Serialize};

pub use figures::Figures;
pub use window::{Grain, Window};

use ring::Ring;

/// Every ring: how long a slot is, in seconds, and how many there are: an hour, a day, a fortnight.
const RINGS: [(u64, usize); 3] = [(5, 720), (300, 288), (86_400, 14)];

/// What a hub counted, from a fortnight ago to now, the coarser the longer ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    rings: [Ring; 3],
}

/// What was counted in one step of a [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where the step begins.
    pub at: UnixTime,
    /// What was counted in it.
    pub figures: Figures,
}

/// A history as it is kept in a file.
#[derive(Serialize, Deserialize)]
struct Kept {
    rings: Vec<Ring>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            rings: RINGS.map(|(step_s, slots_max)| Ring::new(step_s, slots_max)),
        }
    }
}

impl History {
    /// Puts in what was counted in the [`Figures::counted_ms`] up to `now`.
    ///
    /// Time that goes back stands still here: its figures join the newest.
    pub fn put(&mut self, now: UnixTime, figures: Figures) {
        // Its middle says which slot it belongs to, however early or late the timer was.
        let middle = UnixTime::from_ms(now.as_ms().saturating_sub(figures.counted_ms / 2));
        for ring in &mut self.rings {
            ring.put(middle, figures);
        }
    }

    /// What was counted in `window`, oldest first; steps in which nothing was counted are left out.
    pub fn read(&self, window: Window, grain: Grain, now: UnixTime) -> Vec<Point> {
        let step_s = window.step_s(grain);
        let mut rings = self.rings.iter();
        let coarsest = rings.rfind(|ring| step_s.is_multiple_of(ring.step_s()));
        let first = window.from(grain, now);
        let mut points: Vec<Point> = Vec::new();
        for (at, figures) in coarsest.into_iter().flat_map(Ring::filled) {
            let at = window::floor(at, step_s);
            match points.last_mut() {
                _ if at < first || at > now => {}
                Some(last) if last.at == at => last.figures.join(&figures),
                Some(_) | None => points.push(Point { at, figures }),
            }
        }
        points
    }

    /// The newest figures: those of the last few seconds.
    pub fn newest(&self) -> Option<Figures> {
        let [finest, ..] = &self.rings;
        finest.filled().next_back().map(|(_, figures)| figures)
    }

    /// The shortest window that shows all that is known of the last day, so that a young hub's fills it.
    pub fn window(&self, now: UnixTime) -> Window {
        let begun = self.begun().unwrap_or(now);
        let mut all = Window::ALL.into_iter();
        let whole = all.find(|window| window.from(Grain::Coarse, now) <= begun);
        whole
            .filter(|window| *window != Window::LONGEST)
            .unwrap_or(Window::DAY)
    }

    /// When the oldest figures of the last day were counted, as exactly as is known.
    fn begun(&self) -> Option<UnixTime> {
        let [fine, coarse, _] = &self.rings;
        let oldest = |ring: &Ring| ring.filled().next().map(|(at, _)| at);
        let (fine, coarsest) = (oldest(fine), oldest(coarse)?);
        let exact = fine.filter(|fine| window::floor(*fine, coarse.step_s()) == coarsest);
        Some(exact.unwrap_or(coarsest))
    }

    /// In a form that [`History::restore`] reads.
    ///
    /// # Errors
    /// Never, but that the writer of JSON says so.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Kept {
            rings: self.rings.to_vec(),
        })
    }

    /// What was kept by an earlier life of the hub; what lies after `now` is left out.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn restore(json: &[u8], now: UnixTime) -> Result<Self, serde_json::Error> {
        let kept: Kept = serde_json::from_slice(json)?;
        let mut history = Self::default();
        for ring in &mut history.rings {
            let same = |kept: &&Ring| kept.step_s() == ring.step_s();
            if let Some(kept) = kept.rings.iter().find(same).cloned() {
                ring.take_over(kept, now);
            }
        }
        Ok(history)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    /// 2026-11-22 05:00:00 UTC.
    const BEGIN: UnixTime = UnixTime::from_s(1_795_323_600);

    fn counted(seconds: u64, messages_in: u64) -> Figures {
        Figures {
            counted_ms: seconds * 1_000,
            messages_in,
            ..Figures::default()
        }
    }

    fn after(seconds: u64) -> UnixTime {
        BEGIN.plus(Duration::from_secs(seconds))
    }

    /// A hub that takes a message a second and looks every five, from `from` to `to`.
    fn runs(history: &mut History, from: u64, to: u64) {
        for end in (from..to).step_by(5) {
            history.put(after(end + 5), counted(5, 5));
        }
    }

    #[test]
    fn a_young_hub_fills_the_window_that_is_chosen_for_it() {
        let mut history = History::default();
        assert_eq!(history.window(BEGIN).name(), "1m");
        let mut from = 0;
        for (seconds, name) in [
            (30, "1m"),
            (110, "2m"),
            (299, "5m"),
            (600, "15m"),
            (3_000, "1h"),
            (7_200, "3h"),
            (20_000, "8h"),
            (80_000, "24h"),
            (400_000, "24h"),
        ] {
            runs(&mut history, from, seconds);
            from = seconds - seconds % 5;
            assert_eq!(history.window(after(seconds)).name(), name, "{seconds}");
        }
    }

    #[test]
    fn every_window_shows_what_was_counted_in_it_and_no_more() {
        let mut history = History::default();
        runs(&mut history, 0, 2 * 86_400);
        let now = after(2 * 86_400);
        for window in Window::ALL {
            for grain in [Grain::Fine, Grain::Coarse] {
                let points = history.read(window, grain, now);
                let steps = window.steps(grain);
                assert!(points.len() as u64 <= steps, "{}", window.name());
                let whole = points.iter().filter(|point| {
                    let figures = point.figures;
                    figures.counted_ms == window.step_s(grain) * 1_000
                        && figures.messages_in == window.step_s(grain)
                });
                let whole = whole.count() as u64;
                let expected = if window == Window::LONGEST {
                    1
                } else {
                    steps - 1
                };
                assert_eq!(whole, expected, "{}", window.name());
                assert!(points.is_sorted_by_key(|point| point.at));
            }
        }
    }

    #[test]
    fn while_the_hub_is_off_there_is_a_gap() {
        let mut history = History::default();
        runs(&mut history, 0, 900);
        runs(&mut history, 1_800, 2_700);
        let points = history.read(Window::DAY, Grain::Fine, after(2_700));
        let at: Vec<_> = points.iter().map(|point| point.at).collect();
        assert_eq!(at, [BEGIN, after(1_800)]);
    }

    #[test]
    fn a_clock_that_goes_back_stands_still_and_loses_nothing() {
        let mut history = History::default();
        history.put(after(100), counted(5, 7));
        history.put(BEGIN, counted(5, 4));
        let points = history.read(Window::DAY, Grain::Fine, after(100));
        assert_eq!(points.len(), 1);
        assert_eq!(points[0].figures.messages_in, 11);
    }

    #[test]
    fn what_is_restored_is_what_was_kept() {
        let mut history = History::default();
        runs(&mut history, 0, 4_000);
        let json = history.to_json().unwrap();
        let restored = History::restore(&json, after(4_000)).unwrap();
        assert_eq!(restored, history);
    }

    #[test]
    fn figures_of_a_time_to_come_are_not_restored() {
        let mut history = History::default();
        runs(&mut history, 0, 4_000);
        let json = history.to_json().unwrap();
        let mut restored = History::restore(&json, after(600)).unwrap();
        let of_day = |history: &History| history.read(Window::DAY, Grain::Coarse, after(620));
        assert!(of_day(&restored).iter().all(|point| point.at <= after(600)));
        restored.put(after(610), counted(5, 5));
        assert_eq!(restored.newest(), Some(counted(5, 5)));
    }

    #[test]
    fn refuses_what_is_no_history() {
        for damaged in ["", "{}", "[]", r#"{"rings":[{}]}"#, r#"{"rings":7}"#] {
            assert!(
                History::restore(damaged.as_bytes(), BEGIN).is_err(),
                "{damaged}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_clock_and_no_figure_does_harm_and_nothing_grows(
            puts in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 0..40),
            now in any::<u64>(),
        ) {
            let mut history = History::default();
            for (at, counted_ms, messages_in) in puts {
                history.put(UnixTime::from_ms(at), Figures { counted_ms, messages_in, ..Figures::default() });
            }
            let now = UnixTime::from_ms(now);
            for window in Window::ALL {
                for grain in [Grain::Fine, Grain::Coarse] {
                    let points = history.read(window, grain, now);
                    prop_assert!(points.len() as u64 <= window.steps(grain));
                    prop_assert!(points.iter().all(|point| point.at <= now));
                }
            }
            history.window(now);
            let restored = History::restore(&history.to_json().unwrap(), now).unwrap();
            let filled = |history: &History| history.rings.iter().map(|ring| ring.filled().count()).sum::<usize>();
            prop_assert!(filled(&restored) <= filled(&history));
        }

        #[test]
        fn what_was_counted_in_an_hour_is_all_there_however_the_timer_trembles(
            late_ms in prop::collection::vec(0_u64..4_000, 1..600),
        ) {
            let mut history = History::default();
            let (mut last, mut sum) = (BEGIN, 0);
            for (tick, late_ms) in late_ms.iter().enumerate() {
                let now = after(5 * (tick as u64 + 1)).plus(Duration::from_millis(*late_ms));
                let counted_ms = u64::try_from(now.since(last).as_millis()).unwrap();
                history.put(now, Figures { counted_ms, messages_in: 1, ..Figures::default() });
                (last, sum) = (now, sum + 1);
            }
            let points = history.read(Window::named("1h").unwrap(), Grain::Fine, last);
            prop_assert_eq!(points.iter().map(|point| point.figures.messages_in).sum::<u64>(), sum);
            // No step between two is left out.
            let gaps = points.windows(2).filter(|two| two[1].at.since(two[0].at).as_secs() > 60);
            prop_assert_eq!(gaps.count(), 0);
        }

        #[test]
        fn any_bytes_are_restored_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), now in any::<u64>()) {
            let _either = History::restore(&bytes, UnixTime::from_ms(now));
        }

        #[test]
        fn any_kept_numbers_are_restored_without_harm(
            newest in any::<u64>(),
            slots in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u64>(), 0..12)), 0..900),
            now in any::<u64>(),
        ) {
            let json = serde_json::json!({"rings": [{"step_s": 5, "newest": newest, "slots": slots}]});
            let now = UnixTime::from_ms(now);
            let mut history = History::restore(json.to_string().as_bytes(), now).unwrap();
            prop_assert!(history.rings[0].filled().all(|(at, _)| at <= now));
            history.put(now, Figures::default());
            prop_assert!(history.rings[0].filled().count() <= 720);
            for window in Window::ALL {
                prop_assert!(history.read(window, Grain::Fine, now).len() as u64 <= window.steps(Grain::Fine));
            }
        }
    }
}
