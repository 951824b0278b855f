//! One device: what it is worth, why, what it may do, and what happened to it.

mod facts;
mod lines;
mod order;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use ironroot_api::{DeviceDetail, GrantSummary, Lifecycle, Order};
use ironroot_time::UnixTime;
use serde::Deserialize;

use self::facts::{facts, limits, traffic};
use self::lines::{CertificateLine, NodeLine, ReasonLine, node_lines};
pub(crate) use self::order::order;
use self::order::order_page;
use super::Shown as ShownPage;
use super::chain::{Link, chain};
use super::fault::Trouble;
use super::journal::Line;
use super::order::{OrderDialog, OrderForm, Shown, verb};
use crate::Console;
use crate::address::Address;
use crate::form::Faults;
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

#[derive(Debug, Template)]
#[template(path = "device.html")]
pub(crate) struct DevicePage {
    frame: Frame,
    id: String,
    profile: String,
    sessions: u32,
    tier: Mark,
    life: Mark,
    standing: String,
    /// The orders that the lifecycle table allows.
    orders: Vec<(Order, &'static str)>,
    /// The entry of an order that was just carried out, as a toast.
    toast: Option<Line>,
    links: Vec<Link>,
    reasons: Vec<ReasonLine>,
    notices: Vec<ReasonLine>,
    grant: GrantSummary,
    limits: Vec<(&'static str, String)>,
    certificates: Vec<CertificateLine>,
    traffic: Vec<(&'static str, String)>,
    nodes: Vec<NodeLine>,
    facts: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    dialog: Option<OrderDialog>,
}

/// What the address may ask for beside the device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    order: String,
    /// The entry of an order that was carried out.
    done: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Address(asked): Address<Asked>,
) -> ShownPage<DevicePage> {
    ShownPage(asked_page(&console, visitor, &id, &asked).await)
}

async fn asked_page(
    console: &Console,
    visitor: Visitor,
    id: &str,
    asked: &Asked,
) -> Result<DevicePage, Trouble> {
    if !asked.order.is_empty() {
        let form = OrderForm {
            order: asked.order.clone(),
            ..OrderForm::default()
        };
        return order_page(console, visitor, id, form, Faults::default()).await;
    }
    let mut page = page(console, visitor, id).await?;
    let done = asked.done.parse::<u64>().ok();
    page.toast = page
        .lines
        .iter()
        .find(|line| Some(line.index) == done)
        .cloned();
    Ok(page)
}

async fn page(console: &Console, visitor: Visitor, id: &str) -> Result<DevicePage, Trouble> {
    let views = &console.views;
    let detail = views.device(id).await?;
    let title = format!("{id}, {}", detail.item.lifecycle);
    let frame = console.frame(visitor, Section::Devices, title).await;
    Ok(DevicePage::new(frame, detail, views.now()))
}

impl DevicePage {
    /// Whether trust ends before the Grant.
    fn is_broken(&self) -> bool {
        self.links.iter().any(Link::is_broken)
    }

    fn new(frame: Frame, detail: DeviceDetail, now: UnixTime) -> Self {
        let item = detail.item;
        Self {
            frame,
            tier: marks::tier(item.tier),
            life: marks::lifecycle(item.lifecycle),
            orders: orders(item.lifecycle)
                .into_iter()
                .map(|order| (order, verb(order)))
                .collect(),
            toast: None,
            links: chain(&item, &detail.grant, &detail.certificates, now),
            facts: facts(&item, now),
            sessions: item.sessions,
            standing: detail.standing,
            reasons: detail.reasons.into_iter().map(ReasonLine::from).collect(),
            notices: detail.notices.into_iter().map(ReasonLine::from).collect(),
            limits: limits(&detail.grant),
            grant: detail.grant,
            certificates: detail
                .certificates
                .into_iter()
                .map(CertificateLine::from)
                .collect(),
            traffic: traffic(&detail.traffic, &detail.sources),
            nodes: detail.edge_nodes.iter().flat_map(node_lines).collect(),
            lines: detail
                .timeline
                .into_iter()
                .map(|entry| Line::timed(entry, now))
                .collect(),
            dialog: None,
            profile: item.profile,
            id: item.id,
        }
    }
}

/// The orders that the lifecycle table allows, the gravest last.
fn orders(lifecycle: Lifecycle) -> Vec<Order> {
    match lifecycle {
        Lifecycle::Enrolled | Lifecycle::Active => {
            vec![Order::Quarantine, Order::Transfer, Order::Retire]
        }
        Lifecycle::Quarantined => vec![Order::Release, Order::Transfer, Order::Retire],
        Lifecycle::Claimed | Lifecycle::Withdrawn | Lifecycle::Transferred => vec![Order::Retire],
        Lifecycle::Retired => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::{
        Certificate, CertificateStatus, DeviceItem, Reason, Tier, TimelineEntry, Traffic,
    };

    pub(super) const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    pub(super) fn detail(lifecycle: Lifecycle) -> DeviceDetail {
        DeviceDetail {
            item: DeviceItem {
                id: "cam-1".to_owned(),
                profile: "camera".to_owned(),
                lifecycle,
                tier: Tier::None,
                assurance: None,
                reasons_count: 0,
                sessions: 0,
                last_seen: None,
                certificate_ends: None,
                messages: 0,
                refused: 0,
                simulated: false,
            },
            standing: "A sentence.".to_owned(),
            reasons: Vec::new(),
            grant: GrantSummary {
                connect: false,
                renew: false,
                publish: Vec::new(),
                subscribe: Vec::new(),
                sessions_max: 1,
                subscriptions_max: 16,
                packet_size_max: 65_536,
                messages_per_s: 50,
                message_burst: 200,
                bytes_per_s: 262_144,
                topics_max: 64,
            },
            certificates: Vec::new(),
            traffic: Traffic::default(),
            sources: Vec::new(),
            edge_nodes: Vec::new(),
            notices: Vec::new(),
            timeline: Vec::new(),
        }
    }

    fn html(detail: DeviceDetail) -> String {
        DevicePage::new(frame(Section::Devices), detail, NOW)
            .render()
            .unwrap()
    }

    #[test]
    fn the_empty_form_says_what_it_may_not() {
        let html = html(detail(Lifecycle::Claimed));
        check(&html);
        assert!(html.contains("It holds none yet.") && html.contains("Publish anything"));
        assert!(html.contains("?order=retire") && !html.contains("?order=quarantine"));
    }

    #[test]
    fn the_usual_form_says_what_it_may() {
        let mut usual = detail(Lifecycle::Active);
        usual.grant.connect = true;
        usual.grant.publish = vec!["d/cam-1/up/#".to_owned()];
        usual.grant.subscribe = vec!["d/cam-1/down/#".to_owned()];
        let html = html(usual);
        check(&html);
        assert!(
            html.contains("d/cam-1/up/#") && html.contains("50 a second") && html.contains("65 kB")
        );
        assert!(html.contains(r#"href="/devices/cam-1?order=quarantine""#));
    }

    #[test]
    fn the_crowded_form_shows_words_as_words() {
        let mut crowded = detail(Lifecycle::Quarantined);
        let reason = |kind: &str, who: Option<&str>| Reason {
            kind: kind.to_owned(),
            source: String::new(),
            at: NOW.to_string(),
            why: HOSTILE.to_owned(),
            who: who.map(str::to_owned),
            entry: 1_842_196,
        };
        crowded.reasons = vec![
            reason("person", Some(HOSTILE)),
            reason("finding", None),
            reason("attestation", None),
            reason("limit", None),
        ];
        let all = [
            CertificateStatus::Valid,
            CertificateStatus::Expired,
            CertificateStatus::Revoked,
        ];
        crowded.certificates = all
            .map(|status| Certificate {
                serial: "5e".repeat(16),
                fingerprint: "ab".repeat(32),
                not_before: NOW.to_string(),
                not_after: NOW.to_string(),
                status,
                revoked_at: (status == CertificateStatus::Revoked).then(|| NOW.to_string()),
            })
            .into();
        let entry = TimelineEntry {
            entry: 7,
            at: NOW.to_string(),
            kind: "device.unheard-of".to_owned(),
            sentence: HOSTILE.to_owned(),
        };
        crowded.timeline = vec![entry; 50];
        let html = html(crowded);
        check(&html);
        assert!(html.contains("A Finding asks for it") && html.contains("revoked 2026-11-22"));
    }
}
