//! What all sessions share: the router, the list of who is connected, the bounds and the counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ironroot_identity::Principal;
use ironroot_registry::{Subject, Watcher};
use ironroot_time::UnixTime;

use crate::counters::{CounterValues, CountersByPrincipal, Figures};
use crate::message::Message;
use crate::outbox::{Outbox, QueueBounds, SessionNumber};
use crate::places::{InTwoPlaces, Overlap, Source, TwoPlaces, Watch, place};
use crate::refusal::Refusal;
use crate::router::{RetainedFull, Routed, Router};
use crate::session::{DueWill, Parked, Peer, SessionState};
use crate::sessions::{Due, SessionInfo, Sessions};
use crate::settings::BrokerSettings;
use crate::shelf::{self, Found, Kept, Shelf, Step, SubjectOf, Ticket};
use crate::sparkplug::{BirthOrDeath, EdgeNode};

/// Whose counters are kept in one second, at most: many more would keep messages from the shelf.
const FIGURES_AT_ONCE: usize = 1_000;

/// The broker of one hub.
#[derive(Debug)]
pub struct Broker {
    pub(crate) settings: BrokerSettings,
    pub(crate) router: Router,
    pub(crate) sessions: Sessions,
    pub(crate) counters: CountersByPrincipal,
    pub(crate) bounds: Arc<QueueBounds>,
    pub(crate) shelf: Option<Arc<dyn Shelf>>,
    watch: Watch,
    next_number: AtomicU64,
}

/// The broker as a whole, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerTotals {
    /// Live sessions.
    pub sessions: usize,
    /// Sessions whose clients are away.
    pub parked: usize,
    /// Subscriptions of all sessions.
    pub subscriptions: usize,
    /// Retained messages.
    pub retained: usize,
    /// Bytes that wait for all sessions.
    pub queued_bytes: usize,
    /// Whether what must outlive the hub is written to disk, and promptly.
    pub keeping: bool,
    /// The counters of all principals together, since the hub started.
    pub counters: CounterValues,
}

impl Broker {
    /// A broker without sessions, whose sessions end with the hub at the latest.
    pub fn new(settings: BrokerSettings) -> Arc<Self> {
        Arc::new(Self::without_sessions(settings, None))
    }

    /// A broker with the sessions and retained messages that were found on `shelf`; each session waits for its
    /// client since `now` if that was connected. `subject_of` knows every principal that still has a life here;
    /// what others left behind ends.
    pub fn restore(
        settings: BrokerSettings,
        shelf: &Arc<dyn Shelf>,
        found: Found,
        subject_of: &dyn Fn(&Principal) -> Option<Arc<Subject>>,
        now: UnixTime,
    ) -> Arc<Self> {
        let mut broker = Self::without_sessions(settings, Some(shelf.clone()));
        broker.restore_figures(found.figures, subject_of, now);
        for kept in found.sessions {
            broker.next_number.fetch_max(kept.session + 1, Relaxed);
            let session = kept.session;
            match subject_of(&kept.principal) {
                Some(subject) => {
                    let step = broker.restore_session(kept, &subject, subject_of, now);
                    shelf.note(step);
                }
                None => drop(shelf.note(Step::End { session })),
            }
        }
        for content in found.retained {
            if let Some(outgoing) = shelf::read(&content, subject_of)
                && !outgoing.message.is_expired(now)
                && !broker.router.restore_retained(&outgoing.message, now)
            {
                tracing::warn!(
                    topic = outgoing.message.topic(),
                    "There is no room for a retained message of an earlier life of the hub."
                );
            }
        }
        Arc::new(broker)
    }

    /// Parks a session of an earlier life of the hub; returns the step that says so.
    fn restore_session(
        &self,
        kept: Kept,
        subject: &Arc<Subject>,
        subject_of: SubjectOf<'_>,
        now: UnixTime,
    ) -> Step {
        let expiry = Duration::from_secs(kept.expiry_s.into());
        let expires = kept.expires.unwrap_or_else(|| now.plus(expiry));
        let parked = Parked {
            state: SessionState::restore(&kept, self, subject, subject_of),
            expires,
            will: DueWill::restore(&kept, subject, now),
        };
        let step = Step::Park {
            session: kept.session,
            expires,
            will_at: parked.will.as_ref().map(|will| will.at),
        };
        self.sessions
            .restore(subject.principal(), kept.client_id, parked);
        step
    }

    /// Goes on counting where an earlier life of the hub stopped; what is of nobody any more is forgotten.
    fn restore_figures(
        &mut self,
        kept: Vec<(Principal, Figures)>,
        subject_of: SubjectOf<'_>,
        now: UnixTime,
    ) {
        let (known, ended): (Vec<_>, Vec<_>) = kept
            .into_iter()
            .partition(|(principal, _)| subject_of(principal).is_some());
        self.counters.restore(known, now);
        for (principal, _) in ended {
            if let Some(shelf) = &self.shelf {
                shelf.note(Step::Forget { principal });
            }
        }
    }

    fn without_sessions(settings: BrokerSettings, shelf: Option<Arc<dyn Shelf>>) -> Self {
        Self {
            router: Router::new(&settings, shelf.clone()),
            sessions: Sessions::default(),
            counters: CountersByPrincipal::default(),
            bounds: Arc::new(QueueBounds::new(&settings)),
            shelf,
            watch: Watch::default(),
            next_number: AtomicU64::new(1),
            settings,
        }
    }

    /// Judges every live session of `subject` by its new Grant, and cuts those that it no longer allows.
    ///
    /// A session that lives on is judged at every step: subscriptions that the Grant no longer covers
    /// deliver nothing from now on.
    pub fn grant_changed(&self, subject: &Subject) {
        self.sessions.grant_changed(subject);
    }

    /// Deletes what a principal leaves behind when its life here has ended: its sessions, with their wills, and
    /// its retained messages.
    pub fn forget(&self, principal: &Principal) {
        for parked in self.sessions.forget(principal) {
            parked.state.end(self);
        }
        self.router.forget(principal);
    }

    /// Ends the sessions whose clients have been away for too long, and publishes the wills whose moment has
    /// come; keeps the counters of some who were busy. To be called about once a second.
    pub fn tick(self: &Arc<Self>, now: UnixTime) {
        let Due { ended, wills } = self.sessions.due(now);
        for parked in ended {
            parked.end(self, now);
        }
        for (session, due) in wills {
            let step = Step::Fire { session: session.0 };
            let taken = self.shelf.as_ref().map(|shelf| shelf.note(step));
            due.will.fire_after(taken, self, now);
        }
        self.watch.look(now);
        let every = Duration::from_secs(self.settings.figures_interval_s);
        self.keep_figures(every, FIGURES_AT_ONCE, now);
    }

    /// Has all counters kept now, because the hub stops.
    pub fn keep_all_figures(&self, now: UnixTime) {
        // The first call ends a round that was under way.
        self.keep_figures(Duration::ZERO, usize::MAX, now);
        self.keep_figures(Duration::ZERO, usize::MAX, now);
    }

    fn keep_figures(&self, every: Duration, count_max: usize, now: UnixTime) {
        let Some(on) = self.shelf.as_ref().filter(|shelf| !shelf.is_full()) else {
            return;
        };
        for (principal, figures) in self.counters.due(every, count_max, now) {
            on.note(Step::Count { principal, figures });
        }
    }

    /// Ends every session because the hub stops, and admits no new one.
    pub fn drain(&self) {
        self.sessions.drain();
    }

    /// The principal's live sessions.
    pub fn sessions_of(&self, principal: &Principal) -> Vec<SessionInfo> {
        self.sessions.of(principal)
    }

    /// The principal's counters; none when it was never here.
    pub fn counters_of(&self, principal: &Principal) -> Option<CounterValues> {
        self.counters.values(principal)
    }

    /// When the principal was last heard of; none when it never was.
    pub fn last_seen(&self, principal: &Principal) -> Option<UnixTime> {
        self.counters.last_seen(principal)
    }

    /// On how many topics the principal has published on the day of `now`, counted in UTC; a principal without a
    /// bound on them is not counted.
    pub fn topics_today(&self, principal: &Principal, now: UnixTime) -> u64 {
        self.counters.topics_today(principal, now)
    }

    /// Where the principal came from, the latest last; at most eight addresses.
    pub fn sources_of(&self, principal: &Principal) -> Vec<Source> {
        self.counters.sources(principal)
    }

    /// The Sparkplug edge nodes that the principal is, as their births and deaths tell of them.
    pub fn edge_nodes_of(&self, principal: &Principal) -> Vec<EdgeNode> {
        self.counters.edge_nodes(principal)
    }

    /// The certificates that were seen in two places at once since the last call.
    pub fn take_in_two_places(&self) -> Vec<InTwoPlaces> {
        self.watch.take()
    }

    /// Notes where a session begins, and watches whether its certificate is in use elsewhere.
    pub(crate) fn watch_place(&self, peer: &Peer, own: &Arc<Outbox>, now: UnixTime) {
        let (principal, certificate) = (peer.subject.principal(), peer.certificate);
        let limits = *peer.subject.grant().limits();
        let sources_max = usize::from(limits.sources_max);
        let notice = |other, how| InTwoPlaces {
            principal: principal.clone(),
            certificate,
            sources: [other, peer.address],
            how,
        };
        let places = &own.counters().places;
        if let Some(other) = places.arrive(certificate, peer.address, sources_max, now) {
            self.watch
                .notice(notice(other, TwoPlaces::Alternation), places, now);
        }
        if sources_max == 0 || limits.sessions_max == 1 {
            return;
        }
        let live = self.sessions.by_certificate(principal, &certificate);
        let mut used: Vec<_> = live.iter().map(|(_, address)| place(*address)).collect();
        used.sort_unstable();
        used.dedup();
        let elsewhere = |(_, address): &(_, _)| place(*address) != place(peer.address);
        if used.len() > sources_max
            && let Some((older, address)) = live.into_iter().find(elsewhere)
        {
            self.watch.over(Overlap {
                notice: notice(address, TwoPlaces::Overlap),
                older,
                younger: own.clone(),
                since: now,
            });
        }
    }

    /// The broker as a whole.
    pub fn totals(&self) -> BrokerTotals {
        BrokerTotals {
            sessions: self.sessions.connected(),
            parked: self.sessions.parked(),
            subscriptions: self.router.subscription_count(),
            retained: self.router.retained_count(),
            queued_bytes: self.bounds.hub_bytes(),
            keeping: !self.shelf.as_ref().is_some_and(|shelf| shelf.is_full()),
            counters: self.counters.total(),
        }
    }

    /// The number of a session about to open.
    pub(crate) fn next_session(&self) -> SessionNumber {
        SessionNumber(self.next_number.fetch_add(1, Relaxed))
    }

    /// The queue of a session.
    pub(crate) fn new_outbox(&self, subject: &Arc<Subject>, number: SessionNumber) -> Arc<Outbox> {
        Arc::new(Outbox::new(
            number,
            subject.clone(),
            self.bounds.clone(),
            self.counters.of(subject.principal()),
            self.shelf.clone(),
        ))
    }

    /// Keeps and routes a message whose publisher's right has been checked. Wills and PUBLISH meet here.
    pub(crate) fn publish(&self, message: Message, now: UnixTime) -> Result<Routed, Refusal> {
        let message = Arc::new(message);
        let mut kept: Option<Ticket> = None;
        if message.retain() {
            kept = self
                .router
                .retain(&message, now)
                .map_err(|RetainedFull| Refusal::RetainedFull)?;
        }
        let mut routed = self.router.route(&message);
        routed.ticket = routed.ticket.max(kept);
        if let Some(step) = BirthOrDeath::parse(message.topic()) {
            let counters = self.counters.of(message.publisher().principal());
            let nodes = &counters.edge_nodes;
            nodes.note(step, message.payload(), now);
        }
        Ok(routed)
    }
}

impl Watcher for Broker {
    fn grant_changed(&self, subject: &Arc<Subject>) {
        Self::grant_changed(self, subject);
    }

    fn ended(&self, principal: &Principal) {
        self.forget(principal);
    }
}
