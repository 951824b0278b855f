//! A service's certificate and key, shown to the session that asked for them.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use ironroot_api::Secret;

use super::Shown;
use super::fault::Trouble;
use super::onboard_tokens::Nothing;
use crate::Console;
use crate::figures::short;
use crate::form::{Sent, see};
use crate::frame::{Frame, Section, Visitor};
use crate::handover::Handed;

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

/// Forgets the key.
pub(crate) async fn put_away(
    State(console): State<Console>,
    Path(number): Path<String>,
    sent: Sent<Nothing>,
) -> Response {
    console.handovers.put_away(&sent.visitor, &number);
    see("/services")
}

async fn page(
    console: &Console,
    visitor: Visitor,
    number: String,
) -> Result<ServiceIssuedPage, Trouble> {
    let views = &console.views;
    let found = console.handovers.look(&visitor, views.now(), &number);
    let Some((Handed::Service(issued), ends)) =
        found.as_ref().map(|(handed, ends)| (handed.as_ref(), ends))
    else {
        let told = "This key is shown no more: it was put away, or a quarter of an hour has passed. \
                    Make a new certificate for the service if the key is lost.";
        return Err(Trouble::NotThere(told.to_owned()));
    };
    let parts = (views.as_ref(), &console.live);
    let title = format!("{} has its certificate", issued.name);
    Ok(ServiceIssuedPage {
        frame: Frame::new(parts, visitor, Section::Services, title).await,
        number,
        name: issued.name.clone(),
        certificate: issued.certificate.clone(),
        key: issued.key.clone(),
        ends: issued.expires.get(..10).unwrap_or_default().to_owned(),
        entry: issued.entry,
        mqtt_door: views.hub().mqtt_door.clone(),
        kept: short(views.now(), &ends.to_string()),
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
