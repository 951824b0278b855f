//! Another sealing key for the whole folder: every sealed file is sealed again, and then all of them at once.
//!
//! Beside each sealed file its successor is written; then the record is replaced, which is the one moment that
//! counts; then the successors take their names. Whoever holds the folder next finishes what was cut short
//! behind that moment and clears away what was cut short before it, and needs no key for either.

use std::fs;
use std::path::{Path, PathBuf};

use ironroot_time::UnixTime;

use crate::files::{
    CustodyError, Readers, io_error, put_in_place, read_private, read_sealed, write_sealed,
};
use crate::folder::{KeysFolder, NoSealKey};
use crate::record::{BadRecord, Record};
use crate::seal::{KeyId, SEAL_OVERHEAD, SECRET_LENGTH_MAX, SealKey, sealed_under};
use crate::source::Source;

/// What was done.
#[derive(Debug)]
pub struct Resealed {
    /// The key of the folder now.
    pub record: Record,
    /// The files that it opens.
    pub files: Vec<PathBuf>,
}

/// Why the folder is sealed as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotResealed {
    /// The new source gives no key.
    #[error(transparent)]
    NoKey(#[from] NoSealKey),
    /// The new source gives the old key.
    #[error("{0} gives the sealing key that is in use already: name a file that is not there yet")]
    SameKey(Source),
    /// A file cannot be read, opened or written.
    #[error(transparent)]
    File(#[from] CustodyError),
    /// The record cannot be replaced.
    #[error("the record of the sealing key")]
    Record(#[from] BadRecord),
}

impl KeysFolder {
    /// Seals every sealed file again, under a key from `to`; `context` tells what a file was sealed for by
    /// its name without the ending.
    ///
    /// # Errors
    /// [`NotResealed`] says why; the old key then opens everything as before.
    pub fn reseal(
        &self,
        old: &SealKey,
        to: &Source,
        credentials: Option<&Path>,
        now: UnixTime,
        context: impl Fn(&str) -> String,
    ) -> Result<Resealed, NotResealed> {
        let files = self.files_ending(SEALED)?;
        let (record, new) = self.make(to, credentials, now)?;
        if new.id() == old.id() {
            return Err(NotResealed::SameKey(to.clone()));
        }
        for path in &files {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let context = context(&stem);
            let secret = read_sealed(path, old, &context)?;
            write_sealed(&successor(path), &new, &context, &secret)?;
        }
        record.write(self.path())?;
        self.settle()?;
        Ok(Resealed { record, files })
    }

    /// Finishes or undoes a change of the key that was cut short: a successor that the record's key sealed
    /// takes its place, any other goes. Gives the record.
    ///
    /// # Errors
    /// [`BadRecord`] when the record or a file cannot be read or moved.
    pub fn settle(&self) -> Result<Option<Record>, BadRecord> {
        let record = Record::read(self.path())?;
        for beside in self.files_ending(SUCCESSOR)? {
            let in_force = match &record {
                Some(record) => sealed_file_key(&beside)? == Some(record.key),
                None => false,
            };
            if in_force {
                put_in_place(&beside, &beside.with_extension(""))?;
            } else {
                fs::remove_file(&beside).map_err(io_error(&beside, "cleared away"))?;
            }
        }
        for unfinished in self.files_ending(UNFINISHED)? {
            fs::remove_file(&unfinished).map_err(io_error(&unfinished, "cleared away"))?;
        }
        Ok(record)
    }

    /// The files of the folder whose names end so, in the order of their names.
    fn files_ending(&self, suffix: &str) -> Result<Vec<PathBuf>, CustodyError> {
        files_ending(self.path(), suffix)
    }
}

/// The sealed files of a keys folder, each with the key that it was sealed under, if it is one.
///
/// # Errors
/// [`CustodyError`] when the folder or a file cannot be read.
pub fn sealed_files(folder: &Path) -> Result<Vec<(PathBuf, Option<KeyId>)>, CustodyError> {
    files_ending(folder, SEALED)?
        .into_iter()
        .map(|path| Ok((path.clone(), sealed_file_key(&path)?)))
        .collect()
}

fn files_ending(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>, CustodyError> {
    let listed = || -> std::io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
        paths.collect()
    };
    let mut paths = listed().map_err(io_error(folder, "listed"))?;
    paths.retain(|path| path.as_os_str().to_string_lossy().ends_with(suffix));
    paths.sort();
    Ok(paths)
}

/// The key that a file says it was sealed under; nothing when it is no sealed file.
fn sealed_file_key(path: &Path) -> Result<Option<KeyId>, CustodyError> {
    let sealed = read_private(path, SECRET_LENGTH_MAX + SEAL_OVERHEAD, Readers::OwnerAlone)?;
    Ok(sealed_under(&sealed).ok())
}

fn successor(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

const SEALED: &str = ".sealed";
const SUCCESSOR: &str = ".sealed.next";
/// What a write that was cut short leaves beside its file.
const UNFINISHED: &str = ".new";
