//! The names of devices, services, profiles and views: one grammar, four types.

use alloc::boxed::Box;
use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ID_LENGTH_MAX;

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// Nothing was given.
    #[error("it is empty; an id has 1 to 64 characters")]
    Empty,
    /// More than [`ID_LENGTH_MAX`] characters.
    #[error("it has {length} bytes; an id has 1 to 64 characters")]
    TooLong {
        /// How many bytes were given.
        length: usize,
    },
    /// A name that means a folder wherever it stands in a path.
    #[error("it is {text:?}, which means a folder in paths and addresses")]
    Dots {
        /// What was given.
        text: &'static str,
    },
    /// A character outside the grammar.
    #[error("it contains {found:?}; an id is made of A-Z, a-z, 0-9, '.', '_' and '-'")]
    Character {
        /// The first such character.
        found: char,
    },
}

/// Checks the grammar that all ids share: 1 to 64 characters of `[A-Za-z0-9._-]`, and not `.` or `..`.
fn check(text: &str) -> Result<(), BadId> {
    if text.is_empty() {
        return Err(BadId::Empty);
    }
    if text.len() > ID_LENGTH_MAX {
        return Err(BadId::TooLong { length: text.len() });
    }
    if let Some(text) = [".", ".."].into_iter().find(|dots| *dots == text) {
        return Err(BadId::Dots { text });
    }
    match text
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
    {
        Some(found) => Err(BadId::Character { found }),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Box<str>", into = "Box<str>")]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<Box<str>> for $name {
            type Error = BadId;
            fn try_from(text: Box<str>) -> Result<Self, BadId> {
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for Box<str> {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// A device's id: the serial number its maker gave it (802.1AR section 6, `serialNumber`).
    DeviceId
}
id! {
    /// The name of a backend application that talks to devices through the hub.
    ServiceName
}
id! {
    /// The name of a `DeviceProfile`.
    ProfileName
}
id! {
    /// The name of a saved view of the devices.
    ViewName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_whole_grammar_and_nothing_else() {
        assert!("A-z0.9_".parse::<DeviceId>().is_ok());
        assert_eq!("".parse::<DeviceId>(), Err(BadId::Empty));
        assert_eq!("..".parse::<DeviceId>(), Err(BadId::Dots { text: ".." }));
        assert!("...".parse::<DeviceId>().is_ok());
        assert_eq!(
            "cam/1".parse::<DeviceId>(),
            Err(BadId::Character { found: '/' })
        );
        assert_eq!(
            "cäm".parse::<DeviceId>(),
            Err(BadId::Character { found: 'ä' })
        );
    }

    #[test]
    fn ends_at_sixty_four_characters() {
        let (longest, longer) = ("x".repeat(64), "x".repeat(65));
        assert!(longest.parse::<DeviceId>().is_ok());
        assert_eq!(
            longer.parse::<DeviceId>(),
            Err(BadId::TooLong { length: 65 })
        );
    }
}
