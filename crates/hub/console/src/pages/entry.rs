//! One entry of the journal, as it is kept, and how anybody can check it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use ironroot_api::JournalEntry;

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::figures::{grouped, moment};
use crate::frame::{Frame, Section, Visitor};

#[derive(Debug, Template)]
#[template(path = "entry.html")]
pub(crate) struct EntryPage {
    frame: Frame,
    number: String,
    index: u64,
    kind: String,
    sentence: String,
    at: String,
    exact: String,
    device: String,
    json: String,
    leaf: String,
    /// Whether a signed checkpoint covers the entry.
    signed: bool,
    /// Whether the hub's database has it no more.
    archived: bool,
    newer: bool,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(index): Path<String>,
) -> Shown<EntryPage> {
    Shown(page(&console, visitor, &index).await)
}

async fn page(console: &Console, visitor: Visitor, index: &str) -> Result<EntryPage, Trouble> {
    let views = &console.views;
    let index: u64 = index.parse().map_err(|_no_number| {
        Trouble::NotThere(format!("Entries have numbers; {index:?} is none."))
    })?;
    let entry = views.entry(index).await?;
    let title = format!("Entry {}", grouped(index));
    let parts = (views.as_ref(), &console.live);
    let frame = Frame::new(parts, visitor, Section::Journal, title).await;
    let covered = index < views.signed_size();
    Ok(EntryPage::new(
        frame,
        entry,
        covered,
        index + 1 < views.journal_size(),
    ))
}

impl EntryPage {
    fn new(frame: Frame, entry: JournalEntry, signed: bool, newer: bool) -> Self {
        let device = entry.entry.get("device").and_then(|device| device.as_str());
        Self {
            frame,
            number: grouped(entry.index),
            index: entry.index,
            device: device.unwrap_or_default().to_owned(),
            json: format!("{:#}", entry.entry),
            kind: entry.kind,
            sentence: entry.sentence,
            exact: moment(&entry.at),
            at: entry.at,
            leaf: entry.leaf,
            signed,
            archived: entry.archived,
            newer,
        }
    }

    /// The entry before this one.
    fn older(&self) -> Option<u64> {
        self.index.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    fn html(index: u64, signed: bool) -> String {
        let entry = JournalEntry {
            index,
            at: "2026-11-22T05:06:01.042Z".to_owned(),
            kind: "device.claimed".to_owned(),
            sentence: HOSTILE.to_owned(),
            leaf: "ab".repeat(32),
            archived: false,
            entry: serde_json::json!({"device": HOSTILE, "kind": "device.claimed"}),
        };
        EntryPage::new(frame(Section::Journal), entry, signed, true)
            .render()
            .unwrap()
    }

    #[test]
    fn it_names_the_command_for_its_proof_and_its_neighbours() {
        let first = html(0, false);
        check(&first);
        assert!(first.contains("Not signed yet") && !first.contains("The entry before"));
        let later = html(1_842_196, true);
        check(&later);
        assert!(later.contains("ironroot journal proof 1842196"));
        assert!(
            later.contains(r#"href="/journal/1842195""#)
                && later.contains(r#"href="/journal/1842197""#)
        );
    }
}
