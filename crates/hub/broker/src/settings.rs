//! The broker's bounds: what one session, and all of them together, may hold and how long they may wait.

use std::time::Duration;

use serde::Deserialize;

/// Bounds of the broker. What one principal may do stands in its Grant, not here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerSettings {
    /// Bytes waiting for one session past which QoS 0 is dropped and the publishers of QoS 1 pause.
    pub session_queue_pause_bytes: usize,
    /// Bytes waiting for one session past which the session is cut as too slow.
    pub session_queue_max_bytes: usize,
    /// Bytes waiting for one session whose client is away past which what else comes for it is dropped, and counted.
    pub parked_queue_max_bytes: usize,
    /// The longest time that a session waits for its client; 0 ends each with its connection.
    pub session_expiry_max_s: u32,
    /// Bytes waiting for all sessions past which QoS 0 is dropped and publishers of QoS 1 pause.
    pub hub_queue_pause_bytes: usize,
    /// Bytes waiting for all sessions past which QoS 1 is refused.
    pub hub_queue_max_bytes: usize,
    /// The longest time a publisher pauses for others before its next packets are read.
    pub pause_max_ms: u64,
    /// How long nothing is read from a session that goes on sending too much.
    pub hold_ms: u64,
    /// How often in a row a session is held so before it is ended.
    pub holds_max: u8,
    /// How often the counters of devices are written to disk: so much of them is lost when the hub is killed.
    pub figures_interval_s: u64,
    /// Messages of QoS 1 and 2 in flight to one session, whatever more the client allows, and from it.
    pub in_flight_max: u16,
    /// Topics that each side may give a number in one session of MQTT 5 (topic alias maximum).
    pub topic_alias_max: u16,
    /// Retained messages in all.
    pub retained_max: usize,
    /// Retained messages of one principal.
    pub retained_per_principal_max: usize,
    /// Bytes of all retained messages.
    pub retained_max_bytes: usize,
    /// How long a client that only listens waits after one delivery for the next, in milliseconds, so that what
    /// comes meanwhile goes together; 0 sends each at once. One that publishes is answered at once in any case.
    pub gather_ms: u64,
    /// Levels in a topic or a filter: `a/b/c` has three.
    pub topic_levels_max: usize,
    /// How long after its connection is accepted a client may take to be admitted.
    pub connect_timeout_s: u64,
    /// The longest keep-alive a client of MQTT 5 may use; it is told so. Clients of 3.1.1 choose.
    pub keep_alive_max_s: u16,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        Self {
            session_queue_pause_bytes: 2 * 1024 * 1024,
            session_queue_max_bytes: 8 * 1024 * 1024,
            parked_queue_max_bytes: 1024 * 1024,
            session_expiry_max_s: 7 * 86_400,
            hub_queue_pause_bytes: 128 * 1024 * 1024,
            hub_queue_max_bytes: 256 * 1024 * 1024,
            pause_max_ms: 1_000,
            hold_ms: 5_000,
            holds_max: 3,
            figures_interval_s: 60,
            in_flight_max: 1_024,
            topic_alias_max: 16,
            retained_max: 100_000,
            retained_per_principal_max: 1_000,
            retained_max_bytes: 64 * 1024 * 1024,
            gather_ms: 1,
            topic_levels_max: 32,
            connect_timeout_s: 10,
            keep_alive_max_s: 3_600,
        }
    }
}

impl BrokerSettings {
    /// [`Self::gather_ms`] as a span; none when there is nothing to wait for.
    pub(crate) fn gather(&self) -> Option<Duration> {
        (self.gather_ms > 0).then(|| Duration::from_millis(self.gather_ms))
    }

    /// [`Self::pause_max_ms`] as a span.
    pub(crate) fn pause_max(&self) -> Duration {
        Duration::from_millis(self.pause_max_ms)
    }
}
