//! Secrets on their way to whoever asked for them: made by one request, shown by the next, and kept by nobody.
//!
//! The page that follows a form has an address of its own, so a secret waits here between the two: for the
//! session that asked, for a quarter of an hour, in memory only.

use std::sync::Arc;
use std::time::Duration;

use ironroot_api::{Claim, ServiceIssued, TokenMade};
use ironroot_time::UnixTime;
use parking_lot::Mutex;

use crate::frame::Visitor;

/// How long a secret waits, unless it is put away.
pub(crate) const KEPT: Duration = Duration::from_secs(15 * 60);

/// The most that waits at a time; a further one takes the place of the oldest.
const HANDOVERS_MAX: usize = 64;

/// What is handed over.
#[derive(Debug)]
pub(crate) enum Handed {
    /// Claims with their tokens and the profiles of their devices.
    Claims(Vec<(Claim, String)>),
    /// A service's certificate, with its key if the hub made it.
    Service(ServiceIssued),
    /// A token of the API.
    Token(TokenMade),
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
    handed: Arc<Handed>,
}

impl Handovers {
    /// Keeps what `owner` asked for; returns the number that the page's address has.
    pub(crate) fn keep(&self, owner: &Visitor, now: UnixTime, handed: Handed) -> u64 {
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
    pub(crate) fn look(
        &self,
        visitor: &Visitor,
        now: UnixTime,
        number: &str,
    ) -> Option<(Arc<Handed>, UnixTime)> {
        let number: u64 = number.parse().ok()?;
        let mut waiting = self.0.lock();
        waiting.all.retain(|other| now < other.ends);
        let found = waiting
            .all
            .iter()
            .find(|found| found.number == number && visitor.owns(&found.owner.csrf))?;
        Some((Arc::clone(&found.handed), found.ends))
    }

    /// Forgets what waits under a number.
    pub(crate) fn put_away(&self, visitor: &Visitor, number: &str) {
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

    #[test]
    fn a_secret_waits_for_its_own_session_and_not_for_long() {
        let handovers = Handovers::default();
        let mine = visitor("mine");
        let number = handovers
            .keep(&mine, NOW, Handed::Claims(Vec::new()))
            .to_string();
        assert!(handovers.look(&visitor("other"), NOW, &number).is_none());
        let last = UnixTime::from_ms(NOW.plus(KEPT).as_ms() - 1);
        assert!(handovers.look(&mine, last, &number).is_some());
        assert!(handovers.look(&mine, NOW.plus(KEPT), &number).is_none());
    }

    #[test]
    fn it_is_gone_when_it_is_put_away_by_its_own_session() {
        let handovers = Handovers::default();
        let mine = visitor("mine");
        let number = handovers
            .keep(&mine, NOW, Handed::Claims(Vec::new()))
            .to_string();
        handovers.put_away(&visitor("other"), &number);
        assert!(handovers.look(&mine, NOW, &number).is_some());
        handovers.put_away(&mine, &number);
        assert!(handovers.look(&mine, NOW, &number).is_none());
    }

    #[test]
    fn what_waits_is_bounded_and_the_oldest_goes() {
        let handovers = Handovers::default();
        let mine = visitor("mine");
        for _ in 0..=HANDOVERS_MAX {
            handovers.keep(&mine, NOW, Handed::Claims(Vec::new()));
        }
        assert!(handovers.look(&mine, NOW, "0").is_none());
        assert!(handovers.look(&mine, NOW, "1").is_some());
    }
}
