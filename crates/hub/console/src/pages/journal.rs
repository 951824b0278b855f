//! The journal: what happened, newest first, each entry a sentence.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use ironroot_api::{JournalEntry, JournalQuery};
use ironroot_time::UnixTime;
use serde::Deserialize;

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::figures::{counted, grouped, moment, short};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// Entries on one page.
const PAGE: u32 = 50;

/// One entry in a list.
#[derive(Debug)]
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
    cursor: String,
}

#[derive(Debug, Template)]
#[template(path = "journal.html")]
pub(crate) struct Journal {
    frame: Frame,
    lead: String,
    device: String,
    lines: Vec<Line>,
    /// The cursor of the next page; empty on the last.
    next: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Shown<Journal> {
    Shown(match asked {
        Ok(Query(asked)) => page(&console, visitor, asked).await,
        Err(cause) => Err(Trouble::Faulty(cause.body_text())),
    })
}

async fn page(console: &Console, visitor: Visitor, asked: Asked) -> Result<Journal, Trouble> {
    let views = &console.views;
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let query = JournalQuery {
        limit: Some(PAGE),
        cursor: given(&asked.cursor),
        device: given(&asked.device),
        ..JournalQuery::default()
    };
    let found = views.journal(&query).await?;
    let now = views.now();
    let parts = (views.as_ref(), &console.live);
    let frame = Frame::new(parts, visitor, Section::Journal, "Journal").await;
    Ok(Journal {
        lead: format!(
            "{}; {}.",
            counted(views.journal_size(), "entry", "entries"),
            frame.signed
        ),
        frame,
        device: asked.device,
        lines: found
            .items
            .into_iter()
            .map(|entry| Line::new(entry, now))
            .collect(),
        next: found.next.unwrap_or_default(),
    })
}

impl Line {
    pub(crate) fn new(entry: JournalEntry, now: UnixTime) -> Self {
        Self {
            index: entry.index,
            number: grouped(entry.index),
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

    fn html(device: &str, lines: u64, next: &str) -> String {
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
        let page = Journal {
            frame: frame(Section::Journal),
            lead: "49 entries.".to_owned(),
            device: device.to_owned(),
            lines: (0..lines).map(line).collect(),
            next: next.to_owned(),
        };
        page.render().unwrap()
    }

    #[test]
    fn it_is_shown_empty_usual_and_crowded() {
        let empty = html(HOSTILE, 0, "");
        check(&empty);
        assert!(empty.contains("There is no such entry."));
        check(&html("", 3, ""));
        let crowded = html("cam-1", 50, "1842146");
        check(&crowded);
        assert!(crowded.contains(r#"href="/journal?cursor=1842146&amp;device=cam-1""#));
    }
}
