//! `/views`: a question about the devices gets a name.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::{NewView, SavedView, ViewRemoved};
use serde::Deserialize;

use super::devices::Asked;
use super::fault::Trouble;
use super::{Shown, answered};
use crate::Console;
use crate::address::segment;
use crate::form::{Faults, Nothing, Sent, see};
use crate::frame::{Frame, Section, Visitor};

#[derive(Debug, Template)]
#[template(path = "views.html")]
pub(crate) struct SaveView {
    frame: Frame,
    form: ViewForm,
    command: String,
    faults: Faults,
}

/// What the form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ViewForm {
    name: String,
    query: String,
}

/// What did not come about.
const NOT_SAVED: &str = "The view was not saved";

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    let form = ViewForm {
        name: String::new(),
        query: query.unwrap_or_default(),
    };
    Shown(page(&console, visitor, form, Faults::default()).await).into_response()
}

async fn page(
    console: &Console,
    visitor: Visitor,
    form: ViewForm,
    faults: Faults,
) -> Result<SaveView, Trouble> {
    let title = faults.titled("Save this view");
    let frame = console.frame(visitor, Section::Devices, title).await;
    let flags = Asked::read(&form.query).map(|asked| asked.flags());
    Ok(SaveView {
        frame,
        command: format!("ironroot view save NAME{}", flags.unwrap_or_default()),
        form,
        faults,
    })
}

pub(crate) async fn save(
    State(console): State<Console>,
    Sent { visitor, form }: Sent<ViewForm>,
) -> Response {
    let new = NewView {
        name: form.name.trim().to_owned(),
        query: form.query.clone(),
    };
    match console
        .hub
        .post::<SavedView>(&visitor, "/views", &new)
        .await
    {
        Ok(saved) => {
            let joined = if saved.query.is_empty() { "" } else { "&" };
            let (query, name) = (saved.query, segment(&saved.name));
            see(&format!("/devices?{query}{joined}saved={name}"))
        }
        Err(problem) => {
            let faults = Faults::of(NOT_SAVED, problem, "name");
            let page = page(&console, visitor, form, faults.clone()).await;
            answered(&faults, page)
        }
    }
}

pub(crate) async fn remove(
    State(console): State<Console>,
    Path(name): Path<String>,
    Sent { visitor, .. }: Sent<Nothing>,
) -> Response {
    let path = format!("/views/{}", segment(&name));
    match console.hub.delete::<ViewRemoved>(&visitor, &path).await {
        Ok(gone) => see(&format!("/devices?removed={}", segment(&gone.name))),
        Err(problem) => Shown::<SaveView>(Err(problem.into())).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    fn html(query: &str, faults: Faults) -> String {
        let page = SaveView {
            frame: frame(Section::Devices),
            command: HOSTILE.to_owned(),
            form: ViewForm {
                name: HOSTILE.to_owned(),
                query: query.to_owned(),
            },
            faults,
        };
        page.render().unwrap()
    }

    #[test]
    fn the_question_travels_with_the_form() {
        let html = html("lifecycle=active&id=%22", Faults::default());
        check(&html);
        assert!(html.contains("lifecycle=active") && html.contains(r#"name="query""#));
    }

    #[test]
    fn a_name_that_is_none_keeps_what_was_typed_beside_what_is_wrong() {
        let html = html(HOSTILE, Faults::one(NOT_SAVED, "name", HOSTILE));
        check(&html);
        assert!(html.contains(r#"role="alert""#) && html.contains("Error: "));
    }
}
