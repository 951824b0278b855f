//! The list of devices: filter, order, page and view are the address, and nothing else is.

mod asked;
mod columns;
mod filters;
mod row;
mod views;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use ironroot_api::{DeviceCount, Lifecycle, Order};

pub(crate) use self::asked::Asked;
use self::columns::Head;
use self::filters::{Applied, Select, count_without};
use self::row::Row;
use self::views::{Known, View};
use super::Shown;
use super::fault::Trouble;
use super::order::verb;
use crate::Console;
use crate::address::Address;
use crate::figures::{counted, cut, grouped};
use crate::frame::{Frame, Section, Visitor};

/// The largest number of characters of a person's words in a row.
const WHY_LENGTH_MAX: usize = 60;

/// The orders that ticked rows are offered.
const ORDERS: [(Order, &str); 4] = [
    (Order::Quarantine, verb(Order::Quarantine)),
    (Order::Release, verb(Order::Release)),
    (Order::Transfer, verb(Order::Transfer)),
    (Order::Retire, verb(Order::Retire)),
];

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

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(asked): Address<Asked>,
) -> Shown<Devices> {
    Shown(page(&console, visitor, asked).await)
}

async fn page(console: &Console, visitor: Visitor, asked: Asked) -> Result<Devices, Trouble> {
    let views = &console.views;
    let query = asked.query()?;
    let known = Known::all(views.saved());
    let questions: Vec<_> = known.iter().map(|view| view.question().clone()).collect();
    let found = views.find(&query, &questions).await?;
    let count = found.list.count.unwrap_or_default();
    let mut applied = asked.applied();
    if found.list.items.is_empty() {
        count_without(views, &asked, &mut applied).await?;
    }
    let now = views.now();
    let mut rows = Vec::with_capacity(found.list.items.len());
    for item in found.list.items {
        let why = match item.reasons_count {
            0 => String::new(),
            _ => cut(&views.first_reason(&item.id).await?, WHY_LENGTH_MAX),
        };
        rows.push(Row::new(item, why, now));
    }
    let counted = known.into_iter().zip(found.others);
    let shown: Vec<_> = counted
        .map(|(view, count)| view.shown(count, &query))
        .collect();
    let current = shown.iter().filter(|view| view.current);
    Ok(Devices {
        frame: console.frame(visitor, Section::Devices, "Devices").await,
        lead: lead(&count),
        toast: asked.toast(),
        to_save: match current.clone().next() {
            Some(_) => String::new(),
            None => asked.saveable(),
        },
        current: current
            .clone()
            .find(|view| view.saved)
            .map(|view| view.name.clone()),
        views: shown,
        selects: asked.selects(&views.profile_names()),
        heads: asked.heads(query.sort, query.reverse == Some(true)),
        range: asked.range(rows.len(), &count, query.sort),
        first: asked.first(),
        next: asked.next(rows.len(), found.list.next.as_deref()),
        applied,
        rows,
        asked,
    })
}

impl Asked {
    fn toast(&self) -> String {
        let done = |name: &str, done| format!("The view {} is {done}.", cut(name, 64));
        match (self.saved.as_str(), self.removed.as_str()) {
            ("", "") => String::new(),
            ("", name) => done(name, "removed"),
            (name, _) => done(name, "saved"),
        }
    }
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
        (of(Lifecycle::Withdrawn), "with a claim that was withdrawn"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::{DeviceItem, DeviceSort, Tier};
    use ironroot_time::UnixTime;

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
                saved: true,
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
}
