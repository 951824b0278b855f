//! Hands the journal over from its key to the next one: by an entry, under a checkpoint that both sign.

use ironroot_journal::Entry;
use ironroot_journal::succession::Succession;
use ironroot_registry::{Fact, JournalKeyChanged};
use ironroot_store::{JournalReader, Store, StoreError};
use ironroot_tree::{TreeError, TreeWriter};

use crate::ledger::{Ledger, NotRecorded};

/// Why the journal was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum NotHandedOver {
    /// The entry could not be recorded.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    /// The tree could not be signed.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Records `change` as the newest entry, signs the tree up to it, and keeps that checkpoint. Nothing else may be
/// recorded meanwhile. Cut short at any point, it is done again at the next start.
///
/// # Errors
/// [`NotHandedOver`]; the old key is then still the one in force.
pub async fn hand_over(
    change: &Succession,
    ledger: &Ledger,
    tree: &mut TreeWriter,
) -> Result<(), NotHandedOver> {
    let store = ledger.store();
    if newest(store.as_ref()).map_err(TreeError::Store)?.as_ref() != Some(change) {
        let fact = Fact::from(JournalKeyChanged {
            from: change.from.to_string(),
            to: change.to.to_string(),
            lost: change.lost,
        });
        ledger.record(&fact).await?;
    }
    while tree.write(store.as_ref())?.waiting > 0 {}
    tree.hand_over(&change.from)?;
    tracing::info!(from = %change.from, to = %change.to, lost = change.lost, "The journal's key was changed.");
    Ok(())
}

/// The change of key that the newest entry records, if it does.
fn newest(store: &dyn Store) -> Result<Option<Succession>, StoreError> {
    let Some(last) = JournalReader::size(store)?.checked_sub(1) else {
        return Ok(None);
    };
    let raw = store.raw_entries(last, 1)?;
    let entry = raw.first().and_then(|raw| Entry::parse(&raw.bytes).ok());
    Ok(entry.as_ref().and_then(Succession::read))
}
