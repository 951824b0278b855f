//! A token of the API, shown to the session that asked for it.

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
#[template(path = "token_made.html")]
pub(crate) struct TokenPage {
    frame: Frame,
    number: String,
    name: String,
    token: Secret,
    entry: u64,
    /// Until when the page is there.
    kept: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
) -> Shown<TokenPage> {
    Shown(page(&console, visitor, number).await)
}

/// Forgets the token.
pub(crate) async fn put_away(
    State(console): State<Console>,
    Path(number): Path<String>,
    sent: Sent<Nothing>,
) -> Response {
    console.handovers.put_away(&sent.visitor, &number);
    see("/settings")
}

async fn page(console: &Console, visitor: Visitor, number: String) -> Result<TokenPage, Trouble> {
    let views = &console.views;
    let found = console.handovers.look(&visitor, views.now(), &number);
    let found = found.as_ref().map(|(handed, ends)| (handed.as_ref(), ends));
    let Some((Handed::Token(made), ends)) = found else {
        let told = "This token is shown no more: it was put away, or a quarter of an hour has passed. \
                    Revoke it and make another if it is lost.";
        return Err(Trouble::NotThere(told.to_owned()));
    };
    let parts = (views.as_ref(), &console.live);
    let title = format!("A token for {}", made.name);
    Ok(TokenPage {
        frame: Frame::new(parts, visitor, Section::Settings, title).await,
        number,
        name: made.name.clone(),
        token: made.token.clone(),
        entry: made.entry,
        kept: short(views.now(), &ends.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};

    #[test]
    fn it_is_shown_with_what_to_send() {
        let page = TokenPage {
            frame: frame(Section::Settings),
            number: "3".to_owned(),
            name: HOSTILE.to_owned(),
            token: Secret::new("00ff".to_owned()),
            entry: 7,
            kept: "14:45:00".to_owned(),
        };
        let html = page.render().unwrap();
        check(&html);
        assert!(html.contains("Authorization: Bearer 00ff"));
    }
}
