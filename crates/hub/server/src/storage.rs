//! Which database a store's URL means, and how it is opened: the one place that knows.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use ironroot_registry::{Fold, Registry};
use ironroot_store::{Follower, Loader, Projection, Store, StoreReader};
use ironroot_store_postgres::{PostgresJournal, PostgresLoader, PostgresStore, PostgresUrl};
use ironroot_store_sqlite::{Settings, SqliteJournal, SqliteLoader, SqliteStore};
use ironroot_time::Clock;

use ironroot_machine::SystemClock;

/// Where a hub's store is: what `--store` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite:FILE`.
    Sqlite(PathBuf),
    /// `postgres://USER@HOST/DATABASE`.
    Postgres(PostgresUrl),
}

/// What is wrong with the text of a store's URL.
#[derive(Debug, thiserror::Error)]
pub enum BadStoreUrl {
    /// It names no store.
    #[error(
        "write sqlite:FILE or postgres://USER@HOST/DATABASE, or leave it out for SQLite in the data directory"
    )]
    NoStore,
    /// It names a database in PostgreSQL, and not well.
    #[error(transparent)]
    Postgres(#[from] ironroot_store_postgres::BadUrl),
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
#[error("the store {url} cannot be opened")]
pub struct NotOpened {
    /// Which.
    pub url: StoreUrl,
    /// Why.
    #[source]
    pub cause: NotOpenedCause,
}

/// What a backend said.
#[derive(Debug, thiserror::Error)]
pub enum NotOpenedCause {
    /// There is nothing to read there.
    #[error("there is no store: name the data directory with --data, or the store with --store")]
    Absent,
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] ironroot_store_sqlite::OpenError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] ironroot_store_postgres::OpenError),
}

/// What a store is opened with.
#[derive(Clone)]
pub struct Parts {
    /// Gives entries their time.
    pub clock: Arc<dyn Clock>,
    /// The fold.
    pub projection: Arc<dyn Projection>,
    /// Who is told of entries before their authors are.
    pub follower: Arc<dyn Follower>,
    /// The most bytes that a file may take; a database server has bounds of its own.
    pub size_max: Option<u64>,
}

impl Parts {
    /// For a command that works on a store without a hub.
    pub fn offline() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            projection: Arc::new(Fold),
            follower: Arc::new(Registry::default()),
            size_max: None,
        }
    }
}

impl StoreUrl {
    /// The store of a data folder for which no other is named.
    pub fn default_in(data: &Path) -> Self {
        Self::Sqlite(data.join("store.sqlite"))
    }

    /// Opens the store for writing, and makes it if there is none. It blocks.
    ///
    /// # Errors
    /// [`NotOpened`] when another hub has it open, or when it cannot be used.
    pub fn open(&self, parts: Parts) -> Result<Arc<dyn Store>, NotOpened> {
        match self {
            Self::Sqlite(path) => {
                let settings = Settings {
                    path: path.clone(),
                    size_max: parts.size_max,
                };
                SqliteStore::open(&settings, parts.clock, parts.projection, parts.follower)
                    .map(|store| Arc::new(store) as Arc<dyn Store>)
                    .map_err(|cause| self.not_opened(cause))
            }
            Self::Postgres(url) => {
                let settings = ironroot_store_postgres::Settings::new(url.clone());
                PostgresStore::open(&settings, parts.clock, parts.projection, parts.follower)
                    .map(|store| Arc::new(store) as Arc<dyn Store>)
                    .map_err(|cause| self.not_opened(cause))
            }
        }
    }

    /// Opens the store for writing where there is one already. It blocks.
    ///
    /// # Errors
    /// [`NotOpened`]; also when there is none.
    pub fn open_existing(&self, parts: Parts) -> Result<Arc<dyn Store>, NotOpened> {
        match self {
            Self::Sqlite(path) if !path.exists() => Err(self.not_opened(NotOpenedCause::Absent)),
            Self::Sqlite(_) => self.open(parts),
            Self::Postgres(_) => {
                self.open_reader()?;
                self.open(parts)
            }
        }
    }

    /// Opens the store for reading alone, beside a running hub or with none. It blocks.
    ///
    /// # Errors
    /// [`NotOpened`] when there is none, or when it cannot be used.
    pub fn open_reader(&self) -> Result<Box<dyn StoreReader>, NotOpened> {
        match self {
            Self::Sqlite(path) if !path.exists() => Err(self.not_opened(NotOpenedCause::Absent)),
            Self::Sqlite(path) => SqliteJournal::open(path)
                .map(|journal| Box::new(journal) as Box<dyn StoreReader>)
                .map_err(|cause| self.not_opened(cause)),
            Self::Postgres(url) => {
                let settings = ironroot_store_postgres::Settings::new(url.clone());
                match PostgresJournal::open(&settings) {
                    Ok(journal) => Ok(Box::new(journal)),
                    Err(ironroot_store_postgres::OpenError::Absent) => {
                        Err(self.not_opened(NotOpenedCause::Absent))
                    }
                    Err(cause) => Err(self.not_opened(cause)),
                }
            }
        }
    }

    /// Opens an empty store, or one that was not filled to its end, to be filled from a dump. It blocks.
    ///
    /// # Errors
    /// [`NotOpened`] when anything is in the store, or when it cannot be used.
    pub fn open_loader(
        &self,
        projection: Arc<dyn Projection>,
    ) -> Result<Box<dyn Loader>, NotOpened> {
        match self {
            Self::Sqlite(path) => SqliteLoader::open(&Settings::new(path), projection)
                .map(|loader| Box::new(loader) as Box<dyn Loader>)
                .map_err(|cause| self.not_opened(cause)),
            Self::Postgres(url) => {
                let settings = ironroot_store_postgres::Settings::new(url.clone());
                PostgresLoader::open(&settings, projection)
                    .map(|loader| Box::new(loader) as Box<dyn Loader>)
                    .map_err(|cause| self.not_opened(cause))
            }
        }
    }

    fn not_opened(&self, cause: impl Into<NotOpenedCause>) -> NotOpened {
        NotOpened {
            url: self.clone(),
            cause: cause.into(),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = BadStoreUrl;

    fn from_str(text: &str) -> Result<Self, BadStoreUrl> {
        match text.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(file.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.parse()?)),
            Some(_) | None => Err(BadStoreUrl::NoStore),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => fmt::Display::fmt(url, f),
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_printed_as_it_was_written() {
        for url in [
            "sqlite:/var/lib/ironroot/store.sqlite",
            "postgres://hub@localhost/fleet",
        ] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().to_string(), url);
        }
    }

    #[test]
    fn refuses_what_names_no_store() {
        for text in [
            "",
            "floppy",
            "sqlite:",
            "sqlite",
            "/store.sqlite",
            "postgres:",
            "postgres://localhost",
        ] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn refuses_to_read_or_rebuild_a_store_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::default_in(folder.path());
        let absent = |refused: NotOpened| matches!(refused.cause, NotOpenedCause::Absent);
        assert!(url.open_reader().is_err_and(absent));
        assert!(url.open_existing(Parts::offline()).is_err_and(absent));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
