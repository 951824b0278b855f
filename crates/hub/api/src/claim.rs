//! A person's claim to a device's serial, which lets the device enrol once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FieldFault, Secret, problem::outcome};

/// How long a claim token lives in seconds when the caller does not say: a day.
pub const CLAIM_TTL_S_DEFAULT: u64 = 24 * 3_600;
/// The shortest life of a claim token in seconds: a minute.
pub const CLAIM_TTL_S_MIN: u64 = 60;
/// The longest life of a claim token in seconds: ninety days.
pub const CLAIM_TTL_S_MAX: u64 = 90 * 24 * 3_600;

/// Claims a serial for this organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// The serial number the maker gave the device; it becomes the device's id.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._-]+$",
        example = "cam-1"
    )]
    pub serial: String,
    /// The `DeviceProfile` the device gets.
    #[schema(example = "camera")]
    pub profile: String,
    /// Life of the token in seconds, 60 to 7,776,000; a day when absent.
    #[serde(default = "ttl_s_default")]
    #[schema(minimum = 60, maximum = 7_776_000, default = 86_400)]
    pub ttl_s: u64,
}

fn ttl_s_default() -> u64 {
    CLAIM_TTL_S_DEFAULT
}

impl NewClaim {
    /// Checks the form.
    ///
    /// # Errors
    /// The fields whose form is wrong.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Vec::new();
        if !(CLAIM_TTL_S_MIN..=CLAIM_TTL_S_MAX).contains(&self.ttl_s) {
            faults.push(FieldFault::new(
                "ttl_s",
                format!(
                    "{} seconds; a claim lives {CLAIM_TTL_S_MIN} to {CLAIM_TTL_S_MAX} seconds",
                    self.ttl_s
                ),
            ));
        }
        outcome(faults)
    }
}

/// A serial that is claimed and waits for its device.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    /// The serial claimed.
    pub serial: String,
    /// The password of EST's HTTP Basic authentication, with the serial as user; good for one
    /// enrolment and shown only here.
    pub token: Secret,
    /// When the token ends.
    #[schema(format = DateTime)]
    pub expires: String,
}

/// The most claims that are made at once.
pub const CLAIMS_MAX: usize = 250;

/// Claims several serials: all of them, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaims {
    /// The claims, at most 250.
    #[schema(max_items = 250)]
    pub claims: Vec<NewClaim>,
    /// Only say whether it could be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// Serials that are claimed together.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClaimsMade {
    /// The claims in the order in which they were asked for; none after a dry run.
    pub claims: Vec<Claim>,
}

/// A claim that waits for its device, or that ended without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimItem {
    /// The serial claimed.
    pub serial: String,
    /// The `DeviceProfile` that the device gets.
    pub profile: String,
    /// When it was claimed.
    #[schema(format = DateTime)]
    pub claimed: String,
    /// Who claimed it; absent when the entry lies in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// When the claim ends unless it is used.
    #[schema(format = DateTime)]
    pub expires: String,
    /// Seconds until then.
    pub remaining_s: u64,
    /// The journal entry that records it.
    pub entry: u64,
}

/// A claim that was withdrawn: its token lets no device in any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimWithdrawn {
    /// The serial, which can be claimed again.
    pub serial: String,
    /// The journal entry that records it.
    pub entry: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(ttl_s: u64) -> NewClaim {
        NewClaim {
            serial: "cam-1".to_owned(),
            profile: "camera".to_owned(),
            ttl_s,
        }
    }

    #[test]
    fn lives_a_day_when_nobody_says() {
        let claim: NewClaim =
            serde_json::from_str(r#"{"serial":"cam-1","profile":"camera"}"#).unwrap();
        assert_eq!(claim, lasting(86_400));
    }

    #[test]
    fn refuses_a_life_outside_its_bounds() {
        assert!(lasting(60).check().is_ok());
        assert!(lasting(7_776_000).check().is_ok());
        assert!(lasting(59).check().is_err());
        assert_eq!(lasting(7_776_001).check().unwrap_err()[0].field, "ttl_s");
    }

    #[test]
    fn refuses_a_misspelt_field() {
        let misspelt = r#"{"serial":"cam-1","profile":"camera","ttl":60}"#;
        assert!(serde_json::from_str::<NewClaim>(misspelt).is_err());
    }
}
