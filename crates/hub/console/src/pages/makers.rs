//! Makers of devices: whose IDevID certificates stand for a claim token.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ironroot_api::{ManufacturerCa, NewManufacturerCa, PageQuery};
use serde::Deserialize;

use super::{Shown, answered};
use crate::Console;
use crate::address::Address;
use crate::figures::{day, shortened};
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};

/// Makers on one page.
const PAGE: u32 = 50;

/// The form, as it was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MakerForm {
    name: String,
    serial_prefix: String,
    pem: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    cursor: String,
    /// A maker that was added or removed just now.
    done: String,
}

/// A maker in the list.
#[derive(Debug)]
struct Maker {
    name: String,
    subject: String,
    fingerprint: String,
    short: String,
    prefix: String,
    ends: String,
    entry: u64,
}

#[derive(Debug, Template)]
#[template(path = "makers.html")]
pub(crate) struct Makers {
    frame: Frame,
    done: String,
    form: MakerForm,
    faults: Faults,
    rows: Vec<Maker>,
    next: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(asked): Address<Asked>,
) -> Response {
    let page = Ok(page(
        &console,
        visitor,
        asked,
        MakerForm::default(),
        Faults::default(),
    )
    .await);
    Shown(page).into_response()
}

pub(crate) async fn add(State(console): State<Console>, sent: Sent<MakerForm>) -> Response {
    let Sent { visitor, form } = sent;
    let prefix = form.serial_prefix.trim();
    let new = NewManufacturerCa {
        name: form.name.trim().to_owned(),
        pem: form.pem.clone(),
        serial_prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
    };
    let added = console
        .hub
        .post::<ManufacturerCa>(&visitor, "/manufacturer-cas", &new);
    match added.await {
        Ok(ca) => see(&format!("/onboard/makers?done={}", ca.name)),
        Err(problem) => {
            let faults = Faults::of("The maker was not added", problem, "pem");
            let page = page(&console, visitor, Asked::default(), form, faults.clone()).await;
            answered(&faults, Ok(page))
        }
    }
}

async fn page(
    console: &Console,
    visitor: Visitor,
    asked: Asked,
    form: MakerForm,
    faults: Faults,
) -> Makers {
    let query = PageQuery {
        limit: Some(PAGE),
        cursor: (!asked.cursor.is_empty()).then_some(asked.cursor),
    };
    let found = console.views.manufacturers(&query);
    let title = faults.titled("Makers");
    Makers {
        frame: console.frame(visitor, Section::Onboard, title).await,
        done: asked.done,
        form,
        faults,
        rows: found.items.into_iter().map(Maker::new).collect(),
        next: found.next.unwrap_or_default(),
    }
}

impl Maker {
    fn new(ca: ManufacturerCa) -> Self {
        Self {
            short: shortened(&ca.fingerprint),
            ends: day(&ca.not_after),
            prefix: ca.serial_prefix.unwrap_or_else(|| "–".to_owned()),
            name: ca.name,
            subject: ca.subject,
            fingerprint: ca.fingerprint,
            entry: ca.entry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    fn html(count: usize, faults: Faults) -> String {
        let maker = |n: usize| {
            Maker::new(ManufacturerCa {
                name: format!("acme-{n}"),
                subject: HOSTILE.to_owned(),
                fingerprint: "ab".repeat(32),
                not_after: "2036-01-01T00:00:00.000Z".to_owned(),
                serial_prefix: Some(HOSTILE.to_owned()),
                entry: 7,
            })
        };
        let page = Makers {
            frame: frame(Section::Onboard),
            done: HOSTILE.to_owned(),
            form: MakerForm {
                pem: HOSTILE.to_owned(),
                ..MakerForm::default()
            },
            faults,
            rows: (0..count).map(maker).collect(),
            next: "acme-9".to_owned(),
        };
        let html = page.render().unwrap();
        check(&html);
        html
    }

    #[test]
    fn it_is_shown_empty_usual_and_crowded_and_with_what_is_wrong() {
        assert!(html(0, Faults::default()).contains("No maker is named yet"));
        assert!(html(2, Faults::default()).contains("/onboard/makers/acme-1/remove"));
        html(50, Faults::default());
        let wrong = html(
            0,
            Faults::one(
                "The maker was not added",
                "pem",
                "the text holds no PEM certificate",
            ),
        );
        assert!(
            wrong.contains(r#"id="pem-e""#) && wrong.contains("&#60;b onload=x&#62;</textarea>")
        );
    }
}
