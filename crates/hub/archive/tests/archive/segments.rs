//! A segment leaves the hub only when every entry of it was read back and leads to the signed root; then
//! everything that was proved before still is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ironroot_archive::{Archive, ArchiveError, FolderObjects, Objects, SEGMENT_SIZE};
use ironroot_journal::note::{SigningKey, VerifierKey};
use ironroot_registry::{Fact, TokenIssued};
use ironroot_store::{Change, JournalReader, Source, Store};
use ironroot_tree::{
    LogFiles, LogPlace, LogReader, Report, TreeWriter, export_proof, verify_proof, verify_tree,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::house::{House, house};

/// A store with somewhat more than a segment, its log, and a folder to be the archive.
pub(crate) struct Scene {
    pub(crate) house: House,
    pub(crate) log: PathBuf,
    pub(crate) place: PathBuf,
    writer: TreeWriter,
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed("hub.example/journal", &[7; 32]).unwrap()
}

pub(crate) fn public() -> VerifierKey {
    key().verifier_key().clone()
}

pub(crate) async fn scene(entries: u64) -> Scene {
    if entries != SIZE {
        return new_scene(house().await, entries).await;
    }
    // The long one is made once, and copied.
    let template = TEMPLATE.get_or_init(async || {
        let made = new_scene(house().await, entries).await;
        made.house.close()
    });
    let folder = tempfile::tempdir().unwrap();
    let source = template.await.path().join(".");
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(source).arg(folder.path());
    assert!(copy.status().unwrap().success());
    new_scene(House::open(folder), entries).await
}

static TEMPLATE: OnceCell<TempDir> = OnceCell::const_new();

async fn new_scene(house: House, entries: u64) -> Scene {
    let log = house.folder.path().join("journal");
    let place = house.folder.path().join("archive");
    fs::create_dir_all(&log).unwrap();
    fs::create_dir_all(&place).unwrap();
    let writer = TreeWriter::open(&log, key()).unwrap();
    let mut scene = Scene {
        house,
        log,
        place,
        writer,
    };
    scene.grow_to(entries).await;
    scene
}

impl Scene {
    pub(crate) async fn grow_to(&mut self, entries: u64) {
        let name = "auditor".to_owned();
        let draft = Fact::from(TokenIssued { name, by: None }).draft().unwrap();
        while self.house.store.head().size < entries {
            let missing = entries - self.house.store.head().size;
            let drafts = vec![draft.clone(); usize::try_from(missing.min(256)).unwrap()];
            let change = Change {
                entries: drafts,
                ..Change::default()
            };
            self.house.store.commit(change).await.unwrap();
        }
        self.signs();
    }

    fn signs(&mut self) {
        while self.writer.write(&*self.house.store).unwrap().waiting > 0 {}
    }

    pub(crate) fn objects(&self) -> Arc<FolderObjects> {
        Arc::new(FolderObjects::new(&self.place))
    }

    pub(crate) fn archive(&self) -> Archive {
        self.archive_in(self.objects())
    }

    pub(crate) fn archive_in(&self, objects: Arc<dyn Objects>) -> Archive {
        Archive::new(LogPlace::new(&self.log), public(), objects)
    }

    /// Archives the first segment and lets go of it here.
    pub(crate) async fn archives(&mut self) {
        self.archives_in(self.objects()).await;
    }

    pub(crate) async fn archives_in(&mut self, objects: Arc<dyn Objects>) {
        let archive = self.archive_in(objects);
        archive.mirror().unwrap();
        archive.check(0).unwrap();
        let store = &self.house.store;
        while store.drop_entries(SEGMENT_SIZE).await.unwrap() < SEGMENT_SIZE {}
        archive.remove_here(0).unwrap();
    }

    pub(crate) fn log_with(&self, archive: Arc<dyn LogFiles>) -> LogPlace {
        LogPlace::new(&self.log).with_archive(Some(archive))
    }

    pub(crate) fn verify(&self, archive: Arc<dyn LogFiles>) -> Report {
        let log = self.log_with(archive);
        let journal = Some(&*self.house.store as &dyn JournalReader);
        verify_tree(&log, &public(), journal, &mut |_, _| ()).unwrap()
    }

    fn archived(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 1;
    fs::write(path, bytes).unwrap();
}

const SIZE: u64 = SEGMENT_SIZE + 700;

/// A folder that fails at its nth step, or gives other bytes than it took.
#[derive(Debug)]
struct Troubled {
    inner: Arc<FolderObjects>,
    steps: AtomicUsize,
    fails_at: usize,
    lies: bool,
}

impl Troubled {
    fn new(scene: &Scene, fails_at: usize) -> Self {
        Self {
            inner: scene.objects(),
            steps: AtomicUsize::new(0),
            fails_at,
            lies: false,
        }
    }

    fn step(&self) -> io::Result<()> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        if step == self.fails_at && !self.lies {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl LogFiles for Troubled {
    fn read(&self, name: &str, size_max: usize) -> io::Result<Vec<u8>> {
        self.step()?;
        let mut bytes = self.inner.read(name, size_max)?;
        if self.lies && name.starts_with("tile/entries/") {
            bytes[10] ^= 1;
        }
        Ok(bytes)
    }

    fn place(&self, name: &str) -> PathBuf {
        self.inner.place(name)
    }
}

impl Objects for Troubled {
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        self.inner.write(name, bytes)
    }
}

#[tokio::test]
async fn after_a_segment_has_left_everything_is_proved_as_before() {
    let mut scene = scene(SIZE).await;
    let state = scene.house.store.state_digest().await.unwrap();
    scene.archives().await;
    assert!(!scene.log.join("tile/entries/000").exists());
    assert_eq!(scene.house.store.floor().unwrap(), SEGMENT_SIZE);

    let report = scene.verify(scene.objects());
    assert!(report.holds(), "{:?}", report.faults);
    assert_eq!((report.verified, report.waiting), (SIZE, 0));

    let log = scene.log_with(scene.objects());
    for index in [0, 255, 256, SEGMENT_SIZE - 1, SEGMENT_SIZE, SIZE - 1] {
        let proof = export_proof(&log, &public(), index).unwrap().to_string();
        let proved = verify_proof(proof.as_bytes(), None, &public()).unwrap();
        assert_eq!(proved.index, index);
    }

    let reader: Arc<dyn JournalReader> = Arc::new(LogReader::new(&log, public()));
    let from_archive = || Source {
        base: None,
        archive: Some(reader.clone()),
    };
    let store = &scene.house.store;
    assert_eq!(store.verify_state(from_archive()).await.unwrap(), state);
    assert_eq!(store.rebuild(from_archive()).await.unwrap(), state);
}

/// The archive alone, without the hub, is a log that its key verifies.
#[tokio::test]
async fn the_archive_is_a_tile_log_of_its_own() {
    let mut scene = scene(SIZE).await;
    scene.archives().await;
    scene.grow_to(SIZE + 300).await;
    scene.archive().mirror().unwrap();
    let log = LogPlace::new(&scene.place);
    let report = verify_tree(&log, &public(), None, &mut |_, _| ()).unwrap();
    assert!(report.holds(), "{:?}", report.faults);
    assert_eq!(report.verified, SIZE + 300);
}

#[tokio::test]
async fn a_missing_or_altered_file_of_the_archive_is_named() {
    let mut scene = scene(SIZE).await;
    scene.archives().await;
    flip(&scene.archived("tile/entries/007"), 20);
    fs::remove_file(scene.archived("tile/entries/009")).unwrap();
    let faults: Vec<_> = scene.verify(scene.objects()).faults;
    let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("archive/tile/entries/007"), "{told:?}");
    assert!(told[1].contains("archive/tile/entries/009"), "{told:?}");

    let reader = LogReader::new(&scene.log_with(scene.objects()), public());
    assert_eq!(reader.raw_entries(0, 256).unwrap().len(), 256);
    for index in [7 * 256, 9 * 256] {
        assert!(reader.raw_entries(index, 1).is_err(), "{index}");
    }
}

#[tokio::test]
async fn attack_no_altered_file_of_the_archive_passes_the_check_before_the_drop() {
    let scene = scene(SIZE).await;
    let archive = scene.archive();
    archive.mirror().unwrap();
    for name in [
        "tile/entries/000",
        "tile/entries/255",
        "tile/0/200",
        "tile/1/000",
    ] {
        flip(&scene.archived(name), 33);
        let refused = archive.check(0).unwrap_err().to_string();
        assert!(refused.contains(name), "{name}: {refused}");
        flip(&scene.archived(name), 33);
    }
    fs::remove_file(scene.archived("tile/entries/100")).unwrap();
    let refused = archive.check(0).unwrap_err().to_string();
    assert!(refused.contains("tile/entries/100"), "{refused}");
}

#[tokio::test]
async fn attack_an_archive_that_gives_other_bytes_than_it_took_is_not_believed() {
    let scene = scene(SIZE).await;
    let liar = Troubled {
        lies: true,
        ..Troubled::new(&scene, 0)
    };
    let refused = scene.archive_in(Arc::new(liar)).mirror();
    assert!(
        matches!(refused, Err(ArchiveError::Differs { .. })),
        "{refused:?}"
    );
    assert_eq!(scene.archive().size().unwrap(), 0);
}

#[tokio::test]
async fn attack_what_lies_in_the_archive_is_never_replaced() {
    let scene = scene(SIZE).await;
    let bundle = scene.archived("tile/entries/003");
    fs::create_dir_all(bundle.parent().unwrap()).unwrap();
    fs::write(&bundle, b"something else").unwrap();
    let refused = scene.archive().mirror().unwrap_err().to_string();
    assert!(refused.contains("tile/entries/003"), "{refused}");
    assert_eq!(fs::read(&bundle).unwrap(), b"something else");
}

/// The way to the archive is cut at one step after the other; the next attempt goes on from there.
#[tokio::test]
async fn a_copy_cut_off_anywhere_is_finished_by_the_next() {
    let scene = scene(SIZE).await;
    for fails_at in [0, 1, 2, 3, 40, 41, 42, 300, 520] {
        let cut = Arc::new(Troubled::new(&scene, fails_at));
        let refused = scene.archive_in(cut).mirror();
        assert!(
            matches!(refused, Err(ArchiveError::File { .. })),
            "{fails_at}"
        );
        assert_eq!(scene.archive().size().unwrap(), 0, "{fails_at}");
        let early = scene.archive().check(0);
        assert!(matches!(early, Err(ArchiveError::NotComplete(0))));
    }
    assert_eq!(scene.archive().mirror().unwrap(), SIZE);
    scene.archive().check(0).unwrap();
}

#[tokio::test]
async fn an_archive_of_another_log_is_refused() {
    let scene = scene(300).await;
    let other = SigningKey::from_seed("other.example/journal", &[8; 32]).unwrap();
    let log = scene.house.folder.path().join("other");
    fs::create_dir(&log).unwrap();
    let mut writer = TreeWriter::open(&log, other).unwrap();
    writer.write(&*scene.house.store).unwrap();
    fs::copy(log.join("checkpoint"), scene.archived("checkpoint")).unwrap();
    let refused = scene.archive().mirror();
    assert!(
        matches!(refused, Err(ArchiveError::OtherLog(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_archive_ahead_of_the_log_is_refused() {
    let newer = scene(600).await;
    let older = scene(300).await;
    fs::copy(newer.log.join("checkpoint"), older.archived("checkpoint")).unwrap();
    let refused = older.archive().mirror();
    let ahead = ArchiveError::Ahead {
        archive: 600,
        log: 300,
    };
    assert_eq!(refused.unwrap_err().to_string(), ahead.to_string());
}

#[tokio::test]
async fn attack_an_archive_of_another_history_is_refused() {
    let (here, mut there) = (scene(300).await, scene(200).await);
    there.house.sets("another").await;
    there.grow_to(300).await;
    fs::copy(there.log.join("checkpoint"), here.archived("checkpoint")).unwrap();
    let refused = here.archive().mirror();
    assert!(matches!(refused, Err(ArchiveError::Forked)), "{refused:?}");
}

/// A disk that is not mounted must not pass for an empty archive.
#[tokio::test]
async fn a_folder_that_is_not_there_is_no_archive() {
    let scene = scene(300).await;
    fs::remove_dir(&scene.place).unwrap();
    let refused = scene.archive().mirror();
    assert!(
        matches!(refused, Err(ArchiveError::File { .. })),
        "{refused:?}"
    );
    assert!(!scene.place.exists());
}
