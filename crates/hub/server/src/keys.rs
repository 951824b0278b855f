//! The hub's keys at start-up: made at the first start, opened at every other.

pub mod command;
pub mod journal;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ironroot_custody::files::CustodyError;
use ironroot_custody::folder::{KeysFolder, NoSealKey, Sources};
use ironroot_custody::seal::SealKey;
use ironroot_journal::note::{BadKey, SigningKey};
use ironroot_pki::authority::{
    Authority, AuthorityError, CaKey, KeyUri, ROOT_FILE, fingerprint, is_requested,
};
use ironroot_time::{Rng, UnixTime};

use self::journal::{JOURNAL_CONTEXT, JOURNAL_FILE, JournalKeys};

/// What the hub signs with.
#[derive(Debug)]
pub struct Keys {
    /// The CA.
    pub authority: Authority,
    /// The journal's keys, apart from the CA's.
    pub journal: JournalKeys,
    /// What all of them are sealed under.
    pub seal: SealKey,
    /// The folder they lie in, which no other program may change as long as this is held.
    pub folder: KeysFolder,
}

/// Whether keys may be made where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This is the hub's first start.
    Make,
    /// The hub has a journal already: a new CA would shut every device out.
    Refuse,
}

/// Why the hub has no keys.
#[derive(Debug, thiserror::Error)]
pub enum NoKeys {
    /// A file cannot be set aside.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// There is no sealing key.
    #[error(transparent)]
    SealKey(#[from] NoSealKey),
    /// A sealed file cannot be read, written or opened.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The CA cannot be made or opened.
    #[error("the CA's keys")]
    Authority(#[from] AuthorityError),
    /// The journal's key is damaged.
    #[error("the journal's key")]
    Journal(#[from] BadKey),
    /// A root elsewhere was asked for the hub's first CA.
    #[error("a certificate for this hub's CA was requested and is not installed: run `ironroot ca install FILE` with what the root's keeper sent, or, for a root of the hub's own, remove {}/requested-ca.sealed", .0.display())]
    Requested(PathBuf),
    /// The journal's key is not there.
    #[error("{} is missing, and with it the journal's key: put it back from a backup, or start a new key with: ironroot keys rotate journal --lost", .0.display())]
    JournalMissing(PathBuf),
    /// A new key of the journal waits already.
    #[error("a new key of the journal waits already: start the hub, which hands over to it")]
    ChangeWaits,
    /// The hub has a journal and no CA.
    #[error("{} holds no CA, and this hub had one: put the folder back from a backup; with a new CA every device would have to enrol again", .0.display())]
    Missing(PathBuf),
}

/// What the operator names for the keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Named<'a> {
    /// Where the sealing key comes from.
    pub sources: Sources<'a>,
    /// The token that is to keep the issuing CA's key.
    pub ca_key: Option<&'a KeyUri>,
}

/// What keys are called when they are made.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// The journal's name.
    pub journal: &'a str,
    /// What the names of the CAs begin with.
    pub ca: &'a str,
}

/// Opens the keys in `folder`, or makes them, under these names, at the first start.
///
/// # Errors
/// [`NoKeys`] says which file is wrong and what to do.
pub fn open(
    folder: &Path,
    named: Named<'_>,
    absent: Absent,
    called: Called<'_>,
    now: UnixTime,
    rng: &dyn Rng,
) -> Result<Keys, NoKeys> {
    let name = called.journal;
    let exists = Authority::exists(folder);
    if !exists && absent == Absent::Refuse {
        return Err(NoKeys::Missing(folder.to_owned()));
    }
    if !exists && is_requested(folder) {
        return Err(NoKeys::Requested(folder.to_owned()));
    }
    let held = KeysFolder::hold(folder)?;
    if exists {
        let seal = held.open_key(named.sources)?;
        let authority = Authority::load(folder, &seal)?;
        if named.ca_key.is_some() && authority.token_keys().is_empty() {
            tracing::warn!(
                "The issuing CA's key lies in a sealed file: the token that is named counts when an issuing CA is made."
            );
        }
        // Before anything wants a signature: so the answer is the token's own.
        if let Some(token) = authority.current().key().token() {
            token.probe().map_err(AuthorityError::from)?;
        }
        return Ok(Keys {
            authority,
            journal: match absent {
                // The CA may have been installed before the first start.
                Absent::Make => make_journal_key(folder, &seal, name, rng)?,
                Absent::Refuse => JournalKeys::read(folder, &seal)?,
            },
            seal,
            folder: held,
        });
    }
    let seal = held.make_key(named.sources, now)?;
    // The journal's key comes first: the CA's file says that all of them are there.
    let journal = make_journal_key(folder, &seal, name, rng)?;
    set_aside_unused_root(folder)?;
    let ca_key = match named.ca_key {
        None => CaKey::generate().map_err(AuthorityError::from)?,
        Some(token) => CaKey::generate_on(token.clone()).map_err(AuthorityError::from)?,
    };
    let authority = Authority::create_with(ca_key, called.ca, folder, &seal, now)?;
    Ok(Keys {
        authority,
        journal,
        seal,
        folder: held,
    })
}

/// A first start that was killed may have left a root without an issuing CA: it has issued nothing.
fn set_aside_unused_root(folder: &Path) -> Result<(), NoKeys> {
    let root = folder.join(ROOT_FILE);
    match fs::rename(&root, root.with_extension("unused")) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(NoKeys::File { path: root, cause })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn make_journal_key(
    folder: &Path,
    seal: &SealKey,
    name: &str,
    rng: &dyn Rng,
) -> Result<JournalKeys, NoKeys> {
    if !folder.join(JOURNAL_FILE).exists() {
        JournalKeys::make(name, rng)?.keep(folder, seal)?;
    }
    JournalKeys::read(folder, seal)
}

/// Makes a key for a log that begins now, in place of the one that was there.
///
/// # Errors
/// [`NoKeys`] when the file cannot be written.
pub fn replace_journal_key(
    folder: &Path,
    seal: &SealKey,
    name: &str,
    rng: &dyn Rng,
) -> Result<SigningKey, NoKeys> {
    let keys = JournalKeys::make(name, rng)?;
    keys.keep(folder, seal)?;
    Ok(keys.into_current())
}

/// The journal's key in force, in `folder`.
///
/// # Errors
/// [`NoKeys`] when the file cannot be opened.
pub fn journal_key(folder: &Path, seal: &SealKey) -> Result<SigningKey, NoKeys> {
    JournalKeys::read(folder, seal).map(JournalKeys::into_current)
}

/// What the sealed file with this stem was sealed for.
pub(crate) fn context(stem: &str) -> String {
    match stem {
        "journal" => JOURNAL_CONTEXT.to_owned(),
        authority => authority.to_owned(),
    }
}

/// The hub's key as people compare it: `SHA256:7c1f 09e4 b2a6 5d13`, the first bytes of its root CA's fingerprint.
pub fn compared(root: &[u8]) -> String {
    let digits = fingerprint(root).to_string();
    let group = |n: usize| digits.get(4 * n..4 * n + 4);
    let groups: Vec<_> = (0..4).filter_map(group).collect();
    format!("SHA256:{}", groups.join(" "))
}

/// The folder of the keys below the data folder.
pub const KEYS_FOLDER: &str = "keys";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_compared_by_four_groups_of_what_openssl_prints() {
        // SHA-256 of no bytes (FIPS 180-4) begins e3b0c44298fc1c14.
        assert_eq!(compared(b""), "SHA256:e3b0 c442 98fc 1c14");
    }
}
