//! The time that sessions live in: it begins with the wall clock's and never steps, whatever that one does.

use ironroot_time::UnixTime;
use tokio::time::Instant;

/// A wall clock that was looked at once, and goes on by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeline {
    began: UnixTime,
    began_at: Instant,
}

impl Timeline {
    /// A timeline on which it is now `began`.
    pub(super) fn begin(began: UnixTime) -> Self {
        Self {
            began,
            began_at: Instant::now(),
        }
    }

    /// The present moment.
    pub(super) fn now(self) -> UnixTime {
        self.began.plus(self.began_at.elapsed())
    }

    /// When `moment` is, for a timer; none when that is beyond all timers.
    pub(super) fn instant(self, moment: UnixTime) -> Option<Instant> {
        self.began_at.checked_add(moment.since(self.began))
    }
}
