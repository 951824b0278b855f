//! One entry of the journal, as it is kept, and whether it is proved.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ironroot_api::{JournalEntry, Tier};
use ironroot_views::{Neighbour, NotShown, Proved};

use super::Shown;
use super::fault::{Trouble, fault_page};
use crate::Console;
use crate::figures::{counted, grouped, moment};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// How many steps of the way to the root are drawn.
const DRAWN: usize = 5;

/// One check, in words.
#[derive(Debug)]
struct Check {
    mark: Mark,
    /// What the mark says, for the ear.
    word: &'static str,
    says: &'static str,
    so: String,
}

/// A step of the way from the root down to the entry, drawn.
#[derive(Debug)]
struct Step {
    from: (usize, usize),
    to: (usize, usize),
    aside: (usize, usize),
}

/// A proof, ready to be shown.
#[derive(Debug)]
struct Shape {
    checks: Vec<Check>,
    size: String,
    neighbours: Vec<Neighbour>,
    count: String,
    steps: Vec<Step>,
    note: String,
}

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
    proof: Option<Shape>,
    /// Why nothing is proved; empty when the next checkpoint will cover the entry.
    broken: String,
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

/// The proof as a file (C2SP tlog-proof).
pub(crate) async fn proof(State(console): State<Console>, Path(index): Path<String>) -> Response {
    let proof = match number(&index) {
        Ok(index) => console.views.proof(index).await.map_err(Trouble::from),
        Err(trouble) => Err(trouble),
    };
    match proof {
        Err(trouble) => fault_page(&trouble),
        Ok(proof) => {
            let name = format!("attachment; filename=\"entry-{}.tlog-proof\"", proof.index);
            let headers = [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
                (header::CONTENT_DISPOSITION, name),
            ];
            (headers, proof.proof).into_response()
        }
    }
}

fn number(index: &str) -> Result<u64, Trouble> {
    index.parse().map_err(|_no_number| {
        Trouble::NotThere(format!("Entries have numbers; {index:?} is none."))
    })
}

async fn page(console: &Console, visitor: Visitor, index: &str) -> Result<EntryPage, Trouble> {
    let (views, index) = (&console.views, number(index)?);
    let entry = views.entry(index).await?;
    let title = format!("Entry {}", grouped(index));
    let frame = console.frame(visitor, Section::Journal, title).await;
    let proved = views.proved(index).await;
    Ok(EntryPage::new(
        frame,
        entry,
        proved,
        index + 1 < views.journal_size(),
    ))
}

impl EntryPage {
    fn new(
        frame: Frame,
        entry: JournalEntry,
        proved: Result<Proved, NotShown>,
        newer: bool,
    ) -> Self {
        let device = entry.entry.get("device").and_then(|device| device.as_str());
        let (proof, broken) = match proved {
            Ok(proved) => (Some(Shape::new(proved)), String::new()),
            Err(NotShown::NotSigned { .. }) => (None, String::new()),
            Err(cause) => (None, cause.to_string()),
        };
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
            proof,
            broken,
            archived: entry.archived,
            newer,
        }
    }

    /// The entry before this one.
    fn older(&self) -> Option<u64> {
        self.index.checked_sub(1)
    }

    fn heading(&self) -> &'static str {
        match &self.proof {
            None if self.broken.is_empty() => "Not signed yet",
            None => "It is not proved",
            Some(shape) if shape.checks.iter().any(|check| check.word == "Broken") => {
                "It is not proved"
            }
            Some(_holds) => "It is proved",
        }
    }
}

impl Shape {
    fn new(proved: Proved) -> Self {
        let hashes = proved.path.len() as u64;
        Self {
            checks: checks(&proved),
            size: grouped(proved.size),
            count: counted(hashes, "neighbouring hash", "neighbouring hashes"),
            steps: steps(&proved.path),
            neighbours: proved.path,
            note: proved.note,
        }
    }
}

fn checks(proved: &Proved) -> Vec<Check> {
    let hashes = counted(
        proved.path.len() as u64,
        "neighbour gives",
        "neighbours give",
    );
    vec![
        Check::of(
            proved.under_root,
            "The entry is under the signed root",
            format!("Its hash and {hashes} the root, byte for byte."),
        ),
        Check::of(
            proved.signed,
            "The log signed that root",
            format!("It covers {}.", counted(proved.size, "entry", "entries")),
        ),
        match proved.witnesses.as_slice() {
            [] => Check {
                mark: marks::tier(Tier::Warning),
                word: "Not so",
                says: "No witness signed it too",
                so: "A second history of the journal would go unnoticed, unless somebody keeps checkpoints."
                    .to_owned(),
            },
            names => Check::of(true, "Witnesses signed it too", names.join(", ")),
        },
        match proved.grown {
            None => Check {
                mark: marks::tier(Tier::None),
                word: "Not checked",
                says: "Nothing was compared with an earlier root",
                so: "The hub has seen none since it started.".to_owned(),
            },
            Some(grown) => Check::of(
                grown.holds,
                "Nothing was taken out since",
                format!(
                    "This root grew from the one over {} that the hub found when it started.",
                    counted(grown.from, "entry", "entries")
                ),
            ),
        },
    ]
}

impl Check {
    fn of(holds: bool, says: &'static str, so: String) -> Self {
        let (tier, word) = if holds {
            (Tier::Affirming, "Holds")
        } else {
            (Tier::Contraindicated, "Broken")
        };
        Self {
            mark: marks::tier(tier),
            word,
            says,
            so,
        }
    }
}

/// The uppermost steps of the way, from the root down, as places in a drawing of 320 by 260.
fn steps(path: &[Neighbour]) -> Vec<Step> {
    let (mut x, mut y) = (160, 40);
    let down = path.iter().rev().take(DRAWN);
    down.map(|neighbour| {
        let (to, aside) = if neighbour.right {
            ((x - 32, y + 40), (x + 32, y + 40))
        } else {
            ((x + 32, y + 40), (x - 32, y + 40))
        };
        let step = Step {
            from: (x, y),
            to,
            aside,
        };
        // Kept inside the drawing, however often it goes to the same side.
        (x, y) = (to.0.clamp(64, 256), to.1);
        Step { to: (x, y), ..step }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_views::Grown;

    fn proved(hashes: usize, holds: bool) -> Proved {
        let neighbour = |n: usize| Neighbour {
            right: !n.is_multiple_of(3),
            hash: "ab".repeat(32),
        };
        Proved {
            under_root: holds,
            signed: true,
            witnesses: Vec::new(),
            grown: Some(Grown {
                from: 12,
                holds: true,
            }),
            size: 1_844_031,
            path: (0..hashes).map(neighbour).collect(),
            note: HOSTILE.to_owned(),
            file: HOSTILE.to_owned(),
        }
    }

    fn html(index: u64, proved: Result<Proved, NotShown>) -> String {
        let entry = JournalEntry {
            index,
            at: "2026-11-22T05:06:01.042Z".to_owned(),
            kind: "device.claimed".to_owned(),
            sentence: HOSTILE.to_owned(),
            leaf: "ab".repeat(32),
            archived: false,
            entry: serde_json::json!({"device": HOSTILE, "kind": "device.claimed"}),
        };
        let html = EntryPage::new(frame(Section::Journal), entry, proved, true)
            .render()
            .unwrap();
        check(&html);
        html
    }

    #[test]
    fn one_that_is_not_signed_yet_says_so() {
        let first = html(0, Err(NotShown::NotSigned { index: 0 }));
        assert!(first.contains("Not signed yet") && !first.contains("The entry before"));
        assert!(!first.contains("/journal/0/proof"));
    }

    #[test]
    fn one_that_is_proved_shows_four_checks_and_its_neighbours() {
        let later = html(1_842_196, Ok(proved(17, true)));
        assert!(later.contains("It is proved") && later.contains("1,844,031 entries"));
        assert!(later.contains(r#"href="/journal/1842196/proof" download"#));
        assert_eq!(later.matches("Holds: ").count(), 3);
        assert!(later.contains("No witness signed it too"));
        assert!(
            later.contains(r#"href="/journal/1842195""#)
                && later.contains(r#"href="/journal/1842197""#)
        );
        html(0, Ok(proved(0, true)));
        html(7, Ok(proved(63, true)));
    }

    #[test]
    fn one_that_is_not_under_the_root_is_called_broken() {
        let broken = html(3, Ok(proved(5, false)));
        assert!(broken.contains("It is not proved") && broken.contains("Broken: "));
        let unreadable = html(3, Err(NotShown::BadCursor));
        assert!(unreadable.contains("It is not proved"));
    }

    #[test]
    fn the_way_stays_inside_its_drawing() {
        for right in [true, false] {
            let path: Vec<_> = (0..63)
                .map(|_| Neighbour {
                    right,
                    hash: String::new(),
                })
                .collect();
            for step in steps(&path) {
                for (x, y) in [step.from, step.to, step.aside] {
                    assert!(x <= 320 && y <= 260, "{x} {y}");
                }
            }
        }
    }
}
