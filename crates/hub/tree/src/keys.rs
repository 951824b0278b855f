//! The keys that sign a log: the one in force, and around a change of it the one before.

use ironroot_journal::checkpoint::{Checkpoint, CheckpointRefused, SignedCheckpoint};
use ironroot_journal::note::{BadNote, SigningKey, VerifierKey};

/// What a [`TreeWriter`](crate::TreeWriter) signs with, and whose checkpoint it goes on from.
#[derive(Debug)]
pub struct LogKeys {
    /// The key in force: its signature comes first.
    pub signing: SigningKey,
    /// The key before it, which signs too for those who know that one only.
    pub former: Option<SigningKey>,
    /// The key before it, when that one is lost: its last checkpoint is gone on from.
    pub lost: Option<VerifierKey>,
}

impl LogKeys {
    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> Result<SignedCheckpoint, BadNote> {
        let mut signed = checkpoint.sign(&self.signing)?;
        if let Some(former) = &self.former {
            signed.note_mut().cosign(former)?;
        }
        Ok(signed)
    }

    /// What a checkpoint says that one of these keys signed.
    pub(crate) fn verify(
        &self,
        signed: &SignedCheckpoint,
    ) -> Result<Checkpoint, CheckpointRefused> {
        let former = self.former.as_ref().map(SigningKey::verifier_key);
        let others = former.into_iter().chain(&self.lost);
        others.fold(
            signed.verify(self.signing.verifier_key()),
            |verified, key| match verified {
                Err(CheckpointRefused::Signature(_)) => signed.verify(key),
                verified => verified,
            },
        )
    }
}

impl From<SigningKey> for LogKeys {
    fn from(signing: SigningKey) -> Self {
        Self {
            signing,
            former: None,
            lost: None,
        }
    }
}
