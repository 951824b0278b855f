//! How the hub is: what works, what does not, and what a person can do about it.

use std::error::Error;

use ironroot_api::{CheckpointStatus, Degraded, JournalStatus, Status, StoreStatus};
use ironroot_store::{Health, LaterCause};
use ironroot_time::UnixTime;

use crate::Views;
use crate::words::counted;

/// How long entries may wait to be signed, in seconds.
const UNSIGNED_MAX_S: u64 = 60;

/// What stops while the journal cannot append.
const STOPPED: &str = "Certificates, claims and everything that widens a Grant are stopped; \
     quarantine still works, and devices that are shut out stay so.";

impl Views {
    /// The state of the hub.
    pub fn status(&self) -> Status {
        let cause = match self.store.health() {
            Health::Appending => None,
            Health::Failing(cause) => Some(chain(&cause)),
            _ => Some("another hub writes to this store".to_owned()),
        };
        let now = self.clock.now();
        let checkpoint = self.log.growth().map(|growth| CheckpointStatus {
            size: growth.size,
            age_s: now.since(growth.signed).as_secs(),
        });
        Status {
            version: self.hub.version.to_owned(),
            started_at: self.hub.started_at.to_string(),
            demonstration: self.hub.demonstration,
            devices: self.registry.devices_count() as u64,
            sessions: self.live.sessions_count(),
            store: StoreStatus {
                ok: cause.is_none(),
                cause,
            },
            journal: JournalStatus {
                entries: self.journal_size(),
                archived: self.log.floor(),
                checkpoint,
            },
            degraded: self.degraded(),
        }
    }

    /// What does not work, gravest first.
    pub fn degraded(&self) -> Vec<Degraded> {
        let now = self.clock.now();
        let health = self.store.health();
        let since = self.failing_since(&health, now);
        let journal = append_fault(&health);
        let held = self.held_orders();
        let told = journal
            .into_iter()
            .chain(held)
            .map(|(what, remedy)| Degraded {
                what,
                remedy,
                since: since.to_string(),
            });
        let upkeep = self.live.troubles().into_iter().map(|trouble| Degraded {
            what: trouble.what,
            remedy: trouble.remedy,
            since: trouble.since.to_string(),
        });
        told.chain(self.unsigned(now)).chain(upkeep).collect()
    }

    /// When the journal was first seen not to append; `now` when it does.
    fn failing_since(&self, health: &Health, now: UnixTime) -> UnixTime {
        let mut since = self.failing_since.lock();
        match health {
            Health::Appending => *since = None,
            _ => _ = since.get_or_insert(now),
        }
        since.unwrap_or(now)
    }

    fn held_orders(&self) -> Option<(String, String)> {
        let held = u64::try_from(self.live.held_orders()).unwrap_or(u64::MAX);
        (held > 0).then(|| {
            let orders = counted(held, "order is", "orders are");
            (
                format!("{orders} obeyed and not recorded yet."),
                "Do not stop the hub before they are: it records them as soon as the journal can append again."
                    .to_owned(),
            )
        })
    }

    fn unsigned(&self, now: UnixTime) -> Option<Degraded> {
        let growth = self.log.growth()?;
        let waiting = self.journal_size().saturating_sub(growth.size);
        let late = now.since(growth.written).as_secs() > UNSIGNED_MAX_S;
        (late && waiting > 0).then(|| Degraded {
            what: format!(
                "{} not under a signed checkpoint.",
                counted(waiting, "entry is", "entries are")
            ),
            remedy: "See the hub's log for why the checkpoint was not signed.".to_owned(),
            since: growth.written.to_string(),
        })
    }
}

/// What is wrong with the journal, and what to do about it.
fn append_fault(health: &Health) -> Option<(String, String)> {
    let cause = match health {
        Health::Appending => return None,
        Health::Failing(cause) => cause,
        _ => {
            return Some((
                format!("Another hub has taken this store over. {STOPPED}"),
                "Let only one hub run on a store: stop one of the two, then start this one again."
                    .to_owned(),
            ));
        }
    };
    let (what, remedy) = match cause {
        LaterCause::Full(_) => (
            "the store is full",
            "Make room on the disk that the store is on, or raise the bound on the store's size; \
             the hub goes on by itself.",
        ),
        LaterCause::Away(_) => (
            "the database cannot be reached",
            "Bring the database back, or the network to it; the hub finds it by itself.",
        ),
        LaterCause::QueueFull => (
            "more changes come than it can keep up with",
            "Wait; if it lasts, look for a device class that enrols again and again, or for a slow disk.",
        ),
        LaterCause::Locked(_) => (
            "another program holds the database",
            "Close the program that has the database open; the hub goes on by itself.",
        ),
        LaterCause::Closed => (
            "the hub is shutting down",
            "Start it again if that was not meant.",
        ),
        _ => (
            "the disk or the database failed",
            "See the hub's log for the error, and check the disk of the data directory.",
        ),
    };
    Some((
        format!("The journal cannot be written, because {what}. {STOPPED}"),
        remedy.to_owned(),
    ))
}

/// An error with all its causes, for an operator.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        line = format!("{line}: {next}");
        cause = next.source();
    }
    line
}
