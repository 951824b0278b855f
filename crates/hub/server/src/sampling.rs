//! Looks at the hub's counters every few seconds, puts what they show into its history, and keeps that over
//! restarts coarsely: what was counted after the last keeping is lost when the hub is killed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ironroot_api::Lifecycle;
use ironroot_history::{Figures, History};
use ironroot_time::{Clock, UnixTime};
use ironroot_views::Views;
use tokio::time::sleep;

use crate::drain::Drain;
use crate::fault::chain;
use crate::files::{self, Mode};
use crate::ops::Gauges;

/// The file of the data folder that the history is kept in.
pub const HISTORY_FILE: &str = "history.json";

/// How often the counters are looked at: once in each of the finest slots of the history.
const PERIOD_MS: u64 = 5_000;

/// How often the history is kept.
const KEEPING_PERIOD: Duration = Duration::from_secs(300);

/// How old a count of the fleet may be when nothing was recorded since: a notice ends by time alone.
const FLEET_AGE_MAX: Duration = Duration::from_secs(60);

/// The one who looks.
#[derive(Debug)]
pub struct Sampler {
    gauges: Gauges,
    views: Arc<Views>,
    file: PathBuf,
    last: Look,
    fleet: Fleet,
    kept: UnixTime,
}

/// What the counters showed; each but the sessions counts from the hub's start.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: UnixTime,
    sessions: u64,
    messages_in: u64,
    refused: u64,
    over_limit: u64,
    certificate: u64,
    enrolled: u64,
}

/// The devices that are not in good standing, and what that was true for.
#[derive(Clone, Copy, Debug)]
struct Fleet {
    at: UnixTime,
    journal: u64,
    quarantined: u64,
    noticed: u64,
}

impl Sampler {
    /// One who counts from now on.
    pub async fn begin(gauges: Gauges, views: Arc<Views>, data: &Path) -> Self {
        let last = Look::at(&gauges);
        let fleet = Fleet::count(&views).await;
        Self {
            gauges,
            fleet,
            views,
            file: data.join(HISTORY_FILE),
            kept: last.at,
            last,
        }
    }

    /// Looks until the hub drains, and once more.
    pub async fn run(mut self, mut drain: Drain) {
        loop {
            self.look().await;
            if self.last.at.since(self.kept) >= KEEPING_PERIOD {
                self.keep().await;
            }
            let late_ms = self.last.at.as_ms() % PERIOD_MS;
            tokio::select! {
                () = drain.begun() => break,
                () = sleep(Duration::from_millis(PERIOD_MS - late_ms)) => {}
            }
        }
        self.look().await;
        self.keep().await;
    }

    /// Puts what was counted since the last look into the history.
    pub async fn look(&mut self) {
        let (look, before) = (Look::at(&self.gauges), self.last);
        self.last = look;
        if self.fleet.journal != self.views.journal_size()
            || look.at.since(self.fleet.at) >= FLEET_AGE_MAX
        {
            self.fleet = Fleet::count(&self.views).await;
        }
        let refused = look.refused.saturating_sub(before.refused);
        let over_limit = look.over_limit.saturating_sub(before.over_limit);
        let figures = Figures {
            counted_ms: look.at.as_ms().saturating_sub(before.at.as_ms()),
            messages_in: look.messages_in.saturating_sub(before.messages_in),
            not_granted: refused.saturating_sub(over_limit),
            certificate: look.certificate.saturating_sub(before.certificate),
            over_limit,
            enrolled: look.enrolled.saturating_sub(before.enrolled),
            sessions: look.sessions,
            quarantined: self.fleet.quarantined,
            noticed: self.fleet.noticed,
        };
        self.gauges.history.lock().put(look.at, figures);
    }

    /// Writes the history to its file.
    async fn keep(&mut self) {
        self.kept = self.last.at;
        let (history, file) = (self.gauges.history.clone(), self.file.clone());
        let written = tokio::task::spawn_blocking(move || {
            let history = history.lock().clone();
            files::write(&file, &history.to_json()?, Mode::Private)?;
            anyhow::Ok(())
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => {
                tracing::warn!(error = %chain(cause.as_ref()), "The history of figures was not kept.");
            }
            Err(cause) => tracing::error!(error = %cause, "The history of figures was not kept."),
        }
    }
}

impl Look {
    fn at(gauges: &Gauges) -> Self {
        let totals = gauges.broker.totals();
        let counted = totals.counters;
        Self {
            at: gauges.clock.now(),
            sessions: totals.sessions as u64,
            messages_in: counted.messages_in,
            refused: counted.refused,
            over_limit: counted.over_limit,
            certificate: gauges.certificates_refused.load(Relaxed),
            enrolled: gauges.registry.enrolled_count(),
        }
    }
}

impl Fleet {
    async fn count(views: &Views) -> Self {
        let (at, journal) = (views.now(), views.journal_size());
        let fleet = views.fleet().await;
        let quarantined = fleet.in_state(Lifecycle::Quarantined);
        Self {
            at,
            journal,
            quarantined,
            noticed: fleet.attention.saturating_sub(quarantined),
        }
    }
}

/// The history that an earlier life of the hub has kept in `data`; an empty one when there is none to be read.
pub fn restore(data: &Path, now: UnixTime) -> History {
    let file = data.join(HISTORY_FILE);
    let Ok(json) = std::fs::read(&file) else {
        return History::default();
    };
    History::restore(&json, now).unwrap_or_else(|cause| {
        tracing::warn!(file = %file.display(), error = %cause, "The kept history of figures is damaged and begins anew.");
        History::default()
    })
}
