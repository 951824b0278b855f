//! The tokens of the API: digests in the keyring, and a file with the owner's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use ironroot_registry::{Actor, Fact, Row, TokenIssued, TokenRevoked, TokenRow};
use ironroot_secret::Secret;
use ironroot_store::KeyRange;
use ironroot_time::Rng;
use parking_lot::RwLock;
use zeroize::Zeroizing;

use super::secrets::{new_token, token_digest, token_matches, token_secret};
use crate::fault::{Blame, Fault};
use crate::files::{self, Mode, NotWritten};
use crate::ledger::{Ledger, NotRecorded, unreadable};

/// The name of the owner's token, which lies in a file of the data folder.
pub const ADMIN: &str = "admin";

/// The most tokens, the owner's counted in.
pub const TOKENS_MAX: usize = 64;

/// Who may ask the API.
#[derive(Debug)]
pub struct Tokens {
    /// The digests by their names, as the keyring holds them.
    digests: RwLock<BTreeMap<String, Secret>>,
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
    /// A row cannot be read.
    #[error("a row of the state is damaged: `ironroot journal rebuild` makes it again")]
    DamagedRow(#[from] serde_json::Error),
    /// Somebody has a token of this name.
    #[error("there is a token of {0} already: revoke it first, or take another name")]
    Taken(String),
    /// There are enough.
    #[error("there are {TOKENS_MAX} tokens already: revoke one first")]
    TooMany,
    /// The owner's token is changed, not revoked.
    #[error(
        "the token of admin is what the command line works with: change it with `ironroot token rotate`"
    )]
    Owners,
}

impl NoToken {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotRecorded(cause) => cause.fault(),
            Self::File(_) | Self::DamagedRow(_) => Fault::Ours,
            Self::Taken(_) | Self::TooMany | Self::Owners => Fault::Sender(Blame::State),
        }
    }
}

impl Tokens {
    /// The owner's token of this digest, kept in `file`, and no other.
    pub fn new(digest: Secret, file: PathBuf) -> Self {
        Self {
            digests: RwLock::new(BTreeMap::from([(ADMIN.to_owned(), digest)])),
            file,
        }
    }

    /// Takes in every token of the state, and brings the owner's file and the keyring into step: a file that is
    /// lost, or is another, gets a new token.
    ///
    /// # Errors
    /// [`NoToken`] when a new one cannot be written or recorded.
    pub async fn open(file: PathBuf, ledger: &Ledger, rng: &dyn Rng) -> Result<Self, NoToken> {
        let mut digests = BTreeMap::new();
        let store = ledger.store();
        let rows = store.rows(TokenRow::TABLE, KeyRange::all(), TOKENS_MAX);
        for row in rows.await.map_err(unreadable)? {
            let row: TokenRow = serde_json::from_slice(&row.value)?;
            let kept = store.secret(&token_secret(&row.name)).await;
            digests.extend(kept.map_err(unreadable)?.map(|kept| (row.name, kept)));
        }
        let read = fs::read_to_string(&file).map(Zeroizing::new);
        let known = digests.get(ADMIN);
        let in_step =
            read.is_ok_and(|token| known.is_some_and(|kept| token_matches(token.trim(), kept)));
        let tokens = Self {
            digests: RwLock::new(digests),
            file,
        };
        if !in_step {
            let token = new_token(rng);
            // The file first: a token that is in the keyring alone would shut its owner out.
            tokens.write(&token)?;
            tokens.keep(ledger, ADMIN, &token, None).await?;
        }
        Ok(tokens)
    }

    /// Whose token this is. Every digest is compared, each in constant time.
    pub fn holder(&self, token: &str) -> Option<String> {
        let digests = self.digests.read();
        let known = digests
            .iter()
            .filter(|(_name, digest)| token_matches(token, digest));
        known.fold(None, |_found, (name, _digest)| Some(name.clone()))
    }

    /// Makes a token for `name`.
    ///
    /// # Errors
    /// [`NoToken`] when the name is taken, or it cannot be recorded.
    pub async fn make(
        &self,
        name: &str,
        by: Actor,
        ledger: &Ledger,
        rng: &dyn Rng,
    ) -> Result<(Zeroizing<String>, u64), NoToken> {
        {
            let digests = self.digests.read();
            if digests.contains_key(name) {
                return Err(NoToken::Taken(name.to_owned()));
            }
            if digests.len() >= TOKENS_MAX {
                return Err(NoToken::TooMany);
            }
        }
        let token = new_token(rng);
        let entry = self.keep(ledger, name, &token, Some(by)).await?;
        Ok((token, entry))
    }

    /// Takes the token of `name` away; returns the entry.
    ///
    /// # Errors
    /// [`NoToken`] for the owner's, and when there is none.
    pub async fn revoke(&self, name: &str, by: Actor, ledger: &Ledger) -> Result<u64, NoToken> {
        if name == ADMIN {
            return Err(NoToken::Owners);
        }
        let fact = Fact::from(TokenRevoked {
            name: name.to_owned(),
            by,
        });
        let receipt = ledger
            .record_with(&fact, |change| change.shredding(token_secret(name)))
            .await?;
        self.digests.write().remove(name);
        Ok(receipt.indices.start)
    }

    /// Puts a new token in the place of the owner's.
    ///
    /// # Errors
    /// [`NoToken`] when it cannot be recorded or written.
    pub async fn rotate(
        &self,
        by: Actor,
        ledger: &Ledger,
        rng: &dyn Rng,
    ) -> Result<Zeroizing<String>, NoToken> {
        let token = new_token(rng);
        self.keep(ledger, ADMIN, &token, Some(by)).await?;
        self.write(&token)?;
        Ok(token)
    }

    async fn keep(
        &self,
        ledger: &Ledger,
        name: &str,
        token: &str,
        by: Option<Actor>,
    ) -> Result<u64, NotRecorded> {
        let fact = Fact::from(TokenIssued {
            name: name.to_owned(),
            by,
        });
        let (digest, kept) = (token_digest(token), token_digest(token));
        let receipt = ledger
            .record_with(&fact, |change| change.keeping(token_secret(name), kept))
            .await?;
        self.digests.write().insert(name.to_owned(), digest);
        Ok(receipt.indices.start)
    }

    fn write(&self, token: &Zeroizing<String>) -> Result<(), NotWritten> {
        let line = Zeroizing::new(format!("{}\n", **token));
        files::write(&self.file, line.as_bytes(), Mode::Private)
    }
}
