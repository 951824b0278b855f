//! The thread that asks the hub, about once a second, and whenever a key wants something of it.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use ironroot_api::{
    DeviceDetail, DeviceItem, DeviceQuery, JournalEntry, JournalQuery, NewOrder, OrderDone, Page,
    Status,
};

use super::state::Wish;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;

/// What the hub said.
#[derive(Debug)]
pub(super) enum News {
    /// How it is, the devices that were asked for, and the newest entries.
    Fleet(Box<Look>),
    /// One device.
    Device(Box<DeviceDetail>),
    /// An order was carried out.
    Ordered(OrderDone),
    /// It refused, or did not answer.
    Fault(String),
}

/// The fleet at one moment.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) status: Status,
    pub(super) page: Page<DeviceItem>,
    pub(super) entries: Vec<JournalEntry>,
}

/// A way to ask, and to hear the answers; nothing is asked any more when this is dropped.
pub(super) struct Watcher {
    wishes: Sender<Wish>,
    news: Receiver<News>,
}

impl Watcher {
    /// Begins to ask. The thread ends by itself: it may be in the middle of a request when the person leaves.
    pub(super) fn start(hub: Hub) -> Self {
        let (wishes, asked) = mpsc::channel();
        let (tell, news) = mpsc::channel();
        drop(thread::spawn(move || ask(&hub, &asked, &tell)));
        Self { wishes, news }
    }

    pub(super) fn ask(&self, wish: Wish) {
        // The thread ends after this one.
        drop(self.wishes.send(wish));
    }

    /// The next answer, if one has come.
    pub(super) fn news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }
}

fn ask(hub: &Hub, asked: &Receiver<Wish>, tell: &Sender<News>) {
    let (mut wanted, mut open) = (DeviceQuery::default(), None);
    loop {
        match asked.recv_timeout(AGAIN) {
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) | Ok(Wish::Leave) => {}
            Ok(Wish::Look(query)) => wanted = query,
            Ok(Wish::Open(device)) => open = device,
            Ok(Wish::Order(device, order)) => {
                let path = format!("/devices/{device}/orders");
                let done = hub.post::<OrderDone>(&path, &order as &NewOrder);
                report(tell, done.map(|answer| News::Ordered(answer.body)));
            }
        }
        report(
            tell,
            look(hub, &wanted).map(|look| News::Fleet(Box::new(look))),
        );
        if let Some(device) = &open {
            let detail = hub.get::<DeviceDetail>(&format!("/devices/{device}"));
            report(
                tell,
                detail.map(|answer| News::Device(Box::new(answer.body))),
            );
        }
    }
}

fn report(tell: &Sender<News>, outcome: Result<News, Failure>) {
    let news = outcome.unwrap_or_else(|failure| News::Fault(failure.to_string()));
    // Nobody listens any more when the person has left.
    drop(tell.send(news));
}

fn look(hub: &Hub, wanted: &DeviceQuery) -> Result<Look, Failure> {
    let newest = JournalQuery {
        limit: Some(ENTRIES),
        ..JournalQuery::default()
    };
    Ok(Look {
        status: hub.get("/status")?.body,
        page: hub.get(&format!("/devices{}", query(wanted)))?.body,
        entries: hub
            .get::<Page<JournalEntry>>(&format!("/journal{}", query(&newest)))?
            .body
            .items,
    })
}

/// How long after an answer the hub is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// How many of the newest entries are asked for.
const ENTRIES: u32 = 8;
