//! What of a session can outlive its connection (MQTT 5 section 4.1).

use std::collections::VecDeque;
use std::sync::Arc;

use ironroot_mqtt::TopicFilter;
use ironroot_registry::Subject;
use ironroot_time::UnixTime;

use super::deliver::Replay;
use super::in_flight::{InFlight, Received};
use super::report;
use super::will::DueWill;
use crate::broker::Broker;
use crate::message::Outgoing;
use crate::outbox::{Outbox, SessionNumber};
use crate::router::Subscription;
use crate::shelf::{Kept, Step, SubjectOf, Ticket};

/// The state of one session.
#[derive(Debug)]
pub(crate) struct SessionState {
    pub(crate) outbox: Arc<Outbox>,
    /// The filters that the session subscribes to.
    pub(super) filters: Vec<Box<str>>,
    pub(super) replays: VecDeque<Replay>,
    pub(super) in_flight: InFlight,
    pub(super) received: Received,
    /// Whether the shelf knows the session.
    pub(super) shelved: bool,
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
            shelved: false,
        }
    }

    /// Whether the shelf knows the session.
    pub(super) fn is_shelved(&self) -> bool {
        self.shelved
    }

    /// A session of an earlier life of the hub; `subject_of` says whose messages wait in it. A delivery that is
    /// damaged is left out.
    pub(crate) fn restore(
        kept: &Kept,
        broker: &Broker,
        subject: &Arc<Subject>,
        subject_of: SubjectOf<'_>,
    ) -> Self {
        let outbox = broker.new_outbox(subject, SessionNumber(kept.session));
        let mut state = Self::new(outbox, broker.settings.in_flight_max);
        state.shelved = true;
        state.received = Received::restore(&kept.received);
        let mut sent: Vec<_> = kept
            .deliveries
            .iter()
            .filter(|one| one.place.is_some())
            .collect();
        sent.sort_unstable_by_key(|one| one.place);
        let mut sent_bytes = 0;
        for one in sent {
            let outgoing = one.read(subject, subject_of);
            if outgoing.is_none() && !one.released {
                report::damaged(subject, one.number);
                continue;
            }
            let outgoing = outgoing.filter(|_| !one.released);
            sent_bytes += outgoing.as_ref().map_or(0, Outgoing::queue_bytes);
            let place = one.place.unwrap_or_default();
            state.in_flight.restore(place, one.number, outgoing);
        }
        let mut waiting = Vec::new();
        for one in kept.deliveries.iter().filter(|one| one.place.is_none()) {
            match one.read(subject, subject_of) {
                Some(outgoing) => waiting.push(outgoing),
                None => report::damaged(subject, one.number),
            }
        }
        let latest = kept.deliveries.iter().map(|one| one.number).max();
        state
            .outbox
            .restore(waiting, sent_bytes, latest.unwrap_or(0));
        for (filter, how) in &kept.subscriptions {
            if let (Ok(parsed), Some(options)) = (TopicFilter::parse(filter), how.options()) {
                let outbox = state.outbox.clone();
                broker
                    .router
                    .subscribe(parsed, Subscription { outbox, options });
                state.filters.push(filter.clone());
            }
        }
        state
    }

    /// Goes on with the session on a new connection.
    pub(super) fn resume(&mut self, earlier: Self, in_flight_max: u16) {
        *self = earlier;
        self.in_flight.resume(in_flight_max);
    }

    /// Ends the session: nothing is queued for it any more, and nothing of it is on the shelf once this step is
    /// durable.
    pub(crate) fn end(&self, broker: &Broker) -> Option<Ticket> {
        let filters = self.filters.iter().map(|filter| TopicFilter::parse(filter));
        broker
            .router
            .unsubscribe_all(filters.filter_map(Result::ok), self.outbox.number());
        self.outbox.end();
        let on = broker.shelf.as_ref().filter(|_| self.shelved)?;
        Some(on.note(Step::End {
            session: self.outbox.number().0,
        }))
    }
}

impl Parked {
    /// Ends the session because it expired, or a new one takes its place: its will waits no longer
    /// (MQTT 5 section 3.1.3.2.2).
    pub(crate) fn end(self, broker: &Arc<Broker>, now: UnixTime) {
        let ended = self.state.end(broker);
        if let Some(will) = self.will {
            will.will.fire_after(ended, broker, now);
        }
    }
}
