//! A principal with its live Grant: what the doors hold on to.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use ironroot_identity::Principal;
use ironroot_standing::Grant;

/// One device or service as the doors see it.
///
/// There is one for each principal. Its Grant is replaced when the Standing changes, so whoever holds the
/// subject reads the Grant of this moment, without a lock.
#[derive(Debug)]
pub struct Subject {
    principal: Principal,
    grant: ArcSwap<Grant>,
}

impl Subject {
    /// A subject with its first Grant.
    pub fn new(principal: Principal, grant: Arc<Grant>) -> Self {
        Self {
            principal,
            grant: ArcSwap::new(grant),
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

    /// Replaces the Grant.
    pub fn set_grant(&self, grant: Arc<Grant>) {
        self.grant.store(grant);
    }
}

/// Whoever must act at once when a Grant changes.
pub trait Watcher: Send + Sync {
    /// The subject's Grant was replaced; called after that, in the order of the changes.
    fn grant_changed(&self, subject: &Arc<Subject>);

    /// The principal's life here has ended: nothing of it is to be kept.
    fn ended(&self, principal: &Principal);
}
