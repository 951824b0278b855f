//! Claim tokens, shown to the session that asked for them, with a QR code for each: on the screen and as labels.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::Claim;

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::address::segment;
use crate::figures::{counted, moment};
use crate::frame::{Frame, Section, Visitor};
use crate::handover::Handed;
use crate::qr::{self, Qr};

/// Claims with their tokens and the profiles of their devices.
pub(crate) struct ClaimTokens(pub(crate) Vec<(Claim, String)>);

impl Handed for ClaimTokens {
    const PAGE: &'static str = "/onboard/tokens";
    const NEXT: &'static str = "/onboard";
    const GONE: &'static str = "These tokens are shown no more: they were put away, or a quarter of an hour has passed. \
         A claim whose token is lost can be withdrawn and made again.";
}

/// A claim with its token.
#[derive(Debug)]
struct Label {
    serial: String,
    profile: String,
    token: String,
    until: String,
    qr: Option<Qr>,
}

#[derive(Debug, Template)]
#[template(path = "onboard_tokens.html")]
pub(crate) struct Tokens {
    frame: Frame,
    number: String,
    heading: String,
    labels: Vec<Label>,
    device_door: String,
    /// Until when the page is there.
    kept: String,
}

/// The sheet of labels, made to be printed.
#[derive(Debug, Template)]
#[template(path = "labels.html")]
pub(crate) struct Sheet {
    number: String,
    count: String,
    labels: Vec<Label>,
    demonstration: bool,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
) -> Response {
    Shown(page(&console, visitor, number).await).into_response()
}

pub(crate) async fn labels(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
) -> Response {
    let sheet = waiting(&console, &visitor, &number).map(|(labels, _kept)| Sheet {
        count: counted(labels.len() as u64, "label", "labels"),
        number,
        labels,
        demonstration: console.views.hub().demonstration,
    });
    Shown(sheet).into_response()
}

async fn page(console: &Console, visitor: Visitor, number: String) -> Result<Tokens, Trouble> {
    let (labels, kept) = waiting(console, &visitor, &number)?;
    let heading = match labels.as_slice() {
        [one] => format!("{} is claimed", one.serial),
        all => format!(
            "{} are claimed",
            counted(all.len() as u64, "device", "devices")
        ),
    };
    let frame = console.frame(visitor, Section::Onboard, heading.as_str());
    Ok(Tokens {
        frame: frame.await,
        number,
        heading,
        labels,
        device_door: console.views.hub().device_door.clone(),
        kept,
    })
}

/// A label for each claim that waits under a number, and until when.
fn waiting(
    console: &Console,
    visitor: &Visitor,
    number: &str,
) -> Result<(Vec<Label>, String), Trouble> {
    let (handed, kept) = console.handed::<ClaimTokens>(visitor, number)?;
    let door = &console.views.hub().device_door;
    let label = |(claim, profile): &(Claim, String)| Label::new(door, claim, profile);
    Ok((handed.0.iter().map(label).collect(), kept))
}

impl Label {
    fn new(door: &str, claim: &Claim, profile: &str) -> Self {
        let token = claim.token.reveal();
        Self {
            serial: claim.serial.clone(),
            profile: profile.to_owned(),
            token: token.to_owned(),
            until: moment(&claim.expires)
                .get(..16)
                .unwrap_or_default()
                .to_owned(),
            qr: qr::draw(&code(door, &claim.serial, token)),
        }
    }
}

/// What a label's QR code says: where to enrol, as whom, with what.
fn code(door: &str, serial: &str, token: &str) -> String {
    format!(
        "ironroot-claim:?hub={}&serial={}&token={token}",
        segment(door),
        segment(serial)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::Secret;

    fn labels(count: usize, serial: &str) -> Vec<Label> {
        let claim = |_| Claim {
            serial: serial.to_owned(),
            token: Secret::new("0123456789abcdef0123456789abcdef".to_owned()),
            expires: "2026-11-23T14:30:00.000Z".to_owned(),
        };
        (0..count)
            .map(|n| Label::new("https://localhost:8444", &claim(n), HOSTILE))
            .collect()
    }

    fn page(labels: Vec<Label>) -> String {
        let page = Tokens {
            frame: frame(Section::Onboard),
            number: "3".to_owned(),
            heading: HOSTILE.to_owned(),
            labels,
            device_door: "https://localhost:8444".to_owned(),
            kept: "14:45:00".to_owned(),
        };
        let html = page.render().unwrap();
        check(&html);
        html
    }

    #[test]
    fn one_token_is_shown_with_the_commands_that_use_it() {
        let html = page(labels(1, "cam-1"));
        assert!(html.contains("cam-1:0123456789abcdef0123456789abcdef"));
        assert!(html.contains("/onboard/tokens/3/labels") && html.contains("<svg class=\"qr\""));
    }

    #[test]
    fn many_tokens_are_a_table_and_hostile_serials_stay_text() {
        let html = page(labels(25, HOSTILE));
        assert_eq!(html.matches("0123456789abcdef0123456789abcdef").count(), 25);
    }

    #[test]
    fn the_sheet_has_a_label_for_each_device() {
        for (count, serial) in [(1, "cam-1"), (4, HOSTILE), (25, &"x".repeat(64))] {
            let sheet = Sheet {
                number: "3".to_owned(),
                count: counted(count as u64, "label", "labels"),
                labels: labels(count, serial),
                demonstration: true,
            };
            let html = sheet.render().unwrap();
            check(&html);
            assert_eq!(html.matches("<svg class=\"qr\"").count(), count);
            assert_eq!(html.matches("· demonstration</span>").count(), count);
        }
    }

    #[test]
    fn a_code_says_where_to_enrol_as_whom_and_with_what() {
        assert_eq!(
            code("https://localhost:8444", "cam-1", "00ff"),
            "ironroot-claim:?hub=https%3A%2F%2Flocalhost%3A8444&serial=cam-1&token=00ff"
        );
    }
}
