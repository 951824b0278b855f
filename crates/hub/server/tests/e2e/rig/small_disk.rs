//! A disk that a test can fill: a tmpfs that only those see who are started inside.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Running, program, word};

/// It is gone with everything on it when this is dropped.
pub(crate) struct SmallDisk {
    /// Whoever holds the namespace open.
    holder: Running,
    at: PathBuf,
}

impl SmallDisk {
    /// An empty disk of so many KiB, mounted at `at` in a user namespace of its own: that takes no rights.
    pub(crate) fn mounted(at: &Path, kib: u32) -> Self {
        fs::create_dir_all(at).unwrap();
        let mount =
            "mount -t tmpfs -o mode=0700,size=\"$0\"k small \"$1\" && echo mounted && exec cat";
        let mut command = program("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", mount])
            .arg(kib.to_string())
            .arg(at);
        let holder = Running::start(command.stdin(Stdio::piped()));
        holder.says("mounted");
        let at = at.to_owned();
        Self { holder, at }
    }

    /// What comes before a program's name to start it where this disk is seen.
    pub(crate) fn inside(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        let words = ["nsenter", "--user", "--mount", "--preserve-credentials"];
        let words = words.into_iter().chain(["--target", &holder]);
        words.map(str::to_owned).collect()
    }

    /// Somebody else fills it to the last byte.
    pub(crate) fn fills(&self) {
        let mut others = fs::File::create(self.others()).unwrap();
        let full = loop {
            if let Err(cause) = others.write_all(&[0; 4096]) {
                break cause;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    }

    /// And takes that away again.
    pub(crate) fn has_room_again(&self) {
        fs::remove_file(self.others()).unwrap();
    }

    fn others(&self) -> PathBuf {
        let seen = format!("/proc/{}/root{}", self.holder.id(), word(&self.at));
        Path::new(&seen).join("others")
    }
}
