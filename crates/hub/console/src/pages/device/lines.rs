//! Reasons, notices, certificates and Sparkplug nodes of a device, a line each.

use ironroot_api::{Certificate, EdgeNode, Notice, Reason};

use crate::figures::{grouped, moment, shortened};
use crate::marks::{self, Mark};

#[derive(Debug)]
pub(super) struct ReasonLine {
    pub(super) what: String,
    pub(super) why: String,
    pub(super) at: String,
    pub(super) exact: String,
    pub(super) entry: u64,
    pub(super) number: String,
}

#[derive(Debug)]
pub(super) struct CertificateLine {
    pub(super) short: String,
    pub(super) serial: String,
    pub(super) status: Mark,
    pub(super) until: String,
    pub(super) ended: String,
}

/// A Sparkplug edge node, or a device behind it.
#[derive(Debug)]
pub(super) struct NodeLine {
    pub(super) name: String,
    pub(super) online: bool,
    pub(super) since: String,
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

/// The node, and then each device behind it.
pub(super) fn node_lines(node: &EdgeNode) -> Vec<NodeLine> {
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
