//! A token of the API, shown to the session that asked for it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use ironroot_api::{Secret, TokenMade};

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::frame::{Frame, Section, Visitor};
use crate::handover::Handed;

impl Handed for TokenMade {
    const PAGE: &'static str = "/settings/tokens/made";
    const NEXT: &'static str = "/settings";
    const GONE: &'static str = "This token is shown no more: it was put away, or a quarter of an hour has passed. \
         Revoke it and make another if it is lost.";
}

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

async fn page(console: &Console, visitor: Visitor, number: String) -> Result<TokenPage, Trouble> {
    let (made, kept) = console.handed::<TokenMade>(&visitor, &number)?;
    let title = format!("A token for {}", made.name);
    Ok(TokenPage {
        frame: console.frame(visitor, Section::Settings, title).await,
        number,
        name: made.name.clone(),
        token: made.token.clone(),
        entry: made.entry,
        kept,
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
