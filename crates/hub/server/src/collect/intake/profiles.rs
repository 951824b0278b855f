//! Profiles: the TOML files of the data folder, taken in at start-up when they changed, and changed by people while
//! the hub runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ironroot_profile::{BUILT_IN, BadProfile, DeviceProfile, PROFILE_SIZE_MAX};
use ironroot_registry::{Actor, Fact, ProfileSet, Registry};

use tokio::sync::Mutex;

use crate::fault::{Blame, Fault};
use crate::files::{self, Mode, NotWritten};
use crate::ledger::{Ledger, NotRecorded};

/// The folder of the profiles, in the data folder.
pub const PROFILES_FOLDER: &str = "profiles";

/// The most files that are read.
const FILES_MAX: usize = 1_000;

/// Why the profiles could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ProfilesRefused {
    /// A file or the folder cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Files are faulty.
    #[error("{}", .0.iter().map(|(path, bad)| format!("{}: {bad}", path.display())).collect::<Vec<_>>().join("\n"))]
    Faulty(Vec<(PathBuf, BadProfile)>),
    /// Two files have the same name in them.
    #[error("{} is named {name:?} inside: a profile's file is called like the profile, so rename one of them", path.display())]
    OtherName {
        /// The file.
        path: PathBuf,
        /// The name inside.
        name: String,
    },
    /// There are too many files.
    #[error("{} holds more than {FILES_MAX} profiles", .0.display())]
    TooMany(PathBuf),
    /// The change could not be recorded.
    #[error("a profile was not recorded")]
    NotRecorded(#[from] NotRecorded),
}

/// Why a profile was not applied. What was in force still is.
#[derive(Debug, thiserror::Error)]
pub enum NotApplied {
    /// The text is faulty.
    #[error(transparent)]
    Faulty(#[from] BadProfile),
    /// The text is another profile's.
    #[error("the text is of the profile {inside}, not of {asked}")]
    OtherName {
        /// The name inside.
        inside: String,
        /// The name asked for.
        asked: String,
    },
    /// Somebody has changed it meanwhile.
    #[error("the profile was changed meanwhile: look at it as it is now, and change it again")]
    ChangedMeanwhile,
    /// Its file cannot be written.
    #[error("the profile's file cannot be written")]
    File(#[from] NotWritten),
    /// It could not be recorded.
    #[error("the profile was not recorded")]
    NotRecorded(#[from] NotRecorded),
}

impl NotApplied {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Faulty(_) | Self::OtherName { .. } => Fault::Sender(Blame::Content),
            Self::ChangedMeanwhile => Fault::Sender(Blame::State),
            Self::File(_) => Fault::Ours,
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

/// Applies profiles while the hub runs, one at a time.
#[derive(Debug)]
pub struct Profiles {
    ledger: Ledger,
    registry: Arc<Registry>,
    folder: PathBuf,
    turn: Mutex<()>,
}

impl Profiles {
    /// Profiles whose files are in `folder`.
    pub fn new(ledger: Ledger, registry: Arc<Registry>, folder: PathBuf) -> Self {
        Self {
            ledger,
            registry,
            folder,
            turn: Mutex::default(),
        }
    }

    /// Puts `text` in force as the profile `name`; returns the entry, or none when it was in force already.
    ///
    /// `unchanged` says whether the text in force is the one that the change was made from.
    ///
    /// # Errors
    /// [`NotApplied`]; what was in force still is.
    pub async fn apply(
        &self,
        name: &str,
        text: &str,
        unchanged: impl FnOnce(Option<&str>) -> bool,
        by: Actor,
    ) -> Result<Option<u64>, NotApplied> {
        let profile = DeviceProfile::parse(text)?;
        if profile.name.as_str() != name {
            return Err(NotApplied::OtherName {
                inside: profile.name.to_string(),
                asked: name.to_owned(),
            });
        }
        let _turn = self.turn.lock().await;
        let known = self.registry.profile(name);
        let before = known.as_ref().map(|known| known.row.text.as_str());
        if !unchanged(before) {
            return Err(NotApplied::ChangedMeanwhile);
        }
        if before == Some(text) {
            return Ok(None);
        }
        // The file first: a start takes in what the files say.
        let path = self.folder.join(format!("{name}.toml"));
        files::write(&path, text.as_bytes(), Mode::Public)?;
        let fact = Fact::from(ProfileSet {
            name: profile.name,
            text: text.to_owned(),
            by: Some(by),
        });
        match self.ledger.record(&fact).await {
            Ok(receipt) => Ok(Some(receipt.indices.start)),
            Err(cause) => {
                put_back(&path, before)?;
                Err(cause.into())
            }
        }
    }
}

fn put_back(path: &Path, before: Option<&str>) -> Result<(), NotWritten> {
    match before {
        Some(text) => files::write(path, text.as_bytes(), Mode::Public),
        None => std::fs::remove_file(path).map_err(|cause| NotWritten {
            path: path.to_owned(),
            cause,
        }),
    }
}

/// Takes in every `*.toml` of `folder` that differs from what the journal has.
///
/// A new folder is filled with the built-in profiles first, for their owner to change.
///
/// # Errors
/// [`ProfilesRefused`] names every faulty file; then nothing was taken in.
pub async fn take_in(
    ledger: &Ledger,
    registry: &Registry,
    folder: &Path,
) -> Result<(), ProfilesRefused> {
    if !folder.exists() {
        write_built_in(folder)?;
    }
    for profile in read_all(folder)? {
        let known = registry.profile(profile.0.name.as_str());
        if known.is_none_or(|known| known.row.text != profile.1) {
            let name = profile.0.name.clone();
            tracing::info!(profile = %name, "A profile was added or changed.");
            ledger
                .record(&Fact::from(ProfileSet {
                    name,
                    text: profile.1,
                    by: None,
                }))
                .await?;
        }
    }
    Ok(())
}

/// Fills a folder beside it and gives that its name: a start that is killed leaves none or all of them.
fn write_built_in(folder: &Path) -> Result<(), ProfilesRefused> {
    let beside = folder.with_extension("new");
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(at(&beside))?;
    }
    std::fs::create_dir_all(&beside).map_err(at(&beside))?;
    for (name, text) in BUILT_IN {
        let path = beside.join(format!("{name}.toml"));
        std::fs::write(&path, text).map_err(at(&path))?;
    }
    std::fs::rename(&beside, folder).map_err(at(folder))
}

fn read_all(folder: &Path) -> Result<Vec<(DeviceProfile, String)>, ProfilesRefused> {
    let (mut profiles, mut faulty) = (Vec::new(), Vec::new());
    for path in files(folder)? {
        let text = read(&path)?;
        match DeviceProfile::parse(&text) {
            Ok(profile)
                if path
                    .file_stem()
                    .is_some_and(|stem| stem == profile.name.as_str()) =>
            {
                profiles.push((profile, text));
            }
            Ok(profile) => {
                return Err(ProfilesRefused::OtherName {
                    path,
                    name: profile.name.to_string(),
                });
            }
            Err(bad) => faulty.push((path, bad)),
        }
    }
    if faulty.is_empty() {
        Ok(profiles)
    } else {
        Err(ProfilesRefused::Faulty(faulty))
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, ProfilesRefused> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
        if files.len() > FILES_MAX {
            return Err(ProfilesRefused::TooMany(folder.to_owned()));
        }
    }
    files.sort();
    Ok(files)
}

/// Reads one byte more than a profile may have, so that the parser can say that it is too long.
fn read(path: &Path) -> Result<String, ProfilesRefused> {
    use io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(at(path))?;
    file.take(PROFILE_SIZE_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(at(path))?;
    Ok(text)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ProfilesRefused {
    let path = path.to_owned();
    move |cause| ProfilesRefused::File { path, cause }
}
