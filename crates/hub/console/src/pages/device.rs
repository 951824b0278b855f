//! One device: what it is worth, why, what it may do, and what happened to it.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::{
    Certificate, Consequence, DeviceDetail, DeviceItem, EdgeNode, GrantSummary, Lifecycle,
    NewOrder, Notice, Order, OrderDone, Reason, Source, TimelineEntry, Traffic,
};
use ironroot_time::UnixTime;
use serde::Deserialize;

use super::chain::{Link, chain};
use super::fault::Trouble;
use super::journal::Line;
use super::order::{OrderDialog, Shown, changes, note, question, verb};
use super::{Shown as ShownPage, answered};
use crate::Console;
use crate::figures::{grouped, moment, seen, short, shortened, size};
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};
use crate::hub::segment;
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

#[derive(Debug)]
struct ReasonLine {
    what: String,
    why: String,
    at: String,
    exact: String,
    entry: u64,
    number: String,
}

#[derive(Debug)]
struct CertificateLine {
    short: String,
    serial: String,
    status: Mark,
    until: String,
    ended: String,
}

/// A Sparkplug edge node, or a device behind it.
#[derive(Debug)]
struct NodeLine {
    name: String,
    online: bool,
    since: String,
}

/// What the address may ask for beside the device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    order: String,
    /// The entry of an order that was carried out.
    done: String,
}

/// What the form of an order sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OrderForm {
    pub(crate) order: String,
    pub(crate) seen: String,
    pub(crate) why: String,
    pub(crate) typed: String,
    /// The devices of an order about several, commas between.
    pub(crate) ids: String,
}

impl OrderForm {
    /// The order that is meant.
    pub(crate) fn order(&self) -> Result<Order, Trouble> {
        order_of(&self.order)
    }
}

/// The order of this name.
pub(crate) fn order_of(name: &str) -> Result<Order, Trouble> {
    let found = Order::ALL.iter().find(|order| order.as_str() == name);
    let unknown = || Trouble::Faulty(format!("There is no order {name:?}."));
    found.copied().ok_or_else(unknown)
}

/// The API's class of an order that was carried out and could not be recorded yet.
const ORDER_HELD: &str = "urn:ironroot:problem:order-held";

/// What did not come about, over what is wrong with an order's form.
pub(crate) const NOT_DONE: &str = "Your order was not carried out";

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let page = match asked {
        Ok(Query(asked)) => asked_page(&console, visitor, &id, &asked).await,
        Err(cause) => Err(Trouble::Faulty(cause.body_text())),
    };
    ShownPage(page).into_response()
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
    let parts = (views.as_ref(), &console.live);
    let frame = Frame::new(parts, visitor, Section::Devices, title).await;
    Ok(DevicePage::new(frame, detail, views.now()))
}

/// The device with an order open over it.
async fn order_page(
    console: &Console,
    visitor: Visitor,
    id: &str,
    form: OrderForm,
    faults: Faults,
) -> Result<DevicePage, Trouble> {
    let order = form.order()?;
    let consequence = console.views.consequence(id, order)?;
    let mut page = page(console, visitor, id).await?;
    page.frame.modal = true;
    page.frame.title = faults.titled(&question(order, id));
    page.dialog = Some(dialog(&page, &consequence, form, faults));
    Ok(page)
}

fn dialog(page: &DevicePage, what: &Consequence, form: OrderForm, faults: Faults) -> OrderDialog {
    let (id, order) = (&page.id, what.order);
    OrderDialog {
        visitor: page.frame.visitor.clone(),
        order,
        about: "Order for 1 device".to_owned(),
        heading: question(order, id),
        changes: changes(what),
        note: note(what, page.sessions),
        unreached: Vec::new(),
        reached: Vec::new(),
        possible: what.after.is_some(),
        seen: what.position,
        to_type: id.clone(),
        typed: form.typed,
        why: form.why,
        faults,
        command: format!(r#"ironroot device {order} {id} --why "…""#),
        action: format!("/devices/{}/orders", segment(id)),
        leave: format!("/devices/{}", segment(id)),
        button: format!("{} {id}", verb(order)),
    }
}

/// Takes an order, and shows the device again.
pub(crate) async fn order(
    State(console): State<Console>,
    Path(id): Path<String>,
    Sent { visitor, form }: Sent<OrderForm>,
) -> Response {
    let faults = match give(&console, &visitor, &id, &form).await {
        Ok(address) => return see(&address),
        Err(Refused::Trouble(trouble)) => {
            return ShownPage::<DevicePage>(Err(trouble)).into_response();
        }
        Err(Refused::Form(faults)) => faults,
    };
    let page = order_page(&console, visitor, &id, form, faults.clone()).await;
    answered(&faults, page)
}

/// Why an order was not carried out: the form can be mended, or it cannot be shown again.
enum Refused {
    Form(Faults),
    Trouble(Trouble),
}

/// Has the order carried out; gives the address that tells of it.
async fn give(
    console: &Console,
    visitor: &Visitor,
    id: &str,
    form: &OrderForm,
) -> Result<String, Refused> {
    let order = form.order().map_err(Refused::Trouble)?;
    if order == Order::Retire && form.typed.trim() != id {
        let told = format!("Type {id} as it stands here: nothing leads back from retirement.");
        return Err(Refused::Form(Faults::one(NOT_DONE, "typed", told)));
    }
    let new = NewOrder {
        order,
        why: form.why.trim().to_owned(),
        seen: form.seen.parse().ok(),
    };
    let path = format!("/devices/{}/orders", segment(id));
    let done = console.hub.post::<OrderDone>(visitor, &path, &new).await;
    match done {
        Ok(done) => Ok(format!("/devices/{}?done={}", segment(id), done.entry)),
        // It is obeyed; the device's own page says that it is not recorded yet.
        Err(problem) if problem.kind == ORDER_HELD => Ok(format!("/devices/{}", segment(id))),
        Err(problem) => Err(Refused::Form(Faults::of(NOT_DONE, problem, ""))),
    }
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
                .map(|entry| line(entry, now))
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
        Lifecycle::Claimed | Lifecycle::Transferred => vec![Order::Retire],
        Lifecycle::Retired => Vec::new(),
    }
}

fn facts(item: &DeviceItem, now: UnixTime) -> Vec<(&'static str, String)> {
    let never = || "never".to_owned();
    let ends = item.certificate_ends.as_deref();
    let mut facts = vec![
        ("Sessions now", grouped(item.sessions.into())),
        ("Seen", seen(now, item.sessions, item.last_seen.as_deref())),
        (
            "Last heard of",
            item.last_seen.as_deref().map_or_else(never, moment),
        ),
        (
            "Key",
            item.assurance
                .map_or_else(|| "none yet".to_owned(), |kept| kept.to_string()),
        ),
        (
            "Certificate",
            ends.map_or_else(
                || "none".to_owned(),
                |at| format!("ends {} UTC", moment(at)),
            ),
        ),
    ];
    if item.simulated {
        facts.push(("Simulated", "part of the demonstration".to_owned()));
    }
    facts
}

fn limits(grant: &GrantSummary) -> Vec<(&'static str, String)> {
    let rate = bound(grant.messages_per_s, |rate| {
        format!("{} a second", grouped(rate))
    });
    vec![
        ("Sessions at once", grouped(grant.sessions_max.into())),
        ("Subscriptions", grouped(grant.subscriptions_max.into())),
        ("Messages", rate),
        (
            "Bytes",
            bound(grant.bytes_per_s, |bytes| {
                format!("{} a second", size(bytes))
            }),
        ),
        (
            "Topics",
            bound(grant.topics_max, |topics| {
                format!("{} a day", grouped(topics))
            }),
        ),
        ("Largest packet", size(grant.packet_size_max.into())),
    ]
}

fn bound(bound: u32, spoken: impl Fn(u64) -> String) -> String {
    match bound {
        0 => "no bound".to_owned(),
        bound => spoken(bound.into()),
    }
}

fn traffic(traffic: &Traffic, sources: &[Source]) -> Vec<(&'static str, String)> {
    let from: Vec<_> = sources.iter().map(|source| &*source.address).collect();
    let from = if from.is_empty() {
        "nowhere yet".to_owned()
    } else {
        from.join(", ")
    };
    vec![
        ("From", from),
        ("Messages from it", grouped(traffic.messages_in)),
        ("Messages to it", grouped(traffic.messages_out)),
        ("Bytes from it", size(traffic.bytes_in)),
        ("Bytes to it", size(traffic.bytes_out)),
        ("Refused", grouped(traffic.refused)),
        ("Withheld", grouped(traffic.withheld)),
        ("Throttled", grouped(traffic.throttled)),
        ("Held", grouped(traffic.held)),
        ("Cut off", grouped(traffic.cut_off)),
        ("Topics today", grouped(traffic.topics_today)),
        ("Connects", grouped(traffic.connects)),
    ]
}

/// The node, and then each device behind it.
fn node_lines(node: &EdgeNode) -> Vec<NodeLine> {
    let own = NodeLine {
        name: format!("{}/{}", node.group, node.node),
        online: node.online,
        since: moment(&node.since),
    };
    let behind = node.devices.iter().map(|device| NodeLine {
        name: format!("{}/{}/{}", node.group, node.node, device.device),
        online: device.online,
        since: moment(&device.since),
    });
    std::iter::once(own).chain(behind).collect()
}

fn line(entry: TimelineEntry, now: UnixTime) -> Line {
    Line {
        index: entry.entry,
        number: grouped(entry.entry),
        mark: marks::entry(&entry.kind),
        sentence: entry.sentence,
        exact: moment(&entry.at),
        short: short(now, &entry.at),
        at: entry.at,
    }
}

impl From<Notice> for ReasonLine {
    fn from(notice: Notice) -> Self {
        let what = match notice.kind.as_str() {
            "in_two_places" => "Its certificate was used in two places at once".to_owned(),
            kind => format!("The hub noticed this ({kind})"),
        };
        Self {
            what,
            why: notice.what,
            exact: moment(&notice.at),
            at: notice.at,
            entry: notice.entry,
            number: grouped(notice.entry),
        }
    }
}

impl From<Reason> for ReasonLine {
    fn from(reason: Reason) -> Self {
        let what = match (&reason.who, reason.kind.as_str()) {
            (Some(who), _) => format!("Ordered by {who}"),
            (None, "finding") => "A Finding asks for it".to_owned(),
            (None, "attestation") => "An Attestation Result asks for it".to_owned(),
            (None, "limit") => "It went past a limit of its profile".to_owned(),
            (None, kind) => format!("The hub ordered it ({kind})"),
        };
        Self {
            what,
            why: reason.why,
            exact: moment(&reason.at),
            at: reason.at,
            entry: reason.entry,
            number: grouped(reason.entry),
        }
    }
}

impl From<Certificate> for CertificateLine {
    fn from(certificate: Certificate) -> Self {
        Self {
            short: shortened(&certificate.serial),
            serial: certificate.serial,
            status: marks::certificate(certificate.status),
            until: moment(&certificate.not_after),
            ended: certificate
                .revoked_at
                .as_deref()
                .map(moment)
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::{CertificateStatus, DeviceItem, Tier};

    const NOW: UnixTime = UnixTime::from_ms(1_795_323_961_042);

    fn detail(lifecycle: Lifecycle) -> DeviceDetail {
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

    fn ordered(order: Order, faults: Faults) -> String {
        let mut page = DevicePage::new(frame(Section::Devices), detail(Lifecycle::Active), NOW);
        page.frame.modal = true;
        let state = |lifecycle| ironroot_api::OrderState {
            lifecycle,
            tier: Tier::None,
            reasons_count: 0,
            certificates: 1,
            grant: detail(lifecycle).grant,
        };
        let what = Consequence {
            device: "cam-1".to_owned(),
            order,
            position: 41,
            now: state(Lifecycle::Active),
            after: (order != Order::Release).then(|| state(Lifecycle::Retired)),
            refused: (order == Order::Release).then(|| HOSTILE.to_owned()),
        };
        let form = OrderForm {
            why: HOSTILE.to_owned(),
            typed: HOSTILE.to_owned(),
            ..OrderForm::default()
        };
        page.dialog = Some(dialog(&page, &what, form, faults));
        page.render().unwrap()
    }

    #[test]
    fn an_order_shows_now_and_after_and_carries_its_position() {
        let html = ordered(Order::Quarantine, Faults::default());
        check(&html);
        assert!(html.contains(r#"<div class="app" inert>"#));
        assert!(html.contains(r#"name="seen" value="41""#) && html.contains("What will change"));
        assert!(!html.contains(r#"name="typed""#));
    }

    #[test]
    fn what_cannot_be_undone_wants_the_id_typed() {
        let html = ordered(Order::Retire, Faults::default());
        check(&html);
        assert!(html.contains(r#"name="typed""#) && html.contains("btn grave\" type=\"submit"));
    }

    #[test]
    fn an_order_that_would_be_refused_has_no_button() {
        let html = ordered(Order::Release, Faults::default());
        check(&html);
        assert!(!html.contains(r#"<button class="btn main" type="submit">"#));
    }

    #[test]
    fn what_is_wrong_stands_on_top_and_beside_its_field() {
        let html = ordered(Order::Retire, Faults::one(NOT_DONE, "typed", HOSTILE));
        check(&html);
        assert!(html.contains(r##"href="#typed""##) && html.contains("Error: "));
        assert!(html.contains(r#"role="alert""#));
    }
}
