//! The crate `signed_note` reads what we sign, and we read what it signs.
#![cfg(test)]

use ironroot_journal::note::{SignedNote, SigningKey, VerifierKey};
use proptest::prelude::*;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};

fn key(seed: [u8; 32]) -> SigningKey {
    SigningKey::from_seed("log.example/a", &seed).unwrap()
}

/// The same key as the oracle's.
fn oracle_verifiers(key: &VerifierKey) -> VerifierList {
    let verifier = StandardVerifier::new(&key.to_string()).unwrap();
    VerifierList::new(vec![Box::new(verifier)])
}

/// Text that a note can hold.
fn text() -> impl Strategy<Value = String> {
    "[^\\x00-\\x1f]{0,20}(\n{1,3}[^\\x00-\\x1f]{1,20}){0,4}".prop_map(|text| text + "\n")
}

proptest! {
    #[test]
    fn the_oracle_verifies_our_notes(text in text(), seed in any::<[u8; 32]>()) {
        let key = key(seed);
        let note = SignedNote::sign(text.clone(), &key).unwrap();
        let read = Note::from_bytes(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(read.text(), text.as_bytes());
        let (verified, _) = read.verify(&oracle_verifiers(key.verifier_key())).unwrap();
        prop_assert_eq!(verified.len(), 1);
    }

    #[test]
    fn we_verify_the_oracles_notes(text in text(), seed in any::<[u8; 32]>()) {
        let ours = key(seed);
        // The secret key text of golang.org/x/mod/sumdb/note: type byte and seed in base64.
        let public = ours.verifier_key().to_string();
        let id = public.split('+').nth(1).unwrap();
        let secret = base64_of(&[&[1], seed.as_slice()].concat());
        let secret = format!("PRIVATE+KEY+log.example/a+{id}+{secret}");
        let mut note = Note::new(text.as_bytes(), &[]).unwrap();
        note.add_sigs(&[&StandardSigner::new(&secret).unwrap()]).unwrap();

        let read = SignedNote::parse(&note.to_bytes()).unwrap();
        prop_assert_eq!(read.verify(ours.verifier_key()), Ok(text.as_str()));
    }

    #[test]
    fn both_judge_a_damaged_note_alike(text in text(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let key = key([7; 32]);
        let mut note = SignedNote::sign(text, &key).unwrap().to_string().into_bytes();
        let place = place.index(note.len());
        note[place] = byte;
        let ours = SignedNote::parse(&note)
            .ok()
            .is_some_and(|note| note.verify(key.verifier_key()).is_ok());
        let theirs = Note::from_bytes(&note)
            .ok()
            .is_some_and(|note| note.verify(&oracle_verifiers(key.verifier_key())).is_ok());
        prop_assert_eq!(ours, theirs);
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
