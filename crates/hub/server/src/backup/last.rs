//! When the hub was last backed up: one small file in the data folder, which a restart does not forget.
//!
//! It is no entry of the journal: that would make every hub one entry newer than its own backup.

use std::fs;
use std::path::Path;

use ironroot_time::UnixTime;

use crate::files::{self, Mode, NotWritten};

/// The file, in the data folder. No backup carries it.
pub(super) const LAST_FILE: &str = "last-backup";

/// Keeps that the hub in `data` was backed up as it was at `made`.
///
/// # Errors
/// [`NotWritten`]; the backup is good all the same.
pub fn remember(data: &Path, made: UnixTime) -> Result<(), NotWritten> {
    let text = format!("{}\n", made.as_ms());
    files::write(&data.join(LAST_FILE), text.as_bytes(), Mode::Public)
}

/// When the hub in `data` was last backed up, as far as is known.
pub fn last(data: &Path) -> Option<UnixTime> {
    let text = fs::read_to_string(data.join(LAST_FILE)).ok()?;
    text.trim_end().parse().ok().map(UnixTime::from_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_backup_is_known_until_another_is_made() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(last(folder.path()), None);
        for made in [1_795_323_961_042, 1_795_323_999_000].map(UnixTime::from_ms) {
            remember(folder.path(), made).unwrap();
            assert_eq!(last(folder.path()), Some(made));
        }
    }

    #[test]
    fn a_file_of_something_else_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LAST_FILE), "yesterday").unwrap();
        assert_eq!(last(folder.path()), None);
    }
}
