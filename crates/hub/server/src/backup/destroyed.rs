//! What the journal says is destroyed is destroyed again, should a backup have brought it back.

use std::collections::BTreeMap;

use ironroot_journal::SaltedDigest;
use ironroot_registry::{
    DeviceClaimWithdrawn, DeviceClaimed, DeviceEnrolled, DeviceRetired, DeviceTransferred, Fact,
    PayloadErased, TokenIssued, TokenRevoked,
};
use ironroot_store::{Change, Store};

use crate::collect::intake::secrets::{claim_secret, token_secret};

/// How many entries are read at a time.
const CHUNK: usize = 1_000;

/// Erases payloads and shreds secrets that entries say are gone; returns how many there were.
///
/// A backup of one moment never has any: this holds for whatever a backup is made from.
pub(super) async fn destroy_again(store: &dyn Store) -> anyhow::Result<usize> {
    let mut secrets = BTreeMap::new();
    let mut destroyed = 0;
    let mut next = 0;
    loop {
        let entries = store.entries(next, CHUNK).await?;
        let Some(last) = entries.last() else { break };
        next = last.index + 1;
        for entry in &entries {
            let fact = Fact::read(&entry.entry)?;
            if let Some((name, kept)) = secret(&fact) {
                secrets.insert(name, kept);
            }
            if let Fact::PayloadErased(PayloadErased { digest, .. }) = &fact {
                destroyed += erase(store, digest.parse()?).await?;
            }
        }
    }
    for (name, kept) in secrets {
        if !kept && store.secret(&name).await?.is_some() {
            store.commit(Change::default().shredding(name)).await?;
            destroyed += 1;
        }
    }
    Ok(destroyed)
}

/// The name of the secret that the fact brings or shreds, and whether it is kept from then on.
fn secret(fact: &Fact) -> Option<(String, bool)> {
    match fact {
        Fact::DeviceClaimed(DeviceClaimed { device, .. }) => Some((claim_secret(device), true)),
        Fact::DeviceEnrolled(DeviceEnrolled { device, .. })
        | Fact::DeviceClaimWithdrawn(DeviceClaimWithdrawn { device, .. })
        | Fact::DeviceTransferred(DeviceTransferred { device, .. })
        | Fact::DeviceRetired(DeviceRetired { device, .. }) => Some((claim_secret(device), false)),
        Fact::TokenIssued(TokenIssued { name, .. }) => Some((token_secret(name), true)),
        Fact::TokenRevoked(TokenRevoked { name, .. }) => Some((token_secret(name), false)),
        _ => None,
    }
}

async fn erase(store: &dyn Store, digest: SaltedDigest) -> anyhow::Result<usize> {
    if store.payload(digest).await?.is_none() {
        return Ok(0);
    }
    store.commit(Change::default().erasing(digest)).await?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Parts, StoreUrl};
    use ironroot_identity::DeviceId;
    use ironroot_journal::SALT_SIZE;
    use ironroot_registry::{Actor, ProfileSet};
    use ironroot_secret::Secret;
    use ironroot_store::Payload;

    /// A store whose journal says that a payload is erased and two claims are used up, with all of them
    /// still there, as if somebody had put them back.
    #[tokio::test]
    async fn attack_a_backup_that_brings_back_what_was_destroyed() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::default_in(folder.path());
        let store = url.open(Parts::offline()).unwrap();
        let (cam, again): (DeviceId, DeviceId) =
            ("cam-1".parse().unwrap(), "cam-2".parse().unwrap());
        let by = Actor::Token("admin".to_owned());
        let words = Payload::new([1; SALT_SIZE], b"alice saw it".to_vec());
        let (digest, kept) = (
            *words.digest(),
            Payload::new([2; SALT_SIZE], b"bob".to_vec()),
        );
        let profile = Fact::from(ProfileSet {
            name: "camera".parse().unwrap(),
            text: ironroot_profile::BUILT_IN[0].1.to_owned(),
            by: None,
        });
        let claimed = |device: &DeviceId| {
            Fact::from(DeviceClaimed {
                device: device.clone(),
                profile: "camera".parse().unwrap(),
                expires: u64::MAX >> 12,
                by: by.clone(),
            })
        };
        let retired = |device: &DeviceId| {
            Fact::from(DeviceRetired {
                device: device.clone(),
                by: by.clone(),
                why: "5f".repeat(32),
            })
        };
        let erased = Fact::from(PayloadErased {
            entry: 1,
            digest: digest.to_string(),
            by: by.clone(),
        });
        let facts = [
            profile,
            claimed(&cam),
            retired(&cam),
            claimed(&again),
            erased,
        ];
        for fact in &facts {
            let draft = fact.draft().unwrap();
            store.commit(Change::of(draft)).await.unwrap();
        }
        let back = Change::default()
            .with_payload(words)
            .with_payload(kept.clone())
            .keeping(claim_secret(&cam), Secret::new(vec![1]))
            .keeping(claim_secret(&again), Secret::new(vec![2]));
        store.commit(back).await.unwrap();

        assert_eq!(destroy_again(&*store).await.unwrap(), 2);
        assert_eq!(store.payload(digest).await.unwrap(), None);
        assert!(store.payload(*kept.digest()).await.unwrap().is_some());
        assert!(store.secret(&claim_secret(&cam)).await.unwrap().is_none());
        assert!(store.secret(&claim_secret(&again)).await.unwrap().is_some());
        assert_eq!(destroy_again(&*store).await.unwrap(), 0);
    }
}
