//! A service's certificate and key, shown to the session that asked for them.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use ironroot_api::{Secret, ServiceIssued};

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::figures::day;
use crate::frame::{Frame, Section, Visitor};
use crate::handover::Handed;

impl Handed for ServiceIssued {
    const PAGE: &'static str = "/services/issued";
    const NEXT: &'static str = "/services";
    const GONE: &'static str = "This key is shown no more: it was put away, or a quarter of an hour has passed. \
         Make a new certificate for the service if the key is lost.";
}

#[derive(Debug, Template)]
#[template(path = "service_issued.html")]
pub(crate) struct ServiceIssuedPage {
    frame: Frame,
    number: String,
    name: String,
    certificate: String,
    key: Option<Secret>,
    ends: String,
    entry: u64,
    mqtt_door: String,
    /// Until when the page is there.
    kept: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
) -> Shown<ServiceIssuedPage> {
    Shown(page(&console, visitor, number).await)
}

async fn page(
    console: &Console,
    visitor: Visitor,
    number: String,
) -> Result<ServiceIssuedPage, Trouble> {
    let (issued, kept) = console.handed::<ServiceIssued>(&visitor, &number)?;
    let title = format!("{} has its certificate", issued.name);
    Ok(ServiceIssuedPage {
        frame: console.frame(visitor, Section::Services, title).await,
        number,
        name: issued.name.clone(),
        certificate: issued.certificate.clone(),
        key: issued.key.clone(),
        ends: day(&issued.expires),
        entry: issued.entry,
        mqtt_door: console.views.hub().mqtt_door.clone(),
        kept,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    #[test]
    fn the_key_is_shown_when_the_hub_made_it() {
        for key in [
            None,
            Some(Secret::new("-----BEGIN PRIVATE KEY-----".to_owned())),
        ] {
            let made = key.is_some();
            let page = ServiceIssuedPage {
                frame: frame(Section::Services),
                number: "3".to_owned(),
                name: HOSTILE.to_owned(),
                certificate: HOSTILE.to_owned(),
                key,
                ends: "2027-11-22".to_owned(),
                entry: 7,
                mqtt_door: "mqtts://localhost:8883".to_owned(),
                kept: "14:45:00".to_owned(),
            };
            let html = page.render().unwrap();
            check(&html);
            assert_eq!(html.contains("BEGIN PRIVATE KEY"), made);
        }
    }
}
