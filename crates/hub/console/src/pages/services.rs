//! Services: backend applications, what they may reach and whether they are here.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use ironroot_api::{PageQuery, ServiceItem};
use serde::Deserialize;

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::address::Address;
use crate::figures::counted;
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// Services on one page.
const PAGE: u32 = 50;

/// How many of its filters a row shows.
const FILTERS: usize = 3;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    cursor: String,
    /// A service that was revoked just now.
    revoked: String,
}

/// A service in the list.
#[derive(Debug)]
struct Row {
    name: String,
    publish: Vec<String>,
    subscribe: Vec<String>,
    sessions: u32,
    status: Mark,
    until: String,
}

#[derive(Debug, Template)]
#[template(path = "services.html")]
pub(crate) struct Services {
    frame: Frame,
    lead: String,
    revoked: String,
    rows: Vec<Row>,
    next: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Address(asked): Address<Asked>,
) -> Shown<Services> {
    Shown(page(&console, visitor, asked).await)
}

async fn page(console: &Console, visitor: Visitor, asked: Asked) -> Result<Services, Trouble> {
    let query = PageQuery {
        limit: Some(PAGE),
        cursor: (!asked.cursor.is_empty()).then_some(asked.cursor),
    };
    let found = console.views.services(&query).await?;
    Ok(Services {
        frame: console.frame(visitor, Section::Services, "Services").await,
        lead: lead(&found.items),
        revoked: asked.revoked,
        rows: found.items.into_iter().map(Row::new).collect(),
        next: found.next.unwrap_or_default(),
    })
}

fn lead(items: &[ServiceItem]) -> String {
    let here = items.iter().filter(|item| item.sessions > 0).count();
    match items.len() {
        0 => "No backend application has an identity yet.".to_owned(),
        all => format!(
            "{}, {here} connected. Each may do what is named here and nothing else.",
            counted(all as u64, "service", "services")
        ),
    }
}

/// How a service stands, by its certificate.
pub(crate) fn status(item: &ServiceItem) -> Mark {
    match item.certificates.first() {
        Some(newest) if !item.revoked => marks::certificate(newest.status),
        _ => marks::certificate(ironroot_api::CertificateStatus::Revoked),
    }
}

impl Row {
    fn new(item: ServiceItem) -> Self {
        let until = item.certificates.first().filter(|_| !item.revoked);
        let until = until.and_then(|newest| newest.not_after.get(..10));
        Self {
            status: status(&item),
            until: until.unwrap_or("–").to_owned(),
            sessions: item.sessions,
            publish: few(item.publish),
            subscribe: few(item.subscribe),
            name: item.name,
        }
    }
}

/// The first filters of a list, and how many more there are.
fn few(mut filters: Vec<String>) -> Vec<String> {
    let more = filters.len().saturating_sub(FILTERS);
    filters.truncate(FILTERS);
    if more > 0 {
        filters.push(format!("and {more} more"));
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::{Certificate, CertificateStatus};

    fn service(name: &str, filters: usize) -> ServiceItem {
        ServiceItem {
            name: name.to_owned(),
            publish: vec!["d/+/down/#".to_owned(); filters],
            subscribe: vec![HOSTILE.to_owned(); filters],
            sessions: 2,
            certificates: vec![Certificate {
                serial: "00ff".to_owned(),
                fingerprint: "ab".repeat(32),
                not_before: "2026-11-22T00:00:00.000Z".to_owned(),
                not_after: "2027-11-22T00:00:00.000Z".to_owned(),
                status: CertificateStatus::Valid,
                revoked_at: None,
            }],
            revoked: false,
        }
    }

    fn html(items: Vec<ServiceItem>) -> String {
        let page = Services {
            frame: frame(Section::Services),
            lead: lead(&items),
            revoked: HOSTILE.to_owned(),
            rows: items.into_iter().map(Row::new).collect(),
            next: "backend".to_owned(),
        };
        let html = page.render().unwrap();
        check(&html);
        html
    }

    #[test]
    fn they_are_shown_empty_usual_and_crowded() {
        assert!(html(Vec::new()).contains("ironroot service new"));
        let usual = html(vec![service("backend", 1), service(HOSTILE, 0)]);
        assert!(usual.contains("/services/backend") && usual.contains("Nothing"));
        let long = "x".repeat(64);
        let crowded = html((0..50).map(|_| service(&long, 64)).collect());
        assert_eq!(crowded.matches("and 61 more").count(), 100);
    }

    #[test]
    fn one_that_is_revoked_says_so() {
        let revoked = ServiceItem {
            revoked: true,
            ..service("backend", 1)
        };
        assert!(html(vec![revoked]).contains("Revoked"));
    }
}
