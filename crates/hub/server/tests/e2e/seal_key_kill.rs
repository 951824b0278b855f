//! The rotation of the sealing key, killed at each of its steps: the old key opens everything, or the new one.

use std::fs;
use std::path::Path;

use crate::rig::{Hub, IRONROOT, Running, program};

/// The calls by which the program fills, settles, names and removes files.
const CALLS: [&str; 4] = ["write", "fsync", "rename", "unlink"];

#[test]
fn a_rotation_of_the_sealing_key_that_is_killed_at_any_step_leaves_the_old_or_the_new_one() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.stop();
    let (mut undone, mut finished) = (0, 0);
    for call in CALLS {
        for nth in 1..100 {
            let before = record(&hub);
            let survived = seals_again(&hub, call, nth);
            if record(&hub) == before {
                undone += 1;
            } else {
                finished += 1;
            }
            // By what the record names, and nothing else.
            let status = hub.ironroot(&["keys", "status"]).ok();
            let opened = status.matches("opens with it").count();
            assert_eq!(opened, 3, "{call} {nth}: {status}");
            assert_eq!(left_over(&hub), Vec::<String>::new());
            if survived {
                break;
            }
        }
        hub.starts();
        assert_eq!(hub.lifecycle("cam-1"), "enrolled");
        hub.stop();
    }
    assert!(undone > 12, "{undone} undone, {finished} finished");
    assert!(
        finished > CALLS.len(),
        "{undone} undone, {finished} finished"
    );
}

/// Seals again under a key of its own; the program is killed at the `nth` such call, if it comes so far.
fn seals_again(hub: &Hub, call: &str, nth: u32) -> bool {
    let file = hub.file(&format!("{call}-{nth}.key"));
    let mut seal = program("strace");
    seal.args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=KILL:when={nth}")])
        .args([IRONROOT, "keys", "seal", "--to"])
        .arg(&file)
        .arg("--data")
        .arg(&hub.data);
    Running::start(&mut seal).ends().success()
}

fn record(hub: &Hub) -> String {
    fs::read_to_string(hub.data.join("keys/seal.toml")).unwrap()
}

fn left_over(hub: &Hub) -> Vec<String> {
    let names = fs::read_dir(hub.data.join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let temporary = |name: &String| {
        let ending = Path::new(name).extension();
        ending.is_some_and(|ending| ending == "next" || ending == "new")
    };
    names.filter(temporary).collect()
}
