//! The suite that every store passes, on PostgreSQL.
#![cfg(test)]

use std::sync::Arc;

use ironroot_store::{BoxFuture, Loader, Store};
use ironroot_store_postgres::{PostgresLoader, PostgresStore, Settings};
use ironroot_suites::{Backend, BoxError, Parts};
use ironroot_testkit::Postgres;

struct OwnDatabase {
    settings: Settings,
    /// Ends with the last test.
    _server: Arc<Postgres>,
}

impl OwnDatabase {
    fn fresh() -> Self {
        let server = Postgres::shared();
        Self {
            settings: Settings::new(server.new_store().parse().unwrap()),
            _server: server,
        }
    }
}

impl Backend for OwnDatabase {
    fn open(&self, parts: Parts) -> BoxFuture<'_, Arc<dyn Store>> {
        let store = PostgresStore::open(
            &self.settings,
            parts.clock,
            parts.projection,
            parts.follower,
        );
        Box::pin(async { Arc::new(store.unwrap()) as Arc<dyn Store> })
    }

    fn loader(&self, parts: Parts) -> BoxFuture<'_, Result<Box<dyn Loader>, BoxError>> {
        let loader = PostgresLoader::open(&self.settings, parts.projection);
        Box::pin(async { Ok(Box::new(loader?) as Box<dyn Loader>) })
    }

    fn runs(&self) -> u32 {
        8
    }
}

ironroot_suites::store_suite!(OwnDatabase::fresh());
