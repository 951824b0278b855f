//! Devices: lists of them, and one of them with everything that is known about its standing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Certificate, words::words};

words! {
    /// Where a device is in its life.
    pub enum Lifecycle {
        /// Its serial is claimed; it has no certificate yet.
        Claimed = "claimed",
        /// It has a certificate and has not been let in yet.
        Enrolled = "enrolled",
        /// It is in good standing.
        Active = "active",
        /// It is shut out for one or more reasons.
        Quarantined = "quarantined",
        /// It was given up and waits for its new owner's claim.
        Transferred = "transferred",
        /// It is gone for good.
        Retired = "retired",
        /// Its claim was withdrawn before it came. Lists leave it out unless they ask for this state, or for its id.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// The verdict of the last Attestation Result, gravest first (EAR trustworthiness tiers).
    pub enum Tier {
        /// Its Evidence contradicts what is known to be good.
        Contraindicated = "contraindicated",
        /// Its Evidence is good enough to be kept under watch.
        Warning = "warning",
        /// Nothing has been proved.
        None = "none",
        /// Its Evidence agrees with what is known to be good.
        Affirming = "affirming",
    }
}

words! {
    /// How well the device's key is kept, best first.
    pub enum Assurance {
        /// In hardware, and the hardware has proved it.
        HardwareAttested = "hardware-attested",
        /// In hardware, by the maker's word.
        HardwareKey = "hardware-key",
        /// Derived from measured firmware (DICE) in software.
        SoftwareDice = "software-dice",
        /// In software.
        Software = "software",
    }
}

words! {
    /// The order of a list of devices.
    pub enum DeviceSort {
        /// Gravest standing first.
        Standing = "standing",
        /// By id.
        Id = "id",
        /// Seen most recently first.
        LastSeen = "last_seen",
        /// By profile.
        Profile = "profile",
        /// By state, in the order of a device's life.
        Lifecycle = "lifecycle",
        /// Whose certificate ends soonest first; those without one last.
        CertificateEnds = "certificate_ends",
        /// Most live sessions first.
        Sessions = "sessions",
        /// Most messages first.
        Messages = "messages",
        /// Most refusals first.
        Refused = "refused",
    }
}

/// Which devices are wanted; every condition given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeviceQuery {
    /// How many devices at most; 50 when absent, never more than 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The order; `standing` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub sort: Option<DeviceSort>,
    /// The other way round (`true`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverse: Option<bool>,
    /// Whether the answer says how many devices fit in all (`true`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<bool>,
    /// Only devices whose id contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Only devices of this profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Only devices in this state. Without it and without `id`, serials whose claim was withdrawn are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub lifecycle: Option<Lifecycle>,
    /// Only devices of this tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub tier: Option<Tier>,
    /// Only devices whose key is kept like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub assurance: Option<Assurance>,
    /// Only devices that are connected (`true`) or not (`false`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// Only devices that were not heard of in so many seconds, or never since the hub started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen_for_s: Option<u64>,
    /// Only devices whose last certificate ends within so many seconds, or has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_ends_in_s: Option<u64>,
}

impl DeviceQuery {
    /// The same devices in no certain order and no certain part: the filters alone.
    #[must_use]
    pub fn filters(self) -> Self {
        Self {
            limit: None,
            cursor: None,
            sort: None,
            reverse: None,
            count: None,
            ..self
        }
    }
}

/// One page of a list of devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceList {
    /// The devices, in the order asked for.
    pub items: Vec<DeviceItem>,
    /// Hand this back as `cursor` to read on; null on the last page.
    #[schema(required = true)]
    pub next: Option<String>,
    /// How many there are in all; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<DeviceCount>,
}

/// How many devices fit a question, all pages together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceCount {
    /// All of them.
    pub devices: u64,
    /// By state, those without a device left out.
    pub by_lifecycle: BTreeMap<Lifecycle, u64>,
    /// By tier, those without a device left out.
    pub by_tier: BTreeMap<Tier, u64>,
}

/// A device as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceItem {
    /// Its id: the serial number its maker gave it.
    pub id: String,
    /// Its `DeviceProfile`.
    pub profile: String,
    /// Where it is in its life.
    pub lifecycle: Lifecycle,
    /// The verdict of its last Attestation Result.
    pub tier: Tier,
    /// How well its key is kept; null before enrolment.
    #[schema(required = true)]
    pub assurance: Option<Assurance>,
    /// Reasons for quarantine.
    pub reasons_count: u32,
    /// Live sessions.
    pub sessions: u32,
    /// When it was last heard of; null when it never was.
    #[schema(format = DateTime, required = true)]
    pub last_seen: Option<String>,
    /// When the last of its certificates ends; null when it has none.
    #[serde(default)]
    #[schema(format = DateTime, required = true)]
    pub certificate_ends: Option<String>,
    /// Messages from it and to it since the hub started.
    #[serde(default)]
    pub messages: u64,
    /// Requests of it that were refused since the hub started.
    #[serde(default)]
    pub refused: u64,
    /// Whether it belongs to the demonstration fleet.
    pub simulated: bool,
}

/// One device with everything that is known about its standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub item: DeviceItem,
    /// Its standing in one sentence: what, why, since when.
    pub standing: String,
    /// Why it is in quarantine, oldest first.
    pub reasons: Vec<Reason>,
    /// What was noticed about it and wants a person's eye, though it changes nothing.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// What it may do right now.
    pub grant: GrantSummary,
    /// Its certificates, newest first.
    pub certificates: Vec<Certificate>,
    /// What passed between it and the doors. It is kept over restarts; what came less than a minute before the
    /// hub was killed may be missing.
    #[serde(default)]
    pub traffic: Traffic,
    /// Where its sessions came from, the latest first; at most eight addresses.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// The Sparkplug B edge nodes that it is, as their births and deaths tell of them.
    #[serde(default)]
    pub edge_nodes: Vec<EdgeNode>,
    /// What happened to it, newest first; the journal has the rest.
    pub timeline: Vec<TimelineEntry>,
}

/// What passed between one device or service and the MQTT door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Traffic {
    /// Sessions opened.
    pub connects: u64,
    /// Messages taken from it.
    pub messages_in: u64,
    /// Messages sent to it.
    pub messages_out: u64,
    /// Bytes of packets taken from it.
    pub bytes_in: u64,
    /// Bytes of packets sent to it.
    pub bytes_out: u64,
    /// Requests of it that were refused: sessions, publications, subscriptions.
    pub refused: u64,
    /// Messages for it that its Grant withheld or that had no room.
    pub withheld: u64,
    /// Packets of it that came past its rate: they had to wait, or were dropped.
    #[serde(default)]
    pub throttled: u64,
    /// Times that nothing was read from it for a while, since it went on so.
    #[serde(default)]
    pub held: u64,
    /// Sessions of it that were ended because it sent too much or took too little.
    #[serde(default)]
    pub cut_off: u64,
    /// Topics that it has published on today, counted in UTC; 0 where its profile sets no bound.
    #[serde(default)]
    pub topics_today: u64,
}

/// One reason for quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Its kind: `person`, `finding`, `attestation`, `limit`; more may come.
    pub kind: String,
    /// Where it comes from, such as a rule's id; empty when the kind says it all.
    pub source: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub at: String,
    /// What was said about it.
    pub why: String,
    /// Who ordered it, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The journal entry that records it.
    pub entry: u64,
}

/// Something noticed about a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// Its kind: `in_two_places`; more may come.
    pub kind: String,
    /// When it was noticed last.
    #[schema(format = DateTime)]
    pub at: String,
    /// What was seen.
    pub what: String,
    /// The journal entry that records it.
    pub entry: u64,
}

/// An address that a device came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// The address.
    pub address: String,
    /// When a session from there began last.
    #[schema(format = DateTime)]
    pub last: String,
}

/// A Sparkplug B edge node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeNode {
    /// Its group.
    pub group: String,
    /// Its id in the group.
    pub node: String,
    /// Whether it was born and has not died.
    pub online: bool,
    /// The number of its latest birth.
    pub bd_seq: u64,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// The devices behind it.
    pub devices: Vec<EdgeDevice>,
}

/// A device behind an edge node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeDevice {
    /// Its id.
    pub device: String,
    /// Whether it was born and neither it nor its node has died.
    pub online: bool,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
}

/// What a device may do right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantSummary {
    /// Whether it may connect at all.
    pub connect: bool,
    /// Whether it may be given a new certificate.
    #[serde(default)]
    pub renew: bool,
    /// Topic filters it may publish to.
    pub publish: Vec<String>,
    /// Topic filters it may subscribe to.
    pub subscribe: Vec<String>,
    /// Sessions at once.
    pub sessions_max: u32,
    /// Subscriptions in each session.
    pub subscriptions_max: u32,
    /// Largest MQTT packet in bytes.
    pub packet_size_max: u32,
    /// Messages per second it may publish, sustained; 0 stands for no bound.
    pub messages_per_s: u32,
    /// PUBLISH packets that may come at once before the average counts.
    #[serde(default)]
    pub message_burst: u32,
    /// Bytes per second it may send, sustained; 0 stands for no bound.
    #[serde(default)]
    pub bytes_per_s: u32,
    /// Topics it may publish on in one day; 0 stands for no bound.
    #[serde(default)]
    pub topics_max: u32,
}

/// One journal entry about a device, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// The journal entry.
    pub entry: u64,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// The entry's kind.
    pub kind: String,
    /// What happened, as a sentence.
    pub sentence: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_has_the_fields_of_the_list_at_its_top() {
        let item = DeviceItem {
            id: "cam-1".to_owned(),
            profile: "camera".to_owned(),
            lifecycle: Lifecycle::Claimed,
            tier: Tier::None,
            assurance: None,
            reasons_count: 0,
            sessions: 0,
            last_seen: None,
            certificate_ends: None,
            messages: 0,
            refused: 0,
            simulated: false,
        };
        let grant = GrantSummary {
            connect: false,
            renew: false,
            publish: Vec::new(),
            subscribe: Vec::new(),
            sessions_max: 0,
            subscriptions_max: 0,
            packet_size_max: 0,
            messages_per_s: 0,
            message_burst: 0,
            bytes_per_s: 0,
            topics_max: 0,
        };
        let detail = DeviceDetail {
            item,
            standing: "Claimed; waits for its first enrolment.".to_owned(),
            reasons: Vec::new(),
            notices: Vec::new(),
            grant,
            certificates: Vec::new(),
            traffic: Traffic::default(),
            sources: Vec::new(),
            edge_nodes: Vec::new(),
            timeline: Vec::new(),
        };
        let json = serde_json::to_value(&detail).unwrap();
        assert_eq!(json["id"], "cam-1");
        assert_eq!(json["lifecycle"], "claimed");
        assert_eq!(
            serde_json::from_value::<DeviceDetail>(json).unwrap(),
            detail
        );
    }

    #[test]
    fn the_openapi_document_lists_the_words_of_each_filter_in_place() {
        let parameters = DeviceQuery::into_params(|| None);
        let parameters = serde_json::to_string(&parameters).unwrap();
        assert!(
            parameters.contains(r#""enum":["standing","id","last_seen","profile","#),
            "{parameters}"
        );
        assert!(!parameters.contains("$ref"), "{parameters}");
    }

    #[test]
    fn refuses_a_misspelt_filter() {
        assert!(serde_json::from_str::<DeviceQuery>(r#"{"lifecylce":"active"}"#).is_err());
    }
}
