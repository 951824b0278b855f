//! One device: what it is worth, why, what it may do, and what happened to it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use ironroot_api::{
    Certificate, DeviceDetail, EdgeNode, GrantSummary, Lifecycle, Notice, Reason, Source,
    TimelineEntry, Traffic,
};
use ironroot_time::UnixTime;

use super::Shown;
use super::fault::Trouble;
use super::journal::Line;
use crate::Console;
use crate::figures::{grouped, moment, seen, short, shortened, size};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

#[derive(Debug, Template)]
#[template(path = "device.html")]
pub(crate) struct DevicePage {
    frame: Frame,
    id: String,
    profile: String,
    tier: Mark,
    life: Mark,
    standing: String,
    reasons: Vec<ReasonLine>,
    notices: Vec<ReasonLine>,
    grant: GrantSummary,
    limits: Vec<(&'static str, String)>,
    certificates: Vec<CertificateLine>,
    traffic: Vec<(&'static str, String)>,
    nodes: Vec<NodeLine>,
    sessions: u32,
    seen: String,
    lines: Vec<Line>,
    commands: Vec<Command>,
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

/// An order about the device, as a command, and what it does.
#[derive(Debug)]
struct Command {
    does: &'static str,
    line: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Shown<DevicePage> {
    Shown(page(&console, visitor, &id).await)
}

async fn page(console: &Console, visitor: Visitor, id: &str) -> Result<DevicePage, Trouble> {
    let views = &console.views;
    let detail = views.device(id).await?;
    let title = format!("{id}, {}", detail.item.lifecycle);
    let parts = (views.as_ref(), &console.live);
    let frame = Frame::new(parts, visitor, Section::Devices, title).await;
    Ok(DevicePage::new(frame, detail, views.now()))
}

impl DevicePage {
    fn new(frame: Frame, detail: DeviceDetail, now: UnixTime) -> Self {
        let item = detail.item;
        Self {
            frame,
            tier: marks::tier(item.tier),
            life: marks::lifecycle(item.lifecycle),
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
            sessions: item.sessions,
            seen: seen(now, item.sessions, item.last_seen.as_deref()),
            lines: detail
                .timeline
                .into_iter()
                .map(|entry| line(entry, now))
                .collect(),
            commands: commands(&item.id, item.lifecycle),
            profile: item.profile,
            id: item.id,
        }
    }
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

/// The orders that the lifecycle table allows, with what each does.
fn commands(id: &str, lifecycle: Lifecycle) -> Vec<Command> {
    let why = r#"--why "…""#;
    let command = |does, order: &str| Command {
        does,
        line: format!("ironroot device {order} {id} {why}"),
    };
    let quarantine = command(
        "Cuts its sessions at once; it may then do what its profile leaves to a quarantined device.",
        "quarantine",
    );
    let release = command(
        "Takes a person's reason away; other reasons stay.",
        "release",
    );
    let transfer = command(
        "Revokes its certificates, so that a new owner can claim it.",
        "transfer",
    );
    let retire = command(
        "Revokes its certificates and forgets its secrets. Nothing leads back.",
        "retire",
    );
    match lifecycle {
        Lifecycle::Enrolled | Lifecycle::Active => vec![quarantine, transfer, retire],
        Lifecycle::Quarantined => vec![release, transfer, retire],
        Lifecycle::Claimed | Lifecycle::Transferred => vec![retire],
        Lifecycle::Retired => Vec::new(),
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
                simulated: false,
            },
            standing: "A sentence.".to_owned(),
            reasons: Vec::new(),
            grant: GrantSummary {
                connect: false,
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
        assert!(
            html.contains("ironroot device retire cam-1") && !html.contains("device quarantine")
        );
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
        assert!(html.contains("ironroot device quarantine cam-1"));
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
