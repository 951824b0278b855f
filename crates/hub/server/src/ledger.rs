//! The one way from a fact into the journal.

use std::sync::Arc;

use ironroot_journal::SALT_SIZE;
use ironroot_registry::{Fact, Refused};
use ironroot_store::{Change, CommitError, LaterCause, Payload, Receipt, Store, StoreError};
use ironroot_time::Rng;

use crate::fault::{Blame, Fault};

/// Records facts: durable, and known to the registry, before the call returns.
#[derive(Clone, Debug)]
pub struct Ledger {
    store: Arc<dyn Store>,
    rng: Arc<dyn Rng>,
}

/// Why a fact was not recorded. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum NotRecorded {
    /// It does not fit the present state.
    #[error(transparent)]
    Refused(Refused),
    /// The journal cannot append at present.
    #[error("the journal cannot append at present")]
    Later(#[source] LaterCause),
    /// It is too large, or has no form as an entry.
    #[error("it makes no journal entry")]
    Unfit(#[source] CommitError),
    /// It has no JSON form.
    #[error("it makes no journal entry")]
    Unwritable(#[from] serde_json::Error),
    /// Another hub writes to the store now.
    #[error("another hub writes to this store now; this one has stopped writing")]
    Fenced,
}

impl NotRecorded {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(Refused::UnknownProfile(_) | Refused::BadProfile(_))
            | Self::Unfit(CommitError::TooLarge { .. }) => Fault::Sender(Blame::Content),
            Self::Refused(
                Refused::UnknownService(_)
                | Refused::UnknownToken(_)
                | Refused::UnknownManufacturer(_)
                | Refused::UnknownView(_)
                | Refused::UnknownCertificate(_),
            ) => Fault::Sender(Blame::Unknown),
            Self::Unfit(_)
            | Self::Unwritable(_)
            | Self::Refused(Refused::Unreadable(_) | Refused::DamagedRow(_)) => Fault::Ours,
            Self::Refused(_) => Fault::Sender(Blame::State),
            Self::Later(_) | Self::Fenced => Fault::Later,
        }
    }
}

impl Ledger {
    /// A ledger that writes to `store`.
    pub fn new(store: Arc<dyn Store>, rng: Arc<dyn Rng>) -> Self {
        Self { store, rng }
    }

    /// The store below.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Records one fact.
    ///
    /// # Errors
    /// [`NotRecorded`]; nothing was kept.
    pub async fn record(&self, fact: &Fact) -> Result<Receipt, NotRecorded> {
        self.record_with(fact, |change| change).await
    }

    /// Records one fact together with what `more` adds: payloads it names, secrets it brings or ends.
    ///
    /// # Errors
    /// [`NotRecorded`]; nothing was kept.
    pub async fn record_with(
        &self,
        fact: &Fact,
        more: impl FnOnce(Change) -> Change,
    ) -> Result<Receipt, NotRecorded> {
        self.record_all(std::slice::from_ref(fact), more).await
    }

    /// Records several facts, all of them or none, together with what `more` adds.
    ///
    /// # Errors
    /// [`NotRecorded`]; nothing was kept.
    pub async fn record_all(
        &self,
        facts: &[Fact],
        more: impl FnOnce(Change) -> Change,
    ) -> Result<Receipt, NotRecorded> {
        let mut change = Change::default();
        for fact in facts {
            change = change.and(fact.draft()?);
        }
        self.store.commit(more(change)).await.map_err(not_recorded)
    }

    /// A person's words, to be named by digest and to be erasable.
    pub fn words(&self, text: &str) -> Payload {
        let mut salt = [0; SALT_SIZE];
        self.rng.fill(&mut salt);
        Payload::new(salt, text.as_bytes().to_vec())
    }
}

fn not_recorded(error: CommitError) -> NotRecorded {
    match error.into_refusal::<Refused>() {
        Ok(refused) => NotRecorded::Refused(refused),
        Err(CommitError::Later(cause)) => NotRecorded::Later(cause),
        Err(CommitError::Fenced) => NotRecorded::Fenced,
        Err(other) => NotRecorded::Unfit(other),
    }
}

/// A store that cannot be read is a fault that may pass.
pub fn unreadable(cause: StoreError) -> NotRecorded {
    match cause {
        StoreError::Later(cause) => NotRecorded::Later(cause),
        other => NotRecorded::Later(LaterCause::Failed(Arc::new(other))),
    }
}
