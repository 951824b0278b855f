//! The CRLs of every issuing CA: signed by a worker when something was revoked and long before they end, and
//! served from memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Bytes;
use ironroot_identity::CaNumber;
use ironroot_pki::NotSigned;
use ironroot_pki::authority::{Authority, IssuingCa, PkiUrls};
use ironroot_pki::crl::{CRL_LIFETIME, RevocationList};
use ironroot_registry::Registry;
use ironroot_time::{Clock, UnixTime};

use crate::drain::Drain;
use crate::fault::chain;

/// How often the worker looks whether anything was revoked; what is revoked meanwhile comes into one list.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The lists in force, one pair for each issuing CA.
#[derive(Debug, Default)]
pub struct RevocationLists(ArcSwap<BTreeMap<CaNumber, Arc<PublishedLists>>>);

/// A full and a delta list of the same moment.
#[derive(Clone, Debug)]
pub struct PublishedLists {
    /// Everything revoked, in DER.
    pub full: Bytes,
    /// What was revoked lately, in DER.
    pub delta: Bytes,
    /// How many certificates the full one holds.
    count: usize,
    /// Their number.
    pub number: u64,
    /// When they were made.
    pub this_update: UnixTime,
    /// By when there are newer ones.
    pub next_update: UnixTime,
}

impl RevocationLists {
    /// The lists of one issuing CA.
    pub fn of(&self, ca: CaNumber) -> Option<Arc<PublishedLists>> {
        self.0.load().get(&ca).cloned()
    }

    fn publish(&self, ca: CaNumber, lists: PublishedLists) {
        let mut all = BTreeMap::clone(&self.0.load());
        all.insert(ca, Arc::new(lists));
        self.0.store(Arc::new(all));
    }
}

/// Keeps the lists in force.
#[derive(Debug)]
pub struct ListSigner {
    authority: Arc<Authority>,
    registry: Arc<Registry>,
    urls: PkiUrls,
    clock: Arc<dyn Clock>,
    published: Arc<RevocationLists>,
    lists: BTreeMap<CaNumber, RevocationList>,
}

impl ListSigner {
    /// A signer for the CAs of `authority`, whose lists lie at `urls`.
    pub fn new(
        authority: Arc<Authority>,
        registry: Arc<Registry>,
        urls: PkiUrls,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            authority,
            registry,
            urls,
            clock,
            published: Arc::default(),
            lists: BTreeMap::new(),
        }
    }

    /// Where the lists are published.
    pub fn published(&self) -> Arc<RevocationLists> {
        self.published.clone()
    }

    /// Signs the lists that are due, and publishes them. Takes its time where there are many revocations.
    ///
    /// # Errors
    /// [`NotSigned`] when a CA's key refuses, of the last such CA; its lists before stay published.
    pub fn sign_due(&mut self) -> Result<(), NotSigned> {
        let mut outcome = Ok(());
        for ca in self.authority.issuing_cas() {
            if self.is_due(ca.number()) {
                // A CA whose key is lost holds up no other.
                outcome = self.sign(&ca).and(outcome);
            }
        }
        outcome
    }

    fn is_due(&self, ca: CaNumber) -> bool {
        self.published.of(ca).is_none_or(|published| {
            published.count < self.registry.revoked_count(ca)
                || self.clock.now().since(published.this_update) >= CRL_LIFETIME / 2
        })
    }

    fn sign(&mut self, ca: &IssuingCa) -> Result<(), NotSigned> {
        let list = self.lists.entry(ca.number()).or_default();
        for revoked in self.registry.revoked_since(ca.number(), list.count()) {
            list.add(&revoked.serial, revoked.revocation)?;
        }
        let signed = list.sign(ca, &self.urls, self.clock.now())?;
        tracing::debug!(
            ca = %ca.number(), crl.number = signed.number, crl.entries = list.count(),
            "The revocation lists were signed."
        );
        self.published.publish(
            ca.number(),
            PublishedLists {
                full: signed.full.into(),
                delta: signed.delta.into(),
                count: list.count(),
                number: signed.number,
                this_update: signed.this_update,
                next_update: signed.next_update,
            },
        );
        Ok(())
    }

    /// Signs what is due until the hub drains, on a thread that may be kept waiting.
    pub async fn keep_signed(mut self, mut drain: Drain) {
        let mut reported = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                () = drain.begun() => return,
            }
            if !self
                .authority
                .issuing_cas()
                .iter()
                .any(|ca| self.is_due(ca.number()))
            {
                continue;
            }
            let signing = tokio::task::spawn_blocking(move || {
                let outcome = self.sign_due();
                (self, outcome)
            });
            let Ok((signer, outcome)) = signing.await else {
                tracing::error!(
                    "The signer of the revocation lists is gone; they end within a day."
                );
                return;
            };
            self = signer;
            match outcome {
                Ok(()) => reported = false,
                Err(cause) if !reported => {
                    reported = true;
                    tracing::error!(error = %chain(&cause), "The revocation lists could not be signed; trying again each second.");
                }
                Err(_reported) => {}
            }
        }
    }
}
