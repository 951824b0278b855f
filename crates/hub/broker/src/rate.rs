//! How fast one session may send, and how long it may send too fast: token buckets of messages and bytes.

use std::time::Duration;

use ironroot_standing::Limits;
use ironroot_time::UnixTime;

/// Tokens are kept in thousandths: a rate per second fills so many of them in a millisecond.
const THOUSANDTHS: u64 = 1_000;

/// After how long without another a hold no longer counts against the session.
const HOLD_FORGOTTEN: Duration = Duration::from_secs(60);

/// What one session may still send, and may still send too much.
#[derive(Debug)]
pub(crate) struct Pace {
    allowance: Buckets,
    /// What was dropped comes out of these; an empty one has the session held.
    patience: Buckets,
    holds: u8,
    held: UnixTime,
}

/// What follows when something was dropped because it was too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// Nothing yet.
    Borne,
    /// The session is held.
    Hold,
    /// It was held often enough and ends.
    End,
}

impl Pace {
    /// Full buckets.
    pub(crate) fn new(now: UnixTime) -> Self {
        Self {
            allowance: Buckets::full(now),
            patience: Buckets::full(now),
            holds: 0,
            held: UnixTime::from_ms(0),
        }
    }

    /// Takes a packet of so many bytes out of what the session may send.
    ///
    /// # Errors
    /// How long until there is room for it.
    pub(crate) fn take(
        &mut self,
        limits: &Limits,
        bytes: usize,
        now: UnixTime,
    ) -> Result<(), Duration> {
        self.allowance.take(limits, (1, bytes), now)
    }

    /// Notes that something was refused because it was too much, which weighs as so many messages and bytes. A
    /// session that is held earns nothing in that time `hold`, and is held `holds_max` times in a row at most.
    pub(crate) fn exceed(
        &mut self,
        limits: &Limits,
        weight: (u32, usize),
        (hold, holds_max): (Duration, u8),
        now: UnixTime,
    ) -> Excess {
        if self.patience.take(limits, weight, now).is_ok() {
            return Excess::Borne;
        }
        if now.since(self.held) > HOLD_FORGOTTEN {
            self.holds = 0;
        }
        if self.holds >= holds_max {
            return Excess::End;
        }
        self.holds += 1;
        self.held = now.plus(hold);
        self.allowance.filled = self.held;
        self.patience = Buckets::full(self.held);
        Excess::Hold
    }
}

/// Fills by the Grant's rates up to its bursts.
#[derive(Debug)]
struct Buckets {
    messages: u64,
    bytes: u64,
    filled: UnixTime,
}

impl Buckets {
    fn full(now: UnixTime) -> Self {
        Self {
            messages: u64::MAX,
            bytes: u64::MAX,
            filled: now,
        }
    }

    fn take(
        &mut self,
        limits: &Limits,
        (messages, bytes): (u32, usize),
        now: UnixTime,
    ) -> Result<(), Duration> {
        let (message_rate, byte_rate) = (limits.messages_per_s.into(), limits.bytes_per_s.into());
        if message_rate == 0 && byte_rate == 0 {
            return Ok(());
        }
        let elapsed_ms = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        fill(
            &mut self.messages,
            message_rate,
            limits.message_burst.into(),
            elapsed_ms,
        );
        fill(&mut self.bytes, byte_rate, limits.byte_burst(), elapsed_ms);
        self.filled = self.filled.max(now);
        let messages = u64::from(messages.min(limits.message_burst)) * THOUSANDTHS;
        let bytes = bytes as u64 * THOUSANDTHS;
        let wait_ms = lacks_ms(self.messages, message_rate, messages)
            .max(lacks_ms(self.bytes, byte_rate, bytes));
        if wait_ms > 0 {
            return Err(Duration::from_millis(wait_ms).saturating_add(self.filled.since(now)));
        }
        self.messages = self.messages.saturating_sub(messages);
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(())
    }
}

fn fill(tokens: &mut u64, rate: u64, burst: u64, elapsed_ms: u64) {
    let full = burst.saturating_mul(THOUSANDTHS);
    *tokens = tokens
        .saturating_add(elapsed_ms.saturating_mul(rate))
        .min(full);
}

/// How long until there are `cost` tokens; a rate of 0 is no bound.
fn lacks_ms(tokens: u64, rate: u64, cost: u64) -> u64 {
    match rate {
        0 => 0,
        rate => cost.saturating_sub(tokens).div_ceil(rate),
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
    const BYTES: Limits = Limits {
        bytes_per_s: 100,
        packet_size_max: 64,
        ..Limits::SERVICE
    };
    const HOLD: (Duration, u8) = (Duration::from_secs(5), 2);

    fn at(ms: u64) -> UnixTime {
        UnixTime::from_ms(1_000_000 + ms)
    }

    #[test]
    fn gives_the_burst_and_then_the_rate() {
        let mut pace = Pace::new(at(0));
        let mut take_at = |ms| pace.take(&LIMITS, 100, at(ms));
        assert_eq!([take_at(0), take_at(0)], [Ok(()), Ok(())]);
        assert_eq!(take_at(0), Err(Duration::from_millis(100)));
        assert_eq!(take_at(99), Err(Duration::from_millis(1)));
        assert_eq!(
            [take_at(100), take_at(100)],
            [Ok(()), Err(Duration::from_millis(100))]
        );
    }

    #[test]
    fn gives_the_burst_of_bytes_and_then_their_rate() {
        let mut pace = Pace::new(at(0));
        let mut take_at = |bytes, ms| pace.take(&BYTES, bytes, at(ms));
        assert_eq!(take_at(1_000, 0), Ok(()), "ten seconds' worth");
        assert_eq!(take_at(64, 0), Err(Duration::from_millis(640)));
        assert_eq!(take_at(64, 639), Err(Duration::from_millis(1)));
        assert_eq!(take_at(64, 640), Ok(()));
    }

    #[test]
    fn the_largest_packet_passes_however_low_the_rate_of_bytes() {
        let slow = Limits {
            bytes_per_s: 1,
            packet_size_max: 4_096,
            ..Limits::SERVICE
        };
        let mut pace = Pace::new(at(0));
        assert_eq!(pace.take(&slow, 4_096, at(0)), Ok(()));
        assert_eq!(
            pace.take(&slow, 4_096, at(0)),
            Err(Duration::from_secs(4_096))
        );
    }

    #[test]
    fn an_idle_hour_gives_no_more_than_the_burst() {
        let mut pace = Pace::new(at(0));
        let given = (0..10)
            .filter(|_| pace.take(&LIMITS, 1, at(3_600_000)).is_ok())
            .count();
        assert_eq!(given, 2);
    }

    #[test]
    fn a_rate_of_zero_is_no_bound() {
        let mut pace = Pace::new(at(0));
        assert!((0..1_000).all(|_| pace.take(&Limits::SERVICE, 1_000_000, at(0)).is_ok()));
    }

    #[test]
    fn who_sends_up_to_twice_the_rate_is_never_held() {
        let mut pace = Pace::new(at(0));
        let worst = (0..10_000).map(|n| match pace.take(&LIMITS, 1, at(n * 50)) {
            Ok(()) => Excess::Borne,
            Err(_) => pace.exceed(&LIMITS, (1, 1), HOLD, at(n * 50)),
        });
        assert_eq!(worst.filter(|excess| *excess != Excess::Borne).count(), 0);
    }

    #[test]
    fn a_flood_is_held_so_often_and_then_ends() {
        let mut pace = Pace::new(at(0));
        let mut flood = |ms| {
            (0..3)
                .map(|_| pace.exceed(&LIMITS, (1, 1), HOLD, at(ms)))
                .collect::<Vec<_>>()
        };
        let held = [Excess::Borne, Excess::Borne, Excess::Hold];
        assert_eq!(flood(0), held);
        assert_eq!(flood(5_000), held);
        assert_eq!(flood(10_000), [Excess::Borne, Excess::Borne, Excess::End]);
    }

    #[test]
    fn a_hold_earns_nothing_and_is_forgotten_after_a_minute() {
        let mut pace = Pace::new(at(0));
        while pace.take(&LIMITS, 1, at(0)).is_ok() {}
        while pace.exceed(&LIMITS, (1, 1), HOLD, at(0)) == Excess::Borne {}
        assert_eq!(
            pace.take(&LIMITS, 1, at(5_000)),
            Err(Duration::from_millis(100))
        );
        for round in 1..10 {
            let now = round * 66_000;
            let mut last = Excess::Borne;
            while last == Excess::Borne {
                last = pace.exceed(&LIMITS, (1, 1), HOLD, at(now));
            }
            assert_eq!(last, Excess::Hold, "round {round}");
        }
    }
}
