//! Claims from a list: each row is shown before anything is claimed.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ironroot_api::{BadLine, ClaimLine, ClaimsMade, FieldFault, NewClaims, Problem, claim_lines};
use serde::Deserialize;

use super::fault::Trouble;
use super::onboard_tokens::ClaimTokens;
use super::{Shown, answered};
use crate::Console;
use crate::figures::{counted, span};
use crate::form::{Faults, Sent, Upload};
use crate::frame::{Frame, Section, Visitor};

/// The list as it was sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListForm {
    text: String,
}

/// A row that was read.
#[derive(Debug)]
struct Row {
    line: usize,
    serial: String,
    profile: String,
    ttl: String,
}

#[derive(Debug, Template)]
#[template(path = "onboard_many.html")]
pub(crate) struct OnboardMany {
    frame: Frame,
    text: String,
    faults: Faults,
    /// What would be claimed; empty before the list was checked, and while something is wrong with it.
    rows: Vec<Row>,
    /// How many, in words.
    count: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let page = page(&console, visitor, String::new(), Faults::default(), &[]).await;
    Shown(page).into_response()
}

/// Reads the list, and asks the hub whether all of it could be claimed.
pub(crate) async fn check(State(console): State<Console>, sent: Upload) -> Response {
    let Upload { visitor, text } = sent;
    let outcome = order(&console, &visitor, &text, true).await;
    let (faults, lines) = match outcome {
        Ok((lines, _none)) => (Faults::default(), lines),
        Err(faults) => (faults, Vec::new()),
    };
    let page = page(&console, visitor, text, faults.clone(), &lines).await;
    answered(&faults, page)
}

/// Claims all of the list, or nothing.
pub(crate) async fn claim(State(console): State<Console>, sent: Sent<ListForm>) -> Response {
    let Sent { visitor, form } = sent;
    match order(&console, &visitor, &form.text, false).await {
        Ok((lines, made)) => {
            let profiles = lines.into_iter().map(|line| line.claim.profile);
            let claims = made.claims.into_iter().zip(profiles);
            console.hand_over(&visitor, ClaimTokens(claims.collect()))
        }
        Err(faults) => {
            let page = page(&console, visitor, form.text, faults.clone(), &[]).await;
            answered(&faults, page)
        }
    }
}

async fn order(
    console: &Console,
    visitor: &Visitor,
    text: &str,
    dry_run: bool,
) -> Result<(Vec<ClaimLine>, ClaimsMade), Faults> {
    let lines = claim_lines(text).map_err(|bad| faults(bad.into_iter()))?;
    let new = NewClaims {
        claims: lines.iter().map(|line| line.claim.clone()).collect(),
        dry_run,
    };
    let made = console.hub.post(visitor, "/claims/batch", &new).await;
    let made = made.map_err(|problem| faults(by_line(problem, &lines).into_iter()))?;
    Ok((lines, made))
}

/// What the API says of the claim at a place of the request, said of the line it came from.
fn by_line(problem: Problem, lines: &[ClaimLine]) -> Vec<BadLine> {
    let line_of = |fault: &FieldFault| {
        let place = fault.field.strip_prefix("claims[")?.strip_suffix(']')?;
        lines
            .get(place.parse::<usize>().ok()?)
            .map(|line| line.line)
    };
    if problem.fields.is_empty() {
        let detail = problem.detail;
        return vec![BadLine { line: 0, detail }];
    }
    let bad = |fault: FieldFault| BadLine {
        line: line_of(&fault).unwrap_or(0),
        detail: fault.detail,
    };
    problem.fields.into_iter().map(bad).collect()
}

fn faults(bad: impl Iterator<Item = BadLine>) -> Faults {
    let told = |bad: BadLine| {
        let detail = match bad.line {
            0 => bad.detail,
            line => format!("Line {line}: {}", bad.detail),
        };
        FieldFault::new("text", detail)
    };
    Faults {
        heading: "Nothing was claimed",
        all: bad.map(told).collect(),
    }
}

async fn page(
    console: &Console,
    visitor: Visitor,
    text: String,
    faults: Faults,
    lines: &[ClaimLine],
) -> Result<OnboardMany, Trouble> {
    let title = faults.titled("Claim from a list");
    let frame = console.frame(visitor, Section::Onboard, title).await;
    Ok(OnboardMany::new(frame, text, faults, lines))
}

impl OnboardMany {
    fn new(frame: Frame, text: String, faults: Faults, lines: &[ClaimLine]) -> Self {
        let row = |line: &ClaimLine| Row {
            line: line.line,
            serial: line.claim.serial.clone(),
            profile: line.claim.profile.clone(),
            ttl: span(line.claim.ttl_s),
        };
        Self {
            frame,
            text,
            faults,
            rows: lines.iter().map(row).collect(),
            count: counted(lines.len() as u64, "device", "devices"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    fn html(text: &str, faults: Faults, lines: &[ClaimLine]) -> String {
        let html = OnboardMany::new(frame(Section::Onboard), text.to_owned(), faults, lines)
            .render()
            .unwrap();
        check(&html);
        html
    }

    #[test]
    fn it_is_shown_empty_checked_and_crowded() {
        assert!(!html("", Faults::default(), &[]).contains("Claim 0 devices"));
        let lines: Vec<_> = (0..250)
            .map(|n| format!("{n}{},sensor\n", "x".repeat(60)))
            .collect();
        let text = lines.concat();
        let lines = claim_lines(&text).unwrap();
        let checked = html(&text, Faults::default(), &lines);
        assert!(checked.contains("Claim 250 devices"));
        html(HOSTILE, Faults::default(), &lines[..2]);
    }

    #[test]
    fn faults_are_told_by_the_line_of_the_list() {
        let lines = claim_lines("# hall\nSEN-1,sensor\nSEN-2,sensor").unwrap();
        let problem = Problem {
            kind: String::new(),
            title: String::new(),
            status: 422,
            detail: "two".to_owned(),
            reference: None,
            fields: vec![FieldFault::new(
                "claims[1]",
                "SEN-2: a device that is active cannot be claimed",
            )],
        };
        let faults = faults(by_line(problem, &lines).into_iter());
        assert_eq!(
            faults.all[0].detail,
            "Line 3: SEN-2: a device that is active cannot be claimed"
        );
        let html = html(HOSTILE, faults, &[]);
        assert!(html.contains("Nothing was claimed") && html.contains("Line 3: SEN-2"));
        assert!(
            html.contains("&#60;b onload=x&#62;</textarea>"),
            "what was typed stays"
        );
    }
}
