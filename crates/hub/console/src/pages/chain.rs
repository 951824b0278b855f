//! From the device's owner to its Grant: where trust holds, and where it ends.

use ironroot_api::{
    Assurance, Certificate, CertificateStatus, DeviceItem, GrantSummary, Lifecycle,
};
use ironroot_time::UnixTime;

use crate::figures::{counted, until};
use crate::marks;

/// One link of the chain.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) hold: Hold,
    pub(crate) role: &'static str,
    pub(crate) name: String,
    pub(crate) is: String,
}

/// Whether a link bears what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Holds,
    /// The chain ends here.
    Broken,
    /// It would hold, after one that does not.
    After,
    /// There is nothing that could.
    Missing,
    /// It is shut by quarantine.
    Shut,
}

impl Hold {
    /// Its class, its mark, and what it says to the ear.
    const fn look(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Holds => ("", "check", "Holds. "),
            Self::Broken => ("broken", "close", "Broken here. "),
            Self::After => ("after", "check", "No longer relied on. "),
            Self::Missing => ("after", "none", "Not there. "),
            Self::Shut => ("shut", "quarantined", "Shut. "),
        }
    }
}

impl Link {
    fn new(hold: Hold, role: &'static str, name: &str, is: impl Into<String>) -> Self {
        Self {
            hold,
            role,
            name: name.to_owned(),
            is: is.into(),
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.hold == Hold::Broken
    }

    pub(crate) fn class(&self) -> &'static str {
        self.hold.look().0
    }

    pub(crate) fn icon(&self) -> &'static str {
        self.hold.look().1
    }

    pub(crate) fn said(&self) -> &'static str {
        self.hold.look().2
    }
}

/// The whole chain. What comes after a break bears nothing.
pub(crate) fn chain(
    item: &DeviceItem,
    grant: &GrantSummary,
    certificates: &[Certificate],
    now: UnixTime,
) -> Vec<Link> {
    let mut links = vec![
        ownership(item),
        key(item.assurance),
        identity(certificates, now),
        standing(item, grant),
        granted(item, grant),
    ];
    let mut broken = false;
    for link in &mut links {
        if broken && link.hold == Hold::Holds {
            link.hold = Hold::After;
        }
        broken |= link.is_broken();
    }
    links
}

fn ownership(item: &DeviceItem) -> Link {
    let link = |hold, name, is| Link::new(hold, "Ownership", name, is);
    match item.lifecycle {
        Lifecycle::Transferred => link(Hold::Broken, "Given up", "Waits for its next owner".into()),
        Lifecycle::Retired => link(Hold::Broken, "Ended", "Nothing leads back".into()),
        Lifecycle::Withdrawn => link(Hold::Broken, "Withdrawn", "Claim it again".into()),
        _ => link(
            Hold::Holds,
            "Claimed",
            format!("With profile {}", item.profile),
        ),
    }
}

fn key(assurance: Option<Assurance>) -> Link {
    let (name, is) = match assurance {
        None => return Link::new(Hold::Missing, "Key", "None yet", "Comes with its enrolment"),
        Some(Assurance::HardwareAttested) => ("In hardware", "The hardware has proved it"),
        Some(Assurance::HardwareKey) => ("In hardware", "By its maker’s word"),
        Some(Assurance::SoftwareDice) => ("DICE", "Derived from measured firmware"),
        Some(Assurance::Software) => ("In software", "Not attested"),
    };
    Link::new(Hold::Holds, "Key", name, is)
}

fn identity(certificates: &[Certificate], now: UnixTime) -> Link {
    let link = |hold, name, is: String| Link::new(hold, "Working identity", name, is);
    let valid = |one: &&Certificate| one.status == CertificateStatus::Valid;
    if let Some(valid) = certificates.iter().find(valid) {
        return link(
            Hold::Holds,
            "LDevID",
            format!("Ends {}", until(now, &valid.not_after)),
        );
    }
    let none = "No certificate is in force".to_owned();
    match certificates.first().map(|newest| newest.status) {
        Some(CertificateStatus::Revoked) => link(Hold::Broken, "Revoked", none),
        Some(_) => link(Hold::Broken, "Ended", none),
        None => link(Hold::Missing, "None yet", none),
    }
}

fn standing(item: &DeviceItem, grant: &GrantSummary) -> Link {
    let name = marks::lifecycle(item.lifecycle).word;
    if item.lifecycle == Lifecycle::Quarantined {
        let reasons = counted(item.reasons_count.into(), "reason", "reasons");
        return Link::new(Hold::Broken, "Standing", name, format!("For {reasons}"));
    }
    let hold = if grant.connect {
        Hold::Holds
    } else {
        Hold::Missing
    };
    let tier = format!("Tier {}", marks::tier(item.tier).word);
    Link::new(hold, "Standing", name, tier)
}

fn granted(item: &DeviceItem, grant: &GrantSummary) -> Link {
    let topics = grant.publish.len() + grant.subscribe.len();
    let topics = counted(topics as u64, "topic filter", "topic filters");
    let shut = item.lifecycle == Lifecycle::Quarantined;
    let (hold, name, is) = match (grant.connect, shut) {
        (true, false) => (Hold::Holds, "Full", topics),
        (true, true) => (Hold::Shut, "What quarantine leaves", topics),
        (false, true) => (Hold::Shut, "Nothing", "No session, no topic".to_owned()),
        (false, false) => (Hold::Missing, "Nothing", "No session, no topic".to_owned()),
    };
    Link::new(hold, "Grant", name, is)
}
