//! The sign-in page: a button that spends a one-time link, or how to get one.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::fault::{Trouble, fault_page};

/// What the sign-in page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInPage<'a> {
    /// A link was opened: the button spends its key. Opening alone does not, so that a preview cannot.
    Link(&'a str),
    /// Nobody is signed in here.
    Nobody,
    /// The link was used, or its time is over.
    Spent,
    /// They have just signed out.
    SignedOut,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct View<'a> {
    page: SignInPage<'a>,
}

/// The sign-in page, with its status code.
pub fn sign_in_page(page: SignInPage<'_>) -> Response {
    let status = match page {
        SignInPage::Spent => StatusCode::FORBIDDEN,
        SignInPage::Link(_) | SignInPage::Nobody | SignInPage::SignedOut => StatusCode::OK,
    };
    match (View { page }).render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(cause) => fault_page(&Trouble::from(cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(page: SignInPage<'_>) -> String {
        View { page }.render().unwrap()
    }

    #[test]
    fn a_link_becomes_a_form_that_posts_its_key() {
        let html = html(SignInPage::Link("00ff"));
        assert!(html.contains(r#"<form class="form" method="post" action="/sign-in">"#));
        assert!(html.contains(r#"name="key" value="00ff""#));
    }

    #[test]
    fn a_hostile_key_stays_text() {
        let html = html(SignInPage::Link("\"><script>alert(1)</script>"));
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn without_a_good_link_the_page_names_the_command_that_makes_one() {
        for page in [SignInPage::Nobody, SignInPage::Spent, SignInPage::SignedOut] {
            let html = html(page);
            assert!(
                html.contains("ironroot sign-in") && !html.contains("<form"),
                "{page:?}"
            );
        }
    }
}
