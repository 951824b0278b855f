//! The signatures under clients' certificates, each verified once.
//!
//! Whether a key signed a certificate is arithmetic: its outcome never changes, and it is a fifth of what a
//! connect costs a hub whose devices come back with the same certificate each time. So signatures that were
//! found good are remembered, by a digest over everything that goes into the arithmetic. Only that: path,
//! validity, usage, names and revocation are checked at every handshake, and so is the client's own signature,
//! which shows that it holds the key.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

/// How many signatures are remembered for certain; up to twice as many are.
const REMEMBERED: usize = 64 * 1024;

/// SHA-256 over algorithm, key, message and signature.
type Digest = [u8; 32];

/// Good signatures. The older half goes when the newer one is full.
#[derive(Debug, Default)]
pub(super) struct GoodSignatures(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    newer: HashSet<Digest>,
    older: HashSet<Digest>,
}

impl GoodSignatures {
    /// An algorithm that asks here first.
    pub(super) fn remembering<'a>(
        &'a self,
        algorithm: &'a dyn SignatureVerificationAlgorithm,
    ) -> Remembering<'a> {
        Remembering {
            algorithm,
            good: self,
        }
    }

    fn has(&self, digest: &Digest) -> bool {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if halves.newer.contains(digest) {
            return true;
        }
        let known = halves.older.remove(digest);
        if known {
            halves.insert(*digest);
        }
        known
    }

    fn insert(&self, digest: Digest) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.insert(digest);
    }
}

impl Halves {
    fn insert(&mut self, digest: Digest) {
        if self.newer.len() >= REMEMBERED {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(digest);
    }
}

/// A signature algorithm that knows again what it has verified.
#[derive(Debug)]
pub(super) struct Remembering<'a> {
    algorithm: &'a dyn SignatureVerificationAlgorithm,
    good: &'a GoodSignatures,
}

impl SignatureVerificationAlgorithm for Remembering<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let algorithm = (
            self.algorithm.public_key_alg_id(),
            self.algorithm.signature_alg_id(),
        );
        let digest = digest([&algorithm.0, &algorithm.1, public_key, message, signature]);
        if self.good.has(&digest) {
            return Ok(());
        }
        self.algorithm
            .verify_signature(public_key, message, signature)?;
        self.good.insert(digest);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}

/// Each part goes in with its length before it, so that no two lists of parts come to the same digest.
fn digest(parts: [&[u8]; 5]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use rustls::pki_types::alg_id;

    use super::*;

    /// Counts how often it is asked; good is a signature that is the key followed by the message.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl SignatureVerificationAlgorithm for Counting {
        fn verify_signature(
            &self,
            public_key: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.0.fetch_add(1, Relaxed);
            if signature == [public_key, message].concat() {
                Ok(())
            } else {
                Err(InvalidSignature)
            }
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_P256
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_SHA256
        }
    }

    #[test]
    fn a_good_signature_is_verified_once() {
        let (good, counting) = (GoodSignatures::default(), Counting::default());
        let remembering = good.remembering(&counting);
        for _ in 0..3 {
            assert!(remembering.verify_signature(b"k", b"m", b"km").is_ok());
        }
        assert_eq!(counting.0.load(Relaxed), 1);
    }

    #[test]
    fn a_bad_signature_is_refused_each_time_and_never_remembered() {
        let (good, counting) = (GoodSignatures::default(), Counting::default());
        let remembering = good.remembering(&counting);
        for _ in 0..3 {
            assert!(remembering.verify_signature(b"k", b"m", b"mk").is_err());
        }
        assert_eq!(counting.0.load(Relaxed), 3);
    }

    #[test]
    fn a_remembered_signature_is_good_for_no_other_key_message_or_cut() {
        let (good, counting) = (GoodSignatures::default(), Counting::default());
        let remembering = good.remembering(&counting);
        assert!(remembering.verify_signature(b"k", b"mn", b"kmn").is_ok());
        for (key, message, signature) in [
            (&b"j"[..], &b"mn"[..], &b"kmn"[..]),
            (b"k", b"mm", b"kmn"),
            (b"k", b"mn", b"kmm"),
            (b"k", b"m", b"nkmn"),
        ] {
            assert!(
                remembering
                    .verify_signature(key, message, signature)
                    .is_err()
            );
        }
    }

    #[test]
    fn no_more_than_two_halves_are_remembered() {
        let good = GoodSignatures::default();
        let number = |n: usize| digest([&n.to_be_bytes(), b"", b"", b"", b""]);
        for n in 0..=2 * REMEMBERED {
            good.insert(number(n));
        }
        assert!(!good.has(&number(0)), "the oldest went");
        assert!(good.has(&number(2 * REMEMBERED)) && good.has(&number(REMEMBERED)));
        let halves = good.0.lock().unwrap();
        assert!(halves.newer.len() <= REMEMBERED && halves.older.len() <= REMEMBERED);
    }
}
