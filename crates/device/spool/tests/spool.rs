//! What a spool promises: each durable reading comes out once in its order, or stands in a gap; and no bytes on the disk
//! make it panic.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ironroot_spool::{BODY_SIZE_MAX, Bounds, Item, Spool, SpoolError};
use ironroot_time::UnixTime;
use tempfile::TempDir;

const BOUNDS: Bounds = Bounds {
    bytes_max: 256 << 10,
};
const AT: UnixTime = UnixTime::from_s(1_795_000_000);

struct Scene(TempDir);

impl Scene {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("spool")
    }

    fn opens(&self) -> Spool {
        Spool::open(&self.folder(), BOUNDS, "fresh").unwrap().0
    }

    /// Puts a device of the system's where the segment from this number on is: it fails as a broken disk would.
    fn is_in_place_of(&self, device: &str, first: u64) -> PathBuf {
        let path = segment(&self.folder(), first);
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        symlink(device, &path).unwrap();
        path
    }

    /// The segments, in order.
    fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = fs::read_dir(self.folder())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "spool")
            })
            .collect();
        paths.sort();
        paths
    }
}

/// Appends readings of this many bytes each and makes them durable.
fn fill(spool: &mut Spool, count: u64, bytes: usize) {
    for _ in 0..count {
        spool.append(AT, "up/t", &vec![b'x'; bytes]).unwrap();
    }
    spool.sync().unwrap();
}

/// Everything that is not settled: each number, as a reading or within a gap; they must be dense.
fn drain(spool: &mut Spool) -> (Vec<u64>, Vec<u64>) {
    spool.rewind();
    let (mut readings, mut dropped) = (Vec::new(), Vec::new());
    let mut expected = spool.settled() + 1;
    while let Some(item) = spool.take().unwrap() {
        match &item {
            Item::Reading(reading) => {
                assert_eq!((reading.number, reading.topic.as_str()), (expected, "up/t"));
                readings.push(reading.number);
            }
            Item::Gap { first, last } => {
                assert!(
                    *first == expected && last >= first,
                    "{item:?} at {expected}"
                );
                dropped.extend(*first..=*last);
            }
        }
        expected = item.last() + 1;
    }
    assert_eq!(expected, spool.waiting().last + 1, "something is neither");
    (readings, dropped)
}

#[test]
fn readings_come_out_in_order_after_they_are_durable_and_not_before() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    spool.append(AT, "up/t", b"21").unwrap();
    assert_eq!(spool.take().unwrap(), None);
    spool.sync().unwrap();
    let Some(Item::Reading(reading)) = spool.take().unwrap() else {
        panic!("there is one")
    };
    assert_eq!((reading.number, reading.at), (1, AT));
    assert_eq!(reading.payload, b"21");
    assert_eq!(spool.take().unwrap(), None);
}

#[test]
fn what_is_not_settled_comes_again_after_a_start() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    fill(&mut spool, 5, 10);
    spool.settle(2);
    spool.save().unwrap();
    drop(spool);
    let mut spool = scene.opens();
    assert_eq!(drain(&mut spool).0, [3, 4, 5]);
    fill(&mut spool, 1, 10);
    assert_eq!(drain(&mut spool).0, [3, 4, 5, 6]);
}

#[test]
fn the_disk_is_given_back_as_readings_are_settled() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    for _ in 0..40 {
        fill(&mut spool, 20, 1_000);
        let (readings, dropped) = drain(&mut spool);
        assert!(dropped.is_empty());
        spool.settle(*readings.last().unwrap());
        spool.save().unwrap();
    }
    assert_eq!(spool.waiting().readings, 0);
    assert_eq!(scene.segments().len(), 1);
}

#[test]
fn past_its_bound_the_oldest_are_dropped_and_stand_in_a_gap() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    fill(&mut spool, 2_000, 1_000);
    assert!(spool.waiting().bytes <= BOUNDS.bytes_max);
    let bytes: u64 = scene
        .segments()
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes <= BOUNDS.bytes_max);
    let (readings, dropped) = drain(&mut spool);
    assert_eq!(readings.len() + dropped.len(), 2_000);
    assert!(
        readings.len() > 200,
        "most of the room is used: {}",
        readings.len()
    );
    drop(spool);
    // A gap that was not settled is told again after a start.
    assert_eq!(drain(&mut scene.opens()), (readings, dropped));
}

#[test]
fn the_reader_is_overtaken_by_what_is_dropped_and_nothing_is_lost_silently() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    fill(&mut spool, 10, 1_000);
    assert_eq!(spool.take().unwrap().unwrap().last(), 1);
    fill(&mut spool, 1_000, 1_000);
    let gap = spool.take().unwrap().unwrap();
    let Item::Gap { first: 2, last } = gap else {
        panic!("{gap:?}")
    };
    let Some(Item::Reading(reading)) = spool.take().unwrap() else {
        panic!("the first that is left")
    };
    assert_eq!(reading.number, last + 1);
}

#[test]
fn a_torn_tail_is_cut_off_at_every_length() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    fill(&mut spool, 3, 20);
    drop(spool);
    let path = scene.segments().pop().unwrap();
    let whole = fs::read(&path).unwrap();
    let record = (whole.len() - 8) / 3;
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let left = length.saturating_sub(8) / record;
        let (mut spool, recovered) = Spool::open(&scene.folder(), BOUNDS, "fresh").unwrap();
        let torn = if length < 8 {
            length
        } else {
            (length - 8) % record
        };
        assert_eq!(recovered.torn_bytes, torn as u64, "at {length}");
        assert_eq!(drain(&mut spool).0.len(), left, "at {length}");
        // What is appended behind the cut is whole.
        fill(&mut spool, 1, 20);
        assert_eq!(drain(&mut spool).0.len(), left + 1, "at {length}");
    }
}

#[test]
fn damage_in_the_middle_is_a_gap_and_what_follows_is_kept() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    fill(&mut spool, 100, 1_000);
    drop(spool);
    let segments = scene.segments();
    assert!(segments.len() > 3);
    for path in [&segments[1], segments.last().unwrap()] {
        let mut bytes = fs::read(path).unwrap();
        bytes[50] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let (readings, dropped) = drain(&mut scene.opens());
    assert_eq!((readings.len(), dropped.len()), (98, 2));
}

#[test]
fn a_segment_that_is_gone_is_a_gap() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    fill(&mut spool, 100, 1_000);
    drop(spool);
    let segments = scene.segments();
    fs::remove_file(&segments[0]).unwrap();
    fs::remove_file(&segments[2]).unwrap();
    let (readings, dropped) = drain(&mut scene.opens());
    assert_eq!(readings.len() + dropped.len(), 100);
    assert!(dropped.contains(&1) && dropped.len() > 20, "{dropped:?}");
}

#[test]
fn a_failing_fdatasync_takes_back_what_was_not_durable_and_its_number_is_given_again() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    fill(&mut spool, 3, 5_000);
    // It takes what is written, and fails when that is to be made durable.
    let broken = scene.is_in_place_of("/dev/null", 4);
    for _ in 0..2 {
        assert_eq!(spool.append(AT, "up/t", &[b'x'; 5_000]).unwrap(), 4);
        assert_eq!(spool.append(AT, "up/t", b"x").unwrap(), 5);
        assert!(matches!(spool.sync(), Err(SpoolError::Io { .. })));
        assert_eq!(spool.waiting().last, 3);
        assert_eq!(drain(&mut spool).0, [1, 2, 3]);
    }
    fs::remove_file(broken).unwrap();
    fill(&mut spool, 2, 5_000);
    assert_eq!(drain(&mut spool).0, [1, 2, 3, 4, 5]);
    drop(spool);
    assert_eq!(drain(&mut scene.opens()).0, [1, 2, 3, 4, 5]);
}

#[test]
fn a_full_disk_refuses_a_reading_and_takes_the_next_when_there_is_room() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    let full = scene.is_in_place_of("/dev/full", 1);
    match spool.append(AT, "up/t", b"21") {
        Err(SpoolError::Io { cause, .. }) => assert_eq!(cause.kind(), ErrorKind::StorageFull),
        other => panic!("{other:?}"),
    }
    fs::remove_file(full).unwrap();
    fill(&mut spool, 1, 10);
    assert_eq!(drain(&mut spool).0, [1]);
}

#[test]
fn what_cannot_be_read_from_the_disk_is_a_gap_and_what_follows_is_kept() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    fill(&mut spool, 9, 5_000);
    assert_eq!(scene.segments().len(), 3);
    // Reading it says EIO, as a bad block does.
    scene.is_in_place_of("/proc/self/mem", 4);
    assert_eq!(drain(&mut spool), (vec![1, 2, 3, 7, 8, 9], vec![4, 5, 6]));
}

#[test]
fn a_spool_whose_position_is_lost_gets_another_name() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    assert_eq!(spool.id(), "fresh");
    fill(&mut spool, 3, 10);
    drop(spool);
    fs::write(scene.folder().join("position"), "{").unwrap();
    let (mut spool, recovered) = Spool::open(&scene.folder(), BOUNDS, "another").unwrap();
    assert!(recovered.position_lost);
    assert_eq!(spool.id(), "another");
    assert_eq!(drain(&mut spool).0, [1, 2, 3]);
}

#[test]
fn refuses_a_reading_past_its_bound_and_stays_as_it_was() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    for bytes in [16 << 10, BODY_SIZE_MAX + 1] {
        let refused = spool.append(AT, "up/t", &vec![0; bytes]);
        assert!(matches!(refused, Err(SpoolError::TooLarge)));
    }
    let long = "x".repeat(70_000);
    assert!(matches!(
        spool.append(AT, &long, b""),
        Err(SpoolError::TooLarge)
    ));
    fill(&mut spool, 1, 10);
    assert_eq!(drain(&mut spool).0, [1]);
}

#[test]
fn a_number_that_was_never_durable_cannot_be_settled() {
    let scene = Scene::new();
    let mut spool = scene.opens();
    spool.append(AT, "up/t", b"x").unwrap();
    spool.settle(u64::MAX);
    assert_eq!(spool.settled(), 0);
}

/// Appends, kills, drains and settles in any order: every number comes out, or stands in a gap.
#[test]
fn whatever_happens_every_number_is_accounted_for() {
    bolero::check!()
        .with_type::<Vec<(u8, u16)>>()
        .with_iterations(50)
        .for_each(|steps| {
            let scene = Scene::new();
            let mut spool = scene.opens();
            for (what, size) in steps.iter().take(60) {
                match what % 5 {
                    0 | 1 => fill(&mut spool, u64::from(*what % 16), usize::from(size % 4_000)),
                    2 => {
                        drop(spool);
                        spool = scene.opens();
                    }
                    3 => {
                        let (readings, dropped) = drain(&mut spool);
                        let all = readings.len() + dropped.len();
                        let settled = spool.settled() + (all as u64).min(u64::from(*size % 64));
                        spool.settle(settled);
                    }
                    _ => spool.save().unwrap(),
                }
            }
            drain(&mut spool);
        });
}

#[test]
fn no_bytes_make_a_spool_panic() {
    bolero::check!()
        .with_type::<(Vec<u8>, Vec<u8>, Vec<u8>, bool)>()
        .for_each(|(first, second, position, magic)| {
            let scene = Scene::new();
            fs::create_dir_all(scene.folder()).unwrap();
            let start: &[u8] = if *magic { b"IRSPOOL1" } else { b"" };
            write(&scene.folder(), 1, &[start, first].concat());
            write(&scene.folder(), 7, &[start, second].concat());
            if !position.is_empty() {
                fs::write(scene.folder().join("position"), position).unwrap();
            }
            let mut spool = scene.opens();
            // Valid records may hold any number and topic here: it ends, and that is all.
            for _ in 0..1_000 {
                if spool.take().unwrap().is_none() {
                    break;
                }
            }
            let number = spool.append(AT, "up/t", b"21").unwrap();
            spool.sync().unwrap();
            assert!(number > 6);
        });
}

fn write(folder: &Path, first: u64, bytes: &[u8]) {
    fs::write(segment(folder, first), bytes).unwrap();
}

fn segment(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.spool"))
}
