//! The demonstration: what a hub is for, and that the two kinds never open each other's data.
//!
//! A hub says what it is for in the first entry of its journal, for ever; the names of its CAs, and so every
//! certificate that it issues, and the name of its log say it too.

use std::path::Path;

use ironroot_registry::{Fact, HubCreated, Unreadable};
use ironroot_sim::demo::{Demonstration, Pace, Tell};
use ironroot_sim::hub::Hub;
use ironroot_store::{Store, StoreError};

use crate::settings::FileSettings;

/// What a hub is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Devices that exist.
    Production,
    /// Simulated devices, and nothing else.
    Demonstration,
}

/// Why a hub does not open a store.
#[derive(Debug, thiserror::Error)]
pub enum OtherPurpose {
    /// Without `--demo`.
    #[error(
        "this is the demonstration's data: start it with `ironroot up --demo`, or name another folder with --data"
    )]
    IsDemonstration,
    /// With `--demo`.
    #[error(
        "this is a real hub's data, which the demonstration does not touch: leave out --demo, or name another folder with --data"
    )]
    IsProduction,
    /// The first entry cannot be read.
    #[error("the journal's first entry, which says what the hub is for, cannot be read")]
    Store(#[from] StoreError),
    /// The first entry is a newer hub's.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl Purpose {
    /// The name of the journal's log.
    pub fn log_name(self, host: &str) -> String {
        match self {
            Self::Production => format!("{host}/ironroot"),
            Self::Demonstration => format!("{host}/ironroot-demonstration"),
        }
    }

    /// What the names of its CAs begin with.
    pub fn ca_name(self) -> &'static str {
        match self {
            Self::Production => "Ironroot",
            Self::Demonstration => "Ironroot Demonstration",
        }
    }

    /// Which settings do not go with it.
    pub(crate) fn faults(self, file: &FileSettings) -> Option<String> {
        // The first entry must stay where `check` finds it.
        let archives = self == Self::Demonstration && file.archive.url.is_some();
        archives.then(|| "archive.url: the demonstration has no archive; leave it out".to_owned())
    }

    /// Refuses a store that belongs to a hub of the other purpose.
    ///
    /// # Errors
    /// [`OtherPurpose`] says what the store is for.
    pub async fn check(self, store: &dyn Store) -> Result<(), OtherPurpose> {
        let first = match store.entries(0, 1).await {
            Err(StoreError::Archived { .. }) => Some(Self::Production),
            entries => match entries?.first() {
                None => None,
                Some(first) => Some(Self::of(&Fact::read(&first.entry)?)),
            },
        };
        match (self, first) {
            (Self::Production, Some(Self::Demonstration)) => Err(OtherPurpose::IsDemonstration),
            (Self::Demonstration, Some(Self::Production)) => Err(OtherPurpose::IsProduction),
            (Self::Production | Self::Demonstration, _) => Ok(()),
        }
    }

    fn of(first: &Fact) -> Self {
        let demonstration = matches!(
            first,
            Fact::HubCreated(HubCreated {
                demonstration: true,
                ..
            })
        );
        if demonstration {
            Self::Demonstration
        } else {
            Self::Production
        }
    }
}

/// Plays the demonstration at the hub whose data lies in `data`, for ever.
///
/// # Errors
/// When its devices cannot enrol.
pub async fn play(data: &Path, speed: u32, tell: Tell) -> anyhow::Result<()> {
    let hub = Hub::read(data)?;
    let demonstration = Demonstration::begin(hub, Pace::times(speed), tell).await?;
    demonstration.run().await;
    Ok(())
}

/// A sentence in lines of at most `width` characters, unless a word is longer.
pub fn wrapped(sentence: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split(' ') {
        let length = |text: &str| text.chars().count();
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_broken_between_words_and_keeps_its_indent() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 13), ["one two three"]);
        assert_eq!(wrapped("  journal 1: a", 14), ["  journal 1: a"]);
        assert_eq!(wrapped("overlong x", 3), ["overlong", "x"]);
        assert_eq!(wrapped("", 3), [""]);
    }
}
