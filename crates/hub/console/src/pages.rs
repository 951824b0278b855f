//! The pages: each one a typed view, a handler, and a template of the same name.

pub(crate) mod chain;
pub(crate) mod chart;
pub(crate) mod charts;
pub(crate) mod clock;
pub(crate) mod confirm;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod entry;
pub(crate) mod fault;
pub(crate) mod journal;
pub(crate) mod maker_remove;
pub(crate) mod makers;
pub(crate) mod onboard;
pub(crate) mod onboard_many;
pub(crate) mod onboard_tokens;
pub(crate) mod order;
pub(crate) mod orders;
pub(crate) mod overview;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod profile_edit;
pub(crate) mod profiles;
pub(crate) mod service;
pub(crate) mod service_issued;
pub(crate) mod service_new;
pub(crate) mod service_revoke;
pub(crate) mod services;
pub(crate) mod sessions_end;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod token_made;
pub(crate) mod token_revoke;
pub(crate) mod views;
pub(crate) mod withdraw;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::form::Faults;

use self::fault::{Trouble, fault_page};

/// A page that is ready to be rendered, or why it is not shown.
pub(crate) struct Shown<T>(pub(crate) Result<T, Trouble>);

impl<T: Template> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        match self.0.and_then(|page| page.render().map_err(Trouble::from)) {
            Ok(html) => Html(html).into_response(),
            Err(trouble) => fault_page(&trouble),
        }
    }
}

/// The page of a form, with what is wrong about it and the status that says so.
pub(crate) fn answered<T: Template>(faults: &Faults, page: Result<T, Trouble>) -> Response {
    let status = faults.status();
    let mut response = Shown(page).into_response();
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}
