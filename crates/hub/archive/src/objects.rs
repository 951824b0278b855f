//! Places that keep the files of a log: a folder, or a bucket of an S3-compatible store.

mod bucket;
mod folder;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use ironroot_tree::LogFiles;

pub use bucket::{BucketSettings, NoBucket};
pub use folder::FolderObjects;

use self::bucket::BucketObjects;

/// A place that takes files of a log and gives them back. Its calls block.
pub trait Objects: LogFiles {
    /// Keeps a file under `name`, whole, in place of the one that was there.
    ///
    /// # Errors
    /// [`io::Error`]; what was there before may be there still.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// Where an archive is, as its URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `file:///FOLDER`.
    Folder(PathBuf),
    /// `s3://BUCKET/PREFIX`.
    Bucket {
        /// The bucket's name.
        bucket: String,
        /// What the names of the objects begin with: nothing, or a path that ends in a slash.
        prefix: String,
    },
}

/// The text of a URL that names no place.
#[derive(Debug, thiserror::Error)]
#[error("write file:///FOLDER or s3://BUCKET/PREFIX")]
pub struct BadPlace;

impl Place {
    /// Opens the place; `settings` says how a bucket is reached. Nothing is sent yet.
    ///
    /// # Errors
    /// [`NoBucket`] when the settings do not say how.
    pub fn open(&self, settings: &BucketSettings) -> Result<Arc<dyn Objects>, NoBucket> {
        match self {
            Self::Folder(folder) => Ok(Arc::new(FolderObjects::new(folder))),
            Self::Bucket { bucket, prefix } => {
                let objects = BucketObjects::open(bucket, prefix, settings)?;
                Ok(Arc::new(objects))
            }
        }
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(url: &str) -> Result<Self, BadPlace> {
        if let Some(folder) = url.strip_prefix("file://") {
            let folder = PathBuf::from(folder);
            return folder
                .is_absolute()
                .then_some(Self::Folder(folder))
                .ok_or(BadPlace);
        }
        let rest = url.strip_prefix("s3://").ok_or(BadPlace)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let segments = prefix.split('/').filter(|_| !prefix.is_empty());
        if !is_bucket(bucket) || !segments.clone().all(is_segment) {
            return Err(BadPlace);
        }
        let prefix = segments.flat_map(|segment| [segment, "/"]).collect();
        let bucket = bucket.to_owned();
        Ok(Self::Bucket { bucket, prefix })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "file://{}", folder.display()),
            Self::Bucket { bucket, prefix } => {
                write!(f, "s3://{bucket}/{}", prefix.trim_end_matches('/'))
            }
        }
    }
}

/// The names that every S3-compatible store takes: 3 to 63 of `[a-z0-9.-]`.
fn is_bucket(name: &str) -> bool {
    let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    (3..=63).contains(&name.len()) && name.bytes().all(known)
}

/// A part of a path that means the same wherever it is read, and leads nowhere else.
fn is_segment(segment: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_printed_as_it_was_written() {
        for url in [
            "file:///srv/archive",
            "s3://logs/hub-1/journal",
            "s3://logs/",
        ] {
            assert_eq!(url.parse::<Place>().unwrap().to_string(), url);
        }
    }

    #[test]
    fn refuses_what_names_no_place() {
        for url in [
            "",
            "/srv/archive",
            "file://srv/archive",
            "s3://",
            "s3://Logs/x",
            "s3://ab",
            "s3://key:secret@logs/x",
            "s3://logs/../other",
            "s3://logs/a//b",
            "s3://logs/a?b",
            "https://logs.example/x",
        ] {
            assert!(url.parse::<Place>().is_err(), "{url}");
        }
    }
}
