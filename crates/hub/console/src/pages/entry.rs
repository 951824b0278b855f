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
            newer,
        }
    }

    /// The entry before this one.
    fn older(&self) -> Option<u64> {
        self.index.checked_sub(1)
    }
}
