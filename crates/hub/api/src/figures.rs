//! What the hub counted over time: messages, sessions, refusals, devices shut out, enrolments.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::words::words;

words! {
    /// The stretch of time up to the present that figures are wanted of.
    pub enum Over {
        /// A minute, in steps of 5 s.
        Minute = "1m",
        /// Two minutes, in steps of 5 s; coarse: 10 s.
        TwoMinutes = "2m",
        /// Five minutes, in steps of 5 s; coarse: 15 s.
        FiveMinutes = "5m",
        /// A quarter of an hour, in steps of 15 s; coarse: a minute.
        QuarterHour = "15m",
        /// An hour, in steps of a minute; coarse: three.
        Hour = "1h",
        /// Three hours, in steps of 5 minutes; coarse: ten.
        ThreeHours = "3h",
        /// Eight hours, in steps of 5 minutes; coarse: twenty.
        EightHours = "8h",
        /// A day, in steps of 15 minutes; coarse: an hour.
        Day = "24h",
        /// Fourteen days, in steps of a day (UTC).
        Fortnight = "14d",
    }
}

/// Which figures are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FiguresQuery {
    /// Of how long; when absent, of a day, or of less when the hub has counted for less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub over: Option<Over>,
    /// In fewer and longer steps (`true`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coarse: Option<bool>,
}

/// What the hub counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// Of how long.
    #[schema(inline)]
    pub over: Over,
    /// The present moment.
    #[schema(format = DateTime)]
    pub as_of: String,
    /// Where the first step begins.
    #[schema(format = DateTime)]
    pub from: String,
    /// How long a step is, in seconds.
    pub step_s: u64,
    /// How many steps there are; the last is not over yet.
    pub steps: u64,
    /// The steps in which anything was counted, oldest first: while a hub is off, it counts nothing.
    pub points: Vec<FigurePoint>,
    /// What was counted in the last five seconds or so; null before the first count.
    #[schema(required = true)]
    pub newest: Option<FigurePoint>,
}

/// What was counted in one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FigurePoint {
    /// Where the step begins.
    #[schema(format = DateTime)]
    pub at: String,
    /// For how long of it was counted, in milliseconds.
    pub counted_ms: u64,
    /// Application messages taken from devices and services.
    pub messages_in: u64,
    /// Live MQTT sessions, at most.
    pub sessions: u64,
    /// What the MQTT door refused.
    pub refused: RefusedCounts,
    /// Devices that were quarantined, at most.
    pub quarantined: u64,
    /// Other devices of which something was noticed, such as one identity in two places; at most.
    pub noticed: u64,
    /// Devices that got their first certificate.
    pub enrolled: u64,
}

/// What the MQTT door refused, by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedCounts {
    /// Sessions, publications, subscriptions and wills that no Grant allows, or that break a rule of MQTT.
    pub not_granted: u64,
    /// Connections without a certificate that is good here.
    pub certificate: u64,
    /// What was past a rate or another limit.
    pub over_limit: u64,
}

impl FigurePoint {
    /// Messages in 1,000 seconds at the same rate; zero when nothing was counted.
    pub fn messages_a_kilosecond(&self) -> u64 {
        let million = self.messages_in.saturating_mul(1_000_000);
        million.checked_div(self.counted_ms).unwrap_or(0)
    }
}

impl RefusedCounts {
    /// All of them.
    pub fn sum(&self) -> u64 {
        let Self {
            not_granted,
            certificate,
            over_limit,
        } = *self;
        not_granted
            .saturating_add(certificate)
            .saturating_add(over_limit)
    }
}
