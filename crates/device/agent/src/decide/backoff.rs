//! How long to wait after a failure: longer each time, and never all devices together.

use std::time::Duration;

/// Waits that double up to a bound, each drawn from its upper half.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            max,
            next: first,
        }
    }

    /// The next wait; `chance` is between 0 and 1.
    pub(crate) fn wait(&mut self, chance: f64) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.max);
        wait.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn doubles_up_to_its_bound_and_begins_again_after_a_success() {
        let mut backoff = Backoff::new(SECOND, SECOND * 5);
        let waits: Vec<_> = (0..5).map(|_| backoff.wait(1.0)).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5].map(|s| SECOND * s));
        backoff.reset();
        assert_eq!(backoff.wait(1.0), SECOND);
    }

    #[test]
    fn chance_moves_a_wait_within_its_upper_half() {
        let mut backoff = Backoff::new(SECOND * 8, SECOND * 8);
        assert_eq!(backoff.wait(0.0), SECOND * 4);
        assert_eq!(backoff.wait(0.5), SECOND * 6);
        assert_eq!(backoff.wait(2.0), SECOND * 8);
    }
}
