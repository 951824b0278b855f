//! What is shown, and what a key does to it.

use ironroot_api::{
    DeviceDetail, DeviceItem, DeviceQuery, DeviceSort, JournalEntry, Lifecycle, NewOrder, Order,
    OrderDone, PAGE_LIMIT_MAX, Status,
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::widgets::TableState;

use super::watch::News;
use crate::commands::order::sentence;

/// What the person wants of the hub, or of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// These devices.
    Look(DeviceQuery),
    /// One device too, or none.
    Open(Option<String>),
    /// An order about a device.
    Order(String, NewOrder),
    /// The end.
    Leave,
}

/// Which devices are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    All,
    Quarantined,
    Connected,
    Away,
}

impl Filter {
    const ALL: [Self; 4] = [Self::All, Self::Quarantined, Self::Connected, Self::Away];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::All => "all devices",
            Self::Quarantined => "quarantined",
            Self::Connected => "connected",
            Self::Away => "not connected",
        }
    }
}

/// What lies over the list, if anything does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Nothing,
    /// The keys, explained.
    Help,
    /// A part of an id is typed.
    Search,
    /// One device; none of its details yet when absent.
    Device(String),
    /// An order is being given.
    Order(Giving),
}

/// An order on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Giving {
    pub(super) order: Order,
    pub(super) device: DeviceItem,
    pub(super) why: String,
    pub(super) step: Step,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The reason is typed.
    Why,
    /// It waits for a yes.
    Confirm,
}

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct State {
    pub(super) status: Status,
    pub(super) devices: Vec<DeviceItem>,
    /// Whether there are more devices than are shown.
    pub(super) more: bool,
    pub(super) entries: Vec<JournalEntry>,
    pub(super) detail: Option<DeviceDetail>,
    pub(super) filter: Filter,
    pub(super) sort: DeviceSort,
    pub(super) search: String,
    pub(super) over: Over,
    /// What became of the last order, or why the hub says nothing.
    pub(super) message: Option<String>,
    /// Whether a fault has come since the hub was last heard.
    pub(super) stale: bool,
    pub(super) table: TableState,
}

impl State {
    pub(super) fn new(status: Status) -> Self {
        Self {
            status,
            devices: Vec::new(),
            more: false,
            entries: Vec::new(),
            detail: None,
            filter: Filter::All,
            sort: DeviceSort::Standing,
            search: String::new(),
            over: Over::Nothing,
            message: None,
            stale: false,
            table: TableState::default(),
        }
    }

    /// The question whose answer is shown.
    pub(super) fn query(&self) -> DeviceQuery {
        let (lifecycle, connected) = match self.filter {
            Filter::All => (None, None),
            Filter::Quarantined => (Some(Lifecycle::Quarantined), None),
            Filter::Connected => (None, Some(true)),
            Filter::Away => (None, Some(false)),
        };
        DeviceQuery {
            limit: Some(PAGE_LIMIT_MAX),
            sort: Some(self.sort),
            id: (!self.search.is_empty()).then(|| self.search.clone()),
            lifecycle,
            connected,
            ..DeviceQuery::default()
        }
    }

    /// Takes in what the hub said.
    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Fleet(look) => {
                let before = self.selected().map(|device| device.id.clone());
                self.status = look.status;
                self.devices = look.page.items;
                self.more = look.page.next.is_some();
                self.entries = look.entries;
                if std::mem::take(&mut self.stale) {
                    self.message = None;
                }
                self.narrow();
                self.select(before.as_deref());
            }
            News::Device(detail) => self.detail = Some(*detail),
            News::Ordered(done) => self.ordered(&done),
            News::Fault(cause) => {
                self.stale = true;
                self.message = Some(cause);
            }
        }
    }

    fn ordered(&mut self, done: &OrderDone) {
        self.message = Some(sentence(done));
    }

    /// The device that orders are about.
    pub(super) fn selected(&self) -> Option<&DeviceItem> {
        self.devices.get(self.table.selected()?)
    }

    /// Stays with a device when the list changes under it.
    fn select(&mut self, id: Option<&str>) {
        let last = self.devices.len().checked_sub(1);
        let same = id.and_then(|id| self.devices.iter().position(|device| device.id == id));
        let place = same.or(self.table.selected()).unwrap_or(0);
        self.table.select(last.map(|last| place.min(last)));
    }

    /// What a key does.
    pub(super) fn press(&mut self, key: KeyEvent) -> Vec<Wish> {
        if !key.is_press() {
            return Vec::new();
        }
        if !self.stale {
            self.message = None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => vec![Wish::Leave],
                _ => Vec::new(),
            };
        }
        match self.over.clone() {
            Over::Nothing => self.press_on_list(key.code),
            Over::Help => {
                self.over = Over::Nothing;
                Vec::new()
            }
            Over::Search => self.press_on_search(key.code),
            Over::Device(id) => self.press_on_device(key.code, &id),
            Over::Order(giving) => self.press_on_order(key.code, giving),
        }
    }

    fn press_on_list(&mut self, key: KeyCode) -> Vec<Wish> {
        match key {
            KeyCode::Char('q') => return vec![Wish::Leave],
            KeyCode::Char('?') => self.over = Over::Help,
            KeyCode::Char('/') => self.over = Over::Search,
            KeyCode::Esc if !self.search.is_empty() || self.filter != Filter::All => {
                self.search.clear();
                self.filter = Filter::All;
                return self.look();
            }
            KeyCode::Char('f') => {
                self.filter = after(&Filter::ALL, self.filter);
                return self.look();
            }
            KeyCode::Char('s') => {
                self.sort = after(DeviceSort::ALL, self.sort);
                return self.look();
            }
            KeyCode::Enter => {
                if let Some(id) = self.selected().map(|device| device.id.clone()) {
                    self.over = Over::Device(id.clone());
                    return vec![Wish::Open(Some(id))];
                }
            }
            KeyCode::Char('x') => self.begin(Order::Quarantine),
            KeyCode::Char('r') => self.begin(Order::Release),
            moving => self.go(moving),
        }
        Vec::new()
    }

    fn go(&mut self, key: KeyCode) {
        match key {
            KeyCode::Down | KeyCode::Char('j') => self.table.scroll_down_by(1),
            KeyCode::Up | KeyCode::Char('k') => self.table.scroll_up_by(1),
            KeyCode::PageDown => self.table.scroll_down_by(PAGE),
            KeyCode::PageUp => self.table.scroll_up_by(PAGE),
            KeyCode::Home => self.table.select_first(),
            KeyCode::End => self.table.select(self.devices.len().checked_sub(1)),
            _ => return,
        }
        let stays = self.selected().map(|device| device.id.clone());
        self.select(stays.as_deref());
    }

    fn press_on_search(&mut self, key: KeyCode) -> Vec<Wish> {
        match key {
            KeyCode::Enter => {
                self.over = Over::Nothing;
                return Vec::new();
            }
            KeyCode::Esc => {
                self.over = Over::Nothing;
                self.search.clear();
            }
            key if !typed(&mut self.search, key, ID_LENGTH_MAX) => return Vec::new(),
            _ => {}
        }
        self.narrow();
        self.select(None);
        self.look()
    }

    /// Leaves out what does not match any more: the next key must not reach a device that was typed away.
    fn narrow(&mut self) {
        let part = self.search.to_lowercase();
        self.devices
            .retain(|device| device.id.to_lowercase().contains(&part));
    }

    fn press_on_device(&mut self, key: KeyCode, id: &str) -> Vec<Wish> {
        match key {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => {
                self.over = Over::Nothing;
                self.detail = None;
                return vec![Wish::Open(None)];
            }
            KeyCode::Char('x') => self.begin_about(Order::Quarantine, id),
            KeyCode::Char('r') => self.begin_about(Order::Release, id),
            _ => {}
        }
        Vec::new()
    }

    fn press_on_order(&mut self, key: KeyCode, mut giving: Giving) -> Vec<Wish> {
        match (giving.step, key) {
            (_, KeyCode::Esc) => self.over = self.beneath(),
            (Step::Why, KeyCode::Enter) => {
                if !giving.order.needs_why() || !giving.why.trim().is_empty() {
                    giving.step = Step::Confirm;
                }
                self.over = Over::Order(giving);
            }
            (Step::Why, key) => {
                typed(&mut giving.why, key, WHY_LENGTH_MAX);
                self.over = Over::Order(giving);
            }
            (Step::Confirm, KeyCode::Char('y')) => {
                self.over = self.beneath();
                let (order, why) = (giving.order, giving.why.trim().to_owned());
                let seen = None;
                return vec![Wish::Order(giving.device.id, NewOrder { order, why, seen })];
            }
            (Step::Confirm, _) => {
                self.message = Some(format!("{} was left as it is.", giving.device.id));
                self.over = self.beneath();
            }
        }
        Vec::new()
    }

    fn begin(&mut self, order: Order) {
        if let Some(id) = self.selected().map(|device| device.id.clone()) {
            self.begin_about(order, &id);
        }
    }

    fn begin_about(&mut self, order: Order, id: &str) {
        let open = self.detail.as_ref().map(|detail| &detail.item);
        let known = open.into_iter().chain(&self.devices);
        if let Some(device) = known.into_iter().find(|device| device.id == id) {
            self.over = Over::Order(Giving {
                order,
                device: device.clone(),
                why: String::new(),
                step: Step::Why,
            });
        }
    }

    /// What an order lies over.
    fn beneath(&self) -> Over {
        match &self.detail {
            Some(detail) => Over::Device(detail.item.id.clone()),
            None => Over::Nothing,
        }
    }

    fn look(&self) -> Vec<Wish> {
        vec![Wish::Look(self.query())]
    }
}

/// The value after `now`, and the first after the last.
fn after<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let next = all.iter().skip_while(|value| **value != now).nth(1);
    next.or(all.first()).copied().unwrap_or(now)
}

/// Takes a key into a line of text; whether the line changed.
fn typed(line: &mut String, key: KeyCode, length_max: usize) -> bool {
    match key {
        KeyCode::Backspace => line.pop().is_some(),
        KeyCode::Char(letter) if line.len() + letter.len_utf8() <= length_max => {
            line.push(letter);
            true
        }
        _ => false,
    }
}

/// The longest id, in bytes.
const ID_LENGTH_MAX: usize = 64;

/// The longest reason that fits the dialog, in bytes; the API takes more.
const WHY_LENGTH_MAX: usize = 200;

/// How many rows a page is.
const PAGE: u16 = 10;
