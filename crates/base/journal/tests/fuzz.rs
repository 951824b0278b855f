//! One target per parser: no bytes make it panic, and what it takes it prints again byte for byte.
#![cfg(test)]

use bolero::check;
use ironroot_journal::Entry;
use ironroot_journal::checkpoint::{Checkpoint, SignedCheckpoint};
use ironroot_journal::merkle::leaf_hash;
use ironroot_journal::note::{SignedNote, SigningKey, VerifierKey};
use ironroot_journal::proof::Proof;
use ironroot_journal::tile::{Tile, decode_entries, decode_hashes, encode_entries, encode_hashes};

/// Places in a valid text and the bytes that go there: random text alone is never nearly valid.
type Damage = Vec<(u16, u8)>;

fn damaged(valid: &[u8], damage: &Damage) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for (place, byte) in damage.iter().take(4) {
        let place = usize::from(*place) % bytes.len();
        bytes[place] = *byte;
    }
    bytes
}

/// Runs `parse` on damaged forms of `valid`; it gives back what it would print.
fn takes_only_what_it_prints(valid: &str, parse: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    assert_eq!(parse(valid.as_bytes()).unwrap(), valid.as_bytes());
    let parse = std::panic::AssertUnwindSafe(parse);
    let valid = valid.as_bytes().to_vec();
    check!().with_type::<Damage>().for_each(move |damage| {
        let bytes = damaged(&valid, damage);
        if let Some(printed) = parse(&bytes) {
            assert_eq!(printed, bytes);
        }
    });
}

fn signed_checkpoint() -> SignedCheckpoint {
    let key = SigningKey::from_seed("log", &[7; 32]).unwrap();
    let checkpoint = Checkpoint::new(key.verifier_key(), 2, leaf_hash(b"x"));
    checkpoint.sign(&key).unwrap()
}

#[test]
fn entry() {
    takes_only_what_it_prints(
        r#"{"a":[1,-2,"\n\u0001é"],"at":17,"b":{"c":null,"d":true},"kind":"k","v":1}"#,
        |bytes| {
            let entry = Entry::parse(bytes).ok()?;
            let fields = entry.fields().clone();
            let again = Entry::compose(entry.at(), entry.kind(), entry.v(), fields).unwrap();
            Some(again.bytes().to_vec())
        },
    );
}

#[test]
fn note() {
    takes_only_what_it_prints(&signed_checkpoint().to_string(), |bytes| {
        let note = SignedNote::parse(bytes).ok()?;
        Some(note.to_string().into_bytes())
    });
}

#[test]
fn checkpoint() {
    let key = SigningKey::from_seed("log", &[7; 32]).unwrap();
    let valid = signed_checkpoint().to_string();
    check!().with_type::<Damage>().for_each(move |damage| {
        let bytes = damaged(valid.as_bytes(), damage);
        if let Ok(read) = SignedCheckpoint::parse(&bytes)
            && read.verify(key.verifier_key()).is_ok()
        {
            assert_eq!(read.to_string(), valid);
        }
    });
}

#[test]
fn verifier_key() {
    let key = SigningKey::from_seed("log", &[7; 32]).unwrap();
    takes_only_what_it_prints(&key.verifier_key().to_string(), |bytes| {
        let key: VerifierKey = str::from_utf8(bytes).ok()?.parse().ok()?;
        Some(key.to_string().into_bytes())
    });
}

#[test]
fn proof() {
    let proof = Proof {
        extra: Some(b"{}".to_vec()),
        index: 1,
        path: vec![leaf_hash(b"y")],
        checkpoint: signed_checkpoint(),
    };
    takes_only_what_it_prints(&proof.to_string(), |bytes| {
        let proof = Proof::parse(bytes).ok()?;
        Some(proof.to_string().into_bytes())
    });
}

#[test]
fn tile_path() {
    takes_only_what_it_prints("tile/1/x001/x234/067.p/89", |bytes| {
        let tile: Tile = str::from_utf8(bytes).ok()?.parse().ok()?;
        Some(tile.to_string().into_bytes())
    });
}

#[test]
fn entry_bundle() {
    check!()
        .with_type::<(u8, Vec<u8>)>()
        .for_each(|(width, bytes)| {
            if let Ok(entries) = decode_entries(bytes, u16::from(*width)) {
                assert_eq!(encode_entries(entries).unwrap(), *bytes);
            }
        });
}

#[test]
fn tile_of_hashes() {
    check!()
        .with_type::<(u8, Vec<u8>)>()
        .for_each(|(width, bytes)| {
            if let Ok(hashes) = decode_hashes(bytes, u16::from(*width)) {
                assert_eq!(encode_hashes(&hashes), *bytes);
            }
        });
}
