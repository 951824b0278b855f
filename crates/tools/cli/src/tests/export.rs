//! A log is copied whole, and a log that was tampered with is not taken.

use ironroot_journal::checkpoint::Checkpoint;
use ironroot_journal::merkle::{Hash, leaf_hash, node_hash};
use ironroot_journal::note::SigningKey;
use ironroot_journal::tile::{encode_entries, encode_hashes};

use super::*;

/// The answers of a hub whose log has two entries, in the order in which they are asked for.
fn log(entries: [&[u8]; 2], leaves: [Hash; 2], key: &SigningKey) -> [Told; 3] {
    [
        checkpoint(leaves, key),
        file(encode_hashes(&leaves)),
        file(encode_entries(entries).unwrap()),
    ]
}

fn checkpoint(leaves: [Hash; 2], key: &SigningKey) -> Told {
    signed(2, root(&leaves), key)
}

fn signed(size: u64, root: Hash, key: &SigningKey) -> Told {
    let note = Checkpoint::new(key.verifier_key(), size, root)
        .sign(key)
        .unwrap();
    let checkpoint = serde_json::json!({
        "origin": "log.example", "size": size, "root": root.to_string(),
        "note": note.note().to_string(), "verifier_key": key.verifier_key().to_string(),
    });
    json(&checkpoint.to_string())
}

fn file(bytes: Vec<u8>) -> Told {
    (200, "application/octet-stream", bytes)
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("log.example", &[seed; 32]).unwrap()
}

const ENTRIES: [&[u8]; 2] = [br#"{"at":1}"#, br#"{"at":2}"#];

#[test]
fn copies_the_log_as_tiles_that_anybody_can_check() {
    let session = Session::new();
    let to = session.path("log");
    let told = log(ENTRIES, ENTRIES.map(leaf_hash), &key(1));
    let ran = session.run(&["journal", "export", "--to", &to], told);
    assert_eq!(ran.aside, "");
    let lines: Vec<_> = ran
        .requests
        .iter()
        .map(|request| request.line.as_str())
        .collect();
    assert_eq!(
        lines,
        [
            "GET /api/v1/journal/checkpoint",
            "GET /api/v1/journal/log/tile/0/000.p/2",
            "GET /api/v1/journal/log/tile/entries/000.p/2",
        ]
    );
    let bundle = fs::read(session.path("log/tile/entries/000.p/2")).unwrap();
    assert_eq!(bundle, encode_entries(ENTRIES).unwrap());
    let note = fs::read_to_string(session.path("log/checkpoint")).unwrap();
    assert!(note.starts_with("log.example\n2\n"), "{note}");
    assert!(ran.output.contains("2 entries are in"), "{}", ran.output);
}

#[test]
fn brings_an_earlier_export_up_to_date() {
    let session = Session::new();
    let to = session.path("log");
    let told = || log(ENTRIES, ENTRIES.map(leaf_hash), &key(1));
    session.run(&["journal", "export", "--to", &to], told());
    let [checkpoint, ..] = told();
    let ran = session.run(&["journal", "export", "--to", &to], [checkpoint]);
    assert_eq!((ran.code, ran.requests.len()), (ExitCode::SUCCESS, 1));
}

#[test]
fn takes_the_full_tile_where_the_partial_one_is_gone() {
    // The log went on to 256 entries after the checkpoint was signed.
    let all: Vec<&[u8]> = ENTRIES
        .into_iter()
        .chain(std::iter::repeat_n(&b"{}"[..], 254))
        .collect();
    let leaves: Vec<Hash> = all.iter().map(|entry| leaf_hash(entry)).collect();
    let session = Session::new();
    let to = session.path("log");
    let ran = session.run(
        &["journal", "export", "--to", &to],
        [
            checkpoint(ENTRIES.map(leaf_hash), &key(1)),
            problem(404, "gone"),
            file(encode_hashes(&leaves)),
            problem(404, "gone"),
            file(encode_entries(all).unwrap()),
        ],
    );
    assert_eq!((ran.code, ran.aside.as_str()), (ExitCode::SUCCESS, ""));
    assert_eq!(
        ran.requests[4].line,
        "GET /api/v1/journal/log/tile/entries/000"
    );
    let bundle = fs::read(session.path("log/tile/entries/000.p/2")).unwrap();
    assert_eq!(bundle, encode_entries(ENTRIES).unwrap());
}

#[test]
fn refuses_a_log_without_the_entries_that_were_signed() {
    let session = Session::new();
    let gone = || problem(404, "gone");
    let told = [checkpoint(ENTRIES.map(leaf_hash), &key(1)), gone(), gone()];
    let ran = session.run(&["journal", "export", "--to", &session.path("log")], told);
    assert_eq!(
        ran.aside,
        "error: the hub's log has no tile/0/000.p/2, which it signed\n"
    );
}

/// RFC 9162 section 2.1.1, as it stands there.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            node_hash(&root(left), &root(right))
        }
    }
}

/// The answers of a hub whose log has 300 entries; `meddle` changes the hash over the first 256.
fn three_hundred(meddle: fn(Hash) -> Hash) -> Vec<Told> {
    let entries: Vec<String> = (0..300).map(|at| format!(r#"{{"at":{at}}}"#)).collect();
    let entries: Vec<&[u8]> = entries.iter().map(String::as_bytes).collect();
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let (first, rest) = leaves.split_at(256);
    let bundle = |entries: &[&[u8]]| file(encode_entries(entries.iter().copied()).unwrap());
    vec![
        signed(300, root(&leaves), &key(1)),
        file(encode_hashes(first)),
        file(encode_hashes(rest)),
        file(encode_hashes(&[meddle(root(first))])),
        bundle(&entries[..256]),
        bundle(&entries[256..]),
    ]
}

#[test]
fn copies_a_log_of_several_tiles_and_levels() {
    let session = Session::new();
    let arguments = ["journal", "export", "--to", &session.path("log")];
    let ran = session.run(&arguments, three_hundred(|hash| hash));
    assert_eq!((ran.code, ran.aside.as_str()), (ExitCode::SUCCESS, ""));
    assert!(fs::exists(session.path("log/tile/1/000.p/1")).unwrap());
    assert!(fs::exists(session.path("log/tile/entries/001.p/44")).unwrap());
}

#[test]
fn refuses_a_hash_that_is_not_over_those_below_it() {
    let session = Session::new();
    let arguments = ["journal", "export", "--to", &session.path("log")];
    let ran = session.run(&arguments, three_hundred(|hash| node_hash(&hash, &hash)));
    assert!(
        ran.aside.contains("tile/1/000.p/1 does not fit the tree"),
        "{}",
        ran.aside
    );
}

fn refused(told: [Told; 3], more: &[&str]) -> String {
    let session = Session::new();
    let to = session.path("log");
    let ran = session.run(&[&["journal", "export", "--to", &to], more].concat(), told);
    assert_eq!(ran.code, ExitCode::from(1));
    assert!(!fs::exists(session.path("log/checkpoint")).unwrap());
    ran.aside
}

#[test]
fn refuses_an_entry_that_was_changed_after_it_was_hashed() {
    let changed: [&[u8]; 2] = [br#"{"at":1}"#, br#"{"at":9}"#];
    let said = refused(log(changed, ENTRIES.map(leaf_hash), &key(1)), &[]);
    assert!(
        said.contains("tile/entries/000.p/2 does not fit the tree"),
        "{said}"
    );
}

#[test]
fn refuses_hashes_that_do_not_give_the_signed_root() {
    let changed: [&[u8]; 2] = [br#"{"at":1}"#, br#"{"at":9}"#];
    let [checkpoint, ..] = log(ENTRIES, ENTRIES.map(leaf_hash), &key(1));
    let [_, leaves, entries] = log(changed, changed.map(leaf_hash), &key(1));
    let said = refused([checkpoint, leaves, entries], &[]);
    assert!(said.contains("the root is not the one signed"), "{said}");
}

#[test]
fn refuses_the_log_of_another_key_than_the_one_kept() {
    let told = log(ENTRIES, ENTRIES.map(leaf_hash), &key(1));
    let kept = key(2).verifier_key().to_string();
    let said = refused(told, &["--key", &kept]);
    assert!(
        said.contains("the hub's checkpoint does not verify"),
        "{said}"
    );
}

#[test]
fn a_proof_and_a_checkpoint_are_printed_as_the_files_they_are() {
    let [checkpoint, ..] = log(ENTRIES, ENTRIES.map(leaf_hash), &key(1));
    let ran = Session::new().run(&["journal", "checkpoint"], [checkpoint]);
    assert!(ran.output.starts_with("log.example\n2\n"), "{}", ran.output);
    let proof = r#"{"index":1,"leaf":"00","proof":"c2sp.org/tlog-proof@v1\n"}"#;
    let ran = Session::new().run(&["journal", "proof", "1"], [json(proof)]);
    assert_eq!(ran.requests[0].line, "GET /api/v1/journal/1/proof");
    assert_eq!(ran.output, "c2sp.org/tlog-proof@v1\n");
}
