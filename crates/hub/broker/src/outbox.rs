//! The queue between the router and one session: bounded, and the place where a session is told to end.
//!
//! Any thread pushes; only the session takes. The lock is held for a few moves, never while bytes are
//! encoded or written. An empty queue holds no memory.

mod bounds;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Waker;
use std::time::Duration;

use ironroot_mqtt::Qos;
use ironroot_registry::Subject;
use ironroot_time::UnixTime;
use parking_lot::Mutex;
use smallvec::SmallVec;

pub(crate) use self::bounds::QueueBounds;
use crate::counters::Counters;
use crate::message::Outgoing;
use crate::shelf::{Content, Shelf, Step, Ticket};

/// So many bytes go at once, however soon after the ones before; about what a TLS record carries.
const GATHERED_MAX: usize = 16 * 1024;

/// Which session, for as long as the hub runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionNumber(pub(crate) u64);

/// What somebody else demands of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Its Grant no longer allows a session.
    Cut,
    /// The same principal opened a session with the same client id.
    TakenOver,
    /// Too much waits for it.
    TooSlow,
    /// The hub stops.
    ShuttingDown,
}

/// How long a queue lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// As long as the connection.
    #[default]
    Connection,
    /// As long as the session: what is not settled when the connection ends is kept for the next one.
    Session,
}

/// What became of a delivery handed to an [`Outbox`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits for the session, and outlives the hub once this step is durable.
    Queued(Option<Ticket>),
    /// The same, and so much else waits that its publisher must pause.
    Congested(Option<Ticket>),
    /// There was no room, or its client is away and it was QoS 0.
    Dropped,
    /// The session has ended or is about to.
    Ended,
}

/// The deliveries that wait for one session.
#[derive(Debug)]
pub(crate) struct Outbox {
    number: SessionNumber,
    subject: Arc<Subject>,
    bounds: Arc<QueueBounds>,
    counters: Arc<Counters>,
    shelf: Option<Arc<dyn Shelf>>,
    /// When the session was last heard, in milliseconds since 1970.
    heard_ms: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Outgoing>,
    bytes: usize,
    order: Option<Order>,
    ended: bool,
    lifetime: Lifetime,
    /// The number of the latest delivery that outlives the connection.
    latest: u64,
    /// The client is away.
    parked: bool,
    /// What comes until then waits for more, and the session is not woken for it.
    gathers_until: Option<UnixTime>,
    /// How many bytes have come since the session last took some.
    gathered: usize,
    session: Option<Waker>,
    paused: Vec<Waker>,
}

/// How much a session takes at once, and when again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The most deliveries of QoS 1 and 2.
    pub(crate) window: usize,
    /// About the most bytes.
    pub(crate) bytes_max: usize,
    /// How long what comes next waits for more to go with it; none to have each at once.
    pub(crate) gather: Option<Duration>,
}

/// What [`Outbox::take`] leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// A demand to end the session.
    pub(crate) order: Option<Order>,
    /// Whether more could be taken at once.
    pub(crate) more: bool,
    /// Whether what was taken at QoS 1 and 2 is to be kept until it is settled.
    pub(crate) kept: bool,
    /// When to take again, though nobody wakes the session.
    pub(crate) gathers_until: Option<UnixTime>,
}

impl Outbox {
    pub(crate) fn new(
        number: SessionNumber,
        subject: Arc<Subject>,
        bounds: Arc<QueueBounds>,
        counters: Arc<Counters>,
        shelf: Option<Arc<dyn Shelf>>,
    ) -> Self {
        Self {
            number,
            subject,
            bounds,
            counters,
            shelf,
            heard_ms: AtomicU64::new(0),
            inner: Mutex::default(),
        }
    }

    /// The counters of the session's principal.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Notes that the client was heard.
    pub(crate) fn hear(&self, now: UnixTime) {
        self.heard_ms.store(now.as_ms(), Relaxed);
        self.counters.heard(now);
    }

    /// When the client was last heard.
    pub(crate) fn heard(&self) -> UnixTime {
        UnixTime::from_ms(self.heard_ms.load(Relaxed))
    }

    /// Whether the client is here.
    pub(crate) fn is_connected(&self) -> bool {
        let inner = self.inner.lock();
        !inner.ended && !inner.parked
    }

    /// Whose session it is.
    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Whether a delivery of so many bytes would go to the client soon.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let inner = self.inner.lock();
        let connected = !inner.ended && !inner.parked && inner.order.is_none();
        connected && inner.bytes + bytes <= self.bounds.session_pause
    }

    /// Whether a delivery is kept, however long the client takes.
    pub(crate) fn is_open(&self) -> bool {
        let inner = self.inner.lock();
        !inner.ended && inner.order.is_none()
    }

    pub(crate) fn number(&self) -> SessionNumber {
        self.number
    }

    /// Adds a delivery, within the bounds, and wakes the session.
    pub(crate) fn push(&self, delivery: Outgoing) -> Pushed {
        let (bytes, qos) = (delivery.queue_bytes(), delivery.qos);
        let mut inner = self.inner.lock();
        if inner.ended || (inner.order.is_some() && inner.lifetime == Lifetime::Connection) {
            return Pushed::Ended;
        }
        if inner.parked || inner.order.is_some() {
            return self.push_for_later(&mut inner, delivery);
        }
        let congested = inner.bytes + bytes > self.bounds.session_pause || self.bounds.hub_pauses();
        if congested && qos == Qos::AtMostOnce {
            self.counters.dropped.add(1);
            return Pushed::Dropped;
        }
        if inner.bytes + bytes > self.bounds.session_max {
            inner.order = Some(Order::TooSlow);
            wake(inner.session.take(), inner);
            return Pushed::Ended;
        }
        let ticket = self.add(&mut inner, delivery);
        inner.gathered += bytes;
        if inner.gathers_until.is_none() || inner.gathered >= GATHERED_MAX {
            wake(inner.session.take(), inner);
        }
        if congested {
            Pushed::Congested(ticket)
        } else {
            Pushed::Queued(ticket)
        }
    }

    /// Adds a delivery for a client that is away, if it is to be kept and there is room.
    fn push_for_later(&self, inner: &mut Inner, delivery: Outgoing) -> Pushed {
        if delivery.qos == Qos::AtMostOnce {
            return Pushed::Dropped;
        }
        let bytes = inner.bytes + delivery.queue_bytes();
        if bytes > self.bounds.parked_max || self.bounds.hub_pauses() {
            self.counters.dropped.add(1);
            return Pushed::Dropped;
        }
        Pushed::Queued(self.add(inner, delivery))
    }

    fn add(&self, inner: &mut Inner, mut delivery: Outgoing) -> Option<Ticket> {
        let ticket = self.number_and_shelve(inner, &mut delivery);
        self.count(inner, delivery.queue_bytes());
        inner.queue.push_back(delivery);
        ticket
    }

    /// Gives a delivery that outlives the connection its number, and has it outlive the hub.
    fn number_and_shelve(&self, inner: &mut Inner, delivery: &mut Outgoing) -> Option<Ticket> {
        if inner.lifetime == Lifetime::Connection || delivery.qos == Qos::AtMostOnce {
            return None;
        }
        inner.latest += 1;
        delivery.number = inner.latest;
        let step = |shelf: &Arc<dyn Shelf>| {
            shelf.note(Step::Queue {
                session: self.number.0,
                delivery: delivery.number,
                content: Content::of(delivery),
            })
        };
        self.shelf.as_ref().map(step)
    }

    fn count(&self, inner: &mut Inner, bytes: usize) {
        inner.bytes += bytes;
        self.bounds.hub_bytes.fetch_add(bytes, Relaxed);
    }

    /// Takes in deliveries of an earlier life of the hub: those that wait, in order, and the bytes of those that
    /// were sent; `latest` is the highest number among all.
    pub(crate) fn restore(&self, waiting: Vec<Outgoing>, sent_bytes: usize, latest: u64) {
        let mut inner = self.inner.lock();
        inner.lifetime = Lifetime::Session;
        inner.parked = true;
        inner.latest = latest;
        let waiting_bytes: usize = waiting.iter().map(Outgoing::queue_bytes).sum();
        self.count(&mut inner, waiting_bytes + sent_bytes);
        inner.queue.extend(waiting);
    }

    /// Moves what may be sent now to `batch`, as much as is `wanted`. Where the queue outlives the connection,
    /// deliveries of QoS 1 and 2 count on until [`Self::settle`].
    pub(crate) fn take(
        &self,
        wanted: Wanted,
        now: UnixTime,
        batch: &mut SmallVec<[Outgoing; 16]>,
    ) -> Left {
        let Wanted {
            mut window,
            bytes_max,
            gather,
        } = wanted;
        let mut inner = self.inner.lock();
        if gather.is_some() && inner.gathers(now) {
            return inner.left(false);
        }
        let (mut taken, mut freed, mut more) = (0, 0, false);
        // What waits for a session that is to end now may be for the next connection.
        while let (None, Some(next)) = (inner.order, inner.queue.front()) {
            let slots = usize::from(next.qos != Qos::AtMostOnce);
            if slots > window {
                break;
            }
            if taken >= bytes_max {
                more = true;
                break;
            }
            window -= slots;
            let Some(delivery) = inner.queue.pop_front() else {
                break;
            };
            let bytes = delivery.queue_bytes();
            taken += bytes;
            if slots == 0 || inner.lifetime == Lifetime::Connection {
                freed += bytes;
            }
            batch.push(delivery);
        }
        (inner.gathers_until, inner.gathered) = (None, 0);
        if inner.queue.is_empty() {
            inner.queue = VecDeque::new();
            let gather = gather.filter(|_| taken > 0);
            inner.gathers_until = gather.map(|span| now.plus(span));
        }
        self.free(&mut inner, freed);
        let left = inner.left(more);
        let resumed = self.release_paused(&mut inner);
        drop(inner);
        resumed.into_iter().for_each(Waker::wake);
        left
    }

    /// Counts a delivery of QoS 1 or 2 that did not wait here; says whether it is to be kept until it is settled.
    pub(crate) fn keep(&self, delivery: &mut Outgoing) -> bool {
        let mut inner = self.inner.lock();
        self.number_and_shelve(&mut inner, delivery);
        let kept = delivery.number > 0;
        if kept {
            self.count(&mut inner, delivery.queue_bytes());
        }
        kept
    }

    /// A delivery of QoS 1 or 2 that was kept is done with.
    pub(crate) fn settle(&self, delivery: &Outgoing) {
        let mut inner = self.inner.lock();
        self.free(&mut inner, delivery.queue_bytes());
        let resumed = self.release_paused(&mut inner);
        drop(inner);
        resumed.into_iter().for_each(Waker::wake);
    }

    fn free(&self, inner: &mut Inner, bytes: usize) {
        inner.bytes -= bytes;
        self.bounds.hub_bytes.fetch_sub(bytes, Relaxed);
    }

    /// A client is there, whose queue lives that long.
    pub(crate) fn begin(&self, lifetime: Lifetime) {
        let mut inner = self.inner.lock();
        inner.parked = false;
        inner.gathers_until = None;
        inner.lifetime = lifetime;
    }

    /// How long the queue lives.
    pub(crate) fn lifetime(&self) -> Lifetime {
        self.inner.lock().lifetime
    }

    /// Nothing is to be kept when the connection ends.
    pub(crate) fn end_with_connection(&self) {
        self.inner.lock().lifetime = Lifetime::Connection;
    }

    /// The client has gone, and the queue waits for it.
    pub(crate) fn park(&self) {
        let mut inner = self.inner.lock();
        inner.parked = true;
        inner.order = None;
        inner.session = None;
        let paused = std::mem::take(&mut inner.paused);
        drop(inner);
        paused.into_iter().for_each(Waker::wake);
    }

    /// Whether the client is still connected; if so, `waker` is woken when it is not.
    pub(crate) fn is_still_connected(&self, waker: &Waker) -> bool {
        let mut inner = self.inner.lock();
        let connected = !inner.ended && !inner.parked;
        if connected {
            inner.wake_later(waker);
        }
        connected
    }

    /// Demands the session's end; the first demand stands.
    pub(crate) fn order(&self, order: Order) {
        let mut inner = self.inner.lock();
        if inner.parked {
            return;
        }
        inner.order.get_or_insert(order);
        wake(inner.session.take(), inner);
    }

    /// The demand that waits.
    pub(crate) fn order_waiting(&self) -> Option<Order> {
        self.inner.lock().order
    }

    /// Says whom to wake when the next delivery or order comes. To miss none, call it before [`Self::take`].
    pub(crate) fn wake_session(&self, waker: &Waker) {
        let mut inner = self.inner.lock();
        match &mut inner.session {
            Some(known) => known.clone_from(waker),
            None => inner.session = Some(waker.clone()),
        }
    }

    /// Whether a publisher must go on waiting for room here; if so, `waker` is woken when there is some.
    pub(crate) fn keeps_waiting(&self, waker: &Waker) -> bool {
        let mut inner = self.inner.lock();
        let waits = !inner.ended && !inner.parked && inner.bytes > self.bounds.session_pause / 2;
        if waits {
            inner.wake_later(waker);
        }
        waits
    }

    /// Ends the queue: nothing waits in it, nothing enters it any more.
    pub(crate) fn end(&self) {
        let mut inner = self.inner.lock();
        inner.ended = true;
        self.bounds.hub_bytes.fetch_sub(inner.bytes, Relaxed);
        let Inner { queue, paused, .. } = std::mem::take(&mut *inner);
        inner.ended = true;
        drop(inner);
        drop(queue);
        paused.into_iter().for_each(Waker::wake);
    }

    fn release_paused(&self, inner: &mut Inner) -> Vec<Waker> {
        if inner.bytes > self.bounds.session_pause / 2 {
            Vec::new()
        } else {
            std::mem::take(&mut inner.paused)
        }
    }
}

impl Inner {
    /// Whether what waits is to wait on, for more to go with it.
    fn gathers(&self, now: UnixTime) -> bool {
        let rests = self.order.is_none() && self.gathered < GATHERED_MAX;
        rests && self.gathers_until.is_some_and(|until| now < until)
    }

    fn left(&self, more: bool) -> Left {
        Left {
            order: self.order,
            more,
            kept: self.lifetime == Lifetime::Session,
            gathers_until: self.gathers_until,
        }
    }

    fn wake_later(&mut self, waker: &Waker) {
        if !self.paused.iter().any(|known| known.will_wake(waker)) {
            self.paused.push(waker.clone());
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.bounds
            .hub_bytes
            .fetch_sub(self.inner.get_mut().bytes, Relaxed);
    }
}

/// Wakes after the lock is released, so that the woken thread does not run into it.
fn wake(waker: Option<Waker>, lock: parking_lot::MutexGuard<'_, Inner>) {
    drop(lock);
    if let Some(waker) = waker {
        waker.wake();
    }
}
