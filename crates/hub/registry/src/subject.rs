//! A principal with its live Grant: what the doors hold on to.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use ironroot_identity::{CertificateSerial, Principal};
use ironroot_standing::Grant;
use parking_lot::Mutex;

/// One device or service as the doors see it.
///
/// There is one for each principal. Its Grant is replaced when the Standing changes, so whoever holds the
/// subject reads the Grant of this moment, without a lock.
#[derive(Debug)]
pub struct Subject {
    principal: Principal,
    grant: ArcSwap<Grant>,
    /// Certificates of it that were revoked since the hub started: a session may still live by one.
    revoked: Mutex<Vec<CertificateSerial>>,
}

impl Subject {
    /// A subject with its first Grant.
    pub fn new(principal: Principal, grant: Arc<Grant>) -> Self {
        Self {
            principal,
            grant: ArcSwap::new(grant),
            revoked: Mutex::default(),
        }
    }

    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What it may do right now.
    pub fn grant(&self) -> Guard<Arc<Grant>> {
        self.grant.load()
    }

    /// Whether this certificate of it was revoked while the hub ran; those revoked before pass no handshake.
    pub fn has_revoked(&self, certificate: &CertificateSerial) -> bool {
        self.revoked.lock().contains(certificate)
    }

    /// Notes that a certificate of it was revoked.
    pub fn revoke(&self, certificate: CertificateSerial) {
        self.revoked.lock().push(certificate);
    }

    /// Replaces the Grant.
    pub fn set_grant(&self, grant: Arc<Grant>) {
        self.grant.store(grant);
    }
}

/// Whoever must act at once when a Grant changes.
pub trait Watcher: Send + Sync {
    /// The subject's Grant was replaced, or a certificate of it revoked; called after that, in the order of the
    /// changes.
    fn grant_changed(&self, subject: &Arc<Subject>);

    /// The principal's life here has ended: nothing of it is to be kept.
    fn ended(&self, principal: &Principal);
}
