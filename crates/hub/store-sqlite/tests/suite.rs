//! The suite that every store passes, on SQLite.
#![cfg(test)]

use std::sync::Arc;

use ironroot_store::{BoxFuture, Store};
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_suites::{Backend, Parts};
use tempfile::TempDir;

struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }
}

impl Backend for Sqlite {
    fn open(&self, parts: Parts) -> BoxFuture<'_, Arc<dyn Store>> {
        let settings = Settings::new(self.folder.path().join("store.db"));
        let store = SqliteStore::open(&settings, parts.clock, parts.projection, parts.follower);
        Box::pin(async { Arc::new(store.unwrap()) as Arc<dyn Store> })
    }
}

ironroot_suites::store_suite!(Sqlite::fresh());
