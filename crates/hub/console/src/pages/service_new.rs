//! A service gets an identity: its topics, and a certificate for its own key or one that the hub makes.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ironroot_api::{NewService, ServiceIssued};
use serde::Deserialize;

use super::{Shown, answered};
use crate::Console;
use crate::address::Address;
use crate::form::{Faults, Sent};
use crate::frame::{Frame, Section, Visitor};

/// The form, as it was typed. The lists have a filter on each line.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ServiceForm {
    name: String,
    publish: String,
    subscribe: String,
    csr: String,
}

#[derive(Debug, Template)]
#[template(path = "service_new.html")]
pub(crate) struct ServiceNew {
    frame: Frame,
    form: ServiceForm,
    faults: Faults,
    /// The service of this name is there already, and gets a further certificate.
    known: bool,
}

/// The empty form; for a service that is there, with what it has.
pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(form): Address<ServiceForm>,
) -> Response {
    let page = Ok(page(
        &console,
        visitor,
        with_its_own(&console, form).await,
        Faults::default(),
    )
    .await);
    Shown(page).into_response()
}

async fn with_its_own(console: &Console, form: ServiceForm) -> ServiceForm {
    let Ok(known) = console.views.service(&form.name).await else {
        return form;
    };
    ServiceForm {
        publish: known.item.publish.join("\n"),
        subscribe: known.item.subscribe.join("\n"),
        ..form
    }
}

/// Makes it; certificate and key wait on the next page.
pub(crate) async fn make(State(console): State<Console>, sent: Sent<ServiceForm>) -> Response {
    let Sent { visitor, form } = sent;
    let csr = form.csr.trim();
    let new = NewService {
        name: form.name.trim().to_owned(),
        publish: filters(&form.publish),
        subscribe: filters(&form.subscribe),
        csr: (!csr.is_empty()).then(|| csr.to_owned()),
    };
    match console
        .hub
        .post::<ServiceIssued>(&visitor, "/services", &new)
        .await
    {
        Ok(issued) => console.hand_over(&visitor, issued),
        Err(problem) => {
            let faults = Faults::of("The service was not made", problem, "name");
            let page = page(&console, visitor, form, faults.clone()).await;
            answered(&faults, Ok(page))
        }
    }
}

/// A filter on each line; empty lines do not count.
fn filters(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn page(
    console: &Console,
    visitor: Visitor,
    form: ServiceForm,
    faults: Faults,
) -> ServiceNew {
    let title = faults.titled("New service");
    ServiceNew {
        frame: console.frame(visitor, Section::Services, title).await,
        known: console.views.service(&form.name).await.is_ok(),
        form,
        faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    #[test]
    fn what_was_typed_stays_and_each_field_tells_its_fault() {
        for (known, faults) in [
            (false, Faults::default()),
            (
                true,
                Faults::one("The service was not made", "publish", HOSTILE),
            ),
        ] {
            let page = ServiceNew {
                frame: frame(Section::Services),
                form: ServiceForm {
                    name: HOSTILE.to_owned(),
                    publish: HOSTILE.to_owned(),
                    subscribe: HOSTILE.to_owned(),
                    csr: HOSTILE.to_owned(),
                },
                faults,
                known,
            };
            let html = page.render().unwrap();
            check(&html);
            assert_eq!(html.contains(r#"id="publish-e""#), known);
            assert_eq!(html.matches("&#60;b onload=x&#62;</textarea>").count(), 3);
        }
    }

    #[test]
    fn a_list_has_a_filter_on_each_line() {
        assert_eq!(
            filters(" d/+/up/# \r\n\n d/+/down/#"),
            ["d/+/up/#", "d/+/down/#"]
        );
    }
}
