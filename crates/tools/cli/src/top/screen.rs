//! How it looks: at 80 columns and at 140, with colour and without.

use ironroot_api::{DeviceDetail, DeviceItem, Lifecycle, Order, Status};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Table, Wrap};

use super::state::{Giving, Over, State, Step};
use crate::table::{minute, moment};
use crate::terminal::harmless;

/// Whether there is colour. Nothing is said by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Colour,
    Plain,
}

impl Paint {
    /// As the person wants it: <https://no-color.org>.
    pub(super) fn of_process() -> Self {
        match std::env::var_os("NO_COLOR") {
            Some(value) if !value.is_empty() => Self::Plain,
            _ => Self::Colour,
        }
    }

    /// What calls for a person.
    fn grave(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        match self {
            Self::Colour => bold.fg(Color::Yellow),
            Self::Plain => bold,
        }
    }
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, state: &mut State, paint: Paint) {
    let faults = u16::try_from(state.status.degraded.len().min(FAULTS_MAX)).unwrap_or(0);
    let newest = if frame.area().height < ROOMY_HEIGHT {
        0
    } else {
        NEWEST_HEIGHT
    };
    let [head, wrong, list, below, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(faults),
        Constraint::Min(3),
        Constraint::Length(newest),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(frame, head, state, paint);
    draw_faults(frame, wrong, &state.status, paint);
    draw_newest(frame, below, state);
    draw_foot(frame, foot, state, paint);
    match state.over.clone() {
        Over::Device(id) => draw_device(frame, list, &id, state, paint),
        Over::Nothing | Over::Help | Over::Search | Over::Order(_) => {
            draw_list(frame, list, state, paint);
        }
    }
    match &state.over {
        Over::Help => draw_help(frame),
        Over::Order(giving) => draw_order(frame, giving, paint),
        Over::Nothing | Over::Search | Over::Device(_) => {}
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, state: &State, paint: Paint) {
    let status = &state.status;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut first = vec![Span::styled("Ironroot", bold)];
    if status.demonstration {
        first.push(Span::styled(
            "  Demonstration: simulated devices",
            paint.grave(),
        ));
    }
    first.push(Span::raw(format!(
        "  {} devices, {} sessions",
        status.devices, status.sessions
    )));
    if state.stale {
        first.push(Span::styled("  NOT LIVE", paint.grave()));
    }
    let signed = match &status.journal.checkpoint {
        Some(newest) => format!("signed up to {}, {} s ago", newest.size, newest.age_s),
        None => "no checkpoint yet".to_owned(),
    };
    let store = if status.store.ok {
        "store takes writes"
    } else {
        "STORE TAKES NO WRITES"
    };
    let second = format!(
        "journal {} entries, {signed}; {store}",
        status.journal.entries
    );
    frame.render_widget(
        Paragraph::new(vec![Line::from(first), Line::from(second)]),
        area,
    );
}

fn draw_faults(frame: &mut Frame<'_>, area: Rect, status: &Status, paint: Paint) {
    let lines = status.degraded.iter().take(FAULTS_MAX).map(|fault| {
        let text = format!("DEGRADED: {} {}", fault.what, fault.remedy);
        Line::styled(harmless(&text), paint.grave())
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), area);
}

fn draw_list(frame: &mut Frame<'_>, area: Rect, state: &mut State, paint: Paint) {
    let shown = state.devices.len();
    let more = if state.more { " of more" } else { "" };
    let mut title = format!(
        " {shown}{more} · {} · by {} ",
        state.filter.word(),
        sort_word(state)
    );
    if !state.search.is_empty() || state.over == Over::Search {
        let cursor = if state.over == Over::Search { "_" } else { "" };
        title = format!("{title}· id has “{}{cursor}” ", harmless(&state.search));
    }
    let block = Block::bordered().title(title);
    if state.devices.is_empty() {
        let none = "No device matches. Esc shows all; `ironroot claim new` claims the first.";
        let text = Paragraph::new(none).wrap(Wrap { trim: true });
        frame.render_widget(text.block(block), area);
        return;
    }
    let wide = area.width >= ROOMY_WIDTH;
    let rows: Vec<_> = state
        .devices
        .iter()
        .map(|device| row(device, wide, paint))
        .collect();
    let (names, widths) = columns(wide);
    let table = Table::new(rows, widths)
        .header(Row::new(names).style(Style::new().add_modifier(Modifier::BOLD)))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .highlight_symbol("> ")
        .column_spacing(1)
        .block(block);
    frame.render_stateful_widget(table, area, &mut state.table);
}

fn sort_word(state: &State) -> &'static str {
    match state.sort {
        ironroot_api::DeviceSort::Standing => "standing, gravest first",
        ironroot_api::DeviceSort::Id => "id",
        ironroot_api::DeviceSort::LastSeen => "last seen",
        ironroot_api::DeviceSort::Profile => "profile",
        ironroot_api::DeviceSort::Lifecycle => "lifecycle",
        ironroot_api::DeviceSort::CertificateEnds => "certificate, ending soonest first",
        ironroot_api::DeviceSort::Sessions => "most sessions",
        ironroot_api::DeviceSort::Messages => "most messages",
        ironroot_api::DeviceSort::Refused => "most refused",
    }
}

fn columns(wide: bool) -> (Vec<&'static str>, Vec<Constraint>) {
    let mut names = vec!["ID", "LIFECYCLE", "TIER", "SESS", "SEEN (UTC)"];
    let mut widths = vec![
        Constraint::Min(16),
        Constraint::Length(13),
        Constraint::Length(15),
        Constraint::Length(4),
        Constraint::Length(16),
    ];
    if wide {
        names.extend(["PROFILE", "KEY", "REASONS"]);
        widths.extend([
            Constraint::Length(18),
            Constraint::Length(18),
            Constraint::Length(7),
        ]);
    }
    (names, widths)
}

fn row(device: &DeviceItem, wide: bool, paint: Paint) -> Row<'static> {
    let shut_out = device.lifecycle == Lifecycle::Quarantined;
    let lifecycle = if shut_out {
        format!("! {}", device.lifecycle)
    } else {
        device.lifecycle.to_string()
    };
    let seen = device.last_seen.as_deref();
    let mut cells = vec![
        harmless(&device.id),
        lifecycle,
        device.tier.to_string(),
        device.sessions.to_string(),
        seen.map_or_else(|| "never".to_owned(), minute),
    ];
    if wide {
        cells.extend([
            harmless(&device.profile),
            device.assurance.map_or("-", |key| key.as_str()).to_owned(),
            device.reasons_count.to_string(),
        ]);
    }
    let style = if shut_out {
        paint.grave()
    } else {
        Style::new()
    };
    Row::new(cells.into_iter().map(Cell::from)).style(style)
}

fn draw_newest(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let block = Block::bordered().title(" journal, newest first ");
    let lines = state.entries.iter().map(|entry| {
        let at = moment(&entry.at);
        let time = at.get(11..).unwrap_or(&at);
        let text = format!("{time} {}: {}", entry.index, harmless(&entry.sentence));
        Line::from(cut(&text, usize::from(area.width.saturating_sub(2))))
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

/// What fits into so many columns; that something is missing shows.
fn cut(text: &str, width: usize) -> String {
    let line = Line::from(text);
    if line.width() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, state: &State, paint: Paint) {
    let line = match (&state.message, &state.over) {
        (_, Over::Search) => Line::from("type a part of the id · Enter keeps it · Esc drops it"),
        (Some(message), _) => Line::styled(harmless(&message.replace('\n', " ")), paint.grave()),
        (None, Over::Device(_)) => Line::from("x quarantine · r release · Esc back"),
        (None, _) => Line::from(
            "Enter open · / find · f filter · s sort · x quarantine · r release · ? keys · q",
        ),
    };
    frame.render_widget(Paragraph::new(line), area);
}

fn draw_device(frame: &mut Frame<'_>, area: Rect, id: &str, state: &State, paint: Paint) {
    let block = Block::bordered().title(format!(" {} ", harmless(id)));
    let detail = state.detail.as_ref().filter(|detail| detail.item.id == id);
    let lines = match detail {
        None => vec![Line::from("Asking the hub …")],
        Some(detail) => device_lines(detail, paint),
    };
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    frame.render_widget(text.block(block), area);
}

fn device_lines(detail: &DeviceDetail, paint: Paint) -> Vec<Line<'static>> {
    let (item, traffic) = (&detail.item, &detail.traffic);
    let simulated = if item.simulated { ", simulated" } else { "" };
    let standing = if item.lifecycle == Lifecycle::Quarantined {
        paint.grave()
    } else {
        Style::new().add_modifier(Modifier::BOLD)
    };
    let may = if detail.grant.connect {
        format!(
            "publishes {}; receives {}; {} messages/s",
            detail.grant.publish.join(", "),
            detail.grant.subscribe.join(", "),
            detail.grant.messages_per_s
        )
    } else {
        "nothing".to_owned()
    };
    let mut lines = vec![
        Line::styled(harmless(&detail.standing), standing),
        Line::from(format!(
            "{}, tier {}, profile {}{simulated}",
            item.lifecycle, item.tier, item.profile
        )),
        Line::from(harmless(&format!("may        {may}"))),
        Line::from(format!(
            "traffic    {} in, {} out, {} refused, {} withheld; {} connects, {} open",
            traffic.messages_in,
            traffic.messages_out,
            traffic.refused,
            traffic.withheld,
            traffic.connects,
            item.sessions
        )),
        Line::from(format!(
            "too much   {} throttled, {} held, {} cut off",
            traffic.throttled, traffic.held, traffic.cut_off
        )),
    ];
    for reason in &detail.reasons {
        let who = reason.who.as_deref().unwrap_or("the hub");
        let (kind, why, since) = (&reason.kind, &reason.why, moment(&reason.at));
        let text = format!("reason     {kind}, by {who} since {since}: {why}");
        lines.push(Line::from(harmless(&text)));
    }
    for certificate in detail.certificates.iter().take(CERTIFICATES_MAX) {
        let (serial, status) = (&certificate.serial, certificate.status);
        let until = minute(&certificate.not_after);
        lines.push(Line::from(format!(
            "certificate {serial}  {status}, until {until}"
        )));
    }
    lines.push(Line::default());
    for entry in &detail.timeline {
        let text = format!("{} {}: {}", moment(&entry.at), entry.entry, entry.sentence);
        lines.push(Line::from(harmless(&text)));
    }
    lines
}

fn draw_help(frame: &mut Frame<'_>) {
    let lines: Vec<_> = KEYS
        .iter()
        .map(|(key, what)| Line::from(format!("{key:<14}{what}")))
        .collect();
    let area = middle(
        frame.area(),
        68,
        2 + u16::try_from(lines.len()).unwrap_or(0),
    );
    frame.render_widget(Clear, area);
    let block = Block::bordered().title(" keys; any key goes back ");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn draw_order(frame: &mut Frame<'_>, giving: &Giving, paint: Paint) {
    let area = middle(frame.area(), 74, 10);
    frame.render_widget(Clear, area);
    let id = harmless(&giving.device.id);
    let verb = match giving.order {
        Order::Release => "Release",
        Order::Quarantine | Order::Retire | Order::Transfer => "Quarantine",
    };
    let block = Block::bordered().title(format!(" {verb} {id}? "));
    let inner = block.inner(area).inner(Margin::new(1, 0));
    frame.render_widget(block, area);
    let mut lines: Vec<_> = consequence(giving).into_iter().map(Line::from).collect();
    lines.push(Line::default());
    let cursor = if giving.step == Step::Why { "_" } else { "" };
    lines.push(Line::from(format!(
        "Why: {}{cursor}",
        harmless(&giving.why)
    )));
    lines.push(Line::default());
    lines.push(match giving.step {
        Step::Why if giving.order.needs_why() => {
            Line::from("Type the reason, for the journal · Enter goes on · Esc leaves it")
        }
        Step::Why => Line::from("Type a reason, if there is one · Enter goes on · Esc leaves it"),
        Step::Confirm => Line::styled(
            format!(
                "y {}s it · any other key leaves it as it is",
                verb.to_lowercase()
            ),
            paint.grave(),
        ),
    });
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inner);
}

/// What the order will do to this device.
fn consequence(giving: &Giving) -> Vec<String> {
    let device = &giving.device;
    match giving.order {
        Order::Release => vec![
            format!(
                "It is {} for {}; the reason of a person is taken away, others stay.",
                device.lifecycle,
                counted(device.reasons_count, "reason")
            ),
            "With no reason left it may connect again at once.".to_owned(),
        ],
        Order::Quarantine | Order::Retire | Order::Transfer => vec![
            format!(
                "It is {} and has {}, cut at once.",
                device.lifecycle,
                counted(device.sessions, "live session")
            ),
            format!(
                "After that it may do what the profile {} leaves to a quarantined device. `release` undoes it.",
                harmless(&device.profile)
            ),
        ],
    }
}

fn counted(count: u32, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// An area of this size in the middle of another, or what fits.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    area.centered(Constraint::Max(width), Constraint::Max(height))
}

const KEYS: &[(&str, &str)] = &[
    (
        "up, down",
        "move; also k and j, PgUp and PgDn, Home and End",
    ),
    ("Enter", "open the device"),
    ("/", "find by a part of the id"),
    ("f", "all, quarantined, connected, not connected"),
    ("s", "by standing, by id, by last seen"),
    ("x", "quarantine the device: asks why, and once more"),
    ("r", "release it"),
    ("Esc", "back; on the list, all devices again"),
    ("q, Ctrl-C", "leave"),
];

/// From this width on every column is shown.
const ROOMY_WIDTH: u16 = 110;
/// Below this height the journal is left out.
const ROOMY_HEIGHT: u16 = 20;
/// Lines of the newest entries, with their frame.
const NEWEST_HEIGHT: u16 = 8;
/// The most faults shown.
const FAULTS_MAX: usize = 3;
/// The most certificates shown of one device.
const CERTIFICATES_MAX: usize = 3;
