//! Who may come in: tokens of the API, the password of the console, sign-in links and sessions.

use std::fmt::{self, Formatter};

use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::{Refused, Step};
use crate::row::TokenRow;

/// A token for the API was made; the one of the same name before it is void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenIssued {
    /// Whose it is.
    pub name: String,
    /// Who had it made; absent when the hub made it for its own owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
}

impl Kind for TokenIssued {
    const KIND: &'static str = "token.issued";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.by {
            None => write!(f, "A token was issued to {name}; the one before is void."),
            Some(by) => write!(
                f,
                "A token was issued to {name} by {by}; one before it is void."
            ),
        }
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let row = TokenRow {
            name: self.name.clone(),
            at: step.at,
            entry: step.index,
        };
        step.put(&self.name, &row)
    }
}

/// A token for the API was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRevoked {
    /// Whose it was.
    pub name: String,
    /// Who ordered it.
    pub by: Actor,
}

impl Kind for TokenRevoked {
    const KIND: &'static str = "token.revoked";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "The token of {} was revoked by {}.", self.name, self.by)
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        step.remove::<TokenRow>(&self.name, || Refused::UnknownToken(self.name.clone()))
    }
}

/// A person's password for the console was set; one before it is void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordSet {
    /// Whose it is.
    pub name: String,
    /// Who set it.
    pub by: Actor,
}

impl Kind for PasswordSet {
    const KIND: &'static str = "password.set";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "The password of {} was set by {}.", self.name, self.by)
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// A link was made that signs one person in to the console, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInLinkMade {
    /// Whom it signs in.
    pub name: String,
    /// Who made it.
    pub by: Actor,
}

impl Kind for SignInLinkMade {
    const KIND: &'static str = "sign_in.link_made";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, by } = self;
        write!(f, "A link that signs {name} in, once, was made by {by}.")
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}

/// Every session of the console was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionsEnded {
    /// Who ordered it.
    pub by: Actor,
}

impl Kind for SessionsEnded {
    const KIND: &'static str = "sessions.ended";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Every session of the console was ended by {}.", self.by)
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}
