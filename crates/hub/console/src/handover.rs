//! Secrets on their way to whoever asked for them: made by one request, shown by the next, and kept by nobody.
//!
//! The page that follows a form has an address of its own, so a secret waits here between the two: for the
//! session that asked, for a quarter of an hour, in memory only.
//!
//! To hand one more kind over: implement [`Handed`] for it beside its page.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use ironroot_time::UnixTime;
use parking_lot::Mutex;

use crate::Console;
use crate::figures::short;
use crate::form::{Nothing, Sent, see};
use crate::frame::Visitor;
use crate::pages::fault::Trouble;

/// How long a secret waits, unless it is put away.
const KEPT: Duration = Duration::from_secs(15 * 60);

/// The most that waits at a time; a further one takes the place of the oldest.
const HANDOVERS_MAX: usize = 64;

/// What is handed over.
pub(crate) trait Handed: Send + Sync + 'static {
    /// The address of the page that shows it, up to its number.
    const PAGE: &'static str;
    /// The address that follows when it was put away.
    const NEXT: &'static str;
    /// Why it is shown no more, and what to do then.
    const GONE: &'static str;
}

impl Console {
    /// Keeps what `visitor` asked for, and sends the browser to the page that shows it.
    pub(crate) fn hand_over<T: Handed>(&self, visitor: &Visitor, handed: T) -> Response {
        let number = self.handovers.keep(visitor, self.views.now(), handed);
        see(&format!("{}/{number}", T::PAGE))
    }

    /// What waits under a number, and the time of day until which it does.
    pub(crate) fn handed<T: Handed>(
        &self,
        visitor: &Visitor,
        number: &str,
    ) -> Result<(Arc<T>, String), Trouble> {
        let now = self.views.now();
        let found = self.handovers.look(visitor, now, number);
        let (handed, ends) = found.ok_or_else(|| Trouble::NotThere(T::GONE.to_owned()))?;
        Ok((handed, short(now, &ends.to_string())))
    }
}

/// Forgets what a page shows.
pub(crate) async fn put_away<T: Handed>(
    State(console): State<Console>,
    Path(number): Path<String>,
    sent: Sent<Nothing>,
) -> Response {
    console.handovers.put_away(&sent.visitor, &number);
    see(T::NEXT)
}

/// All that waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handovers(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    all: Vec<Handover>,
    /// The number of the next one.
    next: u64,
}

#[derive(Debug)]
struct Handover {
    number: u64,
    owner: Visitor,
    ends: UnixTime,
    handed: Arc<dyn Any + Send + Sync>,
}

impl Handovers {
    /// Keeps what `owner` asked for; returns the number that the page's address has.
    fn keep<T: Handed>(&self, owner: &Visitor, now: UnixTime, handed: T) -> u64 {
        let mut waiting = self.0.lock();
        waiting.all.retain(|other| now < other.ends);
        if waiting.all.len() >= HANDOVERS_MAX {
            waiting.all.remove(0);
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.all.push(Handover {
            number,
            owner: owner.clone(),
            ends: now.plus(KEPT),
            handed: Arc::new(handed),
        });
        number
    }

    /// What waits under a number, and until when; none for another session than the one that asked.
    fn look<T: Handed>(
        &self,
        visitor: &Visitor,
        now: UnixTime,
        number: &str,
    ) -> Option<(Arc<T>, UnixTime)> {
        let number: u64 = number.parse().ok()?;
        let mut waiting = self.0.lock();
        waiting.all.retain(|other| now < other.ends);
        let found = waiting
            .all
            .iter()
            .find(|found| found.number == number && visitor.owns(&found.owner.csrf))?;
        let handed = Arc::clone(&found.handed).downcast().ok()?;
        Some((handed, found.ends))
    }

    /// Forgets what waits under a number.
    fn put_away(&self, visitor: &Visitor, number: &str) {
        let Ok(number) = number.parse::<u64>() else {
            return;
        };
        let mut waiting = self.0.lock();
        waiting
            .all
            .retain(|other| other.number != number || !visitor.owns(&other.owner.csrf));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Begun, SessionEnd};

    fn visitor(csrf: &str) -> Visitor {
        Visitor {
            name: "admin".to_owned(),
            csrf: csrf.to_owned(),
            begun: Begun::Link,
            has_password: false,
            session: SessionEnd::new().1,
        }
    }

    const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    #[derive(Debug)]
    struct Key;

    impl Handed for Key {
        const PAGE: &'static str = "/keys";
        const NEXT: &'static str = "/";
        const GONE: &'static str = "It is gone.";
    }

    #[derive(Debug)]
    struct Other;

    impl Handed for Other {
        const PAGE: &'static str = "/others";
        const NEXT: &'static str = "/";
        const GONE: &'static str = "It is gone.";
    }

    #[test]
    fn a_secret_is_shown_on_the_page_of_its_kind_alone() {
        let handovers = Handovers::default();
        let mine = visitor("mine");
        let number = handovers.keep(&mine, NOW, Key).to_string();
        assert!(handovers.look::<Other>(&mine, NOW, &number).is_none());
        assert!(handovers.look::<Key>(&mine, NOW, &number).is_some());
    }

    #[test]
    fn a_secret_waits_for_its_own_session_and_not_for_long() {
        let handovers = Handovers::default();
        let mine = visitor("mine");
        let number = handovers.keep(&mine, NOW, Key).to_string();
        assert!(
            handovers
                .look::<Key>(&visitor("other"), NOW, &number)
                .is_none()
        );
        let last = UnixTime::from_ms(NOW.plus(KEPT).as_ms() - 1);
        assert!(handovers.look::<Key>(&mine, last, &number).is_some());
        assert!(
            handovers
                .look::<Key>(&mine, NOW.plus(KEPT), &number)
                .is_none()
        );
    }

    #[test]
    fn it_is_gone_when_it_is_put_away_by_its_own_session() {
        let handovers = Handovers::default();
        let mine = visitor("mine");
        let number = handovers.keep(&mine, NOW, Key).to_string();
        handovers.put_away(&visitor("other"), &number);
        assert!(handovers.look::<Key>(&mine, NOW, &number).is_some());
        handovers.put_away(&mine, &number);
        assert!(handovers.look::<Key>(&mine, NOW, &number).is_none());
    }

    #[test]
    fn what_waits_is_bounded_and_the_oldest_goes() {
        let handovers = Handovers::default();
        let mine = visitor("mine");
        for _ in 0..=HANDOVERS_MAX {
            handovers.keep(&mine, NOW, Key);
        }
        assert!(handovers.look::<Key>(&mine, NOW, "0").is_none());
        assert!(handovers.look::<Key>(&mine, NOW, "1").is_some());
    }
}
