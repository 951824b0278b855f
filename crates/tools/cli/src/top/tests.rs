//! Screens and keys without a terminal: empty, usual, crowded, hostile; wide and narrow.

use ironroot_api::{
    DeviceDetail, DeviceItem, DeviceSort, JournalEntry, Lifecycle, NewOrder, Order, OrderDone,
    Page, Status,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use serde_json::json;

use super::screen::{self, Paint};
use super::state::{Filter, Over, State, Wish};
use super::watch::{Look, News};

fn status() -> Status {
    serde_json::from_value(json!({
        "version": "0.1.0", "started_at": "2026-11-22T05:00:00Z", "demonstration": true,
        "devices": 40, "sessions": 39, "store": {"ok": true},
        "journal": {"entries": 1_234, "checkpoint": {"size": 1_230, "age_s": 2}}, "degraded": [],
    }))
    .unwrap()
}

fn device(id: &str, lifecycle: &str) -> DeviceItem {
    serde_json::from_value(json!({
        "id": id, "profile": "camera", "lifecycle": lifecycle, "tier": "none",
        "assurance": "software", "reasons_count": u8::from(lifecycle == "quarantined"),
        "sessions": u8::from(lifecycle == "active"), "last_seen": "2026-11-22T05:06:01.042Z",
        "simulated": true,
    }))
    .unwrap()
}

fn entry(index: u64, sentence: &str) -> JournalEntry {
    serde_json::from_value(json!({
        "index": index, "at": "2026-11-22T05:06:01.042Z", "kind": "device.quarantined",
        "sentence": sentence, "leaf": "00", "entry": {},
    }))
    .unwrap()
}

fn detail(id: &str, standing: &str, why: &str) -> DeviceDetail {
    serde_json::from_value(json!({
        "id": id, "profile": "camera", "lifecycle": "quarantined", "tier": "none",
        "assurance": "software", "reasons_count": 1, "sessions": 0,
        "last_seen": "2026-11-22T05:06:01Z", "simulated": true, "standing": standing,
        "reasons": [{"kind": "person", "source": "", "at": "2026-11-22T05:06:01Z", "why": why,
            "who": "admin", "entry": 41}],
        "grant": {"connect": false, "publish": [], "subscribe": [], "sessions_max": 1,
            "subscriptions_max": 16, "packet_size_max": 1_048_576, "messages_per_s": 50},
        "certificates": [], "timeline": [{"entry": 41, "at": "2026-11-22T05:06:01Z",
            "kind": "device.quarantined", "sentence": "cam-2 was quarantined by admin (person)."}],
    }))
    .unwrap()
}

fn looking(items: Vec<DeviceItem>, entries: Vec<JournalEntry>) -> State {
    let mut state = State::new(status());
    state.take(fleet(items, entries));
    state
}

fn fleet(items: Vec<DeviceItem>, entries: Vec<JournalEntry>) -> News {
    let page = Page { items, next: None };
    News::Fleet(Box::new(Look {
        status: status(),
        page,
        entries,
    }))
}

fn usual() -> State {
    let devices = vec![
        device("cam-2", "quarantined"),
        device("cam-1", "active"),
        device("cam-3", "claimed"),
    ];
    looking(
        devices,
        vec![entry(41, "cam-2 was quarantined by admin (person).")],
    )
}

fn drawn(state: &mut State, (width, height): (u16, u16), paint: Paint) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| screen::draw(frame, state, paint))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as lines of text.
fn text(state: &mut State, size: (u16, u16)) -> String {
    let buffer = drawn(state, size, Paint::Plain);
    let width = usize::from(buffer.area.width);
    let lines = buffer.content.chunks(width).map(|line| {
        let line: String = line.iter().map(Cell::symbol).collect();
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

fn press(state: &mut State, keys: &str) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for key in keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            letter => KeyCode::Char(letter),
        };
        wishes = state.press(KeyEvent::new(code, KeyModifiers::NONE));
    }
    wishes
}

const NARROW: (u16, u16) = (80, 24);
const WIDE: (u16, u16) = (140, 40);

#[test]
fn the_usual_fleet_at_80_columns() {
    assert_eq!(
        text(&mut usual(), (80, 20)),
        "\
Ironroot  Demonstration: simulated devices  40 devices, 39 sessions
journal 1234 entries, signed up to 1230, 2 s ago; store takes writes
┌ 3 · all devices · by standing, gravest first ────────────────────────────────┐
│  ID                       LIFECYCLE     TIER            SESS SEEN (UTC)      │
│> cam-2                    ! quarantined none            0    2026-11-22 05:06│
│  cam-1                    active        none            1    2026-11-22 05:06│
│  cam-3                    claimed       none            0    2026-11-22 05:06│
│                                                                              │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
┌ journal, newest first ───────────────────────────────────────────────────────┐
│05:06:01 41: cam-2 was quarantined by admin (person).                         │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
│                                                                              │
└──────────────────────────────────────────────────────────────────────────────┘
Enter open · / find · f filter · s sort · x quarantine · r release · ? keys · q
"
    );
}

#[test]
fn a_wide_terminal_shows_every_column() {
    let screen = text(&mut usual(), WIDE);
    for heading in ["PROFILE", "KEY", "REASONS", "camera", "software"] {
        assert!(screen.contains(heading), "{heading} in {screen}");
    }
}

#[test]
fn an_empty_fleet_says_how_to_begin() {
    for size in [NARROW, WIDE] {
        let screen = text(&mut looking(Vec::new(), Vec::new()), size);
        assert!(screen.contains("No device matches"), "{screen}");
    }
}

#[test]
fn a_crowded_fleet_scrolls_and_stays_with_the_chosen_device() {
    let crowd = |from: usize| -> Vec<_> {
        (from..500)
            .map(|number| device(&format!("{}-{number:03}", "c".repeat(40)), "active"))
            .collect()
    };
    let mut state = looking(crowd(0), Vec::new());
    state.press(KeyEvent::new(KeyCode::End, KeyModifiers::NONE));
    let screen = text(&mut state, NARROW);
    assert!(screen.contains("500 · all devices"), "{screen}");
    assert!(screen.contains("> cccc"), "{screen}");
    let chosen = state.selected().unwrap().id.clone();
    state.take(fleet(crowd(100), Vec::new()));
    assert_eq!(state.selected().unwrap().id, chosen);
    // It is gone: another one is chosen, and there is no panic.
    state.take(fleet(vec![device("cam-1", "active")], Vec::new()));
    assert_eq!(state.selected().unwrap().id, "cam-1");
}

#[test]
fn attack_names_and_reasons_do_not_steer_the_terminal() {
    let hostile = "a\u{1b}[2Jb\u{202e}c\u{7}d\re\nf";
    let mut state = looking(vec![device(hostile, "active")], vec![entry(1, hostile)]);
    state.take(News::Fault(hostile.to_owned()));
    press(&mut state, "\n");
    state.take(News::Device(Box::new(detail(hostile, hostile, hostile))));
    let over = std::mem::replace(&mut state.over, Over::Nothing);
    for over in [Over::Nothing, over] {
        state.over = over;
        for size in [NARROW, WIDE] {
            let screen = text(&mut state, size);
            let steers = |letter: char| letter == '\u{1b}' || letter == '\u{202e}';
            assert!(!screen.contains(steers), "{screen:?}");
            assert!(!screen.contains(|letter: char| letter.is_control() && letter != '\n'));
        }
    }
    press(&mut state, "x");
    assert!(!text(&mut state, NARROW).contains('\u{1b}'));
}

#[test]
fn nothing_is_said_by_colour_alone_and_plain_has_none() {
    let plain = drawn(&mut usual(), NARROW, Paint::Plain);
    let colours = |buffer: &Buffer| {
        let coloured = |cell: &&Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
        buffer.content.iter().filter(coloured).count()
    };
    assert_eq!(colours(&plain), 0);
    let coloured = drawn(&mut usual(), NARROW, Paint::Colour);
    assert!(colours(&coloured) > 0);
    let symbols = |buffer: &Buffer| -> Vec<String> {
        buffer
            .content
            .iter()
            .map(|cell| cell.symbol().to_owned())
            .collect()
    };
    assert_eq!(symbols(&plain), symbols(&coloured));
}

#[test]
fn filters_sorts_and_finds_by_asking_the_hub() {
    let mut state = usual();
    let wishes = press(&mut state, "f");
    let [Wish::Look(query)] = wishes.as_slice() else {
        panic!("{wishes:?}");
    };
    assert_eq!(query.lifecycle, Some(Lifecycle::Quarantined));
    press(&mut state, "s");
    assert_eq!(state.query().sort, Some(DeviceSort::Id));
    press(&mut state, "/cam");
    assert_eq!(state.query().id.as_deref(), Some("cam"));
    assert!(text(&mut state, NARROW).contains("id has “cam_”"));
    press(&mut state, "\n\u{1b}");
    assert_eq!((state.filter, state.query().id), (Filter::All, None));
}

#[test]
fn a_key_never_reaches_a_device_that_was_typed_away() {
    let mut state = usual();
    assert_eq!(state.selected().unwrap().id, "cam-2");
    let opened = press(&mut state, "/M-1\n\n");
    assert_eq!(opened, [Wish::Open(Some("cam-1".to_owned()))]);
    // An answer to an earlier question.
    state.take(fleet(vec![device("cam-2", "quarantined")], Vec::new()));
    assert_eq!(state.selected(), None);
}

#[test]
fn an_order_asks_why_shows_what_it_does_and_asks_again() {
    let mut state = usual();
    press(&mut state, "jx");
    let screen = text(&mut state, NARROW);
    assert!(screen.contains("Quarantine cam-1?"), "{screen}");
    assert!(
        screen.contains("has 1 live session, cut at once"),
        "{screen}"
    );
    // Without a reason it goes no further.
    press(&mut state, "\n");
    assert_eq!(press(&mut state, "y\u{8}odd traffic\n"), []);
    let screen = text(&mut state, NARROW);
    assert!(screen.contains("y quarantines it"), "{screen}");
    let order = NewOrder {
        order: Order::Quarantine,
        why: "odd traffic".to_owned(),
        seen: None,
    };
    assert_eq!(
        press(&mut state, "y"),
        [Wish::Order("cam-1".to_owned(), order)]
    );
    let done: OrderDone = serde_json::from_value(json!({
        "device": "cam-1", "order": "quarantine", "lifecycle": "quarantined", "reasons_count": 1,
        "sessions_cut": 1, "entry": 42,
    }))
    .unwrap();
    state.take(News::Ordered(done));
    let screen = text(&mut state, NARROW);
    assert!(
        screen.contains("cam-1 is quarantined now; 1 session was cut"),
        "{screen}"
    );
}

#[test]
fn any_other_key_leaves_the_device_as_it_is() {
    for key in ["n", "\n", "\u{1b}", "Y"] {
        let mut state = usual();
        press(&mut state, "xodd\n");
        assert_eq!(press(&mut state, key), []);
        assert_eq!(state.over, Over::Nothing, "{key}");
    }
}

#[test]
fn one_device_is_opened_and_released_from_there() {
    let mut state = usual();
    assert_eq!(
        press(&mut state, "\n"),
        [Wish::Open(Some("cam-2".to_owned()))]
    );
    assert!(text(&mut state, NARROW).contains("Asking the hub"));
    let told = detail("cam-2", "Quarantined by admin.", "odd traffic");
    state.take(News::Device(Box::new(told)));
    let screen = text(&mut state, NARROW);
    for part in [
        "Quarantined by admin.",
        "by admin since 2026-11-22 05:06:01: odd traffic",
        "nothing",
    ] {
        assert!(screen.contains(part), "{part} in {screen}");
    }
    press(&mut state, "r");
    let screen = text(&mut state, NARROW);
    assert!(
        screen.contains("Release cam-2?") && screen.contains("others stay"),
        "{screen}"
    );
    press(&mut state, "\n");
    let [Wish::Order(id, order)] = &press(&mut state, "y")[..] else {
        panic!("no order");
    };
    assert_eq!((id.as_str(), order.order), ("cam-2", Order::Release));
    assert_eq!(press(&mut state, "\u{1b}"), [Wish::Open(None)]);
}

#[test]
fn a_hub_that_does_not_answer_is_told_of_until_it_does() {
    let mut state = usual();
    state.take(News::Fault("error: no hub answers".to_owned()));
    let screen = text(&mut state, NARROW);
    assert!(
        screen.contains("NOT LIVE") && screen.contains("no hub answers"),
        "{screen}"
    );
    state.take(fleet(Vec::new(), Vec::new()));
    assert!(!text(&mut state, NARROW).contains("NOT LIVE"));
}

#[test]
fn the_smallest_terminals_do_not_make_it_panic() {
    for size in [(1, 1), (10, 3), (20, 5), (40, 10)] {
        let mut state = usual();
        for keys in ["", "?", "\u{1b}x", "\u{1b}\n"] {
            press(&mut state, keys);
            text(&mut state, size);
        }
    }
}

#[test]
fn leaving_is_a_key_away() {
    assert_eq!(press(&mut usual(), "q"), [Wish::Leave]);
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let mut state = usual();
    press(&mut state, "x");
    assert_eq!(state.press(control_c), [Wish::Leave]);
}
