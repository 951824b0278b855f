//! Profiles: what each class of devices may do.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use ironroot_api::{PageQuery, ProfileItem};
use serde::Deserialize;

use super::Shown;
use crate::Console;
use crate::address::Address;
use crate::figures::{counted, grouped};
use crate::frame::{Frame, Section, Visitor};

/// Profiles on one page.
const PAGE: u32 = 50;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    cursor: String,
}

/// A profile in the list.
#[derive(Debug)]
struct Row {
    name: String,
    summary: String,
    evidence: String,
    devices: String,
}

#[derive(Debug, Template)]
#[template(path = "profiles.html")]
pub(crate) struct Profiles {
    frame: Frame,
    lead: String,
    rows: Vec<Row>,
    next: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(asked): Address<Asked>,
) -> Shown<Profiles> {
    Shown(Ok(page(&console, visitor, asked).await))
}

async fn page(console: &Console, visitor: Visitor, asked: Asked) -> Profiles {
    let query = PageQuery {
        limit: Some(PAGE),
        cursor: (!asked.cursor.is_empty()).then_some(asked.cursor),
    };
    let found = console.views.profiles(&query).await;
    Profiles {
        frame: console.frame(visitor, Section::Profiles, "Profiles").await,
        lead: format!(
            "{}. A profile says what a class of devices may do, and its devices’ Grants follow from it at once.",
            counted(
                found.items.len() as u64,
                "class of devices",
                "classes of devices"
            )
        ),
        rows: found.items.into_iter().map(Row::new).collect(),
        next: found.next.unwrap_or_default(),
    }
}

impl Row {
    fn new(item: ProfileItem) -> Self {
        Self {
            name: item.name,
            summary: item.summary,
            evidence: item.evidence,
            devices: grouped(item.devices),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    #[test]
    fn they_are_shown_empty_usual_and_crowded() {
        for count in [0, 3, 50] {
            let item = |n: usize| ProfileItem {
                name: format!("{n}{}", "x".repeat(62)),
                summary: HOSTILE.to_owned(),
                evidence: "none".to_owned(),
                devices: 2_418,
                digest: String::new(),
            };
            let page = Profiles {
                frame: frame(Section::Profiles),
                lead: HOSTILE.to_owned(),
                rows: (0..count).map(|n| Row::new(item(n))).collect(),
                next: "sensor".to_owned(),
            };
            let html = page.render().unwrap();
            check(&html);
            assert_eq!(html.matches("2,418").count(), count);
        }
    }
}
