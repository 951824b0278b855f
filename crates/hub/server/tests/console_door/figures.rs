//! Figures over time, by the hub's clock: what the counters show comes into the history, the API and the overview.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ironroot_server::sampling::{self, Sampler};

use crate::house::{BEGIN, House};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

async fn sampler(house: &House) -> Sampler {
    let gauges = house.gauges.as_ref().clone();
    Sampler::begin(gauges, house.views.clone(), house.folder()).await
}

#[tokio::test]
async fn what_happens_between_two_looks_is_what_the_api_tells() {
    let house = House::open().await;
    let none = house.gets("/figures").await.json();
    assert_eq!(none["over"], "1m");
    assert!(none["newest"].is_null() && none["points"].as_array().unwrap().is_empty());

    let mut sampler = sampler(&house).await;
    for id in ["cam-1", "cam-2", "cam-3"] {
        house.brings_in(id).await;
    }
    let order = r#"{"order":"quarantine","why":"loud"}"#;
    house.posts("/devices/cam-2/orders", order).await;
    house
        .gauges
        .certificates_refused
        .fetch_add(2, Ordering::Relaxed);
    house.clock.advance(FIVE_SECONDS);
    sampler.look().await;
    let first = house.gets("/figures").await.json();
    let newest = &first["newest"];
    assert_eq!(
        (newest["enrolled"].as_u64(), newest["counted_ms"].as_u64()),
        (Some(3), Some(5_000))
    );
    assert_eq!(
        (newest["quarantined"].as_u64(), newest["noticed"].as_u64()),
        (Some(1), Some(0))
    );
    assert_eq!(newest["refused"]["certificate"], 2);

    house
        .posts(
            "/devices/cam-2/orders",
            r#"{"order":"release","why":"quiet"}"#,
        )
        .await;
    house.clock.advance(FIVE_SECONDS);
    sampler.look().await;
    let second = house.gets("/figures").await.json();
    assert_eq!(second["points"].as_array().unwrap().len(), 2);
    let newest = &second["newest"];
    assert_eq!(
        (newest["enrolled"].as_u64(), newest["quarantined"].as_u64()),
        (Some(0), Some(0))
    );
    let days = house.gets("/figures?over=14d").await.json();
    let today = &days["points"][0];
    assert_eq!(
        (today["enrolled"].as_u64(), today["quarantined"].as_u64()),
        (Some(3), Some(1))
    );
}

#[tokio::test]
async fn a_clock_that_stands_still_is_counted_on() {
    let house = House::open().await;
    let mut sampler = sampler(&house).await;
    house.brings_in("cam-1").await;
    sampler.look().await;
    sampler.look().await;
    let told = house.gets("/figures?over=1h").await.json();
    assert_eq!(told["points"].as_array().unwrap().len(), 1);
    assert_eq!(told["points"][0]["enrolled"], 1);
}

#[tokio::test]
async fn a_span_that_is_none_is_refused() {
    let house = House::open().await;
    for query in ["over=2w", "over=", "coarse=2", "since=yesterday"] {
        let answer = house.gets(&format!("/figures?{query}")).await;
        assert_eq!(answer.refusal().0, 400, "{query}");
    }
}

#[tokio::test]
async fn the_overview_draws_them() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let mut sampler = sampler(&house).await;
    house.brings_in("cam-1").await;
    let page = house.browses("/", &cookie).await;
    assert_eq!(page.text().matches("No figures yet.").count(), 4);
    house.clock.advance(FIVE_SECONDS);
    sampler.look().await;
    let page = house.browses("/", &cookie).await;
    assert!(!page.text().contains("No figures yet."));
    assert!(
        page.text()
            .contains("Bars by 5 s, last 60 seconds: 1 device enrolled, ")
    );
}

#[tokio::test]
async fn the_history_outlives_the_hub_and_a_damaged_one_begins_anew() {
    let house = House::open().await;
    let (drainer, drain) = ironroot_server::drain::Drainer::new();
    let sampler = sampler(&house).await;
    house.brings_in("cam-1").await;
    house.clock.advance(FIVE_SECONDS);
    drainer.begin();
    sampler.run(drain).await;
    let kept = sampling::restore(house.folder(), BEGIN.plus(FIVE_SECONDS));
    assert_eq!(kept, *house.gauges.history.lock());
    let days = house.gets("/figures?over=14d").await.json();
    assert_eq!(days["points"][0]["enrolled"], 1);

    std::fs::write(house.folder().join(sampling::HISTORY_FILE), "{").unwrap();
    assert!(sampling::restore(house.folder(), BEGIN).newest().is_none());
}
