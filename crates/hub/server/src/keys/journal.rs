//! The journal's keys in their sealed file: the one in force, and around a change of it the next or the former.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use ironroot_custody::files::{CustodyError, read_sealed, write_sealed};
use ironroot_custody::seal::SealKey;
use ironroot_journal::note::{BadKey, SigningKey, VerifierKey};
use ironroot_journal::succession::Succession;
use ironroot_secret::Secret;
use ironroot_time::{Rng, UnixTime};
use ironroot_tree::LogKeys;
use zeroize::Zeroizing;

use super::NoKeys;

/// What the sealed file holds.
///
/// Its lines are the name, the seed in force, and then what a change of key needs. The name stands there so that
/// a hub that is renamed later keeps its journal's name.
#[derive(Debug)]
pub struct JournalKeys {
    current: SigningKey,
    /// Takes over at the next start.
    next: Option<SigningKey>,
    /// Signs beside the current one for a while.
    former: Option<(SigningKey, UnixTime)>,
    /// The key before the current one, which never handed over.
    lost: Option<VerifierKey>,
}

impl JournalKeys {
    /// Reads them from the keys folder.
    ///
    /// # Errors
    /// [`NoKeys`] when the file is missing, does not open or holds something else.
    pub fn read(folder: &Path, seal: &SealKey) -> Result<Self, NoKeys> {
        match read_sealed(&folder.join(JOURNAL_FILE), seal, JOURNAL_CONTEXT) {
            Ok(secret) => Ok(Self::parse(secret.expose())?),
            Err(CustodyError::Io { cause, path, .. })
                if cause.kind() == io::ErrorKind::NotFound =>
            {
                Err(NoKeys::JournalMissing(path))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// Makes a key for a log of this name that begins now.
    ///
    /// # Errors
    /// [`BadKey`] when the name is none of a log.
    pub(super) fn make(name: &str, rng: &dyn Rng) -> Result<Self, BadKey> {
        Ok(Self {
            current: fresh(name, rng)?,
            next: None,
            former: None,
            lost: None,
        })
    }

    /// Makes the key that takes over at the next start.
    ///
    /// # Errors
    /// [`NoKeys::ChangeWaits`] when one does already.
    pub(super) fn rotate(&mut self, rng: &dyn Rng) -> Result<Succession, NoKeys> {
        if self.next.is_some() || self.lost.is_some() {
            return Err(NoKeys::ChangeWaits);
        }
        let next = fresh(self.current.verifier_key().name(), rng)?;
        let succession = Succession {
            from: self.current.verifier_key().clone(),
            to: next.verifier_key().clone(),
            lost: false,
        };
        self.next = Some(next);
        Ok(succession)
    }

    /// Makes the key that takes the place of a lost one at the next start.
    pub(super) fn replace_lost(lost: VerifierKey, rng: &dyn Rng) -> Result<Self, BadKey> {
        let keys = Self::make(lost.name(), rng)?;
        Ok(Self {
            lost: Some(lost),
            ..keys
        })
    }

    /// Keeps them in the keys folder.
    pub(super) fn keep(&self, folder: &Path, seal: &SealKey) -> Result<(), NoKeys> {
        let file = folder.join(JOURNAL_FILE);
        Ok(write_sealed(&file, seal, JOURNAL_CONTEXT, &self.to_text())?)
    }

    /// The key in force now.
    pub fn into_current(self) -> SigningKey {
        self.current
    }

    /// The change of key that is to be carried out at this start.
    pub fn change(&self) -> Option<Succession> {
        let (from, to, lost) = match (&self.next, &self.lost) {
            (Some(next), _) => (self.current.verifier_key(), next.verifier_key(), false),
            (None, Some(lost)) => (lost, self.current.verifier_key(), true),
            (None, None) => return None,
        };
        Some(Succession {
            from: from.clone(),
            to: to.clone(),
            lost,
        })
    }

    /// What signs the log from this start on.
    pub fn into_log_keys(self) -> LogKeys {
        match self.next {
            Some(next) => LogKeys {
                signing: next,
                former: Some(self.current),
                lost: None,
            },
            None => LogKeys {
                signing: self.current,
                former: self.former.map(|(key, _)| key),
                lost: self.lost,
            },
        }
    }

    /// Marks a change that was carried out as done, and forgets a former key that has signed long enough; says
    /// whether there was anything to do.
    fn settle(&mut self, now: UnixTime) -> bool {
        if let Some(next) = self.next.take() {
            let former = std::mem::replace(&mut self.current, next);
            self.former = Some((former, now.plus(COSIGNING)));
            return true;
        }
        let ended = self.former.take_if(|(_, until)| *until <= now);
        self.lost.take().is_some() || ended.is_some()
    }

    fn parse(text: &[u8]) -> Result<Self, BadKey> {
        let text = std::str::from_utf8(text).map_err(|_not_text| BadKey::Shape)?;
        let mut lines = text.lines();
        let (Some(name), Some(seed)) = (lines.next(), lines.next()) else {
            return Err(BadKey::Shape);
        };
        let mut keys = Self {
            current: from_hex(name, seed)?,
            next: None,
            former: None,
            lost: None,
        };
        for line in lines {
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("next"), Some(seed), None) => keys.next = Some(from_hex(name, seed)?),
                (Some("former"), Some(seed), Some(until)) => {
                    let until_s = until.parse().map_err(|_no_number| BadKey::Shape)?;
                    keys.former = Some((from_hex(name, seed)?, UnixTime::from_s(until_s)));
                }
                (Some("lost"), Some(key), None) => keys.lost = Some(key.parse()?),
                _ => return Err(BadKey::Shape),
            }
        }
        Ok(keys)
    }

    fn to_text(&self) -> Secret {
        // Room for all of it at once, so that no copy is left behind.
        let mut text = Zeroizing::new(Vec::with_capacity(TEXT_LENGTH_MAX));
        let mut line = |words: &[&str]| {
            for word in words {
                text.extend_from_slice(word.as_bytes());
            }
            text.push(b'\n');
        };
        line(&[self.current.verifier_key().name()]);
        line(&[&to_hex(&self.current)]);
        if let Some(next) = &self.next {
            line(&["next ", &to_hex(next)]);
        }
        if let Some((former, until)) = &self.former {
            line(&["former ", &to_hex(former), " ", &until.as_s().to_string()]);
        }
        if let Some(lost) = &self.lost {
            line(&["lost ", &lost.to_string()]);
        }
        Secret::from(text)
    }
}

/// Writes down that the change of key is done, and that a former key signs no longer than its time.
///
/// # Errors
/// [`NoKeys`] when the file cannot be read or written; the next start does it again.
pub fn settle(folder: &Path, seal: &SealKey, now: UnixTime) -> Result<(), NoKeys> {
    let mut keys = JournalKeys::read(folder, seal)?;
    if keys.settle(now) {
        keys.keep(folder, seal)?;
    }
    Ok(())
}

/// Puts a sealed file of the journal's key that does not open out of the way, if there is one.
pub(super) fn set_aside(folder: &Path) -> Result<(), NoKeys> {
    let path = folder.join(JOURNAL_FILE);
    match fs::rename(&path, path.with_extension("lost")) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(NoKeys::File { path, cause }),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn fresh(name: &str, rng: &dyn Rng) -> Result<SigningKey, BadKey> {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill(seed.as_mut());
    SigningKey::from_seed(name, &seed)
}

fn from_hex(name: &str, seed: &str) -> Result<SigningKey, BadKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(seed, bytes.as_mut()).map_err(|_not_hex| BadKey::Shape)?;
    SigningKey::from_seed(name, &bytes)
}

fn to_hex(key: &SigningKey) -> Zeroizing<String> {
    Zeroizing::new(hex::encode(key.seed().as_ref()))
}

/// The sealed file in the keys folder.
pub(super) const JOURNAL_FILE: &str = "journal.sealed";
pub(super) const JOURNAL_CONTEXT: &str = "ironroot journal key";
/// A name, three seeds and a verifier key at their longest.
const TEXT_LENGTH_MAX: usize = 1 << 10;
/// How long a former key goes on to sign, so that those who know it alone have time to take the new one.
const COSIGNING: Duration = Duration::from_secs(30 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::SystemRng;

    fn keys() -> JournalKeys {
        JournalKeys::make("hub.example/ironroot", &SystemRng).unwrap()
    }

    fn again(keys: &JournalKeys) -> JournalKeys {
        JournalKeys::parse(keys.to_text().expose()).unwrap()
    }

    #[test]
    fn a_change_of_key_is_kept_carried_out_and_forgotten_after_its_time() {
        let mut keys = keys();
        let start = UnixTime::from_s(1_000);
        let end = start.plus(COSIGNING);
        assert_eq!(again(&keys).change(), None);
        let change = keys.rotate(&SystemRng).unwrap();
        assert_eq!(again(&keys).change().as_ref(), Some(&change));
        assert!(matches!(keys.rotate(&SystemRng), Err(NoKeys::ChangeWaits)));
        assert!(keys.settle(start));
        let mut keys = again(&keys);
        assert_eq!(keys.current.verifier_key(), &change.to);
        assert!(!keys.settle(end.minus(Duration::from_secs(1))));
        assert!(keys.former.is_some());
        assert!(keys.settle(end));
        assert!(again(&keys).into_log_keys().former.is_none());
    }

    #[test]
    fn a_lost_key_is_named_until_the_new_one_has_taken_its_place() {
        let lost = keys().into_current().verifier_key().clone();
        let mut keys = JournalKeys::replace_lost(lost.clone(), &SystemRng).unwrap();
        let change = again(&keys).change().unwrap();
        assert!(change.lost && change.from == lost);
        assert!(keys.settle(UnixTime::from_s(1)));
        assert_eq!(again(&keys).change(), None);
    }

    #[test]
    fn refuses_a_text_that_holds_no_keys() {
        let whole = String::from_utf8(keys().to_text().expose().to_vec()).unwrap();
        let (next, prior) = (format!("{whole}next"), format!("{whole}prior x\n"));
        for wrong in ["", "name", "name\nxyz", &next, &prior] {
            assert!(JournalKeys::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
