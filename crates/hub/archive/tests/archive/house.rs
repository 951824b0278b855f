//! A store in a folder of its own, with the hub's own fold, and what can be done to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ironroot_archive::{Snapshot, Snapshots, from_newest};
use ironroot_registry::{Fact, Fold, ProfileSet, SnapshotTaken};
use ironroot_store::{
    Change, Committed, Follower, JournalReader, Source, StateDigest, StateError, Store,
};
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_suites::SetClock;
use tempfile::TempDir;

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) snapshots: Snapshots,
}

struct Nobody;

impl Follower for Nobody {
    fn follow(&self, _: &[Committed]) {}
}

/// A store with two profiles: entries 0 and 1.
pub(crate) async fn house() -> House {
    let house = House::open(tempfile::tempdir().unwrap());
    house.sets("one").await;
    house.sets("two").await;
    house
}

impl House {
    /// The store in `folder`, made if there is none.
    pub(crate) fn open(folder: TempDir) -> Self {
        let settings = Settings::new(folder.path().join("store.sqlite"));
        let (clock, fold) = (Arc::new(SetClock::default()), Arc::new(Fold));
        let store = SqliteStore::open(&settings, clock, fold, Arc::new(Nobody)).unwrap();
        Self {
            store: Arc::new(store),
            snapshots: Snapshots::new(&folder.path().join("snapshots")),
            folder,
        }
    }

    /// Closes the store and leaves its files.
    pub(crate) fn close(self) -> TempDir {
        self.folder
    }

    pub(crate) async fn records(&self, fact: &Fact) -> u64 {
        let change = Change::of(fact.draft().unwrap());
        self.store.commit(change).await.unwrap().indices.start
    }

    /// One more entry, and a row that it changes.
    pub(crate) async fn sets(&self, name: &str) -> u64 {
        let text = "evidence = \"none\"\n[topics]\npublish = [\"d/{device}/up/#\"]\n";
        let text = format!("name = \"{name}\"\n{text}");
        let name = name.parse().unwrap();
        self.records(&Fact::from(ProfileSet {
            name,
            text,
            by: None,
        }))
        .await
    }

    /// Takes a snapshot and records it.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let taken = self.snapshots.take(&*self.store, Source::default());
        let taken = taken.unwrap();
        let (entries, state) = (taken.entries, taken.state.to_string());
        self.records(&Fact::from(SnapshotTaken { entries, state }))
            .await;
        taken
    }

    /// Checks the state from the newest good snapshot; which one that was, and what was refused before.
    pub(crate) async fn verifies(&self) -> (Option<u64>, Vec<Refused>) {
        let (used, refused, digest) = self.starts().await.unwrap();
        assert_eq!(digest, self.store.state_digest().await.unwrap());
        (used.map(|used| used.entries), refused)
    }

    pub(crate) async fn starts(
        &self,
    ) -> Result<(Option<Snapshot>, Vec<Refused>, StateDigest), StateError> {
        let (store, snapshots) = (self.store.clone(), self.snapshots.clone());
        let handle = tokio::runtime::Handle::current();
        let verified = tokio::task::spawn_blocking(move || {
            let mut refused = Vec::new();
            let journal: &dyn JournalReader = &*store;
            let tell = &mut |path: &Path, cause: &dyn std::error::Error| {
                refused.push((path.to_owned(), cause.to_string()));
            };
            let attempt = |source| handle.block_on(store.verify_state(source));
            let (used, digest) = from_newest(&snapshots, journal, None, tell, attempt)?;
            Ok((used, refused, digest))
        });
        verified.await.unwrap()
    }
}

pub(crate) type Refused = (PathBuf, String);
