//! What goes into a backup comes out again, and nothing else does.
#![cfg(test)]

use std::io::Read;

use ironroot_backup::{
    BadBackup, CarriedFile, Contents, Item, NotMade, Pace, Verified, read, write,
};
use ironroot_custody::seal::SealKey;
use ironroot_journal::SALT_SIZE;
use ironroot_journal::checkpoint::Checkpoint;
use ironroot_journal::merkle::{Frontier, leaf_hash};
use ironroot_journal::note::SigningKey;
use ironroot_secret::Secret;
use ironroot_store::{Dump, DumpError, Head, Moment, Part, Payload, RawEntry, StateHasher, Taker};
use ironroot_time::UnixTime;
use tar::{Archive, Builder, EntryType, Header};
use zeroize::Zeroizing;

/// A store that is only a dump.
struct Kept(Vec<Part>);

impl Dump for Kept {
    fn dump(&self, _: u64, take: &mut Taker<'_>) -> Result<(), DumpError> {
        self.0
            .iter()
            .try_for_each(|part| take(part.clone()).map_err(DumpError::Taker))
    }
}

fn store(entries: u64, entry_size: usize) -> Kept {
    let head = Head {
        size: entries,
        at: UnixTime::from_ms(7),
    };
    let state = StateHasher::default().finish();
    let mut parts = vec![Part::Moment(Moment {
        from: 0,
        head,
        state: Some(state),
    })];
    for n in 0..3 {
        let (name, secret) = (format!("token/{n}"), Secret::new(b"hunter2".to_vec()));
        parts.push(Part::Secret { name, secret });
        let payload = Payload::new([n; SALT_SIZE], format!("words {n}").into_bytes());
        parts.push(Part::Payload(payload));
    }
    parts.sort_by_key(|part| match part {
        Part::Moment(_) => 0,
        Part::Secret { .. } => 1,
        Part::Payload(_) | Part::Entry(_) => 2,
    });
    for index in 0..entries {
        let mut bytes = format!("{{\"n\":{index}}}").into_bytes();
        bytes.resize(entry_size.max(bytes.len()), b'.');
        parts.push(Part::Entry(RawEntry { index, bytes }));
    }
    Kept(parts)
}

fn seal(byte: u8) -> SealKey {
    SealKey::from_random(Zeroizing::new([byte; 32]))
}

fn log(byte: u8) -> SigningKey {
    SigningKey::from_seed("hub.example/ironroot", &[byte; 32]).unwrap()
}

fn contents<'a>(seal: &'a SealKey, key: &'a SigningKey) -> Contents<'a> {
    let file = |path: &str, bytes: &[u8]| CarriedFile {
        path: path.to_owned(),
        bytes: bytes.to_vec(),
    };
    Contents {
        files: vec![
            file("keys/root.sealed", b"IRONSEAL"),
            file("ca.pem", b"-----"),
        ],
        seal,
        key,
        signed: None,
        program: "0.1.0",
        fold: 1,
        made: UnixTime::from_s(1_800_000_000),
        pace: Pace { bytes_per_s: None },
    }
}

fn made(store: &Kept) -> Vec<u8> {
    let mut out = Vec::new();
    write(store, contents(&seal(1), &log(1)), &mut out).unwrap();
    out
}

fn items(mut backup: &[u8], key: Option<u8>) -> Result<(Verified, Vec<Item>), BadBackup> {
    let mut items = Vec::new();
    let mut take = |item| {
        items.push(item);
        Ok(())
    };
    let verified = read(&mut backup, None, &mut || Ok(key.map(seal)), &mut take)?;
    Ok((verified, items))
}

fn refused(backup: &[u8]) -> BadBackup {
    items(backup, Some(1)).unwrap_err()
}

/// The members of a backup, to be put together otherwise.
fn members(backup: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = Archive::new(zstd::Decoder::new(backup).unwrap());
    let member = |member: std::io::Result<tar::Entry<'_, _>>| {
        let mut member = member.unwrap();
        let name = member.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    archive.entries().unwrap().map(member).collect()
}

fn archive_of(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    archive_with(members, EntryType::Regular)
}

fn archive_with(members: &[(String, Vec<u8>)], kind: EntryType) -> Vec<u8> {
    let encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let mut archive = Builder::new(encoder);
    for (name, bytes) in members {
        let mut header = Header::new_ustar();
        // Past the builder's own care, as an attacker would.
        let field = &mut header.as_ustar_mut().unwrap().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(kind);
        header.set_cksum();
        archive.append(&header, bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[test]
fn what_goes_in_comes_out() {
    let store = store(5, 0);
    let (verified, items) = items(&made(&store), Some(1)).unwrap();
    assert_eq!(verified.info.entries, 5);
    assert_eq!(verified.log, *log(1).verifier_key());
    let mut parts = Vec::new();
    let mut files = Vec::new();
    for item in items {
        match item {
            Item::Part(part) => parts.push(part),
            Item::File(file) => files.push(file),
            Item::Info(info) => assert_eq!(info, verified.info),
        }
    }
    assert_eq!(files, contents(&seal(1), &log(1)).files);
    assert_eq!(format!("{parts:?}"), format!("{:?}", store.0));
    let secrets = |parts: &[Part]| -> Vec<Vec<u8>> {
        let secret = |part: &Part| match part {
            Part::Secret { secret, .. } => Some(secret.expose().to_vec()),
            Part::Moment(_) | Part::Payload(_) | Part::Entry(_) => None,
        };
        parts.iter().filter_map(secret).collect()
    };
    assert_eq!(secrets(&parts), secrets(&store.0));
}

#[test]
fn entries_of_many_members_come_out_in_order() {
    let backup = made(&store(200, 60_000));
    let chunks = members(&backup);
    let chunks = chunks
        .iter()
        .filter(|(name, _)| name.starts_with("entries/"));
    assert!(chunks.count() > 2);
    assert_eq!(items(&backup, None).unwrap().0.info.entries, 200);
}

#[test]
fn a_store_without_entries_has_a_backup() {
    assert_eq!(items(&made(&store(0, 0)), None).unwrap().0.info.entries, 0);
}

#[test]
fn attack_reading_the_keyring_without_the_sealing_key_finds_nothing() {
    let backup = made(&store(1, 0));
    for (name, bytes) in members(&backup) {
        let found = bytes.windows(7).any(|window| window == b"hunter2");
        assert!(!found, "{name}");
    }
    let (_, closed) = items(&backup, None).unwrap();
    let secret = |item: &Item| matches!(item, Item::Part(Part::Secret { .. }));
    assert!(!closed.iter().any(secret));
    let other = items(&backup, Some(2)).unwrap_err();
    assert!(matches!(other, BadBackup::Seal { .. }), "{other}");
}

#[test]
fn refuses_a_backup_that_was_not_written_to_its_end() {
    let backup = made(&store(20, 3_000));
    for length in (0..backup.len()).step_by(3) {
        let error = refused(&backup[..length]);
        let short = matches!(error, BadBackup::CutShort | BadBackup::NotABackup);
        assert!(short, "{length}: {error:?}");
    }
    let mut unsigned = members(&backup);
    unsigned.pop();
    assert!(matches!(
        refused(&archive_of(&unsigned)),
        BadBackup::CutShort
    ));
}

#[test]
fn attack_something_hung_on_behind_the_end() {
    let honest = made(&store(3, 0));
    let more = zstd::encode_all(b"#!/bin/sh".as_slice(), 1).unwrap();
    let endless = zstd::encode_all(vec![0; 1 << 16].as_slice(), 1).unwrap();
    for hung_on in [more, endless] {
        let error = refused(&[honest.clone(), hung_on].concat());
        assert!(matches!(error, BadBackup::Member { .. }), "{error}");
    }
}

#[test]
fn attack_one_bit_flipped_anywhere_is_found() {
    let backup = made(&store(3, 0));
    let honest = members(&backup);
    items(&archive_of(&honest), Some(1)).unwrap();
    for (nth, (name, bytes)) in honest.iter().enumerate() {
        for place in (0..bytes.len()).step_by(5) {
            let mut flipped = honest.clone();
            flipped[nth].1[place] ^= 1;
            let flipped = items(&archive_of(&flipped), Some(1));
            assert!(flipped.is_err(), "{name} at {place}");
        }
    }
}

#[test]
fn attack_members_left_out_added_or_moved_are_found() {
    let honest = members(&made(&store(3, 0)));
    for nth in 0..honest.len() {
        let mut without = honest.clone();
        let (name, _) = without.remove(nth);
        assert!(
            items(&archive_of(&without), None).is_err(),
            "without {name}"
        );
        let mut twice = honest.clone();
        twice.insert(nth, honest[nth].clone());
        assert!(items(&archive_of(&twice), None).is_err(), "{name} twice");
    }
    for nth in 1..honest.len() {
        let mut swapped = honest.clone();
        swapped.swap(nth - 1, nth);
        assert!(items(&archive_of(&swapped), None).is_err(), "{nth}");
    }
}

#[test]
fn attack_a_name_that_leads_out_of_the_folder() {
    let honest = members(&made(&store(1, 0)));
    for name in [
        "files/../../etc/passwd",
        "files//etc/passwd",
        "files/./x",
        "files/",
        "/etc/passwd",
        "etc/passwd",
        "files/a\\..\\b",
    ] {
        let mut members = honest.clone();
        members.insert(1, (name.to_owned(), b"x".to_vec()));
        let error = refused(&archive_of(&members));
        assert!(matches!(error, BadBackup::Member { .. }), "{name}: {error}");
    }
}

#[test]
fn attack_a_link_or_a_device_instead_of_a_file() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Directory,
        EntryType::Char,
        EntryType::Fifo,
        EntryType::GNULongName,
    ] {
        let member = [("files/keys".to_owned(), Vec::new())];
        let error = refused(&archive_with(&member, kind));
        assert!(error.to_string().contains("no plain file"), "{error}");
    }
}

#[test]
fn attack_a_member_that_swells_without_end() {
    let member = [("files/x".to_owned(), vec![0; 9 << 20])];
    let error = refused(&archive_of(&member));
    assert!(error.to_string().contains("too large"), "{error}");
}

#[test]
fn attack_a_backup_signed_by_somebody_else() {
    let store = store(3, 0);
    let mut other = Vec::new();
    write(&store, contents(&seal(1), &log(2)), &mut other).unwrap();
    let mut input = other.as_slice();
    let (expected, nobody) = (log(1), &mut || Ok(None));
    let refused = read(
        &mut input,
        Some(expected.verifier_key()),
        nobody,
        &mut |_| Ok(()),
    );
    assert!(matches!(refused, Err(BadBackup::OtherLog { .. })));

    // The same, saying that it is the first log's.
    let mut forged = members(&other);
    forged[0] = members(&made(&store))[0].clone();
    let refused = items(&archive_of(&forged), None).unwrap_err();
    assert!(matches!(refused, BadBackup::Checkpoint(_)), "{refused}");
}

#[test]
fn refuses_a_downgrade_from_a_newer_format() {
    let mut newer = members(&made(&store(1, 0)));
    newer[0].1 = br#"{"format":2,"whatever":[]}"#.to_vec();
    let error = refused(&archive_of(&newer));
    assert!(matches!(error, BadBackup::Newer { found: 2 }), "{error}");
    assert!(error.to_string().contains("newer"));
}

#[test]
fn refuses_what_is_no_backup() {
    for bytes in [b"".as_slice(), b"PK", &[0; 4_096]] {
        let error = refused(bytes);
        let known = matches!(
            error,
            BadBackup::NotABackup | BadBackup::CutShort | BadBackup::Io(_)
        );
        assert!(known, "{error:?}");
    }
    assert!(matches!(refused(&archive_of(&[])), BadBackup::NotABackup));
}

#[test]
fn refuses_to_back_up_a_store_that_the_log_has_not_signed() {
    let (seal, key) = (seal(1), log(1));
    let mut tree = Frontier::default();
    tree.push(leaf_hash(b"another entry"));
    for (size, root) in [(1, tree.root()), (9, tree.root())] {
        let signed = Some(Checkpoint::new(key.verifier_key(), size, root));
        let contents = Contents {
            signed,
            ..contents(&seal, &key)
        };
        let refused = write(&store(3, 0), contents, &mut Vec::new());
        assert!(matches!(refused, Err(NotMade::OtherJournal(at)) if at == size));
    }
    let mut tree = Frontier::default();
    tree.push(leaf_hash(b"{\"n\":0}"));
    let signed = Some(Checkpoint::new(key.verifier_key(), 1, tree.root()));
    let contents = Contents {
        signed,
        ..contents(&seal, &key)
    };
    write(&store(3, 0), contents, &mut Vec::new()).unwrap();
}

#[test]
fn refuses_to_write_where_there_is_no_room() {
    let (seal, key) = (seal(1), log(1));
    let mut room = [0_u8; 900];
    let full = write(
        &store(50, 9_000),
        contents(&seal, &key),
        &mut room.as_mut_slice(),
    );
    assert!(matches!(full, Err(NotMade::Io(_))), "{full:?}");
}

#[test]
fn a_key_that_cannot_be_had_is_asked_for_once_and_said() {
    let backup = made(&store(1, 0));
    let mut input = backup.as_slice();
    let refused = read(&mut input, None, &mut || Err("no TPM".into()), &mut |_| {
        Ok(())
    });
    assert!(matches!(refused, Err(BadBackup::NoKey(_))));
}

#[test]
fn a_taker_that_fails_ends_the_reading() {
    let backup = made(&store(1, 0));
    let mut input = backup.as_slice();
    let refused = read(&mut input, None, &mut || Ok(None), &mut |_| {
        Err("enough".into())
    });
    assert!(matches!(refused, Err(BadBackup::Taker(_))));
}

#[test]
fn goes_no_faster_than_it_is_told() {
    let (seal, key) = (seal(1), log(1));
    let pace = Pace {
        bytes_per_s: Some(1_000_000),
    };
    let contents = Contents {
        pace,
        ..contents(&seal, &key)
    };
    let started = std::time::Instant::now();
    write(&store(10, 20_000), contents, &mut Vec::new()).unwrap();
    assert!(started.elapsed().as_millis() >= 195);
}
