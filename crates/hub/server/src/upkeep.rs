//! What the hub does besides its service, and whether it goes well: the CA's token, snapshots, the archive.

use std::collections::BTreeMap;

use ironroot_time::UnixTime;
use ironroot_views::Trouble;
use parking_lot::Mutex;

/// The board on which each piece of upkeep says how it went last.
#[derive(Debug, Default)]
pub struct Upkeep(Mutex<BTreeMap<Chore, Trouble>>);

/// A piece of upkeep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chore {
    /// Signatures of the token that keeps the issuing CA's key.
    CaToken,
    /// Snapshots of the state.
    Snapshots,
    /// Old segments of the journal.
    Archive,
}

impl Chore {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::CaToken, Self::Snapshots, Self::Archive];

    /// How metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CaToken => "ca_token",
            Self::Snapshots => "snapshots",
            Self::Archive => "archive",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::CaToken => "No certificate is issued, since the issuing CA's token does not sign",
            Self::Snapshots => "No snapshot of the state is taken",
            Self::Archive => "Nothing is moved to the archive",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::CaToken => {
                "Sessions, Grants, quarantine and everything else go on, and the token is used again by itself as \
                 soon as it is back. See docs/operate/keys.md."
            }
            Self::Snapshots => {
                "Everything else goes on, and it is tried again; a rebuild takes longer until then. \
                 See docs/operate/archive.md."
            }
            Self::Archive => {
                "Everything else goes on, and it is tried again; the database grows until then. \
                 See docs/operate/archive.md."
            }
        }
    }
}

impl Upkeep {
    /// Says that `chore` failed, and why. It is logged when it was well before, or failed otherwise.
    pub fn fails(&self, chore: Chore, cause: &str, now: UnixTime) {
        let what = format!("{}: {cause}.", chore.what());
        let mut board = self.0.lock();
        let before = board.get(&chore);
        if before.is_none_or(|before| before.what != what) {
            tracing::warn!(chore = chore.name(), cause, "A piece of upkeep fails.");
        }
        let since = before.map_or(now, |before| before.since);
        let remedy = chore.remedy().to_owned();
        board.insert(
            chore,
            Trouble {
                what,
                remedy,
                since,
            },
        );
    }

    /// Says that `chore` went well.
    pub fn works(&self, chore: Chore) {
        if self.0.lock().remove(&chore).is_some() {
            tracing::info!(chore = chore.name(), "A piece of upkeep works again.");
        }
    }

    /// Whether `chore` went well last.
    pub fn is_well(&self, chore: Chore) -> bool {
        !self.0.lock().contains_key(&chore)
    }

    /// What does not go well.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.0.lock().values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_with_its_beginning_until_it_is_over() {
        let upkeep = Upkeep::default();
        assert!(upkeep.is_well(Chore::Snapshots));
        let at = UnixTime::from_ms;
        upkeep.fails(Chore::Snapshots, "the disk is full", at(5));
        upkeep.fails(Chore::Snapshots, "the disk is gone", at(9));
        let told = upkeep.troubles();
        assert_eq!((told.len(), told[0].since), (1, at(5)));
        assert!(told[0].what.ends_with("the disk is gone."));
        upkeep.works(Chore::Snapshots);
        assert!(upkeep.is_well(Chore::Snapshots) && upkeep.troubles().is_empty());
    }
}
