//! The sign-in page: a button that spends a one-time link, a password, or how to get in otherwise.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use ironroot_views::HubFacts;

use super::fault::{Trouble, fault_page};

/// What the sign-in page has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// A link was opened: the button spends its key. Opening alone does not, so that a preview cannot.
    Link(&'a str),
    /// Nobody is signed in here.
    Nothing,
    /// The link was used, or its time is over.
    Spent,
    /// They have just signed out.
    SignedOut,
    /// Name and password do not belong together.
    Wrong,
    /// Too many wrong passwords were sent.
    TooOften {
        /// How long nobody is let in by password, in seconds.
        wait_s: u64,
    },
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct View<'a> {
    said: Said<'a>,
    has_password: bool,
    hub: &'a HubFacts,
    demonstration: bool,
}

impl<'a> View<'a> {
    fn new(said: Said<'a>, has_password: bool, hub: &'a HubFacts) -> Self {
        Self {
            said,
            has_password,
            hub,
            demonstration: hub.demonstration,
        }
    }

    fn heading(&self) -> &'static str {
        match self.said {
            Said::Spent => "This link does not work any more",
            Said::SignedOut => "You are signed out",
            Said::Link(_) | Said::Nothing | Said::Wrong | Said::TooOften { .. } => "Sign in",
        }
    }

    /// The page's title: what failed comes first.
    fn title(&self) -> &'static str {
        match self.said {
            Said::Wrong | Said::TooOften { .. } => "Not signed in: sign in",
            _ => self.heading(),
        }
    }
}

/// The sign-in page of a hub, with its status code.
pub fn sign_in_page(said: Said<'_>, has_password: bool, hub: &HubFacts) -> Response {
    let status = match said {
        Said::Spent => StatusCode::FORBIDDEN,
        Said::Wrong => StatusCode::UNPROCESSABLE_ENTITY,
        Said::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
        Said::Link(_) | Said::Nothing | Said::SignedOut => StatusCode::OK,
    };
    let view = View::new(said, has_password, hub);
    let mut response = match view.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(cause) => return fault_page(&Trouble::from(cause)),
    };
    if let Said::TooOften { wait_s } = said {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, wait_s.into());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::check;
    use ironroot_time::UnixTime;

    fn html(said: Said<'_>, has_password: bool) -> String {
        let hub = HubFacts {
            version: "1.2.3",
            started_at: UnixTime::default(),
            demonstration: true,
            key: "SHA256:7c1f 09e4 b2a6 5d13".to_owned(),
            device_door: String::new(),
            mqtt_door: String::new(),
        };
        let html = View::new(said, has_password, &hub).render().unwrap();
        assert!(html.contains("SHA256:7c1f 09e4 b2a6 5d13") && html.contains("Demonstration"));
        check(&html);
        html
    }

    #[test]
    fn a_link_becomes_a_form_that_posts_its_key() {
        let html = html(Said::Link("00ff"), true);
        assert!(html.contains(r#"<form class="form" method="post" action="/sign-in">"#));
        assert!(html.contains(r#"name="key" value="00ff""#) && !html.contains("password"));
    }

    #[test]
    fn a_hostile_key_stays_text() {
        let html = html(Said::Link("\"><script>alert(1)</script>"), false);
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn without_a_password_the_page_names_the_command_that_makes_a_link() {
        for said in [Said::Nothing, Said::Spent, Said::SignedOut] {
            let html = html(said, false);
            assert!(
                html.contains("ironroot sign-in") && !html.contains("<form"),
                "{said:?}"
            );
        }
    }

    #[test]
    fn a_password_manager_finds_both_fields_and_nothing_typed_comes_back() {
        for said in [
            Said::Nothing,
            Said::Spent,
            Said::SignedOut,
            Said::Wrong,
            Said::TooOften { wait_s: 30 },
        ] {
            let html = html(said, true);
            assert!(
                html.contains(r#"autocomplete="username""#)
                    && html.contains(r#"autocomplete="current-password""#)
            );
            let refused = matches!(said, Said::Wrong | Said::TooOften { .. });
            assert_eq!(html.contains(r#"role="alert""#), refused, "{said:?}");
        }
    }
}
