//! One service: what it may reach, its certificates, and what passed.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use ironroot_api::{Certificate, ServiceDetail};
use ironroot_time::UnixTime;

use super::Shown;
use super::fault::Trouble;
use super::services::status;
use crate::Console;
use crate::figures::{day, grouped, passed, seen, shortened};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// One of its certificates.
#[derive(Debug)]
struct Row {
    serial: String,
    short: String,
    status: Mark,
    until: String,
}

#[derive(Debug, Template)]
#[template(path = "service.html")]
pub(crate) struct ServicePage {
    frame: Frame,
    name: String,
    lead: String,
    status: Mark,
    revoked: bool,
    publish: Vec<String>,
    subscribe: Vec<String>,
    certificates: Vec<Row>,
    sessions: u32,
    seen: String,
    traffic: Vec<(&'static str, String)>,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Shown<ServicePage> {
    Shown(page(&console, visitor, &name).await)
}

async fn page(console: &Console, visitor: Visitor, name: &str) -> Result<ServicePage, Trouble> {
    let detail = console.views.service(name).await?;
    let frame = console.frame(visitor, Section::Services, name).await;
    Ok(ServicePage::new(frame, detail, console.views.now()))
}

impl ServicePage {
    fn new(frame: Frame, detail: ServiceDetail, now: UnixTime) -> Self {
        let ServiceDetail {
            item,
            last_seen,
            traffic,
        } = detail;
        let lead = match (item.revoked, item.sessions) {
            (true, _) => "Revoked: it connects no more, and its name stays taken.",
            (false, 0) => "Not connected now.",
            (false, _) => "Connected now.",
        };
        Self {
            frame,
            lead: lead.to_owned(),
            status: status(&item),
            seen: seen(now, item.sessions, last_seen.as_deref()),
            name: item.name,
            revoked: item.revoked,
            publish: item.publish,
            subscribe: item.subscribe,
            certificates: item.certificates.into_iter().map(Row::new).collect(),
            sessions: item.sessions,
            traffic: [("Sessions opened", grouped(traffic.connects))]
                .into_iter()
                .chain(passed(&traffic))
                .collect(),
        }
    }
}

impl Row {
    fn new(certificate: Certificate) -> Self {
        Self {
            short: shortened(&certificate.serial),
            status: marks::certificate(certificate.status),
            until: day(&certificate.not_after),
            serial: certificate.serial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::{ServiceItem, Traffic};

    #[test]
    fn it_is_shown_with_nothing_with_much_and_revoked() {
        for (filters, revoked) in [(0, true), (1, false), (64, false)] {
            let detail = ServiceDetail {
                item: ServiceItem {
                    name: HOSTILE.to_owned(),
                    publish: vec![HOSTILE.to_owned(); filters],
                    subscribe: vec!["d/+/up/#".to_owned(); filters],
                    sessions: 0,
                    certificates: Vec::new(),
                    revoked,
                },
                last_seen: None,
                traffic: Traffic::default(),
            };
            let page = ServicePage::new(frame(Section::Services), detail, UnixTime::from_ms(0));
            let html = page.render().unwrap();
            check(&html);
            assert_eq!(html.contains("/revoke\""), !revoked);
        }
    }
}
