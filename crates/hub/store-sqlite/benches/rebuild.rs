//! How long the rows take to be made again, and to be compared, from a million entries of a real fleet,
//! with a snapshot and without: devices claimed, enrolled, quarantined, released and enrolled again.
//! `cargo bench -p ironroot-store-sqlite --bench rebuild -- [ENTRIES] [FOLDER]`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::VecDeque;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ironroot_archive::{Snapshot, Snapshots};
use ironroot_identity::{CaNumber, CertificateSerial, DeviceId};
use ironroot_registry::{
    Actor, Credential, DeviceActivated, DeviceClaimed, DeviceEnrolled, DeviceQuarantined,
    DeviceReenrolled, DeviceReleased, Fact, Fold, IssuedCertificate, KeyMaker, ProfileSet,
};
use ironroot_standing::QuarantineReason;
use ironroot_store::{Change, Committed, Draft, Follower, Source, Store};
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_time::{Clock, UnixTime};

const ENTRIES: u64 = 1_000_000;

const PROFILE: &str = r#"
    name = "camera"
    evidence = "none"
    [topics]
    publish = ["d/{device}/up/#"]
"#;

/// How many entries one device of the fleet has.
const OF_ONE_DEVICE: u64 = 8;

/// How many changes wait for the writer at once.
const AT_ONCE: usize = 64;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).filter(|one| one != "--bench");
    let entries = arguments.next().map_or(Ok(ENTRIES), |one| one.parse())?;
    let place = arguments.next();
    let place = place.map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    let folder = tempfile::tempdir_in(&place)?;
    let store = SqliteStore::open(
        &Settings::new(folder.path().join("store.db")),
        Arc::new(Standing),
        Arc::new(Fold),
        Arc::new(Nobody),
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        // The snapshot is taken when all but a tenth of the entries are there.
        fill(&store, entries / 10 * 9).await?;
        let snapshots = Snapshots::new(&folder.path().join("snapshots"));
        let started = Instant::now();
        let snapshot = snapshots.take(&store, Source::default())?;
        tell("snapshot of verified rows", snapshot.entries, started);
        fill(&store, entries).await?;
        for (from, base) in [
            ("from the snapshot", Some(&snapshot)),
            ("from the first entry", None),
        ] {
            let source = || -> Result<Source, Failure> {
                let base = base.map(Snapshot::open).transpose()?;
                let archive = None;
                Ok(Source { base, archive })
            };
            let started = Instant::now();
            store.rebuild(source()?).await?;
            tell(&format!("rebuild {from}"), entries, started);
            let started = Instant::now();
            store.verify_state(source()?).await?;
            tell(&format!("state verified {from}"), entries, started);
        }
        Ok(())
    })
}

/// One line as the report takes it.
fn tell(what: &str, entries: u64, started: Instant) {
    let took = started.elapsed().as_secs_f64();
    println!("figure\t{what}, {entries} entries, s\tironroot\t{took:.2}");
}

/// Fills the store up to `entries`, or a few more.
async fn fill(store: &SqliteStore, entries: u64) -> Result<(), Failure> {
    let profile = Fact::from(ProfileSet {
        name: "camera".parse()?,
        text: PROFILE.to_owned(),
        by: None,
    });
    if store.head().size == 0 {
        store.commit(Change::of(profile.draft()?)).await?;
    }
    let mut waiting = VecDeque::with_capacity(AT_ONCE);
    let mut index = store.head().size;
    while index < entries {
        waiting.push_back(store.commit(life(index)?));
        index += OF_ONE_DEVICE;
        if waiting.len() == AT_ONCE
            && let Some(first) = waiting.pop_front()
        {
            first.await?;
        }
    }
    for last in waiting {
        last.await?;
    }
    Ok(())
}

/// The life of one device, whose claim has index `claim`.
fn life(claim: u64) -> Result<Change, Failure> {
    let device: DeviceId = format!("cam-{claim:08}").parse()?;
    let by = Actor::Token("admin".to_owned());
    let why = "5f".repeat(32);
    let quarantined = || {
        Fact::from(DeviceQuarantined {
            device: device.clone(),
            reason: QuarantineReason::Person,
            by: by.clone(),
            why: why.clone(),
        })
    };
    let released = || {
        Fact::from(DeviceReleased {
            device: device.clone(),
            reason: QuarantineReason::Person,
            by: by.clone(),
            why: why.clone(),
        })
    };
    let (first, second) = (certificate(claim, 0), certificate(claim, 1));
    let with = first.serial;
    let life = [
        Fact::from(DeviceClaimed {
            device: device.clone(),
            profile: "camera".parse()?,
            expires: u64::MAX >> 12,
            by: by.clone(),
        }),
        Fact::from(DeviceEnrolled {
            device: device.clone(),
            claim,
            credential: Credential::Token,
            spki: Some("c4".repeat(32)),
            certificate: first,
        }),
        Fact::from(DeviceActivated {
            device: device.clone(),
            door: "mqtt".to_owned(),
        }),
        quarantined(),
        released(),
        Fact::from(DeviceReenrolled {
            device: device.clone(),
            via: None,
            with,
            certificate: second,
        }),
        quarantined(),
        released(),
    ];
    let entries: Result<Vec<Draft>, _> = life.iter().map(Fact::draft).collect();
    Ok(Change {
        entries: entries?,
        ..Change::default()
    })
}

fn certificate(claim: u64, nth: u64) -> IssuedCertificate {
    // Serial numbers are random: in the order of the rows, neighbours in time lie far apart.
    let number = (claim + nth).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (u128::from(number) << 64) + u128::from(claim);
    let serial = CertificateSerial::from_random(number.to_be_bytes());
    IssuedCertificate {
        serial,
        fingerprint: "a7".repeat(32),
        not_before: 1_795_323_961,
        not_after: 1_826_859_961,
        key: KeyMaker::Holder,
        ca: CaNumber::FIRST,
    }
}

/// A clock that stands.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> UnixTime {
        UnixTime::from_ms(1_795_323_961_042)
    }
}

struct Nobody;

impl Follower for Nobody {
    fn follow(&self, _: &[Committed]) {}
}
