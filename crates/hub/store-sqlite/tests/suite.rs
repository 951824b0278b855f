//! The suite that every store passes, on SQLite.
#![cfg(test)]

use std::sync::Arc;

use ironroot_store::{BoxFuture, Loader, Store};
use ironroot_store_sqlite::{Settings, SqliteLoader, SqliteStore};
use ironroot_suites::{Backend, BoxError, Parts};
use tempfile::TempDir;

struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn settings(&self) -> Settings {
        Settings::new(self.folder.path().join("store.db"))
    }
}

impl Backend for Sqlite {
    fn open(&self, parts: Parts) -> BoxFuture<'_, Arc<dyn Store>> {
        let store = SqliteStore::open(
            &self.settings(),
            parts.clock,
            parts.projection,
            parts.follower,
        );
        Box::pin(async { Arc::new(store.unwrap()) as Arc<dyn Store> })
    }

    fn loader(&self, parts: Parts) -> BoxFuture<'_, Result<Box<dyn Loader>, BoxError>> {
        let loader = SqliteLoader::open(&self.settings(), parts.projection);
        Box::pin(async { Ok(Box::new(loader?) as Box<dyn Loader>) })
    }
}

ironroot_suites::store_suite!(Sqlite::fresh());
