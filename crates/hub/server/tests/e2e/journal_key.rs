//! The journal's key changed and lost: what somebody sees who kept the old verifier key.

use std::fs;

use crate::rig::{Hub, Said};

fn verifier_key(hub: &Hub) -> String {
    let text = fs::read_to_string(hub.data.join("journal.vkey")).unwrap();
    text.trim().to_owned()
}

fn verify(hub: &Hub, key: &str) -> Said {
    hub.ironroot(&["journal", "verify", "--key", key])
}

/// How many signatures stand under the newest checkpoint.
fn signatures(hub: &Hub) -> usize {
    let note = fs::read_to_string(hub.data.join("journal/checkpoint")).unwrap();
    note.lines().filter(|line| line.starts_with('—')).count()
}

/// A hub with something in its journal, stopped.
fn stopped() -> Hub {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.stop();
    hub
}

fn restarts(hub: &mut Hub) {
    hub.starts();
    hub.stop();
}

#[test]
fn the_old_verifier_key_leads_to_the_present_through_every_change_of_key() {
    let mut hub = stopped();
    let mut keys = vec![verifier_key(&hub)];
    for nth in 1..=3 {
        let said = hub.ironroot(&["keys", "rotate", "journal"]).ok();
        assert!(
            said.contains("the next start of the hub hands over"),
            "{said}"
        );
        hub.starts();
        hub.device(&format!("lamp-{nth}"));
        hub.stop();
        keys.push(verifier_key(&hub));
        assert_ne!(keys[nth], keys[nth - 1]);
        assert_eq!(signatures(&hub), 2, "the new key's and the one's before it");
    }
    let newest = keys.last().unwrap();
    for (nth, key) in keys.iter().enumerate() {
        let said = verify(&hub, key).ok();
        assert_eq!(
            said.matches("the key was changed from").count(),
            3,
            "{said}"
        );
        assert!(
            said.contains("under a checkpoint that both signed"),
            "{said}"
        );
        let led = said.contains("leads by these entries to the one of today");
        assert_eq!(led, nth < 3, "{said}");
        assert!(said.contains(&format!("Signed by {newest}")), "{said}");
    }
    hub.starts();
    assert_eq!(hub.lifecycle("lamp-3"), "enrolled");
}

#[test]
fn a_change_of_key_that_nobody_handed_over_is_refused() {
    let mut hub = stopped();
    let old = verifier_key(&hub);
    for _ in 0..2 {
        hub.ironroot(&["keys", "rotate", "journal"]).ok();
        restarts(&mut hub);
    }
    let handovers = hub.data.join("journal/handover");
    let first = handovers.join(old.split('+').nth(1).unwrap());
    let kept = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    let said = verify(&hub, &old);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("not signed by the log's key"), "{said:?}");
    // One that says more entries than it signed for.
    let text = String::from_utf8(kept.clone()).unwrap();
    let size = text.lines().nth(1).unwrap();
    fs::write(&first, text.replacen(size, "3", 1)).unwrap();
    let said = verify(&hub, &old);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("does not belong to this log"), "{said:?}");
    fs::write(&first, kept).unwrap();
    verify(&hub, &old).ok();
}

#[test]
fn a_lost_key_is_replaced_and_the_journal_says_what_that_is_worth() {
    let mut hub = stopped();
    let old = verifier_key(&hub);
    let too_soon = hub.ironroot(&["keys", "rotate", "journal", "--lost"]);
    assert_eq!(too_soon.code, 1, "{too_soon:?}");
    assert!(too_soon.err.contains("is not lost"), "{too_soon:?}");
    fs::remove_file(hub.data.join("keys/journal.sealed")).unwrap();
    let start = Said::of(&mut crate::rig::up(&hub.data));
    assert_eq!(start.code, 1, "{start:?}");
    assert!(
        start.err.contains("ironroot keys rotate journal --lost"),
        "{start:?}"
    );

    let said = hub.ironroot(&["keys", "rotate", "journal", "--lost"]).ok();
    assert!(
        said.contains("only you can say that the new key is yours"),
        "{said}"
    );
    restarts(&mut hub);
    let new = verifier_key(&hub);
    assert_ne!(new, old);
    let said = verify(&hub, &new).ok();
    assert!(said.contains("was lost, and"), "{said}");
    assert!(
        said.contains("Nothing but the tree ties the entries before"),
        "{said}"
    );
    // Whoever kept the old key is not told that all is well.
    let said = verify(&hub, &old);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("by its own word alone"), "{said:?}");
    assert!(said.out.contains(&format!("--key {new}")), "{said:?}");
    hub.starts();
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
    let journal = hub.ironroot(&["journal", "list"]).ok();
    assert!(journal.contains("was lost"), "{journal}");
}

#[test]
fn a_second_change_before_the_first_is_carried_out_is_refused() {
    let mut hub = stopped();
    hub.ironroot(&["keys", "rotate", "journal"]).ok();
    let again = hub.ironroot(&["keys", "rotate", "journal"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(
        again.err.contains("waits already: start the hub"),
        "{again:?}"
    );
    restarts(&mut hub);
    hub.ironroot(&["keys", "rotate", "journal"]).ok();
}
