//! How fast one session may publish: a token bucket in thousandths of a message.

use std::time::Duration;

use ironroot_standing::Limits;
use ironroot_time::UnixTime;

const ONE_MESSAGE: u64 = 1_000;

/// Fills by the Grant's rate up to its burst; each PUBLISH, SUBSCRIBE and UNSUBSCRIBE takes one message out.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    thousandths: u64,
    filled: UnixTime,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(now: UnixTime) -> Self {
        Self {
            thousandths: u64::MAX,
            filled: now,
        }
    }

    /// Takes one message out.
    ///
    /// # Errors
    /// How long until there is one again.
    pub(crate) fn take(&mut self, limits: &Limits, now: UnixTime) -> Result<(), Duration> {
        let rate = u64::from(limits.messages_per_s);
        if rate == 0 {
            return Ok(());
        }
        let elapsed_ms = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        let full = u64::from(limits.message_burst) * ONE_MESSAGE;
        self.thousandths = self
            .thousandths
            .saturating_add(elapsed_ms.saturating_mul(rate))
            .min(full);
        self.filled = now;
        match self.thousandths.checked_sub(ONE_MESSAGE) {
            Some(rest) => {
                self.thousandths = rest;
                Ok(())
            }
            None => Err(Duration::from_millis(
                (ONE_MESSAGE - self.thousandths).div_ceil(rate),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        messages_per_s: 10,
        message_burst: 2,
        ..Limits::SERVICE
    };

    #[test]
    fn gives_the_burst_and_then_the_rate() {
        let mut bucket = TokenBucket::new(UnixTime::from_ms(0));
        let mut take_at = |ms| bucket.take(&LIMITS, UnixTime::from_ms(ms));
        assert_eq!([take_at(0), take_at(0)], [Ok(()), Ok(())]);
        assert_eq!(take_at(0), Err(Duration::from_millis(100)));
        assert_eq!(take_at(99), Err(Duration::from_millis(1)));
        assert_eq!(
            [take_at(100), take_at(100)],
            [Ok(()), Err(Duration::from_millis(100))]
        );
    }

    #[test]
    fn an_idle_hour_gives_no_more_than_the_burst() {
        let mut bucket = TokenBucket::new(UnixTime::from_ms(0));
        let hour = UnixTime::from_s(3_600);
        let given = (0..10)
            .filter(|_| bucket.take(&LIMITS, hour).is_ok())
            .count();
        assert_eq!(given, 2);
    }

    #[test]
    fn a_rate_of_zero_is_no_bound() {
        let mut bucket = TokenBucket::new(UnixTime::from_ms(0));
        assert!((0..1_000).all(|_| bucket.take(&Limits::SERVICE, UnixTime::from_ms(0)).is_ok()));
    }
}
