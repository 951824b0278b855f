//! One device with everything that is known about its Standing.

use std::collections::BTreeSet;
use std::time::Duration;

use ironroot_api::{DeviceDetail, GrantSummary, Notice, Reason, TimelineEntry};
use ironroot_identity::CertificateSerial;
use ironroot_profile::Topics;
use ironroot_registry::{
    Device, DeviceEnrolled, DeviceEnrolmentRepeated, DeviceReenrolled, DeviceRow, Fact,
    InTwoPlacesRow, ReasonRow,
};
use ironroot_standing::{Grant, Lifecycle};
use ironroot_store::IndexedEntry;
use ironroot_time::UnixTime;

use crate::journal::sentence;
use crate::words::{counted, spoken};
use crate::{NotShown, Views, words};

/// How many of these entries may come from the archive; the journal's own page shows the others.
const TIMELINE_FETCHES_MAX: u64 = 4;

/// The most entries of a timeline beside the device; the journal has the rest.
const TIMELINE_MAX: u64 = 50;

/// How long a notice is shown; the timeline keeps it.
const NOTICE_SHOWN: Duration = Duration::from_secs(7 * 86_400);

/// What stands in the place of words that were erased.
const ERASED: &str = "(these words were erased)";

impl Views {
    /// One device.
    ///
    /// # Errors
    /// [`NotShown::Unknown`], or the store could not be read.
    pub async fn device(&self, id: &str) -> Result<DeviceDetail, NotShown> {
        let device = self.registry.device(id).ok_or_else(|| NotShown::Unknown {
            what: "device",
            name: id.to_owned(),
        })?;
        let (row, lifecycle) = device.inspect(|row, lifecycle| (row.clone(), lifecycle));
        let entries = self.timeline(id).await?;
        let reasons = self.reasons(&row.reasons).await?;
        let notices = self.notices(&row).await?;
        let activity = self.live.activity(device.subject().principal());
        let serials = serials(&row, &entries);
        Ok(DeviceDetail {
            item: self.item(&device),
            standing: self.standing(&row, lifecycle, &reasons),
            grant: grant_of(&device),
            certificates: self.certificates(serials).await?,
            traffic: activity.traffic,
            sources: activity.sources,
            edge_nodes: activity.edge_nodes,
            notices,
            timeline: entries.iter().map(timeline_entry).collect(),
            reasons,
        })
    }

    async fn timeline(&self, id: &str) -> Result<Vec<IndexedEntry>, NotShown> {
        let (mut entries, mut fetched) = (Vec::new(), 0);
        for index in self.timeline_indices(id, None, TIMELINE_MAX).await? {
            let archived = self.log.is_archived(index);
            fetched += u64::from(archived);
            if fetched > TIMELINE_FETCHES_MAX {
                break;
            }
            match self.entries(index, 1).await {
                Ok(found) => entries.extend(found),
                // The page has more to say than its oldest entries: it does without them.
                Err(_unreachable) if archived => break,
                Err(cause) => return Err(cause),
            }
        }
        Ok(entries)
    }

    /// The reasons with their words, oldest first.
    pub(crate) async fn reasons(&self, rows: &[ReasonRow]) -> Result<Vec<Reason>, NotShown> {
        let mut reasons = Vec::with_capacity(rows.len());
        for row in rows {
            reasons.push(Reason {
                kind: words::reason(row.kind).to_owned(),
                source: String::new(),
                at: words::moment(row.at),
                why: self.words(&row.why).await?,
                who: words::person(&row.by),
                entry: row.entry,
            });
        }
        Ok(reasons)
    }

    /// What a person should look at, though it changes nothing.
    async fn notices(&self, row: &DeviceRow) -> Result<Vec<Notice>, NotShown> {
        let Some(seen) = in_two_places(row, self.clock.now()) else {
            return Ok(Vec::new());
        };
        let notice = Notice {
            kind: "in_two_places".to_owned(),
            at: words::moment(seen.at),
            what: self.words(&seen.why).await?,
            entry: seen.entry,
        };
        Ok(vec![notice])
    }

    /// A person's words, or the hub's, by their digest.
    pub(crate) async fn words(&self, digest: &str) -> Result<String, NotShown> {
        let Ok(digest) = digest.parse() else {
            return Ok(ERASED.to_owned());
        };
        let payload = self.store.payload(digest).await?;
        Ok(payload.map_or_else(
            || ERASED.to_owned(),
            |payload| String::from_utf8_lossy(payload.bytes()).into_owned(),
        ))
    }

    /// What, why and since when, in one sentence.
    fn standing(&self, row: &DeviceRow, lifecycle: Lifecycle, reasons: &[Reason]) -> String {
        if lifecycle != row.lifecycle {
            return "Cut off by an order that is obeyed already and is recorded as soon as the journal can append again."
                .to_owned();
        }
        let since = spoken(row.changed);
        match lifecycle {
            Lifecycle::Claimed if row.claim_withdrawn() => {
                format!("Its claim was withdrawn at {since}; claim it again to let it enrol.")
            }
            Lifecycle::Claimed if row.claim_expires <= self.clock.now().as_ms() => format!(
                "Its claim ended unused at {}; claim it again to let it enrol.",
                spoken(row.claim_expires)
            ),
            Lifecycle::Claimed => format!(
                "Claimed, and waits for its first enrolment until {}.",
                spoken(row.claim_expires)
            ),
            Lifecycle::Enrolled => {
                format!("Enrolled at {since}, and has not used its certificate yet.")
            }
            Lifecycle::Active => format!("In good standing since {since}."),
            Lifecycle::Quarantined => {
                let first = row.reasons.first().map_or(row.changed, |reason| reason.at);
                shut_out(reasons, &spoken(first))
            }
            Lifecycle::Transferred => {
                format!("Given up at {since}; waits for its next owner's claim.")
            }
            Lifecycle::Retired => format!("Retired at {since}; nothing leads back."),
        }
    }
}

/// The latest use of a certificate in two places that a person should still look at: it is fresh, and the
/// certificate still opens a door.
pub(crate) fn in_two_places(row: &DeviceRow, now: UnixTime) -> Option<&InTwoPlacesRow> {
    let fresh = |seen: &&InTwoPlacesRow| now.since(UnixTime::from_ms(seen.at)) < NOTICE_SHOWN;
    let good = |seen: &&InTwoPlacesRow| row.certificates.contains(&seen.certificate);
    row.in_two_places.as_ref().filter(fresh).filter(good)
}

fn shut_out(reasons: &[Reason], since: &str) -> String {
    let [reason, more @ ..] = reasons else {
        return format!("Shut out since {since}.");
    };
    let by = match &reason.who {
        Some(who) => format!("by {who}"),
        None => format!("by the hub ({})", reason.kind),
    };
    let more = match more.len() {
        0 => String::new(),
        count => format!(
            ", and for {}",
            counted(count as u64, "more reason", "more reasons")
        ),
    };
    format!("Shut out since {since} {by}{more}: “{}”", reason.why)
}

/// The serial numbers of a device's certificates: those in force, and those its timeline tells of.
fn serials(row: &DeviceRow, entries: &[IndexedEntry]) -> BTreeSet<CertificateSerial> {
    let told = entries
        .iter()
        .filter_map(|entry| match Fact::read(&entry.entry) {
            Ok(
                Fact::DeviceEnrolled(DeviceEnrolled { certificate, .. })
                | Fact::DeviceEnrolmentRepeated(DeviceEnrolmentRepeated { certificate, .. })
                | Fact::DeviceReenrolled(DeviceReenrolled { certificate, .. }),
            ) => Some(certificate.serial),
            _ => None,
        });
    row.certificates.iter().copied().chain(told).collect()
}

fn timeline_entry(indexed: &IndexedEntry) -> TimelineEntry {
    TimelineEntry {
        entry: indexed.index,
        at: indexed.entry.at().to_string(),
        kind: indexed.entry.kind().to_owned(),
        sentence: sentence(&indexed.entry),
    }
}

fn grant_of(device: &Device) -> GrantSummary {
    let subject = device.subject();
    let grant = subject.grant();
    summary(&grant, subject.principal().id())
}

pub(crate) fn summary(grant: &Grant, id: &str) -> GrantSummary {
    let filled = |topics: &Topics| -> Vec<String> {
        topics
            .iter()
            .map(|topic| topic.replace("{device}", id))
            .collect()
    };
    let limits = grant.limits();
    GrantSummary {
        connect: grant.may_connect(),
        renew: grant.may_renew(),
        publish: filled(grant.publish()),
        subscribe: filled(grant.subscribe()),
        sessions_max: limits.sessions_max.into(),
        subscriptions_max: limits.subscriptions_max.into(),
        packet_size_max: limits.packet_size_max,
        messages_per_s: limits.messages_per_s,
        message_burst: limits.message_burst,
        bytes_per_s: limits.bytes_per_s,
        topics_max: limits.topics_max.into(),
    }
}
