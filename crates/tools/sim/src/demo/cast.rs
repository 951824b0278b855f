//! Who plays: forty devices of three profiles, and which of them the scenes are about.

use std::time::Duration;

/// How many devices the demonstration has.
pub const FLEET_SIZE: usize = 40;

/// One device of the demonstration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Role {
    /// Its serial.
    pub(super) id: String,
    /// Its profile, which the hub brings.
    pub(super) profile: &'static str,
    /// Its number in the fleet, which gives it a source address.
    pub(super) number: usize,
}

impl Role {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        let kinds = [
            ("cam", "camera", 16),
            ("sensor", "sensor", 18),
            ("gateway", "gateway", 6),
        ];
        let ids = kinds.iter().flat_map(|(stem, profile, count)| {
            (1..=*count).map(move |place| (format!("{stem}-{place:02}"), *profile))
        });
        ids.enumerate()
            .map(|(number, (id, profile))| Self {
                id,
                profile,
                number,
            })
            .collect()
    }

    /// How often it says something.
    pub(super) fn interval(&self) -> Duration {
        match self.profile {
            "gateway" => Duration::from_secs(1),
            "sensor" => Duration::from_secs(4),
            _ => Duration::from_secs(6),
        }
    }

    /// Where it says it, and what, the n-th time.
    pub(super) fn saying(&self, n: u64) -> (String, String) {
        let id = &self.id;
        match self.profile {
            "camera" => (format!("d/{id}/up/motion"), format!("{{\"seen\":{n}}}")),
            "sensor" => {
                let tenths = 205 + n % 17;
                let (whole, tenth) = (tenths / 10, tenths % 10);
                (
                    format!("d/{id}/up/temperature"),
                    format!("{{\"celsius\":{whole}.{tenth}}}"),
                )
            }
            _ => (
                format!("d/{id}/up/meter/{}", n % 8),
                format!("{{\"wh\":{n}}}"),
            ),
        }
    }
}

/// The device that publishes as another.
pub(super) const IMPOSTOR: &str = "cam-07";
/// The device that it speaks for.
pub(super) const VICTIM: &str = "cam-12";
/// The device that floods.
pub(super) const FLOODER: &str = "sensor-05";
/// The device whose key somebody copies.
pub(super) const COPIED: &str = "cam-03";
/// The device that is claimed anew in each round.
pub(super) const NEWCOMER: &str = "sensor-18";

/// The number of whoever attacks from elsewhere: a source address that no device has.
pub(super) const ELSEWHERE: usize = 200;
/// The number of the backend.
pub(super) const BACKEND: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_devices_have_numbers_of_their_own_and_every_part_is_filled() {
        let all = Role::all();
        assert_eq!(all.len(), FLEET_SIZE);
        for (number, role) in all.iter().enumerate() {
            assert_eq!(role.number, number);
            assert_eq!(all.iter().filter(|other| other.id == role.id).count(), 1);
        }
        for id in [IMPOSTOR, VICTIM, FLOODER, COPIED, NEWCOMER] {
            assert!(all.iter().any(|role| role.id == id), "{id}");
        }
        assert!(all.len() < ELSEWHERE && ELSEWHERE < BACKEND);
    }

    #[test]
    fn what_devices_say_is_below_their_own_topic_and_is_json() {
        for role in Role::all() {
            for n in [0, 16, u64::MAX] {
                let (topic, payload) = role.saying(n);
                assert!(topic.starts_with(&format!("d/{}/up/", role.id)), "{topic}");
                assert!(serde_json::from_str::<serde_json::Value>(&payload).is_ok());
            }
        }
    }
}
