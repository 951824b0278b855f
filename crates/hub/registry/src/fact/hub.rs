//! The hub's own beginnings: set up, or made again from a backup.

use std::fmt::{self, Formatter};

use ironroot_identity::CaNumber;
use ironroot_store::ApplyError;
use ironroot_time::UnixTime;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::fold::Step;
use crate::row::FoldRow;

/// A hub was set up: the fingerprints of its CA certificates and the name of its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubCreated {
    /// SHA-256 of the root certificate.
    pub root: String,
    /// SHA-256 of the issuing certificate.
    pub issuing: String,
    /// The log's verifier key, as in a signed note.
    pub log: String,
    /// Whether it is the demonstration's hub, whose devices are all simulated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demonstration: bool,
}

impl Kind for HubCreated {
    const KIND: &'static str = "hub.created";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = if self.demonstration {
            "A demonstration's hub, with simulated devices,"
        } else {
            "The hub"
        };
        write!(f, "{what} was set up; its log is {}.", self.log)
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        step.put(FoldRow::KEY, &FoldRow::PRESENT)?;
        step.install_ca(CaNumber::FIRST, &self.issuing)
    }
}

/// The hub was made again from a backup; what was recorded after the backup is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubRestored {
    /// When the backup was made.
    pub made: u64,
    /// How many entries it had.
    pub size: u64,
    /// The root over these entries, in base64: whoever has a later checkpoint of the log below has entries
    /// that are lost here.
    pub root: String,
    /// The verifier key of the log that signed them.
    pub from: String,
    /// The verifier key of the log that signs from now on: the same only if nothing was lost.
    pub log: String,
}

impl Kind for HubRestored {
    const KIND: &'static str = "hub.restored";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            size, from, log, ..
        } = self;
        let made = UnixTime::from_ms(self.made);
        write!(
            f,
            "The hub was restored from a backup of {made} with {size} entries"
        )?;
        if from == log {
            return f.write_str(", after which nothing had been recorded; its log goes on.");
        }
        write!(
            f,
            ". What was recorded later is lost; the log {from} ended, and {log} goes on from there."
        )
    }

    fn fold(&self, _step: &mut Step<'_>) -> Result<(), ApplyError> {
        Ok(())
    }
}
