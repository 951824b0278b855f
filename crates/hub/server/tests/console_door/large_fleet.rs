//! The list of devices over a fleet of 100,000: filtered and sorted by every column, timed and weighed.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use ironroot_api::DeviceSort;
use ironroot_identity::{CaNumber, CertificateSerial, Principal};
use ironroot_registry::{CertificateRow, DeviceRow, Registry, Row};
use ironroot_standing::Lifecycle;

use crate::house::{BEGIN, House, profile};

const DEVICES: u32 = 100_000;

/// The largest page in bytes, before it is packed.
const SIZE_MAX: usize = 150_000;

/// An unoptimised build on a machine that does other work too; docs/performance.md has what a hub takes.
const TIME_MAX: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_page_of_a_hundred_thousand_devices_is_quick_and_small_in_every_order() {
    let house = House::open().await;
    fill(&house.registry);
    let cookie = house.signs_in().await;
    let filters = [
        "",
        "&lifecycle=active&profile=camera&id=7",
        "&unseen_for_s=3600&certificate_ends_in_s=604800&connected=false",
    ];
    let mut slowest = Duration::ZERO;
    let mut largest = 0;
    for sort in DeviceSort::ALL {
        for filter in filters {
            let started = Instant::now();
            let path = format!("/devices?sort={sort}&reverse=true{filter}");
            let page = house.browses(&path, &cookie).await;
            let took = started.elapsed();
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert_eq!(
                page.text().matches(r#"type="checkbox""#).count(),
                25,
                "{path}"
            );
            println!(
                "{:>5} ms {:>7} bytes  {path}",
                took.as_millis(),
                page.body.len()
            );
            slowest = slowest.max(took);
            largest = largest.max(page.body.len());
        }
    }
    assert!(largest <= SIZE_MAX, "{largest} bytes");
    assert!(slowest <= TIME_MAX, "{slowest:?}");
}

/// Rows straight into the registry: what is measured is the list.
fn fill(registry: &Registry) {
    for n in 0..DEVICES {
        let id = format!("CAM-{n:06}");
        let mut serial = [0; 16];
        serial[..4].copy_from_slice(&n.to_be_bytes());
        let serial = CertificateSerial::from_random(serial);
        let certificate = CertificateRow {
            serial,
            holder: Some(Principal::Device(id.parse().unwrap())),
            ca: CaNumber::FIRST,
            fingerprint: "ab".repeat(32),
            not_before: BEGIN.as_s(),
            not_after: BEGIN.as_s() + u64::from(n % 500_000),
            revoked: None,
        };
        let device = DeviceRow {
            id: id.parse().unwrap(),
            profile: profile().parse().unwrap(),
            lifecycle: if n % 1_000 == 0 {
                Lifecycle::Quarantined
            } else {
                Lifecycle::Active
            },
            reasons: Vec::new(),
            claim: 0,
            claim_expires: 0,
            enrolled_spki: None,
            certificates: vec![serial],
            changed: 0,
            changed_entry: 0,
            in_two_places: None,
        };
        load(registry, &certificate);
        load(registry, &device);
    }
}

fn load<R: Row>(registry: &Registry, row: &R) {
    let bytes = serde_json::to_vec(row).unwrap();
    registry.load(R::TABLE, &bytes).unwrap();
}
