//! The journals of releases, replayed: a change of the fold or of a reader that gives an old journal another
//! meaning shows here.
//!
//! `tests/golden/<release>` holds `entries.jsonl`, the digest of the state that follows from them, and a
//! checkpoint over them. Before a release, `IRONROOT_GOLDEN=<release> cargo test -p ironroot-registry --test
//! golden` writes its folder; a folder that is there is never written again.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use ironroot_journal::checkpoint::{Checkpoint, SignedCheckpoint};
use ironroot_journal::merkle::{Frontier, leaf_hash};
use ironroot_journal::note::{SigningKey, VerifierKey};
use ironroot_journal::{Entry, SaltedDigest};
use ironroot_profile::BUILT_IN;
use ironroot_registry::{Fact, Fold};
use ironroot_store::{
    Change, Head, KeyRange, Overlay, Payload, RawEntry, Row, RowReader, StateDigest, StateError,
    StateHasher, StoreError, Table, decide, replay,
};
use ironroot_time::UnixTime;
use serde_json::{Value, json};

struct Nothing;

impl RowReader for Nothing {
    fn row(&mut self, _: Table, _: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        Ok(None)
    }
    fn rows(&mut self, _: Table, _: &KeyRange, _: usize) -> Result<Vec<Row>, StoreError> {
        Ok(Vec::new())
    }
    fn payload(&mut self, _: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
        Ok(None)
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The folders of the releases; the one that is asked for is made first.
fn releases() -> Vec<PathBuf> {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        let release = std::env::var_os("IRONROOT_GOLDEN").map(|release| golden().join(release));
        if let Some(folder) = release.filter(|folder| !folder.exists()) {
            make(&folder);
        }
    });
    let releases = fs::read_dir(golden()).unwrap();
    let mut releases: Vec<_> = releases.map(|release| release.unwrap().path()).collect();
    releases.sort_by_key(|release| numbers(release));
    assert!(!releases.is_empty());
    releases
}

fn numbers(release: &Path) -> Vec<u64> {
    let name = release.file_name().unwrap().to_str().unwrap();
    name.split('.')
        .map(|number| number.parse().unwrap())
        .collect()
}

/// The lines of a journal, each as the store has it.
fn entries(release: &Path) -> Vec<RawEntry> {
    let text = fs::read_to_string(release.join("entries.jsonl")).unwrap();
    (0..)
        .zip(text.lines())
        .map(|(index, line)| RawEntry {
            index,
            bytes: line.as_bytes().to_vec(),
        })
        .collect()
}

fn replayed(entries: &[RawEntry]) -> Result<StateDigest, StateError> {
    let mut overlay = Overlay::new(Nothing);
    replay(entries, 0, &Fold, &mut overlay)?;
    Ok(digest(overlay))
}

fn digest(overlay: Overlay<Nothing>) -> StateDigest {
    let mut hasher = StateHasher::default();
    for row in overlay.into_parts().1 {
        if let Some(value) = row.value {
            hasher.row(row.table.name(), &row.key, &value);
        }
    }
    hasher.finish()
}

/// Every kind that this version writes.
fn kinds() -> BTreeSet<String> {
    Fact::KINDS.iter().map(|kind| (*kind).to_owned()).collect()
}

#[test]
fn the_journal_of_every_release_gives_the_state_that_it_gave_then() {
    for release in releases() {
        let state = fs::read_to_string(release.join("state")).unwrap();
        let found = replayed(&entries(&release));
        let found = found.unwrap_or_else(|cause| panic!("{}: {cause:?}", release.display()));
        assert_eq!(found.to_string(), state.trim(), "{}", release.display());
    }
}

#[test]
fn the_log_of_every_release_is_under_its_checkpoint() {
    for release in releases() {
        let key: VerifierKey = fs::read_to_string(release.join("journal.vkey"))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let signed = fs::read(release.join("checkpoint")).unwrap();
        let checkpoint = SignedCheckpoint::parse(&signed)
            .unwrap()
            .verify(&key)
            .unwrap();
        let mut tree = Frontier::default();
        for entry in entries(&release) {
            tree.push(leaf_hash(&entry.bytes));
        }
        assert_eq!(
            (checkpoint.size(), *checkpoint.root()),
            (tree.size(), tree.root())
        );
    }
}

#[test]
fn every_kind_of_fact_stands_in_the_newest_journal() {
    let newest = entries(releases().last().unwrap());
    let there: BTreeSet<_> = newest
        .iter()
        .map(|raw| Entry::parse(&raw.bytes).unwrap().kind().to_owned())
        .collect();
    let missing: Vec<_> = kinds().difference(&there).cloned().collect();
    assert!(
        missing.is_empty(),
        "{missing:?}: add them to `history`, delete the folder of the release that is not out yet, and make it again"
    );
}

#[test]
fn refuses_a_downgrade_to_a_program_older_than_an_entry() {
    let newer = Entry::compose(
        UnixTime::from_ms(1),
        "token.issued",
        2,
        serde_json::Map::new(),
    );
    let bytes = newer.unwrap().bytes().to_vec();
    match replayed(&[RawEntry { index: 0, bytes }]) {
        Err(StateError::Refused { index: 0, refusal }) => {
            assert!(refusal.to_string().contains("newer"), "{refusal}");
        }
        other => panic!("{other:?}"),
    }
}

/// Writes the folder of a release.
fn make(folder: &Path) {
    let known = kinds();
    let facts = history();
    let facts = facts
        .into_iter()
        .filter(|fact| known.contains(fact["kind"].as_str().unwrap()));
    let mut overlay = Overlay::new(Nothing);
    let (mut head, mut text, mut tree) = (Head::default(), String::new(), Frontier::default());
    for fact in facts {
        let now = UnixTime::from_ms(1_795_340_000_000 + 1_000 * head.size);
        let fact = fact_of(&fact, now);
        let change = Change::of(fact.draft().unwrap());
        let batch = decide(vec![change], head, now, &Fold, &mut overlay);
        if let Err(refused) = &batch.outcomes[0] {
            panic!("{fact}: {refused:?}");
        }
        for committed in batch.committed {
            tree.push(leaf_hash(committed.entry.bytes()));
            text += str::from_utf8(committed.entry.bytes()).unwrap();
            text += "\n";
        }
        head = batch.head;
    }
    // Anybody may know this key: it vouches for test data alone.
    let key = SigningKey::from_seed("golden.example/ironroot", &[7; 32]).unwrap();
    let checkpoint = Checkpoint::new(key.verifier_key(), tree.size(), tree.root());
    let checkpoint = checkpoint.sign(&key).unwrap().to_string();
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("entries.jsonl"), text).unwrap();
    fs::write(folder.join("state"), format!("{}\n", digest(overlay))).unwrap();
    fs::write(folder.join("checkpoint"), checkpoint).unwrap();
    fs::write(
        folder.join("journal.vkey"),
        format!("{}\n", key.verifier_key()),
    )
    .unwrap();
}

fn fact_of(fact: &Value, at: UnixTime) -> Fact {
    let mut fields = fact.as_object().unwrap().clone();
    let kind = fields.remove("kind").unwrap();
    let entry = Entry::compose(at, kind.as_str().unwrap(), 1, fields).unwrap();
    Fact::read(&entry).unwrap_or_else(|cause| panic!("{fact}: {cause:?}"))
}

/// A certificate of the `n`th serial number.
fn certificate(n: u8) -> Value {
    json!({
        "serial": format!("47{}", format!("{n:02x}").repeat(15)),
        "fingerprint": format!("{n:02x}").repeat(32),
        "not_before": 1_795_336_400,
        "not_after": 1_826_876_400_u64,
    })
}

fn serial(n: u8) -> Value {
    certificate(n)["serial"].clone()
}

/// A small hub's life with every kind of fact in it, in every shape that its fields have.
fn history() -> Vec<Value> {
    let vkey = |n: u8| {
        let key = SigningKey::from_seed("golden.example/ironroot", &[n; 32]).unwrap();
        key.verifier_key().to_string()
    };
    let (admin, why) = (json!({"token": "admin"}), "5f".repeat(32));
    let expires = 1_900_000_000_000_u64;
    let claim = |device: &str| json!({"kind": "device.claimed", "device": device, "profile": "camera", "expires": expires, "by": admin});
    let enrolled = |device: &str, claim: u64, n: u8| {
        json!({"kind": "device.enrolled", "device": device, "claim": claim, "credential": "token",
               "spki": "c3".repeat(32), "certificate": certificate(n)})
    };
    let mut by_hub = certificate(9);
    by_hub["key"] = json!("hub");
    by_hub["ca"] = json!(2);
    let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    vec![
        json!({"kind": "hub.created", "root": "a1".repeat(32), "issuing": "a2".repeat(32), "log": vkey(7)}),
        json!({"kind": "token.issued", "name": "admin"}),
        json!({"kind": "server.issued", "names": ["localhost", "127.0.0.1"], "certificate": certificate(1)}),
        json!({"kind": "responder.issued", "certificate": certificate(2)}),
        json!({"kind": "profile.set", "name": "camera", "text": BUILT_IN[0].1}),
        json!({"kind": "manufacturer.added", "name": "acme", "pem": pem, "prefix": "acme-", "by": admin}),
        claim("cam-1"),
        enrolled("cam-1", 6, 3),
        json!({"kind": "device.enrolment_repeated", "device": "cam-1", "claim": 6, "spki": "c3".repeat(32),
               "certificate": certificate(4)}),
        json!({"kind": "device.activated", "device": "cam-1", "door": "mqtt"}),
        json!({"kind": "device.quarantined", "device": "cam-1", "reason": "person", "by": admin, "why": why}),
        json!({"kind": "device.quarantined", "device": "cam-1", "reason": "limit", "by": "hub", "why": why}),
        json!({"kind": "device.released", "device": "cam-1", "reason": "person", "by": admin, "why": why}),
        json!({"kind": "device.released", "device": "cam-1", "reason": "limit", "by": "hub", "why": why}),
        json!({"kind": "device.reenrolled", "device": "cam-1", "with": serial(4), "certificate": certificate(5)}),
        json!({"kind": "ca.installed", "number": 2, "fingerprint": "a3".repeat(32), "pem": pem, "by": admin}),
        claim("acme-2"),
        json!({"kind": "device.enrolled", "device": "acme-2", "claim": 16, "credential": {"idevid": "acme"},
               "certificate": by_hub}),
        json!({"kind": "device.reenrolled", "device": "acme-2", "via": "cam-1", "with": serial(5),
               "certificate": certificate(10)}),
        json!({"kind": "device.activated", "device": "acme-2", "door": "est"}),
        json!({"kind": "certificate.revoked", "serial": serial(10), "reason": "key_compromise", "by": admin,
               "why": why}),
        json!({"kind": "device.transferred", "device": "acme-2", "by": admin, "why": why}),
        claim("cam-3"),
        enrolled("cam-3", 22, 11),
        json!({"kind": "device.retired", "device": "cam-3", "by": admin, "why": why}),
        claim("cam-4"),
        json!({"kind": "device.in_two_places", "device": "cam-1", "certificate": serial(5), "door": "mqtt",
               "why": why}),
        json!({"kind": "service.issued", "service": "backend", "publish": ["d/+/down/#"],
               "subscribe": ["d/+/up/#"], "certificate": certificate(12), "by": admin}),
        json!({"kind": "service.issued", "service": "gone", "publish": [], "subscribe": [],
               "certificate": certificate(13), "by": admin}),
        json!({"kind": "service.revoked", "service": "gone", "by": admin}),
        json!({"kind": "manufacturer.removed", "name": "acme", "by": admin}),
        json!({"kind": "view.saved", "name": "shut-out-cameras", "query": "profile=camera&lifecycle=quarantined", "by": admin}),
        json!({"kind": "view.saved", "name": "mine", "query": "", "by": admin}),
        json!({"kind": "view.removed", "name": "mine", "by": admin}),
        json!({"kind": "clock.stepped", "expected": 1_795_340_000_000_u64, "shown": 1_895_340_000_000_u64}),
        json!({"kind": "clock.confirmed", "expected": 1_795_340_000_000_u64, "shown": 1_895_340_000_000_u64,
               "by": admin, "why": why}),
        json!({"kind": "clock.stepped", "expected": 1_795_340_000_000_u64, "shown": 1_695_340_000_000_u64}),
        json!({"kind": "clock.agreed", "shown": 1_795_340_000_000_u64}),
        json!({"kind": "payload.erased", "entry": 10, "digest": why, "by": admin}),
        json!({"kind": "snapshot.taken", "entries": 30, "state": "d4".repeat(32)}),
        json!({"kind": "segment.archived", "first": 0, "entries": 256, "root": "e5".repeat(32),
               "place": "file:/srv/archive"}),
        json!({"kind": "journal.key_changed", "from": vkey(6), "to": vkey(7), "lost": false}),
        json!({"kind": "profile.set", "name": "camera", "text": BUILT_IN[0].1, "by": admin}),
        json!({"kind": "device.claim_withdrawn", "device": "cam-4", "by": admin}),
        json!({"kind": "token.issued", "name": "ci", "by": admin}),
        json!({"kind": "token.issued", "name": "grafana", "by": admin}),
        json!({"kind": "token.revoked", "name": "ci", "by": admin}),
        json!({"kind": "sign_in.link_made", "name": "admin", "by": "hub"}),
        json!({"kind": "password.set", "name": "admin", "by": admin}),
        json!({"kind": "sessions.ended", "by": admin}),
        json!({"kind": "hub.restored", "made": 1_795_340_010_000_u64, "size": 30, "root": "MAA=",
               "from": vkey(7), "log": vkey(8)}),
    ]
}
