//! What the hub counted over time.

use ironroot_api::{FigurePoint, Figures, FiguresQuery, Over, RefusedCounts};
use ironroot_history::{Grain, Point, Window};

use crate::Views;

impl Views {
    /// The figures that are asked for, up to now.
    pub fn figures(&self, query: FiguresQuery) -> Figures {
        let now = self.clock.now();
        let history = self.live.history().lock();
        let asked = query.over.and_then(|over| Window::named(over.as_str()));
        let window = asked.unwrap_or_else(|| history.window(now));
        let grain = match query.coarse {
            Some(true) => Grain::Coarse,
            Some(false) | None => Grain::Fine,
        };
        let points = history.read(window, grain, now);
        let newest = history.newest().map(|figures| Point { at: now, figures });
        drop(history);
        Figures {
            over: over(window),
            as_of: now.to_string(),
            from: window.from(grain, now).to_string(),
            step_s: window.step_s(grain),
            steps: window.steps(grain),
            points: points.into_iter().map(point).collect(),
            newest: newest.map(point),
        }
    }
}

fn over(window: Window) -> Over {
    let mut all = Over::ALL.iter().copied();
    all.find(|over| over.as_str() == window.name())
        .unwrap_or(Over::Day)
}

fn point(Point { at, figures }: Point) -> FigurePoint {
    FigurePoint {
        at: at.to_string(),
        counted_ms: figures.counted_ms,
        messages_in: figures.messages_in,
        sessions: figures.sessions,
        refused: RefusedCounts {
            not_granted: figures.not_granted,
            certificate: figures.certificate,
            over_limit: figures.over_limit,
        },
        quarantined: figures.quarantined,
        noticed: figures.noticed,
        enrolled: figures.enrolled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_has_the_word_of_the_api_that_is_its_name() {
        let names: Vec<_> = Window::ALL.iter().map(|window| window.name()).collect();
        let words: Vec<_> = Over::ALL.iter().map(|over| over.as_str()).collect();
        assert_eq!(names, words);
    }
}
