//! The administrator's password: hashed with Argon2id, kept in the keyring, checked a few times and no more.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use argon2::password_hash::{self, PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use ironroot_registry::{Actor, Fact, PasswordSet};
use ironroot_secret::Secret;
use ironroot_time::{Rng, UnixTime};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::fault::{Blame, Fault};
use crate::ledger::{Ledger, NotRecorded, unreadable};

/// The least characters of a password that nothing else stands beside (NIST SP 800-63B-4, section 3.1.1.2).
pub const LENGTH_MIN: usize = 15;

/// The most bytes of a password.
pub const SIZE_MAX: usize = 256;

/// The least different characters: a key held down is no password.
const DIFFERENT_MIN: usize = 5;

/// How many passwords are stretched at the same time; each takes 19 MiB.
const STRETCHED_MAX: usize = 2;

/// How many wrong passwords one source may send at once, and how long each is remembered.
const SOURCE: Allowance = Allowance {
    tries: 10,
    each: Duration::from_secs(60),
};

/// The same for the account, wherever they come from.
const ACCOUNT: Allowance = Allowance {
    tries: 30,
    each: Duration::from_secs(30),
};

/// The most sources that are remembered; beyond them the account's allowance alone counts.
const SOURCES_MAX: usize = 4_096;

/// The keyring's name for the hash of a password.
fn password_secret(name: &str) -> String {
    format!("password/{name}")
}

/// One person's password.
#[derive(Debug)]
pub struct Password {
    /// Whose it is.
    name: &'static str,
    /// Its hash in PHC form, as the keyring holds it.
    hash: ArcSwapOption<Secret>,
    stretching: Arc<Semaphore>,
    tries: Mutex<Tries>,
}

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
pub enum PasswordRefused {
    /// It is too short.
    #[error("{found} characters; a password has at least {LENGTH_MIN}: several words do well")]
    TooShort {
        /// How many it has.
        found: usize,
    },
    /// It is too long.
    #[error("a password has at most {SIZE_MAX} bytes")]
    TooLong,
    /// It is one character over and over, or nearly.
    #[error("it has fewer than {DIFFERENT_MIN} different characters: several words do better")]
    Monotonous,
    /// The one that it replaces is wrong.
    #[error("the present password is wrong")]
    WrongCurrent,
    /// Too many wrong ones were sent.
    #[error(transparent)]
    TooMany(#[from] TooManyTries),
    /// It could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(password_hash::Error),
    /// The hub is stopping.
    #[error("the hub is stopping")]
    Stopping,
    /// It could not be recorded; the one before stays good.
    #[error("the password was not recorded")]
    NotRecorded(#[from] NotRecorded),
}

/// Too many wrong passwords were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong passwords: try again in {wait_s} s, or use a link of `ironroot sign-in`")]
pub struct TooManyTries {
    /// How long nobody is let in by password, in seconds.
    pub wait_s: u64,
}

impl PasswordRefused {
    /// The field of the request that is at fault, if one is.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::TooShort { .. } | Self::TooLong | Self::Monotonous => Some("password"),
            Self::WrongCurrent | Self::TooMany(_) => Some("current"),
            Self::Hash(_) | Self::Stopping | Self::NotRecorded(_) => None,
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::TooShort { .. } | Self::TooLong | Self::Monotonous | Self::WrongCurrent => {
                Fault::Sender(Blame::Content)
            }
            Self::TooMany(_) | Self::Stopping => Fault::Later,
            Self::Hash(_) => Fault::Ours,
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

impl Password {
    /// The password of `name`, as the keyring has it.
    ///
    /// # Errors
    /// [`NotRecorded`] when the keyring cannot be read.
    pub async fn open(name: &'static str, ledger: &Ledger) -> Result<Self, NotRecorded> {
        let kept = ledger.store().secret(&password_secret(name)).await;
        let kept = kept.map_err(unreadable)?;
        Ok(Self {
            name,
            hash: ArcSwapOption::from_pointee(kept),
            stretching: Arc::new(Semaphore::new(STRETCHED_MAX)),
            tries: Mutex::default(),
        })
    }

    /// Whether there is one.
    pub fn is_set(&self) -> bool {
        self.hash.load().is_some()
    }

    /// Whether `typed` is the password of `name`. A wrong one counts, before it is known to be wrong.
    ///
    /// # Errors
    /// [`TooManyTries`]; then nothing was compared.
    pub async fn matches(
        &self,
        name: &str,
        typed: Secret,
        source: Option<IpAddr>,
        now: UnixTime,
    ) -> Result<bool, TooManyTries> {
        self.tries.lock().take(source, now)?;
        let kept = self.hash.load_full();
        let right = match kept {
            Some(kept) if typed.expose().len() <= SIZE_MAX => {
                let compared = self.stretch(move || verifies(&typed, &kept)).await;
                // The name last: a wrong one takes as long as a right one.
                compared == Some(true) && name == self.name
            }
            _ => false,
        };
        if right {
            self.tries.lock().give_back(source);
        }
        Ok(right)
    }

    /// Puts `typed` in the place of the password.
    ///
    /// # Errors
    /// [`PasswordRefused`]; the one before stays good.
    pub async fn set(
        &self,
        typed: Secret,
        by: &Actor,
        ledger: &Ledger,
        rng: &dyn Rng,
    ) -> Result<u64, PasswordRefused> {
        check(&typed)?;
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        let hashed = self.stretch(move || hash(&typed, &salt)).await;
        let hashed = hashed.ok_or(PasswordRefused::Stopping)?;
        let hashed = hashed.map_err(PasswordRefused::Hash)?;
        let fact = Fact::from(PasswordSet {
            name: self.name.to_owned(),
            by: by.clone(),
        });
        let (secret, kept) = (password_secret(self.name), hashed.clone());
        let receipt = ledger
            .record_with(&fact, |change| change.keeping(secret, kept))
            .await?;
        self.hash.store(Some(Arc::new(hashed)));
        Ok(receipt.indices.start)
    }

    /// Has a thread do what takes its time; none when the hub is stopping.
    async fn stretch<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let turn = Arc::clone(&self.stretching).acquire_owned().await.ok()?;
        let done = spawn_blocking(move || {
            let _until_done = turn;
            work()
        });
        done.await.ok()
    }
}

fn check(typed: &Secret) -> Result<(), PasswordRefused> {
    if typed.expose().len() > SIZE_MAX {
        return Err(PasswordRefused::TooLong);
    }
    let text = String::from_utf8_lossy(typed.expose());
    let found = text.chars().count();
    if found < LENGTH_MIN {
        return Err(PasswordRefused::TooShort { found });
    }
    let mut different: Vec<_> = text.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN {
        return Err(PasswordRefused::Monotonous);
    }
    Ok(())
}

/// Argon2id (RFC 9106) at the cost that OWASP's cheat sheet for password storage names: 19 MiB, two passes.
fn argon2id() -> Result<Argon2<'static>, password_hash::Error> {
    let params = Params::new(19 * 1_024, 2, 1, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(typed: &Secret, salt: &[u8]) -> Result<Secret, password_hash::Error> {
    let salt = SaltString::encode_b64(salt)?;
    let hashed = argon2id()?.hash_password(typed.expose(), &salt)?;
    Ok(Secret::new(hashed.to_string().into_bytes()))
}

/// Compares in constant time; a hash that cannot be read lets nobody in.
fn verifies(typed: &Secret, kept: &Secret) -> bool {
    let text = String::from_utf8_lossy(kept.expose());
    match (PasswordHash::new(&text), argon2id()) {
        (Ok(hash), Ok(argon2id)) => argon2id.verify_password(typed.expose(), &hash).is_ok(),
        _ => false,
    }
}

/// How many wrong passwords are let through.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// At once.
    tries: u32,
    /// One more after so long.
    each: Duration,
}

/// Wrong passwords that are remembered: when each source, and the account, would have its whole allowance again.
#[derive(Debug, Default)]
struct Tries {
    account: Spent,
    sources: HashMap<IpAddr, Spent>,
}

/// The moment at which an allowance is whole again.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    whole_at_ms: u64,
}

impl Tries {
    fn take(&mut self, source: Option<IpAddr>, now: UnixTime) -> Result<(), TooManyTries> {
        let now = now.as_ms();
        self.sources
            .retain(|_source, spent| now < spent.whole_at_ms);
        self.account.check(ACCOUNT, now)?;
        if let Some(source) = source
            && (self.sources.len() < SOURCES_MAX || self.sources.contains_key(&source))
        {
            let spent = self.sources.entry(source).or_default();
            spent.check(SOURCE, now)?;
            spent.take(SOURCE, now);
        }
        self.account.take(ACCOUNT, now);
        Ok(())
    }

    /// After a right password.
    fn give_back(&mut self, source: Option<IpAddr>) {
        self.account.give_back(ACCOUNT);
        if let Some(spent) = source.and_then(|source| self.sources.get_mut(&source)) {
            spent.give_back(SOURCE);
        }
    }
}

impl Spent {
    fn check(self, allowance: Allowance, now: u64) -> Result<(), TooManyTries> {
        let each = allowance.each_ms();
        let most = now.saturating_add(each.saturating_mul(u64::from(allowance.tries)));
        let next = self.whole_at_ms.max(now).saturating_add(each);
        match next.checked_sub(most) {
            None | Some(0) => Ok(()),
            Some(wait) => Err(TooManyTries {
                wait_s: wait.div_ceil(1_000),
            }),
        }
    }

    fn take(&mut self, allowance: Allowance, now: u64) {
        self.whole_at_ms = self
            .whole_at_ms
            .max(now)
            .saturating_add(allowance.each_ms());
    }

    fn give_back(&mut self, allowance: Allowance) {
        self.whole_at_ms = self.whole_at_ms.saturating_sub(allowance.each_ms());
    }
}

impl Allowance {
    fn each_ms(self) -> u64 {
        u64::try_from(self.each.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_password_is_long_and_not_one_character_over_and_over() {
        assert!(check(&secret("correct horse battery")).is_ok());
        assert!(
            check(&secret("þ1234567890abcd")).is_ok(),
            "15 characters, not bytes"
        );
        assert!(matches!(
            check(&secret("fourteen chars")),
            Err(PasswordRefused::TooShort { found: 14 })
        ));
        assert!(matches!(
            check(&secret(&"ab".repeat(10))),
            Err(PasswordRefused::Monotonous)
        ));
        assert!(check(&secret(&"abcdefgh".repeat(32))).is_ok());
        assert!(matches!(
            check(&secret(&"abcdefghi".repeat(29))),
            Err(PasswordRefused::TooLong)
        ));
    }

    #[test]
    fn a_hash_is_argon2id_with_the_cost_that_owasp_names_and_salted() {
        let (one, other) = (
            hash(&secret("correct horse battery"), &[1; 16]).unwrap(),
            hash(&secret("correct horse battery"), &[2; 16]).unwrap(),
        );
        assert!(one.expose().starts_with(b"$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(one.expose(), other.expose());
        assert!(verifies(&secret("correct horse battery"), &one));
        assert!(!verifies(&secret("correct horse batterz"), &one));
        assert!(!verifies(&secret(""), &secret("no hash")));
    }

    #[test]
    fn a_source_has_ten_tries_and_one_more_a_minute() {
        let (mut tries, source) = (Tries::default(), Some(IpAddr::from([10, 0, 0, 1])));
        let now = UnixTime::from_s(1_000);
        for _ in 0..10 {
            tries.take(source, now).unwrap();
        }
        assert_eq!(tries.take(source, now), Err(TooManyTries { wait_s: 60 }));
        assert!(tries.take(Some(IpAddr::from([10, 0, 0, 2])), now).is_ok());
        assert!(tries.take(source, UnixTime::from_s(1_060)).is_ok());
        assert!(tries.take(source, UnixTime::from_s(1_060)).is_err());
    }

    #[test]
    fn an_account_has_thirty_tries_wherever_they_come_from() {
        let mut tries = Tries::default();
        let now = UnixTime::from_s(1_000);
        let source = |n: u8| Some(IpAddr::from([10, 0, 0, n]));
        for n in 0..30 {
            tries.take(source(n), now).unwrap();
        }
        assert_eq!(
            tries.take(source(31), now),
            Err(TooManyTries { wait_s: 30 })
        );
    }

    #[test]
    fn a_right_password_costs_nothing() {
        let (mut tries, source) = (Tries::default(), Some(IpAddr::from([10, 0, 0, 1])));
        for _ in 0..100 {
            tries.take(source, UnixTime::from_s(1_000)).unwrap();
            tries.give_back(source);
        }
    }

    #[test]
    fn the_sources_that_are_remembered_are_bounded() {
        let mut tries = Tries::default();
        for n in 0..20_000_u32 {
            let source = Some(IpAddr::from(n.to_be_bytes()));
            let _refused_or_not = tries.take(source, UnixTime::from_s(1_000));
        }
        assert!(tries.sources.len() <= SOURCES_MAX);
    }
}
