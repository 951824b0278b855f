//! The overview: who comes in the morning wants one answer, then one list.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use ironroot_api::{Degraded, JournalQuery, Lifecycle};
use ironroot_time::UnixTime;
use ironroot_views::{Attention, Fleet, Urgency, Views};

use super::Shown;
use super::chart::Chart;
use super::charts::{self, Recent};
use super::fault::Trouble;
use super::journal::Line;
use crate::Console;
use crate::figures::{grouped, span};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// The states that the strip shows, gravest first.
pub(crate) const STATES: [Lifecycle; 5] = [
    Lifecycle::Quarantined,
    Lifecycle::Active,
    Lifecycle::Enrolled,
    Lifecycle::Claimed,
    Lifecycle::Retired,
];

/// How many devices wait in the overview by name, and how many entries it has.
const ATTENTION: u32 = 7;
const ENTRIES: u32 = 7;

/// The width of the strip's bar in its own units, of the least part of it that is seen, and between two parts.
const BAR: u64 = 1_000;
const LEAST: u64 = 3;
const GAP: u64 = 1;

/// What is so, in a heading and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) heading: String,
    pub(crate) lead: String,
}

#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub(crate) struct Overview {
    frame: Frame,
    answer: Answer,
    cells: Vec<Cell>,
    waiting: Vec<Waiting>,
    /// Devices that wait beyond those shown.
    more: u64,
    /// Each profile with the number of its devices.
    profiles: Vec<(String, String)>,
    charts: [Chart; 4],
    lines: Vec<Line>,
    doors: Doors,
    first_steps: Option<FirstSteps>,
}

/// One state in the strip.
#[derive(Debug)]
struct Cell {
    mark: Mark,
    state: Lifecycle,
    slot: String,
    count: String,
    note: String,
    x: u64,
    width: u64,
}

/// One thing that waits for a person.
#[derive(Debug)]
struct Waiting {
    mark: Mark,
    device: String,
    what: String,
    so: String,
    href: String,
    link: String,
}

#[derive(Debug)]
struct Doors {
    sessions: String,
    journal: String,
    store: &'static str,
    running: String,
}

/// Where a first device finds the hub.
#[derive(Debug)]
struct FirstSteps {
    device_door: String,
    mqtt_door: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Shown<Overview> {
    Shown(page(&console, visitor).await)
}

async fn page(console: &Console, visitor: Visitor) -> Result<Overview, Trouble> {
    let views = &console.views;
    let fleet = console.live.fleet(views).await;
    let status = views.status();
    let answer = Answer::of(&fleet, &status.degraded);
    let newest = JournalQuery {
        limit: Some(ENTRIES),
        ..JournalQuery::default()
    };
    let now = views.now();
    let waiting = views.attention(&fleet, ATTENTION).await?;
    let lines = views.journal(&newest).await?.items;
    Ok(Overview {
        frame: frame(console, visitor, &answer).await,
        answer,
        cells: cells(&fleet),
        waiting: waiting.into_iter().map(Waiting::from).collect(),
        more: fleet.attention.saturating_sub(ATTENTION.into()),
        profiles: profiles(&fleet),
        charts: charts::charts(&Recent::of(views), &fleet),
        lines: lines
            .into_iter()
            .map(|entry| Line::new(entry, now))
            .collect(),
        doors: doors(views, &status, now),
        first_steps: (fleet.devices == 0).then(|| FirstSteps {
            device_door: views.hub().device_door.clone(),
            mqtt_door: views.hub().mqtt_door.clone(),
        }),
    })
}

fn profiles(fleet: &Fleet) -> Vec<(String, String)> {
    let counts = fleet.by_profile.iter();
    counts
        .map(|(name, count)| (name.to_string(), grouped(*count)))
        .collect()
}

async fn frame(console: &Console, visitor: Visitor, answer: &Answer) -> Frame {
    console
        .frame(visitor, Section::Overview, answer.heading.as_str())
        .await
}

fn doors(views: &Views, status: &ironroot_api::Status, now: UnixTime) -> Doors {
    Doors {
        sessions: grouped(status.sessions),
        journal: grouped(status.journal.entries),
        store: if status.store.ok {
            "takes writes"
        } else {
            "takes no writes"
        },
        running: span(now.since(views.hub().started_at).as_secs()),
    }
}

impl Answer {
    pub(crate) fn of(fleet: &Fleet, degraded: &[Degraded]) -> Self {
        let heading = match (degraded.is_empty(), fleet.attention) {
            (false, _) => "The hub needs you".to_owned(),
            (true, 0) if fleet.devices == 0 => "No devices yet".to_owned(),
            (true, 0) => "Nothing needs you".to_owned(),
            (true, 1) => "1 device needs you".to_owned(),
            (true, many) => format!("{} devices need you", grouped(many)),
        };
        Self {
            heading,
            lead: lead(fleet),
        }
    }
}

fn lead(fleet: &Fleet) -> String {
    let (good, work) = (fleet.in_good_standing(), fleet.at_work());
    let claimed = fleet.in_state(Lifecycle::Claimed);
    let claimed = claimed.saturating_sub(fleet.claims_ended);
    let waiting = match claimed {
        0 => String::new(),
        1 => " 1 claimed serial waits for its device.".to_owned(),
        many => format!(" {} claimed serials wait for their devices.", grouped(many)),
    };
    let standing = match (work, fleet.in_state(Lifecycle::Quarantined)) {
        (0, _) if fleet.devices == 0 => {
            return "This hub is ready: its certificate authority is made, its doors are open and its journal has begun. Three steps bring in the first device.".to_owned();
        }
        (0, _) => "No device has enrolled yet.".to_owned(),
        (_, 0) => format!("{} in good standing.", all_of(work)),
        (_, out) => format!(
            "{} of {} in good standing; Ironroot has shut out {}.",
            grouped(good),
            if work == 1 {
                "1 device is".to_owned()
            } else {
                format!("{} devices are", grouped(work))
            },
            grouped(out)
        ),
    };
    standing + &waiting
}

fn all_of(work: u64) -> String {
    match work {
        1 => "The one enrolled device is".to_owned(),
        many => format!("All {} enrolled devices are", grouped(many)),
    }
}

/// The slot under which a state's count is sent.
pub(crate) fn state_slot(state: Lifecycle) -> String {
    format!("state-{state}")
}

fn cells(fleet: &Fleet) -> Vec<Cell> {
    let inhabited = STATES.iter().filter(|state| fleet.in_state(**state) > 0);
    let room = BAR - (LEAST + GAP) * inhabited.count() as u64;
    let mut x = 0;
    let cells = STATES.map(|state| {
        let count = fleet.in_state(state);
        let share = (count * room).checked_div(fleet.devices).unwrap_or(0);
        let width = if count > 0 { LEAST + share } else { 0 };
        let cell = Cell {
            mark: marks::lifecycle(state),
            state,
            slot: state_slot(state),
            count: grouped(count),
            note: note(fleet, state),
            x,
            width,
        };
        x += if count > 0 { width + GAP } else { 0 };
        cell
    });
    cells.into()
}

fn note(fleet: &Fleet, state: Lifecycle) -> String {
    match state {
        Lifecycle::Quarantined => "shut out".to_owned(),
        Lifecycle::Active => "at work".to_owned(),
        Lifecycle::Enrolled => "not heard of yet".to_owned(),
        Lifecycle::Claimed if fleet.claims_ended > 0 => {
            format!("{} ended unused", grouped(fleet.claims_ended))
        }
        Lifecycle::Claimed => "wait for their devices".to_owned(),
        Lifecycle::Transferred => "wait for their owners".to_owned(),
        Lifecycle::Retired => "gone for good".to_owned(),
        Lifecycle::Withdrawn => "claimed no more".to_owned(),
    }
}

impl From<Attention> for Waiting {
    fn from(item: Attention) -> Self {
        let mark = match item.urgency {
            Urgency::Stopped => Mark {
                class: "contraindicated",
                icon: "contraindicated",
                word: "Grave",
            },
            Urgency::ShutOut => Mark {
                class: "ink",
                icon: "quarantined",
                word: "Quarantined",
            },
            Urgency::Watch => Mark {
                class: "warning",
                icon: "warning",
                word: "Warning",
            },
            Urgency::Waiting => Mark {
                class: "quiet",
                icon: "none",
                word: "Waiting",
            },
        };
        let (href, link) = match (&item.device, item.urgency) {
            (Some(id), _) => (format!("/devices/{id}"), "Look into it"),
            (None, _) if item.query.is_empty() => (String::new(), ""),
            (None, _) => (format!("/devices?{}", item.query), "Show them"),
        };
        Self {
            mark,
            device: item.device.unwrap_or_default(),
            what: item.what,
            so: item.so,
            href,
            link: link.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use crate::pages::charts::tests::counted_all;
    use ironroot_api::{JournalEntry, Over};

    const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    fn fleet(states: &[(Lifecycle, u64)]) -> Fleet {
        let quarantined = states
            .iter()
            .find(|(state, _)| *state == Lifecycle::Quarantined);
        Fleet {
            devices: states.iter().map(|(_, count)| count).sum(),
            by_lifecycle: states.iter().copied().collect(),
            attention: quarantined.map_or(0, |(_, count)| *count),
            ..Fleet::default()
        }
    }

    fn page(fleet: &Fleet, waiting: Vec<Waiting>, counted: &Recent) -> String {
        let answer = Answer::of(fleet, &[]);
        let entry = JournalEntry {
            index: 1_842_196,
            at: NOW.to_string(),
            kind: "device.quarantined".to_owned(),
            sentence: HOSTILE.to_owned(),
            leaf: String::new(),
            archived: false,
            entry: serde_json::Value::Null,
        };
        let page = Overview {
            frame: frame(Section::Overview),
            answer,
            cells: cells(fleet),
            waiting,
            more: fleet.attention,
            profiles: profiles(fleet),
            charts: charts::charts(counted, fleet),
            lines: vec![Line::new(entry, NOW)],
            doors: Doors {
                sessions: "3".to_owned(),
                journal: "49".to_owned(),
                store: "takes writes",
                running: "8 s".to_owned(),
            },
            first_steps: (fleet.devices == 0).then(|| FirstSteps {
                device_door: "https://localhost:8444".to_owned(),
                mqtt_door: "mqtts://localhost:8883".to_owned(),
            }),
        };
        page.render().unwrap()
    }

    fn waiting(device: &str) -> Waiting {
        Waiting::from(Attention {
            urgency: Urgency::ShutOut,
            device: Some(device.to_owned()),
            what: "is shut out".to_owned(),
            so: format!("By admin: “{HOSTILE}”"),
            entry: Some(1),
            query: "",
        })
    }

    #[test]
    fn the_empty_form_shows_the_first_steps() {
        let counted = counted_all(Over::FiveMinutes, |_| false);
        let html = page(&Fleet::default(), Vec::new(), &counted);
        check(&html);
        assert!(
            html.contains("No devices yet") && html.contains("-L mqtts://localhost:8883/d/cam-1")
        );
    }

    #[test]
    fn the_usual_form_shows_each_mark_with_its_word() {
        let fleet = fleet(&[(Lifecycle::Active, 38), (Lifecycle::Quarantined, 2)]);
        let counted = counted_all(Over::Day, |n| !(20..=40).contains(&n));
        let html = page(&fleet, vec![waiting("cam-1")], &counted);
        check(&html);
        assert!(html.contains("2 devices need you"));
        assert!(html.contains("38 of 40 devices are in good standing; Ironroot has shut out 2."));
        assert!(html.contains("#quarantined\"/></svg>Quarantined</span>"));
    }

    #[test]
    fn the_crowded_form_holds() {
        let states = Lifecycle::ALL
            .iter()
            .map(|state| (*state, 400_000))
            .collect::<Vec<_>>();
        let fleet = fleet(&states);
        let id = "W".repeat(64);
        let counted = counted_all(Over::Day, |_| true);
        let html = page(&fleet, (0..7).map(|_| waiting(&id)).collect(), &counted);
        check(&html);
        assert!(html.contains("400,000 devices need you"));
    }

    #[test]
    fn a_hub_that_has_counted_nothing_draws_the_lines_and_says_so() {
        let fleet = fleet(&[(Lifecycle::Active, 1)]);
        let html = page(
            &fleet,
            Vec::new(),
            &counted_all(Over::FiveMinutes, |_| false),
        );
        check(&html);
        assert_eq!(html.matches("No figures yet.").count(), 4);
        assert_eq!(html.matches("<details").count(), 0);
    }

    #[test]
    fn every_chart_has_its_sentence_its_legend_and_its_table() {
        let fleet = fleet(&[(Lifecycle::Active, 38), (Lifecycle::Quarantined, 2)]);
        let html = page(&fleet, Vec::new(), &counted_all(Over::Day, |_| true));
        for of_each in [
            "role=\"img\" aria-label=\"",
            "<ul class=\"key\">",
            "Figures as a table",
        ] {
            assert_eq!(html.matches(of_each).count(), 4, "{of_each}");
        }
        assert!(html.contains("Quarantined <b data-slot=\"state-quarantined\">2</b>"));
        assert!(html.contains("fill=\"url(#c-refused-dot)\""));
    }

    #[test]
    fn everything_that_moves_in_a_chart_has_its_slot_on_the_page() {
        let (fleet, counted) = (
            fleet(&[(Lifecycle::Active, 38)]),
            counted_all(Over::FiveMinutes, |_| true),
        );
        let html = page(&fleet, Vec::new(), &counted);
        let moving: Vec<_> = charts::charts(&counted, &fleet)
            .into_iter()
            .flat_map(Chart::slots)
            .collect();
        for (slot, text) in &moving {
            assert!(html.contains(&format!("data-slot=\"{slot}\"")), "{slot}");
            assert!(html.contains(text.as_str()), "{slot}: {text}");
        }
        let slots = html.split("data-slot=\"c-").skip(1);
        let slots = slots.map(|rest| rest.split('"').next().unwrap());
        for slot in slots {
            let sent = moving.iter().any(|(sent, _)| *sent == format!("c-{slot}"));
            assert!(sent, "{slot}");
        }
    }

    #[test]
    fn one_is_spoken_of_as_one() {
        let one = fleet(&[(Lifecycle::Quarantined, 1), (Lifecycle::Claimed, 1)]);
        let answer = Answer::of(&one, &[]);
        assert_eq!(answer.heading, "1 device needs you");
        assert_eq!(
            answer.lead,
            "0 of 1 device is in good standing; Ironroot has shut out 1. 1 claimed serial waits for its device."
        );
        let fine = Answer::of(&fleet(&[(Lifecycle::Active, 1)]), &[]);
        assert_eq!(fine.heading, "Nothing needs you");
        assert_eq!(fine.lead, "The one enrolled device is in good standing.");
    }

    #[test]
    fn the_bar_stays_inside_its_box_and_shows_the_fewest() {
        let fleet = fleet(&[
            (Lifecycle::Quarantined, 1),
            (Lifecycle::Active, 100_000),
            (Lifecycle::Retired, 1),
        ]);
        let cells = cells(&fleet);
        assert!(cells.iter().all(|cell| cell.x + cell.width <= BAR));
        assert_eq!(cells.iter().filter(|cell| cell.width >= LEAST).count(), 3);
    }
}
