//! How a tier, a lifecycle state and a kind of entry look: a mark, a word and a class, never a colour alone.

use ironroot_api::{CertificateStatus, Lifecycle, Tier};

/// A mark with its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The class that gives it its look.
    pub(crate) class: &'static str,
    /// The symbol in the icon file; empty when the word is enough.
    pub(crate) icon: &'static str,
    /// The word.
    pub(crate) word: &'static str,
}

const fn mark(class: &'static str, icon: &'static str, word: &'static str) -> Mark {
    Mark { class, icon, word }
}

pub(crate) fn tier(tier: Tier) -> Mark {
    match tier {
        Tier::Contraindicated => mark("contraindicated", "contraindicated", "Contraindicated"),
        Tier::Warning => mark("warning", "warning", "Warning"),
        Tier::None => mark("none", "none", "None"),
        Tier::Affirming => mark("affirming", "affirming", "Affirming"),
    }
}

pub(crate) fn lifecycle(state: Lifecycle) -> Mark {
    match state {
        Lifecycle::Claimed => mark("claimed", "", "Claimed"),
        Lifecycle::Enrolled => mark("enrolled", "", "Enrolled"),
        Lifecycle::Active => mark("active", "", "Active"),
        Lifecycle::Quarantined => mark("quarantined", "quarantined", "Quarantined"),
        Lifecycle::Transferred => mark("claimed", "", "Transferred"),
        Lifecycle::Retired => mark("retired", "", "Retired"),
        Lifecycle::Withdrawn => mark("retired", "", "Withdrawn"),
    }
}

pub(crate) fn certificate(status: CertificateStatus) -> Mark {
    match status {
        CertificateStatus::Valid => mark("active", "", "Valid"),
        CertificateStatus::Expired => mark("claimed", "", "Ended"),
        CertificateStatus::Revoked => mark("retired", "", "Revoked"),
    }
}

/// The dot beside an entry of the journal. Kinds that this console does not know get a plain one.
pub(crate) fn entry(kind: &str) -> Mark {
    match kind {
        "device.claimed" => mark("", "key", "Claim"),
        "device.enrolled" | "device.reenrolled" => mark("good", "cert", "Certificate"),
        "device.activated" => mark("good", "check", "Activation"),
        "device.quarantined" => mark("ink", "quarantined", "Quarantine"),
        "device.in_two_places" => mark("ink", "warning", "Notice"),
        "device.released" => mark("good", "check", "Release"),
        "device.transferred" => mark("", "arrow", "Transfer"),
        "device.retired" | "service.revoked" | "manufacturer.removed" => mark("", "close", "End"),
        "service.issued" | "server.issued" => mark("", "cert", "Certificate"),
        "token.issued" => mark("", "key", "Token"),
        _ => mark("", "journal", "Entry"),
    }
}
