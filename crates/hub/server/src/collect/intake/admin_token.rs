//! The token of the API: its digest, the file that its holder reads it from, and its change for a new one.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ironroot_registry::Fact;
use ironroot_secret::Secret;
use ironroot_time::Rng;
use zeroize::Zeroizing;

use super::secrets::{new_token, token_digest, token_matches, token_secret};
use crate::fault::Fault;
use crate::files::{self, Mode, NotWritten};
use crate::ledger::{Ledger, NotRecorded, unreadable};

/// The name of the token.
pub const ADMIN: &str = "admin";

/// The token that everything at the API is asked with.
#[derive(Debug)]
pub struct AdminToken {
    /// As the keyring holds it.
    digest: ArcSwap<Secret>,
    file: PathBuf,
}

/// Why there is no token, or no new one.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// It cannot be recorded, and the old one stays good.
    #[error("the token was not recorded")]
    NotRecorded(#[from] NotRecorded),
    /// Its file cannot be written.
    #[error("the token's file cannot be written; the next start makes a new token")]
    File(#[from] NotWritten),
}

impl NoToken {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotRecorded(cause) => cause.fault(),
            Self::File(_) => Fault::Ours,
        }
    }
}

impl AdminToken {
    /// The token of this digest, kept in `file`.
    pub fn new(digest: Secret, file: PathBuf) -> Self {
        Self {
            digest: ArcSwap::from_pointee(digest),
            file,
        }
    }

    /// Brings file and keyring into step: a file that is lost, or is another, gets a new token.
    ///
    /// # Errors
    /// [`NoToken`] when a new one cannot be written or recorded.
    pub async fn keep(file: PathBuf, ledger: &Ledger, rng: &dyn Rng) -> Result<Self, NoToken> {
        let kept = ledger.store().secret(&token_secret(ADMIN)).await;
        let kept = kept.map_err(unreadable)?;
        let read = fs::read_to_string(&file).map(Zeroizing::new);
        if let (Ok(token), Some(kept)) = (read, kept)
            && token_matches(token.trim(), &kept)
        {
            return Ok(Self::new(kept, file));
        }
        let token = new_token(rng);
        let new = Self::new(token_digest(&token), file);
        // The file first: a token that is in the keyring alone would shut its owner out.
        new.write(&token)?;
        record(ledger, &token).await?;
        Ok(new)
    }

    /// Whether this is the token, in constant time.
    pub fn matches(&self, token: &str) -> bool {
        token_matches(token, &self.digest.load())
    }

    /// Puts a new token in the place of the one that is good now.
    ///
    /// # Errors
    /// [`NoToken`] when it cannot be recorded or written.
    pub async fn rotate(
        &self,
        ledger: &Ledger,
        rng: &dyn Rng,
    ) -> Result<Zeroizing<String>, NoToken> {
        let token = new_token(rng);
        record(ledger, &token).await?;
        self.digest.store(Arc::new(token_digest(&token)));
        self.write(&token)?;
        Ok(token)
    }

    fn write(&self, token: &Zeroizing<String>) -> Result<(), NotWritten> {
        let line = Zeroizing::new(format!("{}\n", **token));
        files::write(&self.file, line.as_bytes(), Mode::Private)
    }
}

async fn record(ledger: &Ledger, token: &str) -> Result<(), NotRecorded> {
    let fact = Fact::TokenIssued {
        name: ADMIN.to_owned(),
    };
    let digest = token_digest(token);
    ledger
        .record_with(&fact, |change| change.keeping(token_secret(ADMIN), digest))
        .await
        .map(drop)
}
