//! Figures that change while a page is open: counted once for all who look, sent as server-sent events.
//!
//! An event is a JSON object from slot to text; the page's script puts the text where the slot is.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use ironroot_views::{Fleet, Views};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::Console;
use crate::figures::grouped;
use crate::frame::{SessionEnd, Visitor, signed};
use crate::pages::chart::Chart;
use crate::pages::charts::{Recent, charts};
use crate::pages::overview::{Answer, STATES, state_slot};

/// How often figures are counted again while somebody looks.
const PERIOD: Duration = Duration::from_secs(1);

/// How long one stream lasts; the browser asks for the next, and is asked anew who it is.
const STREAM_MAX: Duration = Duration::from_secs(300);

/// The most streams at a time; whoever comes then is told to ask again later.
const STREAMS_MAX: usize = 256;

/// How old a count of the fleet may be when nothing was recorded since: a claim ends by time alone.
const FLEET_AGE_MAX: Duration = Duration::from_secs(10);

/// How long the steps of a chart are, at most, that moves while somebody looks.
const MOVING_STEP_MAX_S: u64 = 60;

/// The newest figures, shared by all who look; none when the hub stops.
type News = Option<Arc<str>>;

/// The figures that change while a page is open.
#[derive(Clone, Debug)]
pub struct LiveFigures {
    news: Arc<watch::Sender<News>>,
    counted: Arc<Mutex<Option<Counted>>>,
    streams: Arc<Semaphore>,
}

/// A count of the fleet and what it was true for.
#[derive(Clone, Debug)]
struct Counted {
    journal: u64,
    at: Instant,
    fleet: Arc<Fleet>,
}

impl Default for LiveFigures {
    fn default() -> Self {
        Self {
            news: Arc::new(watch::Sender::new(Some(Arc::from("{}")))),
            counted: Arc::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        }
    }
}

impl LiveFigures {
    /// Counts while somebody looks, until `stop` resolves; then ends every stream.
    pub async fn run(&self, views: &Views, stop: impl Future<Output = ()>) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = stop.as_mut() => break,
                _now = ticks.tick() => {}
            }
            if self.news.receiver_count() > 0 {
                let slots = self.slots(views).await;
                self.news.send_if_modified(|news| replace(news, slots));
            }
        }
        self.news.send_replace(None);
    }

    /// The fleet in numbers, counted again only when something was recorded or some time has passed.
    pub(crate) async fn fleet(&self, views: &Views) -> Arc<Fleet> {
        let mut counted = self.counted.lock().await;
        let journal = views.journal_size();
        if let Some(known) = counted.as_ref()
            && known.journal == journal
            && known.at.elapsed() < FLEET_AGE_MAX
        {
            return Arc::clone(&known.fleet);
        }
        let fleet = Arc::new(views.fleet().await);
        *counted = Some(Counted {
            journal,
            at: Instant::now(),
            fleet: Arc::clone(&fleet),
        });
        fleet
    }

    async fn slots(&self, views: &Views) -> Arc<str> {
        let fleet = self.fleet(views).await;
        let status = views.status();
        let answer = Answer::of(&fleet, &status.degraded);
        let mut slots = BTreeMap::from([
            ("answer".to_owned(), answer.heading),
            ("lead".to_owned(), answer.lead),
            ("sessions".to_owned(), grouped(status.sessions)),
            ("entries".to_owned(), grouped(status.journal.entries)),
            (
                "signed".to_owned(),
                signed(status.journal.checkpoint.as_ref()),
            ),
            ("attention".to_owned(), grouped(fleet.attention)),
            ("claims".to_owned(), grouped(fleet.claims_waiting)),
        ]);
        let recent = Recent::of(views);
        // What is older hardly changes before a page is loaded again.
        if recent.fine.step_s <= MOVING_STEP_MAX_S {
            slots.extend(charts(&recent, &fleet).into_iter().flat_map(Chart::slots));
        }
        for state in STATES {
            slots.insert(state_slot(state), grouped(fleet.in_state(state)));
        }
        let json = serde_json::to_string(&slots).unwrap_or_else(|_impossible| "{}".to_owned());
        json.into()
    }
}

fn replace(news: &mut News, slots: Arc<str>) -> bool {
    let differs = news.as_ref() != Some(&slots);
    *news = Some(slots);
    differs
}

/// The stream of figures, which ends with the session of the one who looks.
pub(crate) async fn events(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let Ok(place) = Arc::clone(&console.live.streams).try_acquire_owned() else {
        let later = [(header::RETRY_AFTER, "30")];
        return (StatusCode::SERVICE_UNAVAILABLE, later).into_response();
    };
    let mut news = console.live.news.subscribe();
    news.mark_changed();
    let stream = Events::new(Looker {
        news,
        session: visitor.session,
        until: Instant::now() + STREAM_MAX,
        _place: place,
    });
    Sse::new(stream)
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// One browser that looks, as long as it may.
struct Looker {
    news: watch::Receiver<News>,
    session: SessionEnd,
    until: Instant,
    _place: OwnedSemaphorePermit,
}

type Next = (Looker, Option<Event>);

/// One browser's stream: the newest figures whenever they change.
struct Events {
    next: Pin<Box<dyn Future<Output = Next> + Send>>,
}

impl Events {
    fn new(looker: Looker) -> Self {
        let next = Box::pin(next(looker));
        Self { next }
    }
}

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (looker, event) = ready!(self.next.as_mut().poll(context));
        self.next = Box::pin(next(looker));
        Poll::Ready(event.map(Ok))
    }
}

/// Waits for figures that differ; none when the stream has lasted long enough, the session is over or the hub
/// stops.
async fn next(mut looker: Looker) -> Next {
    let changed = tokio::select! {
        changed = timeout_at(looker.until, looker.news.changed()) => changed,
        () = looker.session.ended() => return (looker, None),
    };
    if !matches!(changed, Ok(Ok(()))) {
        return (looker, None);
    }
    let slots = looker.news.borrow_and_update().clone();
    let event = slots.map(|slots| Event::default().data(slots).retry(PERIOD));
    (looker, event)
}
