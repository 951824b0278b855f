//! What is counted, and how two counts that follow each other become one.

use serde::{Deserialize, Serialize};

macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident: $join:ident,)*) => {
        /// What a hub counted over some time.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "Vec<u64>", into = "Vec<u64>")]
        pub struct Figures {
            $( $(#[$doc])* pub $name: u64, )*
        }

        impl Figures {
            /// Takes in what was counted next.
            pub fn join(&mut self, next: &Self) {
                $( self.$name = $join(self.$name, next.$name); )*
            }
        }

        /// Kept as a row of numbers in the order of the fields.
        impl From<Figures> for Vec<u64> {
            fn from(figures: Figures) -> Self {
                vec![$( figures.$name, )*]
            }
        }

        /// A row that is too short is of a hub that did not count the rest.
        impl From<Vec<u64>> for Figures {
            fn from(row: Vec<u64>) -> Self {
                let mut row = row.into_iter();
                Self { $( $name: row.next().unwrap_or(0), )* }
            }
        }
    };
}

figures! {
    /// How long it was counted, in milliseconds.
    counted_ms: sum,
    /// Application messages taken from devices and services.
    messages_in: sum,
    /// Requests refused, at the MQTT door, that no Grant allows or that break a rule of MQTT.
    not_granted: sum,
    /// Connections refused, at the MQTT door, for their certificate or the want of one.
    certificate: sum,
    /// Requests refused, at the MQTT door, since they were past a rate or another limit.
    over_limit: sum,
    /// Devices that got their first certificate.
    enrolled: sum,
    /// Live sessions, at most.
    sessions: most,
    /// Devices that were quarantined, at most.
    quarantined: most,
    /// Devices that were not and of which something was noticed, at most.
    noticed: most,
}

fn sum(before: u64, next: u64) -> u64 {
    before.saturating_add(next)
}

fn most(before: u64, next: u64) -> u64 {
    before.max(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_adds_up_and_what_stands_is_the_most() {
        let mut figures = Figures {
            messages_in: 3,
            sessions: 9,
            ..Figures::default()
        };
        figures.join(&Figures {
            messages_in: u64::MAX,
            sessions: 4,
            ..Figures::default()
        });
        assert_eq!((figures.messages_in, figures.sessions), (u64::MAX, 9));
    }

    #[test]
    fn a_row_of_another_version_is_read_as_far_as_it_goes() {
        let short: Figures = serde_json::from_str("[5000,7]").unwrap();
        assert_eq!(
            (short.counted_ms, short.messages_in, short.noticed),
            (5_000, 7, 0)
        );
        let long: Figures = serde_json::from_str("[1,2,3,4,5,6,7,8,9,10,11]").unwrap();
        assert_eq!(serde_json::to_string(&long).unwrap(), "[1,2,3,4,5,6,7,8,9]");
    }
}
