//! A folder as an archive: a disk of its own, a network share, whatever is mounted there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ironroot_tree::{LogFiles, read_file};

use super::Objects;

/// The files of a log in a folder.
#[derive(Debug)]
pub struct FolderObjects {
    root: PathBuf,
}

impl FolderObjects {
    /// The files below `root`, which must be there: a disk that is not mounted is no empty archive.
    pub fn new(root: &Path) -> Self {
        let root = root.to_owned();
        Self { root }
    }
}

impl LogFiles for FolderObjects {
    fn read(&self, name: &str, size_max: usize) -> io::Result<Vec<u8>> {
        let absent = |cause: &io::Error| cause.kind() == io::ErrorKind::NotFound;
        read_file(&self.root.join(name), size_max).map_err(|cause| {
            if absent(&cause) && !self.root.is_dir() {
                return io::Error::new(io::ErrorKind::NotADirectory, cause);
            }
            cause
        })
    }

    fn place(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

impl Objects for FolderObjects {
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if !self.root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        let unfinished = self.root.join(UNFINISHED);
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        let within = folder
            .ancestors()
            .take_while(|above| above.starts_with(&self.root));
        for folder in within {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// Where a file is written before it gets its name.
const UNFINISHED: &str = ".unfinished";
