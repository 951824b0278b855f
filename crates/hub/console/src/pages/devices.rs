//! The list of devices: filter, order, page and view are the address, and nothing else is.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use ironroot_api::{
    Assurance, DeviceCount, DeviceItem, DeviceQuery, DeviceSort, Lifecycle, Order, SavedView, Tier,
};
use ironroot_time::UnixTime;
use serde::Deserialize;

use super::Shown;
use super::fault::Trouble;
use super::order::verb;
use crate::Console;
use crate::figures::{counted, cut, grouped, seen, span, until};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// Devices on one page.
const PAGE: u32 = 25;

/// The largest number of characters of a person's words in a row.
const WHY_LENGTH_MAX: usize = 60;

/// The views that every hub has, with their queries.
const VIEWS: [(&str, &str); 4] = [
    ("All devices", ""),
    ("Shut out", "lifecycle=quarantined"),
    ("Certificate ends in 7 days", "certificate_ends_in_s=604800"),
    ("Not seen for a day", "lifecycle=active&unseen_for_s=86400"),
];

/// The orders that ticked rows are offered.
const ORDERS: [(Order, &str); 4] = [
    (Order::Quarantine, verb(Order::Quarantine)),
    (Order::Release, verb(Order::Release)),
    (Order::Transfer, verb(Order::Transfer)),
    (Order::Retire, verb(Order::Retire)),
];

/// The spans that the form offers, in seconds.
const SPANS: [u64; 4] = [3_600, 86_400, 604_800, 2_592_000];

/// One device in a list.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) profile: String,
    pub(crate) tier: Mark,
    pub(crate) life: Mark,
    pub(crate) why: String,
    pub(crate) ends: String,
    pub(crate) messages: String,
    pub(crate) refused: String,
    pub(crate) sessions: u32,
    pub(crate) seen: String,
}

/// What the form and the links of the list put into the address. A form sends empty fields too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    id: String,
    tier: String,
    lifecycle: String,
    profile: String,
    connected: String,
    unseen_for_s: String,
    certificate_ends_in_s: String,
    assurance: String,
    sort: String,
    reverse: String,
    cursor: String,
    /// How many devices stand on the pages before this one.
    past: String,
    /// The view that was just saved or removed.
    saved: String,
    removed: String,
}

#[derive(Debug, Template)]
#[template(path = "devices.html")]
pub(crate) struct Devices {
    frame: Frame,
    lead: String,
    /// What was just done, and the way to put it away.
    toast: String,
    views: Vec<View>,
    /// The saved view that is shown, which can be removed.
    current: Option<String>,
    /// The query of this list, to be saved; empty when it is a view already.
    to_save: String,
    asked: Asked,
    selects: Vec<Select>,
    applied: Vec<Applied>,
    heads: Vec<Head>,
    rows: Vec<Row>,
    /// `1 to 25 of 143, gravest first`.
    range: String,
    /// The addresses of the first page and of the next; empty where there is none.
    first: String,
    next: String,
}

/// A view of the devices, and how many are in it.
#[derive(Debug)]
struct View {
    name: String,
    count: String,
    href: String,
    current: bool,
}

/// A field of the form with its choices.
#[derive(Debug)]
struct Select {
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
}

#[derive(Debug)]
struct Choice {
    value: String,
    word: String,
    chosen: bool,
}

/// A filter that is in force, and the address without it.
#[derive(Debug)]
struct Applied {
    what: String,
    without: String,
    /// How many would fit without it; empty unless nothing fits.
    then: String,
}

/// The heading of a column, which sorts by it.
#[derive(Debug)]
pub(crate) struct Head {
    word: &'static str,
    class: &'static str,
    href: String,
    /// `ascending` or `descending`; empty when the list is in another order.
    sorted: &'static str,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Shown<Devices> {
    Shown(match asked {
        Ok(Query(asked)) => page(&console, visitor, asked).await,
        Err(cause) => Err(Trouble::Faulty(cause.body_text())),
    })
}

async fn page(console: &Console, visitor: Visitor, asked: Asked) -> Result<Devices, Trouble> {
    let views = &console.views;
    let query = asked.query()?;
    let saved = views.saved();
    let known = known_views(&saved);
    let questions: Vec<_> = known.iter().map(|(_, asked)| asked.clone()).collect();
    let found = views.find(&query, &questions).await?;
    let count = found.list.count.unwrap_or_default();
    let mut applied = asked.applied();
    if found.list.items.is_empty() {
        count_without(views, &asked, &mut applied).await?;
    }
    let profiles = views.profile_names();
    let now = views.now();
    let mut rows = Vec::with_capacity(found.list.items.len());
    for item in found.list.items {
        let why = match item.reasons_count {
            0 => String::new(),
            _ => cut(&views.first_reason(&item.id).await?, WHY_LENGTH_MAX),
        };
        rows.push(Row::new(item, why, now));
    }
    let same = |other: &DeviceQuery| other.clone().filters() == query.clone().filters();
    let counts = found.others.iter().map(|count| grouped(*count));
    let shown = known
        .iter()
        .zip(counts)
        .map(|((view, question), count)| View {
            name: view.name.clone(),
            count,
            href: format!(
                "/devices{}{}",
                if view.query.is_empty() { "" } else { "?" },
                view.query
            ),
            current: same(question),
        });
    let own = |view: &&SavedView| {
        known
            .iter()
            .any(|(known, question)| known.name == view.name && same(question))
    };
    let parts = (views.as_ref(), &console.live);
    Ok(Devices {
        frame: Frame::new(parts, visitor, Section::Devices, "Devices").await,
        lead: lead(&count),
        toast: asked.toast(),
        current: saved.iter().find(own).map(|view| view.name.clone()),
        to_save: if known.iter().any(|(_, question)| same(question)) {
            String::new()
        } else {
            asked.saveable()
        },
        views: shown.collect(),
        selects: asked.selects(&profiles),
        heads: asked.heads(query.sort, query.reverse == Some(true)),
        range: asked.range(rows.len(), &count, query.sort),
        first: asked.first(),
        next: asked.next(rows.len(), found.list.next.as_deref()),
        applied,
        rows,
        asked,
    })
}

/// The views that every hub has, then those that were saved; each with its question.
fn known_views(saved: &[SavedView]) -> Vec<(SavedView, DeviceQuery)> {
    let own = VIEWS.iter().map(|(name, query)| SavedView {
        name: (*name).to_owned(),
        query: (*query).to_owned(),
        entry: 0,
    });
    let all = own.chain(saved.iter().cloned());
    all.filter_map(|view| {
        let asked = Asked::read(&view.query)?;
        Some((view, asked.query().ok()?))
    })
    .collect()
}

/// How many devices there would be with each one filter left out.
async fn count_without(
    views: &ironroot_views::Views,
    asked: &Asked,
    applied: &mut [Applied],
) -> Result<(), Trouble> {
    let mut less = Vec::with_capacity(applied.len());
    for filter in asked.filters() {
        less.push(asked.without(filter).query()?);
    }
    let none = DeviceQuery {
        limit: Some(1),
        ..DeviceQuery::default()
    };
    let found = views.find(&none, &less).await?;
    for (filter, count) in applied.iter_mut().zip(found.others) {
        filter.then = grouped(count);
    }
    Ok(())
}

impl Row {
    pub(crate) fn new(item: DeviceItem, why: String, now: UnixTime) -> Self {
        let ends = item.certificate_ends.as_deref();
        Self {
            tier: marks::tier(item.tier),
            life: marks::lifecycle(item.lifecycle),
            seen: seen(now, item.sessions, item.last_seen.as_deref()),
            ends: ends.map_or_else(|| "–".to_owned(), |at| until(now, at)),
            messages: grouped(item.messages),
            refused: grouped(item.refused),
            id: item.id,
            profile: item.profile,
            sessions: item.sessions,
            why,
        }
    }
}

/// Name in the address, how a chip says it, and how the form does.
const FILTERS: [(&str, &str, &str); 8] = [
    ("id", "id contains", "Id contains"),
    ("tier", "tier is", "Tier"),
    ("lifecycle", "lifecycle is", "Lifecycle"),
    ("profile", "profile is", "Profile"),
    ("connected", "connected:", "Connected"),
    ("unseen_for_s", "not seen for", "Not seen for"),
    (
        "certificate_ends_in_s",
        "certificate ends in",
        "Certificate ends in",
    ),
    ("assurance", "key is", "Key"),
];

impl Asked {
    /// What a query of the list of devices asks.
    pub(crate) fn read(query: &str) -> Option<Self> {
        let address = format!("/devices?{query}").parse().ok()?;
        Some(Query::try_from_uri(&address).ok()?.0)
    }

    /// The question in the words of the API.
    fn query(&self) -> Result<DeviceQuery, Trouble> {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        Ok(DeviceQuery {
            limit: Some(PAGE),
            cursor: given(&self.cursor),
            sort: word("sort", &self.sort, DeviceSort::ALL)?,
            reverse: (self.reverse == "true").then_some(true),
            count: Some(true),
            id: given(&self.id),
            profile: given(&self.profile),
            lifecycle: word("lifecycle", &self.lifecycle, Lifecycle::ALL)?,
            tier: word("tier", &self.tier, Tier::ALL)?,
            assurance: word("assurance", &self.assurance, Assurance::ALL)?,
            connected: word("connected", &self.connected, &[true, false])?,
            unseen_for_s: number("unseen_for_s", &self.unseen_for_s)?,
            certificate_ends_in_s: number("certificate_ends_in_s", &self.certificate_ends_in_s)?,
        })
    }

    fn fields(&self) -> [(&'static str, &str); 10] {
        [
            ("id", &self.id),
            ("tier", &self.tier),
            ("lifecycle", &self.lifecycle),
            ("profile", &self.profile),
            ("connected", &self.connected),
            ("unseen_for_s", &self.unseen_for_s),
            ("certificate_ends_in_s", &self.certificate_ends_in_s),
            ("assurance", &self.assurance),
            ("sort", &self.sort),
            ("reverse", &self.reverse),
        ]
    }

    /// The filters in force, by their names in the address.
    fn filters(&self) -> impl Iterator<Item = &'static str> {
        let named = |name| FILTERS.iter().any(|(known, ..)| *known == name);
        let given = self
            .fields()
            .into_iter()
            .filter(|(_, text)| !text.is_empty());
        given.map(|(name, _)| name).filter(move |name| named(*name))
    }

    /// The query of this list's first page, with some fields changed.
    fn with(&self, changed: &[(&str, &str)]) -> String {
        let mut query = String::new();
        for (name, text) in self.fields() {
            let change = changed.iter().find(|(known, _)| *known == name);
            let text = change.map_or(text, |(_, value)| *value);
            if !text.is_empty() {
                query.push_str(if query.is_empty() { "" } else { "&" });
                query.push_str(name);
                query.push('=');
                query.push_str(&escaped(text));
            }
        }
        query
    }

    /// The same question without one filter.
    fn without(&self, filter: &str) -> Self {
        Self::read(&self.with(&[(filter, "")])).unwrap_or_default()
    }

    fn address(&self, changed: &[(&str, &str)]) -> String {
        match self.with(changed).as_str() {
            "" => "/devices".to_owned(),
            query => format!("/devices?{query}"),
        }
    }

    /// The same filters and order as options of the command line.
    pub(crate) fn flags(&self) -> String {
        let mut flags = String::new();
        for (name, text) in self
            .fields()
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
        {
            let option = match name {
                "unseen_for_s" => format!(" --unseen-for {}s", quoted(text)),
                "certificate_ends_in_s" => format!(" --certificate-ends-in {}s", quoted(text)),
                "connected" => format!(" --connected={}", quoted(text)),
                "reverse" => " --reverse".to_owned(),
                _ => format!(" --{name} {}", quoted(text)),
            };
            flags.push_str(&option);
        }
        flags
    }

    /// The address of the first page.
    fn here(&self) -> String {
        self.address(&[])
    }

    /// What would be saved as a view; empty when nothing is asked for.
    fn saveable(&self) -> String {
        self.with(&[])
    }

    fn first(&self) -> String {
        if self.cursor.is_empty() {
            String::new()
        } else {
            self.address(&[])
        }
    }

    fn next(&self, shown: usize, cursor: Option<&str>) -> String {
        let Some(cursor) = cursor else {
            return String::new();
        };
        let query = self.with(&[]);
        let joined = if query.is_empty() { "" } else { "&" };
        let past = self.past() + shown;
        format!(
            "/devices?{query}{joined}cursor={}&past={past}",
            escaped(cursor)
        )
    }

    fn past(&self) -> usize {
        if self.cursor.is_empty() {
            return 0;
        }
        self.past.parse().unwrap_or(0)
    }

    fn range(&self, shown: usize, count: &DeviceCount, sort: Option<DeviceSort>) -> String {
        let past = self.past();
        let from = grouped(past as u64 + 1);
        let to = grouped((past + shown) as u64);
        let all = grouped(count.devices);
        let (forth, back) = order_words(sort.unwrap_or(DeviceSort::Standing));
        let order = if self.reverse == "true" { back } else { forth };
        format!("{from} to {to} of {all}, {order}")
    }

    fn toast(&self) -> String {
        let done = |name: &str, done| format!("The view {} is {done}.", cut(name, 64));
        match (self.saved.as_str(), self.removed.as_str()) {
            ("", "") => String::new(),
            ("", name) => done(name, "removed"),
            (name, _) => done(name, "saved"),
        }
    }

    fn applied(&self) -> Vec<Applied> {
        let fields = self.fields();
        let chips = self.filters().filter_map(|name| {
            let (_, what, _) = FILTERS.iter().find(|(known, ..)| *known == name)?;
            let (_, text) = fields.iter().find(|(known, _)| *known == name)?;
            Some(Applied {
                what: format!("{what} {}", said(name, text)),
                without: self.address(&[(name, "")]),
                then: String::new(),
            })
        });
        chips.collect()
    }

    fn selects(&self, profiles: &[String]) -> Vec<Select> {
        let spans = || SPANS.map(|span| span.to_string()).to_vec();
        let names = |name: &str| -> Vec<String> {
            match name {
                "tier" => listed(Tier::ALL),
                "lifecycle" => listed(Lifecycle::ALL),
                "profile" => profiles.to_vec(),
                "connected" => listed(&[true, false]),
                "assurance" => listed(Assurance::ALL),
                _ => spans(),
            }
        };
        let fields = self.fields();
        let selects = FILTERS.iter().skip(1).filter_map(|(name, _, label)| {
            let (_, chosen) = fields.iter().find(|(known, _)| known == name)?;
            let mut values = names(name);
            if !chosen.is_empty() && !values.iter().any(|value| value == chosen) {
                values.push((*chosen).to_owned());
            }
            let choice = |value: String| Choice {
                word: said(name, &value),
                chosen: value == *chosen,
                value,
            };
            Some(Select {
                name,
                label,
                choices: values.into_iter().map(choice).collect(),
            })
        });
        selects.collect()
    }

    fn heads(&self, sort: Option<DeviceSort>, reverse: bool) -> Vec<Head> {
        let sort = sort.unwrap_or(DeviceSort::Standing);
        let heads = COLUMNS.iter().map(|(word, class, by, natural)| {
            let current = *by == sort;
            let turned = if current && !reverse { "true" } else { "" };
            let by_name = by.to_string();
            let chosen = if *by == DeviceSort::Standing {
                ""
            } else {
                by_name.as_str()
            };
            Head {
                word,
                class,
                href: self.address(&[("sort", chosen), ("reverse", turned)]),
                sorted: match (current, natural, reverse) {
                    (false, ..) => "",
                    (true, Falls, false) | (true, Rises, true) => "descending",
                    (true, Falls, true) | (true, Rises, false) => "ascending",
                },
            }
        });
        heads.collect()
    }
}

/// Which way the values of a column go in its own order.
#[derive(Clone, Copy)]
enum Natural {
    Rises,
    Falls,
}
use Natural::{Falls, Rises};

/// Word, width from which it is shown, order, and which way that goes.
const COLUMNS: [(&str, &str, DeviceSort, Natural); 9] = [
    ("Device", "", DeviceSort::Id, Rises),
    ("Standing", "", DeviceSort::Standing, Falls),
    ("Lifecycle", "from-48", DeviceSort::Lifecycle, Rises),
    ("Profile", "from-80", DeviceSort::Profile, Rises),
    ("Cert. ends", "from-64", DeviceSort::CertificateEnds, Rises),
    ("Messages", "from-80 num", DeviceSort::Messages, Falls),
    ("Refused", "from-80 num", DeviceSort::Refused, Falls),
    ("Sessions", "from-64 num", DeviceSort::Sessions, Falls),
    ("Seen", "from-48 num", DeviceSort::LastSeen, Rises),
];

/// How an order is spoken of, and how the other way round.
const fn order_words(sort: DeviceSort) -> (&'static str, &'static str) {
    match sort {
        DeviceSort::Standing => ("gravest first", "gravest last"),
        DeviceSort::Id => ("by id", "by id, from the end"),
        DeviceSort::LastSeen => ("latest seen first", "longest unseen first"),
        DeviceSort::Profile => ("by profile", "by profile, from the end"),
        DeviceSort::Lifecycle => ("youngest in life first", "oldest in life first"),
        DeviceSort::CertificateEnds => ("ending soonest first", "ending latest first"),
        DeviceSort::Sessions => ("most sessions first", "fewest sessions first"),
        DeviceSort::Messages => ("most messages first", "fewest messages first"),
        DeviceSort::Refused => ("most refused first", "fewest refused first"),
    }
}

/// A value of a filter as people say it.
fn said(name: &str, value: &str) -> String {
    match (name, value.parse::<u64>()) {
        ("unseen_for_s" | "certificate_ends_in_s", Ok(seconds)) => span(seconds),
        ("connected", _) => if value == "true" { "yes" } else { "no" }.to_owned(),
        _ => value.to_owned(),
    }
}

fn listed<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

/// What the devices add up to: those who are shut out, and those in good standing.
fn lead(count: &DeviceCount) -> String {
    let of = |state| count.by_lifecycle.get(&state).copied().unwrap_or(0);
    let parts = [
        (of(Lifecycle::Quarantined), "shut out"),
        (
            of(Lifecycle::Enrolled) + of(Lifecycle::Active),
            "in good standing",
        ),
        (of(Lifecycle::Claimed), "waiting to enrol"),
        (of(Lifecycle::Transferred), "given up"),
        (of(Lifecycle::Retired), "retired"),
    ];
    let told: Vec<_> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", grouped(*number)))
        .collect();
    match told.as_slice() {
        [] => "No device fits.".to_owned(),
        some => format!(
            "{}: {}.",
            counted(count.devices, "device", "devices"),
            some.join(", ")
        ),
    }
}

/// A number, if one was given.
fn number(field: &str, text: &str) -> Result<Option<u64>, Trouble> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_no_number| Trouble::Faulty(format!("{field} is no number of seconds: {text:?}."));
    text.parse().map(Some).map_err(wrong)
}

/// A word of a vocabulary, if one was given.
fn word<T: Copy + ToString>(field: &str, text: &str, all: &[T]) -> Result<Option<T>, Trouble> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = all.iter().find(|value| value.to_string() == text);
    let unknown = || Trouble::Faulty(format!("{field} has no value {text:?}."));
    found.copied().map(Some).ok_or_else(unknown)
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text inside an address (RFC 3986 section 2.1).
pub(crate) fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    fn page(asked: Asked, rows: usize, next: Option<&str>) -> String {
        let item = |n| DeviceItem {
            id: if n == 0 {
                "W".repeat(64)
            } else {
                format!("CAM-7F31-{n:04}")
            },
            profile: "camera".to_owned(),
            lifecycle: Lifecycle::ALL[n % Lifecycle::ALL.len()],
            tier: Tier::ALL[n % Tier::ALL.len()],
            assurance: None,
            reasons_count: 0,
            sessions: 0,
            last_seen: Some(NOW.to_string()),
            certificate_ends: (n % 2 == 0).then(|| NOW.to_string()),
            messages: 1_842_196,
            refused: 7,
            simulated: false,
        };
        let count = DeviceCount {
            devices: 2_418,
            by_lifecycle: [(Lifecycle::Active, 2_418)].into(),
            by_tier: [(Tier::None, 2_418)].into(),
        };
        let page = Devices {
            frame: frame(Section::Devices),
            lead: lead(&count),
            toast: asked.toast(),
            views: vec![View {
                name: HOSTILE.to_owned(),
                count: "2".to_owned(),
                href: "/devices?lifecycle=active".to_owned(),
                current: true,
            }],
            current: Some("mine".to_owned()),
            to_save: asked.saveable(),
            selects: asked.selects(&["camera".to_owned(), HOSTILE.to_owned()]),
            applied: asked.applied(),
            heads: asked.heads(Some(DeviceSort::Messages), true),
            rows: (0..rows)
                .map(|n| Row::new(item(n), HOSTILE.to_owned(), NOW))
                .collect(),
            range: asked.range(rows, &count, None),
            first: asked.first(),
            next: asked.next(rows, next),
            asked,
        };
        page.render().unwrap()
    }

    #[test]
    fn the_empty_form_names_the_command_for_a_first_claim() {
        let html = page(Asked::default(), 0, None);
        check(&html);
        assert!(html.contains("ironroot claim new SERIAL"));
    }

    #[test]
    fn the_usual_form_shows_what_is_applied_with_a_way_out() {
        let asked = Asked {
            id: HOSTILE.to_owned(),
            lifecycle: "active".to_owned(),
            unseen_for_s: "7200".to_owned(),
            cursor: "6~x".to_owned(),
            past: "25".to_owned(),
            ..Asked::default()
        };
        let html = page(asked, 3, Some("6~y"));
        check(&html);
        assert!(html.contains(r#"<option value="active" selected>active</option>"#));
        assert!(html.contains("not seen for 2 h") && html.contains("certificate"));
        assert!(html.contains(r#"href="/devices?id=%22%3E%3Cscript%3E"#));
        assert!(
            html.contains("26 to 28 of 2,418") && html.contains("cursor=6~y&amp;past=28")
                || html.contains("cursor=6~y&#38;past=28")
        );
    }

    #[test]
    fn the_crowded_form_holds() {
        let html = page(Asked::default(), 25, Some("6~y"));
        check(&html);
        assert_eq!(html.matches(r#"type="checkbox""#).count(), 25);
        assert_eq!(html.matches("aria-sort=").count(), 1);
    }

    #[test]
    fn where_nothing_fits_each_filter_says_how_many_would_without_it() {
        let asked = Asked {
            profile: "camera".to_owned(),
            tier: "warning".to_owned(),
            ..Asked::default()
        };
        let html = page(asked, 0, None);
        check(&html);
        assert!(html.contains("No device fits") && html.contains("without “tier is warning”"));
    }

    #[test]
    fn an_address_keeps_every_filter_but_the_one_that_is_taken_out() {
        let asked = Asked {
            id: "a b".to_owned(),
            profile: "camera".to_owned(),
            cursor: "6~x".to_owned(),
            ..Asked::default()
        };
        assert_eq!(asked.address(&[("profile", "")]), "/devices?id=a%20b");
        assert_eq!(asked.without("id").address(&[]), "/devices?profile=camera");
        assert_eq!(Asked::default().address(&[]), "/devices");
        let next = asked.next(25, Some("6~y"));
        assert_eq!(next, "/devices?id=a%20b&profile=camera&cursor=6~y&past=25");
    }

    #[test]
    fn a_question_is_the_same_on_the_command_line() {
        let asked = Asked::read("id=a%27b&lifecycle=active&unseen_for_s=60&reverse=true").unwrap();
        assert_eq!(
            asked.flags(),
            r" --id 'a'\''b' --lifecycle active --unseen-for 60s --reverse"
        );
    }

    #[test]
    fn a_heading_sorts_and_sorts_back() {
        let heads = Asked::default().heads(None, false);
        let by = |word: &str| heads.iter().find(|head| head.word == word).unwrap();
        assert_eq!(by("Seen").href, "/devices?sort=last_seen");
        assert_eq!(
            (by("Standing").href.as_str(), by("Standing").sorted),
            ("/devices?reverse=true", "descending")
        );
    }

    #[test]
    fn every_view_of_the_hub_is_a_question() {
        assert_eq!(known_views(&[]).len(), VIEWS.len());
    }

    #[test]
    fn refuses_a_word_outside_the_vocabulary() {
        for asked in [
            "tier=trusted",
            "connected=maybe",
            "unseen_for_s=-1",
            "sort=colour",
        ] {
            let asked = Asked::read(asked).unwrap();
            assert!(matches!(asked.query(), Err(Trouble::Faulty(_))));
        }
    }
}
