//! Bringing devices in: claims that wait for theirs, and the form that makes one.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ironroot_api::{
    CLAIM_TTL_S_DEFAULT, Claim, ClaimItem, Lifecycle, ManufacturerCa, NewClaim, Page, PageQuery,
};
use ironroot_time::UnixTime;
use serde::Deserialize;

use super::fault::Trouble;
use super::onboard_tokens::ClaimTokens;
use super::{Shown, answered};
use crate::Console;
use crate::address::Address;
use crate::figures::{counted, day, grouped, short, span};
use crate::form::{Choice, Faults, Sent};
use crate::frame::{Frame, Section, Visitor};

/// Claims on one page.
const PAGE: u32 = 50;

/// How many makers are named here; their own page has all.
const MAKERS: u32 = 10;

/// How long a claim waits, to choose from.
const LIFETIMES: [(u64, &str); 5] = [
    (3_600, "1 hour"),
    (CLAIM_TTL_S_DEFAULT, "1 day"),
    (604_800, "7 days"),
    (2_592_000, "30 days"),
    (7_776_000, "90 days"),
];

/// The form, as it was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimForm {
    pub(crate) serial: String,
    profile: String,
    ttl: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    cursor: String,
    /// A serial whose claim was withdrawn just now.
    withdrawn: String,
}

/// A claim in the list.
#[derive(Debug)]
struct Waiting {
    serial: String,
    profile: String,
    who: String,
    claimed: String,
    expires: String,
    ends: String,
}

/// A maker in the list.
#[derive(Debug)]
struct Maker {
    name: String,
    prefix: String,
    ends: String,
}

#[derive(Debug, Template)]
#[template(path = "onboard.html")]
pub(crate) struct Onboard {
    frame: Frame,
    lead: String,
    withdrawn: String,
    /// Counts with their words.
    steps: [(String, &'static str, &'static str); 4],
    form: ClaimForm,
    faults: Faults,
    profiles: Vec<Choice>,
    lifetimes: Vec<Choice>,
    waiting: Vec<Waiting>,
    next: String,
    makers: Vec<Maker>,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(asked): Address<Asked>,
) -> Response {
    let page = page(
        &console,
        visitor,
        asked,
        ClaimForm::default(),
        Faults::default(),
    )
    .await;
    Shown(page).into_response()
}

/// Claims one serial; its token waits on the next page.
pub(crate) async fn claim(State(console): State<Console>, sent: Sent<ClaimForm>) -> Response {
    let Sent { visitor, form } = sent;
    let new = NewClaim {
        serial: form.serial.trim().to_owned(),
        profile: form.profile.clone(),
        ttl_s: form.ttl.parse().unwrap_or(CLAIM_TTL_S_DEFAULT),
    };
    match console.hub.post::<Claim>(&visitor, "/claims", &new).await {
        Ok(claim) => console.hand_over(&visitor, ClaimTokens(vec![(claim, new.profile)])),
        Err(problem) => {
            let faults = Faults::of("The claim was not made", problem, "serial");
            let page = page(&console, visitor, Asked::default(), form, faults.clone()).await;
            answered(&faults, page)
        }
    }
}

async fn page(
    console: &Console,
    visitor: Visitor,
    asked: Asked,
    form: ClaimForm,
    faults: Faults,
) -> Result<Onboard, Trouble> {
    let views = &console.views;
    let fleet = console.live.fleet(views).await;
    let query = PageQuery {
        limit: Some(PAGE),
        cursor: (!asked.cursor.is_empty()).then_some(asked.cursor),
    };
    let found = views.claims(&query).await?;
    let now = views.now();
    let title = faults.titled("Onboard");
    let frame = console.frame(visitor, Section::Onboard, title).await;
    let makers = views.manufacturers(&PageQuery {
        limit: Some(MAKERS),
        cursor: None,
    });
    let state = |state| grouped(fleet.in_state(state));
    Ok(Onboard {
        frame,
        lead: lead(fleet.claims_waiting, found.items.first()),
        withdrawn: asked.withdrawn,
        steps: [
            (
                grouped(fleet.claims_waiting),
                "Claimed",
                "wait for their first visit",
            ),
            (
                state(Lifecycle::Enrolled),
                "Enrolled",
                "hold a certificate, not seen yet",
            ),
            (
                state(Lifecycle::Active),
                "Active",
                "have used their certificate",
            ),
            (
                grouped(fleet.claims_ended),
                "Ended unused",
                "claim them again, or retire them",
            ),
        ],
        profiles: profiles(console, &form.profile).await,
        lifetimes: lifetimes(&form.ttl),
        form,
        faults,
        waiting: found
            .items
            .iter()
            .map(|item| Waiting::new(item, now))
            .collect(),
        next: found.next.unwrap_or_default(),
        makers: makers_of(makers),
    })
}

fn lead(waiting: u64, first: Option<&ClaimItem>) -> String {
    match (waiting, first) {
        (0, _) | (_, None) => "No claim waits for its device.".to_owned(),
        (count, Some(first)) => format!(
            "{} for {} device. The first ends in {}.",
            counted(count, "claim waits", "claims wait"),
            if count == 1 { "its" } else { "their" },
            span(first.remaining_s)
        ),
    }
}

async fn profiles(console: &Console, chosen: &str) -> Vec<Choice> {
    let all = PageQuery {
        limit: Some(ironroot_api::PAGE_LIMIT_MAX),
        cursor: None,
    };
    let profiles = console.views.profiles(&all).await.items;
    let choice = |profile: ironroot_api::ProfileItem| Choice {
        chosen: profile.name == chosen,
        word: profile.name.clone(),
        value: profile.name,
    };
    profiles.into_iter().map(choice).collect()
}

fn lifetimes(chosen: &str) -> Vec<Choice> {
    let chosen = chosen.parse().unwrap_or(CLAIM_TTL_S_DEFAULT);
    let choice = |(seconds, word): (u64, &str)| Choice {
        value: seconds.to_string(),
        word: word.to_owned(),
        chosen: seconds == chosen,
    };
    LIFETIMES.map(choice).into()
}

fn makers_of(page: Page<ManufacturerCa>) -> Vec<Maker> {
    let maker = |ca: ManufacturerCa| Maker {
        name: ca.name,
        prefix: ca.serial_prefix.unwrap_or_default(),
        ends: day(&ca.not_after),
    };
    page.items.into_iter().map(maker).collect()
}

impl Waiting {
    fn new(item: &ClaimItem, now: UnixTime) -> Self {
        Self {
            serial: item.serial.clone(),
            profile: item.profile.clone(),
            who: item.who.clone().unwrap_or_else(|| "–".to_owned()),
            claimed: short(now, &item.claimed),
            ends: format!("in {}", span(item.remaining_s)),
            expires: item.expires.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    fn html(serials: &[String], faults: Faults) -> String {
        let item = |serial: &String| ClaimItem {
            serial: serial.clone(),
            profile: "sensor".to_owned(),
            claimed: NOW.to_string(),
            who: Some(HOSTILE.to_owned()),
            expires: NOW.to_string(),
            remaining_s: 2_460,
            entry: 7,
        };
        let items: Vec<_> = serials.iter().map(item).collect();
        let page = Onboard {
            frame: frame(Section::Onboard),
            lead: lead(items.len() as u64, items.first()),
            withdrawn: HOSTILE.to_owned(),
            steps: std::array::from_fn(|_| ("9".to_owned(), "Claimed", "wait")),
            form: ClaimForm {
                serial: HOSTILE.to_owned(),
                ..ClaimForm::default()
            },
            faults,
            profiles: vec![Choice {
                value: HOSTILE.to_owned(),
                word: HOSTILE.to_owned(),
                chosen: true,
            }],
            lifetimes: lifetimes(""),
            waiting: items.iter().map(|item| Waiting::new(item, NOW)).collect(),
            next: "12~x".to_owned(),
            makers: vec![Maker {
                name: HOSTILE.to_owned(),
                prefix: "acme-".to_owned(),
                ends: "2036-01-01".to_owned(),
            }],
        };
        let html = page.render().unwrap();
        check(&html);
        html
    }

    #[test]
    fn it_is_shown_empty_usual_and_crowded() {
        assert!(html(&[], Faults::default()).contains("No claim waits for its device."));
        let usual = html(&["cam-1".to_owned(), HOSTILE.to_owned()], Faults::default());
        assert!(usual.contains("2 claims wait for their device. The first ends in 41 min."));
        assert!(usual.contains("/onboard/withdraw/cam-1"));
        let crowded: Vec<_> = (0..50).map(|n| format!("{n}{}", "x".repeat(62))).collect();
        html(&crowded, Faults::default());
    }

    #[test]
    fn what_is_wrong_stands_on_top_and_at_the_field_and_what_was_typed_stays() {
        let html = html(
            &[],
            Faults::one("The claim was not made", "serial", HOSTILE),
        );
        assert!(html.contains(r##"<a href="#serial">"##) && html.contains(r#"id="serial-e""#));
        assert!(html.contains(r#"aria-invalid="true" aria-describedby="serial-e serial-h""#));
        assert!(html.contains("&#60;b onload=x&#62;"));
    }
}
