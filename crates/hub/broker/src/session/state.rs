//! What of a session can outlive its connection (MQTT 5 section 4.1).

use std::collections::VecDeque;
use std::sync::Arc;

use ironroot_mqtt::TopicFilter;
use ironroot_time::UnixTime;

use super::deliver::Replay;
use super::in_flight::{InFlight, Received};
use super::will::DueWill;
use crate::broker::Broker;
use crate::outbox::Outbox;

/// The state of one session.
#[derive(Debug)]
pub(crate) struct SessionState {
    pub(crate) outbox: Arc<Outbox>,
    /// The filters that the session subscribes to.
    pub(super) filters: Vec<Box<str>>,
    pub(super) replays: VecDeque<Replay>,
    pub(super) in_flight: InFlight,
    pub(super) received: Received,
}

/// A session whose client is away.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) state: SessionState,
    /// When nobody waits for the client any more.
    pub(crate) expires: UnixTime,
    /// What is published if the client stays away; taken when it has been.
    pub(crate) will: Option<DueWill>,
}

impl SessionState {
    /// A session that has just begun, with at most `in_flight_max` deliveries in flight.
    pub(super) fn new(outbox: Arc<Outbox>, in_flight_max: u16) -> Self {
        Self {
            outbox,
            filters: Vec::new(),
            replays: VecDeque::new(),
            in_flight: InFlight::new(in_flight_max),
            received: Received::default(),
        }
    }

    /// Goes on with the session on a new connection.
    pub(super) fn resume(&mut self, earlier: Self, in_flight_max: u16) {
        *self = earlier;
        self.in_flight.resume(in_flight_max);
    }

    /// Ends the session: nothing is queued for it any more.
    pub(crate) fn end(&self, broker: &Broker) {
        let filters = self.filters.iter().map(|filter| TopicFilter::parse(filter));
        broker
            .router
            .unsubscribe_all(filters.filter_map(Result::ok), self.outbox.number());
        self.outbox.end();
    }
}

impl Parked {
    /// Ends the session because it expired, or a new one takes its place: its will waits no longer
    /// (MQTT 5 section 3.1.3.2.2).
    pub(crate) fn end(self, broker: &Broker, now: UnixTime) {
        self.state.end(broker);
        if let Some(will) = self.will {
            will.will.fire(broker, now);
        }
    }
}
