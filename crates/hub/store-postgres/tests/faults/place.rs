//! A store on a server of the test's own, and what a test asks of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ironroot_store::{Change, CommitError, Health, LaterCause, Receipt, Source, Store};
use ironroot_store_postgres::{OpenError, PostgresStore, Settings};
use ironroot_suites::Parts;
use ironroot_suites::ledger::open as account;
use ironroot_testkit::Postgres;

use crate::cutter::Cutter;

/// So that a test that would hang fails.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A store, and who followed it.
pub(crate) struct Opened {
    pub(crate) store: PostgresStore,
    pub(crate) parts: Parts,
}

/// Short waits: these databases answer soon or not at all.
pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        patience: Duration::from_secs(2),
        lease: Duration::from_secs(4),
        ..Settings::new(url.parse().unwrap())
    }
}

/// A new place on `server`, reached through a network that can be cut.
pub(crate) fn behind_a_cutter(server: &Postgres) -> (Cutter, Settings) {
    let cutter = Cutter::before(server.port());
    let url = Postgres::over_tcp(&server.new_store(), "127.0.0.1", cutter.port());
    (cutter, settings(&url))
}

pub(crate) fn try_open(settings: &Settings) -> Result<Opened, OpenError> {
    let parts = Parts::default();
    let (clock, follower) = (parts.clock.clone(), parts.follower.clone());
    let projection = Arc::clone(&parts.projection);
    let store = PostgresStore::open(settings, clock, projection, follower)?;
    Ok(Opened { store, parts })
}

pub(crate) fn opened(settings: &Settings) -> Opened {
    try_open(settings).unwrap()
}

impl Opened {
    /// Opens an account of this name, in one entry.
    pub(crate) async fn commit(&self, name: &str) -> Result<Receipt, CommitError> {
        self.store.commit(Change::of(account(name, 0))).await
    }

    /// Shows that the commit is put off, for as long as the database is away.
    pub(crate) async fn puts_off(&self, name: &str) -> LaterCause {
        match self.commit(name).await {
            Err(CommitError::Later(cause)) => cause,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the store takes writes again, without any being tried.
    pub(crate) fn recovers(&self) {
        self.until("it takes writes", |health| {
            matches!(health, Health::Appending)
        });
    }

    pub(crate) fn until(&self, what: &str, is: impl Fn(&Health) -> bool) {
        let began = Instant::now();
        while !is(&self.store.health()) {
            let health = self.store.health();
            assert!(began.elapsed() < LONGEST_WAIT, "never: {what}: {health:?}");
            std::thread::yield_now();
        }
    }

    /// Shows that the journal is these accounts and nothing else, each once, in this order; that the
    /// follower was told so; and that the rows are what the journal adds up to.
    pub(crate) async fn has(&self, names: &[&str]) {
        let entries = self.store.entries(0, 10_000).await.unwrap();
        let kept: Vec<_> = entries
            .iter()
            .map(|one| one.entry.fields()["account"].as_str().unwrap())
            .collect();
        assert_eq!(kept, names);
        let seen = self.parts.follower.seen();
        let seen: Vec<_> = seen.iter().map(|one| one.index).collect();
        let all: Vec<_> = (0..names.len() as u64).collect();
        assert_eq!(seen, all);
        assert_eq!(self.store.head().size, names.len() as u64);
        self.store.verify_state(Source::default()).await.unwrap();
    }
}
