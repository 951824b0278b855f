//! What this device is made of, as far as the system tells: open ports, users, packages. Told when it has changed.

mod packages;
mod ports;
mod users;

use std::fs;
use std::path::Path;

use anyhow::Result;
use aws_lc_rs::digest;
use ironroot_custody::files::write_private;
use serde::Serialize;

use crate::agent::Agent;

/// The message.
#[derive(Debug, Serialize)]
struct Inventory {
    ports: List,
    users: List,
    packages: List,
}

/// A list that is cut where the message would become too large; the digest is that of the whole.
#[derive(Debug, Serialize)]
struct List {
    count: usize,
    sha256: String,
    #[serde(skip_serializing_if = "is_whole")]
    left_out: usize,
    items: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_whole(left_out: &usize) -> bool {
    *left_out == 0
}

impl List {
    /// A list in order and without repetitions, of which the first `bytes_max` bytes are told.
    fn of(mut items: Vec<String>, bytes_max: usize) -> Self {
        items.sort_unstable();
        items.dedup();
        let (count, sha256) = (items.len(), sha256(items.join("\n").as_bytes()));
        let mut bytes = 0;
        // Quotes and a comma around each.
        let fitting = items.iter().take_while(|item| {
            bytes += item.len() + 3;
            bytes <= bytes_max
        });
        let told = fitting.count();
        items.truncate(told);
        Self {
            count,
            sha256,
            left_out: count - told,
            items,
        }
    }
}

/// Tells the inventory, if it is another than the one that was told last.
pub(crate) async fn tell(agent: &Agent) -> Result<()> {
    let max = agent.settings.spool.payload_size_max;
    let inventory = gather(Path::new("/"), max.saturating_sub(ROOM_FOR_REST));
    let digest = sha256(&serde_json::to_vec(&inventory)?);
    let path = agent.settings.state.join("inventory");
    if fs::read_to_string(&path).is_ok_and(|told| told.trim() == digest) {
        return Ok(());
    }
    agent.outgoing.report("inventory", &inventory).await?;
    Ok(write_private(&path, format!("{digest}\n").as_bytes())?)
}

fn gather(root: &Path, bytes_max: usize) -> Inventory {
    Inventory {
        ports: List::of(ports::listening(root), bytes_max / 4),
        users: List::of(users::all(root), bytes_max / 4),
        packages: List::of(packages::installed(root), bytes_max / 2),
    }
}

/// The text of a file below `root`, of at most so many bytes; nothing when it is not there. Control characters and
/// quotes become question marks: these lists are for people, and one character is one byte.
fn text(root: &Path, path: &str) -> Option<String> {
    use std::io::Read;
    let file = fs::File::open(root.join(path)).ok()?;
    let mut bytes = Vec::new();
    file.take(TEXT_MAX).read_to_end(&mut bytes).ok()?;
    let plain = |byte: u8| match byte {
        b'"' | b'\\' => '?',
        b' '..=b'~' | b'\n' | b'\t' => byte.into(),
        _ => '?',
    };
    Some(bytes.into_iter().map(plain).collect())
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// The longest file that is looked at, in bytes: the status of dpkg on a large machine.
const TEXT_MAX: u64 = 8 << 20;
/// What a message has besides its items, in bytes.
const ROOM_FOR_REST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_and_says_so_and_its_digest_is_that_of_the_whole() {
        let items: Vec<String> = (0..100).map(|n| format!("item-{n:02}")).collect();
        let whole = List::of(items.clone(), usize::MAX);
        let cut = List::of(items, 101);
        assert_eq!((whole.count, whole.left_out), (100, 0));
        assert_eq!((cut.count, cut.left_out, cut.items.len()), (100, 90, 10));
        assert_eq!(cut.sha256, whole.sha256);
    }

    #[test]
    fn the_message_stays_within_its_bound_on_this_machine() {
        for bound in [2 << 10, 8 << 10, 64 << 10] {
            let inventory = gather(Path::new("/"), bound - ROOM_FOR_REST);
            let message = serde_json::to_vec(&inventory).unwrap();
            assert!(message.len() <= bound, "{} of {bound}", message.len());
            assert!(inventory.users.count > 0);
        }
    }

    #[test]
    fn hostile_files_make_a_message_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("etc")).unwrap();
        fs::write(
            folder.path().join("etc/passwd"),
            b"\xff\"\\\x1b[0m:x:0:0\n:::::::\n\n",
        )
        .unwrap();
        let inventory = gather(folder.path(), 1_000);
        assert_eq!(inventory.users.items, ["????[0m:0"]);
        assert_eq!(inventory.packages.count, 0);
    }
}
