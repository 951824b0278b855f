//! What was restored is put in its place, one name after the other, so that it can be cut short anywhere.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::last::LAST_FILE;
use crate::enforce::snapshots::SNAPSHOT_FOLDER;
use crate::files::NotWritten;
use crate::keys::KEYS_FOLDER;
use crate::sampling::HISTORY_FILE;

/// Where a restore takes everything in; what is left there by one that was cut short is of no use.
pub(super) const RESTORING_FOLDER: &str = "restoring";

/// The same once everything in it was checked: a hub does not start before it is all in its place.
pub const PLACING_FOLDER: &str = "placing";

/// Where what was there before goes, below [`PLACING_FOLDER`].
const REPLACED_FOLDER: &str = "replaced";

/// What belongs to the hub that was there and has no counterpart in a backup: it must not stay behind beside
/// another hub's store.
const LEFT_BY_OTHERS: [&str; 9] = [
    "store.sqlite-wal",
    "store.sqlite-shm",
    "mqtt.sqlite",
    "mqtt.sqlite-wal",
    "mqtt.sqlite-shm",
    SNAPSHOT_FOLDER,
    HISTORY_FILE,
    "admin.token",
    LAST_FILE,
];

/// The store comes last: without it there is no hub.
const LAST: &str = "store.sqlite";

/// Says that everything restored is to be put in its place, whatever happens.
pub(super) fn begin(data: &Path) -> Result<(), NotWritten> {
    let (from, to) = (data.join(RESTORING_FOLDER), data.join(PLACING_FOLDER));
    fs::rename(&from, &to)
        .and_then(|()| sync(data))
        .map_err(not_written(&to))
}

/// Puts everything that is not yet there in its place; what was there is moved aside.
pub(super) fn finish(data: &Path) -> Result<(), NotWritten> {
    let placing = data.join(PLACING_FOLDER);
    let replaced = placing.join(REPLACED_FOLDER);
    let keys = placing.join(KEYS_FOLDER);
    for name in LEFT_BY_OTHERS {
        aside(&data.join(name), &replaced)?;
    }
    // The keys folder stays where it is: the sealing key may lie in it.
    for name in names(&keys)? {
        let there = data.join(KEYS_FOLDER).join(&name);
        aside(&there, &replaced.join(KEYS_FOLDER))?;
        rename(&keys.join(&name), &there)?;
    }
    remove_if_there(&keys)?;
    let mut others = names(&placing)?;
    others.sort_by_key(|name| name == LAST);
    for name in others.iter().filter(|name| *name != REPLACED_FOLDER) {
        aside(&data.join(name), &replaced)?;
        rename(&placing.join(name), &data.join(name))?;
    }
    sync(data).map_err(not_written(data))?;
    put_away(data, &placing, &replaced)
}

/// Gives what was moved aside a name of its own, and ends the restore.
fn put_away(data: &Path, placing: &Path, replaced: &Path) -> Result<(), NotWritten> {
    if replaced.exists() {
        let free = (1..u32::MAX).map(|n| data.join(format!("{REPLACED_FOLDER}-{n}")));
        let to = free.into_iter().find(|path| !path.exists());
        rename(replaced, &to.unwrap_or_else(|| data.join(REPLACED_FOLDER)))?;
    }
    remove_if_there(placing)?;
    sync(data).map_err(not_written(data))
}

fn names(folder: &Path) -> Result<Vec<PathBuf>, NotWritten> {
    let found = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found.map_err(not_written(folder))?,
    };
    let names = found.map(|entry| entry.map(|entry| entry.file_name().into()));
    names
        .collect::<io::Result<_>>()
        .map_err(not_written(folder))
}

/// Moves what is at `path`, if anything, into the folder `to`.
fn aside(path: &Path, to: &Path) -> Result<(), NotWritten> {
    let Some(name) = path.file_name().filter(|_| path.exists()) else {
        return Ok(());
    };
    fs::create_dir_all(to).map_err(not_written(to))?;
    rename(path, &to.join(name))
}

fn rename(from: &Path, to: &Path) -> Result<(), NotWritten> {
    fs::rename(from, to).map_err(not_written(to))
}

fn remove_if_there(folder: &Path) -> Result<(), NotWritten> {
    match fs::remove_dir(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(not_written(folder)(cause)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn not_written(path: &Path) -> impl Fn(io::Error) -> NotWritten + '_ {
    |cause| NotWritten {
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A data folder with an old hub, and a new one to be put in its place.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        for name in [
            "keys/seal.key",
            "store.sqlite-wal",
            "mqtt.sqlite",
            "addresses.json",
        ] {
            write(data.join(name), "old");
        }
        for name in [
            "keys/a.sealed",
            "journal/checkpoint",
            "store.sqlite",
            "ca.pem",
        ] {
            write(data.join(name), "old");
            write(data.join(RESTORING_FOLDER).join(name), "new");
        }
        write(data.join(RESTORING_FOLDER).join("keys/b.sealed"), "new");
        folder
    }

    fn read(data: &Path, name: &str) -> String {
        fs::read_to_string(data.join(name)).unwrap_or_default()
    }

    fn is_placed(data: &Path) {
        for name in [
            "keys/a.sealed",
            "keys/b.sealed",
            "journal/checkpoint",
            "store.sqlite",
        ] {
            assert_eq!(read(data, name), "new", "{name}");
        }
        assert_eq!(read(data, "keys/seal.key"), "old");
        assert_eq!(read(data, "store.sqlite-wal"), "");
        assert_eq!(read(data, "mqtt.sqlite"), "");
        assert_eq!(read(data, "replaced-1/mqtt.sqlite"), "old");
        assert_eq!(read(data, "replaced-1/keys/a.sealed"), "old");
        assert_eq!(read(data, "replaced-1/journal/checkpoint"), "old");
        assert_eq!(read(data, "replaced-1/store.sqlite"), "old");
        assert!(!data.join(PLACING_FOLDER).exists());
    }

    #[test]
    fn what_was_there_is_moved_aside_and_the_sealing_key_stays() {
        let folder = folder();
        begin(folder.path()).unwrap();
        finish(folder.path()).unwrap();
        is_placed(folder.path());
    }

    #[test]
    fn power_cut_after_any_step_is_made_good_by_the_next_attempt() {
        // A step that the system refuses stands for the cut: a folder where a name has to go.
        for blocked in ["keys/b.sealed", "journal", "store.sqlite"] {
            let folder = folder();
            let data = folder.path();
            begin(data).unwrap();
            let aside = data.join(PLACING_FOLDER).join(REPLACED_FOLDER);
            // Something is in the way of what is moved aside or put there.
            let obstacle = match blocked {
                "keys/b.sealed" => data.join("keys/b.sealed/x"),
                name => aside.join(name).join("x/y"),
            };
            write(obstacle.clone(), "in the way");
            let stopped = match blocked {
                "keys/b.sealed" => {
                    write(aside.join("keys/b.sealed/x"), "in the way too");
                    finish(data)
                }
                _ => finish(data),
            };
            assert!(stopped.is_err(), "{blocked}");
            assert!(data.join(PLACING_FOLDER).exists());
            fs::remove_dir_all(obstacle.parent().unwrap()).unwrap_or_default();
            let _also = fs::remove_dir_all(aside.join(blocked));
            finish(data).unwrap();
            is_placed(data);
        }
    }
}
