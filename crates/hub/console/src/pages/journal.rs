//! The journal: what happened, newest first, each entry a sentence; the address says which entries are wanted.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use ironroot_api::{JournalEntry, JournalQuery, TimelineEntry};
use ironroot_time::UnixTime;
use serde::Deserialize;

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::address::{Address, address};
use crate::figures::{counted, grouped, moment, short};
use crate::form::Choice;
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// Entries on one page.
const PAGE: u32 = 50;

/// The kinds to choose from: whole families, since a kind of its own is rarely wanted.
const KINDS: [(&str, &str); 9] = [
    ("device.", "Devices"),
    ("service.", "Services"),
    ("certificate.", "Revocations"),
    ("profile.", "Profiles"),
    ("manufacturer.", "Makers"),
    ("token.", "Tokens"),
    ("clock.", "Clock"),
    ("sign_in.", "Sign-in links"),
    ("hub.", "The hub itself"),
];

/// One entry in a list.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) index: u64,
    pub(crate) number: String,
    pub(crate) mark: Mark,
    pub(crate) sentence: String,
    pub(crate) at: String,
    pub(crate) exact: String,
    pub(crate) short: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    device: String,
    kind: String,
    who: String,
    since: String,
    until: String,
    cursor: String,
}

/// A filter that is applied, and the address without it.
#[derive(Debug)]
struct Chip {
    what: String,
    without: String,
}

#[derive(Debug, Template)]
#[template(path = "journal.html")]
pub(crate) struct Journal {
    frame: Frame,
    lead: String,
    asked: Asked,
    kinds: Vec<Choice>,
    applied: Vec<Chip>,
    lines: Vec<Line>,
    /// The address of the next page; empty on the last.
    next: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(asked): Address<Asked>,
) -> Shown<Journal> {
    Shown(page(&console, visitor, asked).await)
}

async fn page(console: &Console, visitor: Visitor, asked: Asked) -> Result<Journal, Trouble> {
    let views = &console.views;
    let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let query = JournalQuery {
        limit: Some(PAGE),
        cursor: given(&asked.cursor),
        device: given(&asked.device),
        kind: given(&asked.kind),
        who: given(&asked.who),
        since: given(&asked.since),
        until: given(&asked.until),
        ..JournalQuery::default()
    };
    let found = views.journal(&query).await?;
    let now = views.now();
    let frame = console.frame(visitor, Section::Journal, "Journal").await;
    let lead = format!(
        "{}; {}.",
        counted(views.journal_size(), "entry", "entries"),
        frame.signed
    );
    let lines = found.items.into_iter().map(|entry| Line::new(entry, now));
    Ok(Journal::new(
        frame,
        lead,
        asked,
        lines.collect(),
        found.next,
    ))
}

impl Journal {
    fn new(
        frame: Frame,
        lead: String,
        asked: Asked,
        lines: Vec<Line>,
        next: Option<String>,
    ) -> Self {
        let kind = |(value, word): (&str, &str)| Choice {
            value: value.to_owned(),
            word: word.to_owned(),
            chosen: value == asked.kind,
        };
        Self {
            frame,
            lead,
            kinds: kinds(&asked.kind).into_iter().map(kind).collect(),
            applied: asked.applied(),
            lines,
            next: next.map_or_else(String::new, |cursor| asked.with("cursor", &cursor)),
            asked,
        }
    }
}

/// The kinds to choose from, and the one that is chosen if it is none of them.
fn kinds(chosen: &str) -> Vec<(&str, &str)> {
    let known = KINDS.iter().any(|(value, _word)| *value == chosen);
    let other = (!chosen.is_empty() && !known).then_some((chosen, chosen));
    KINDS.into_iter().chain(other).collect()
}

impl Asked {
    fn fields(&self) -> [(&'static str, &str); 6] {
        [
            ("device", &self.device),
            ("kind", &self.kind),
            ("who", &self.who),
            ("since", &self.since),
            ("until", &self.until),
            ("cursor", &self.cursor),
        ]
    }

    /// The address of the same list with one field set otherwise.
    fn with(&self, name: &str, value: &str) -> String {
        let fields = self.fields().into_iter().map(|(field, old)| match field {
            field if field == name => (field, value),
            // Another filter begins at the top.
            "cursor" => ("cursor", ""),
            field => (field, old),
        });
        address("/journal", fields)
    }

    fn applied(&self) -> Vec<Chip> {
        let told = |field| match field {
            "device" => Some("device is"),
            "kind" => Some("kind is"),
            "who" => Some("done by"),
            "since" => Some("from"),
            "until" => Some("before"),
            _ => None,
        };
        let set = self
            .fields()
            .into_iter()
            .filter(|(_field, value)| !value.is_empty());
        set.filter_map(|(field, value)| {
            Some(Chip {
                what: format!("{} {value}", told(field)?),
                without: self.with(field, ""),
            })
        })
        .collect()
    }
}

impl Line {
    pub(crate) fn new(entry: JournalEntry, now: UnixTime) -> Self {
        let timed = TimelineEntry {
            entry: entry.index,
            at: entry.at,
            kind: entry.kind,
            sentence: entry.sentence,
        };
        Self::timed(timed, now)
    }

    pub(crate) fn timed(entry: TimelineEntry, now: UnixTime) -> Self {
        Self {
            index: entry.entry,
            number: grouped(entry.entry),
            mark: marks::entry(&entry.kind),
            sentence: entry.sentence,
            exact: moment(&entry.at),
            short: short(now, &entry.at),
            at: entry.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    fn html(asked: Asked, lines: u64, next: Option<&str>) -> String {
        let line = |index| {
            let entry = JournalEntry {
                index,
                at: NOW.to_string(),
                kind: "device.claimed".to_owned(),
                sentence: HOSTILE.to_owned(),
                leaf: String::new(),
                archived: false,
                entry: serde_json::Value::Null,
            };
            Line::new(entry, NOW)
        };
        let lines = (0..lines).map(line).collect();
        let lead = "49 entries.".to_owned();
        let page = Journal::new(
            frame(Section::Journal),
            lead,
            asked,
            lines,
            next.map(str::to_owned),
        );
        let html = page.render().unwrap();
        check(&html);
        html
    }

    fn of(device: &str) -> Asked {
        Asked {
            device: device.to_owned(),
            ..Asked::default()
        }
    }

    #[test]
    fn it_is_shown_empty_usual_and_crowded() {
        assert!(html(of(HOSTILE), 0, None).contains("No entry fits"));
        html(Asked::default(), 3, None);
        let crowded = html(of("cam-1"), 50, Some("1842146"));
        assert!(crowded.contains(r#"href="/journal?device=cam-1&#38;cursor=1842146""#));
    }

    #[test]
    fn every_filter_that_is_applied_has_a_way_out_and_keeps_the_others() {
        let asked = Asked {
            kind: "hub.restored".to_owned(),
            who: HOSTILE.to_owned(),
            since: "2026-11-22".to_owned(),
            cursor: "12".to_owned(),
            ..of("cam-1")
        };
        let html = html(asked.clone(), 1, None);
        assert_eq!(html.matches("Remove this filter").count(), 4);
        assert!(html.contains("<option value=\"hub.restored\" selected>"));
        assert_eq!(asked.with("device", "").matches("cam-1").count(), 0);
        assert!(
            asked
                .with("since", "")
                .starts_with("/journal?device=cam-1&kind=hub.restored&who=%22%3E")
        );
    }
}
