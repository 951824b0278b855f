//! A person's orders, also while the journal cannot append.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use axum::http::StatusCode;
use ironroot_journal::SALT_SIZE;
use ironroot_registry::{Fact, TokenIssued};
use ironroot_standing::Lifecycle;
use ironroot_store::{Change, Payload};
use serde_json::json;

use crate::house::{Answer, House, profile};

async fn orders(house: &House, device: &str, order: &str) -> Answer {
    let body = format!(r#"{{"order":"{order}","why":"a test asks for it"}}"#);
    house
        .posts(&format!("/devices/{device}/orders"), &body)
        .await
}

#[tokio::test]
async fn an_order_is_carried_out_and_says_its_entry() {
    let house = House::open().await;
    house.brings_in("cam-1").await;
    let answer = orders(&house, "cam-1", "quarantine").await;
    let done = answer.json();
    assert_eq!(done["lifecycle"], "quarantined", "{}", answer.text());
    assert_eq!(
        (done["reasons_count"].as_u64(), done["entry"].as_u64()),
        (Some(1), Some(house.entries() - 1))
    );
    let device = house.gets("/devices/cam-1").await.json();
    assert_eq!(device["reasons"][0]["why"], "a test asks for it");
    assert_eq!(device["reasons"][0]["who"], "admin");
    let done = orders(&house, "cam-1", "release").await.json();
    assert_eq!(
        (done["lifecycle"].as_str(), done["reasons_count"].as_u64()),
        (Some("active"), Some(0))
    );
}

#[tokio::test]
async fn an_order_that_does_not_fit_is_refused_with_its_reason() {
    let house = House::open().await;
    house.brings_in("cam-1").await;
    assert_eq!(
        orders(&house, "cam-1", "release").await.refusal(),
        (409, "state".to_owned())
    );
    assert_eq!(
        orders(&house, "cam-9", "retire").await.refusal(),
        (404, "unknown".to_owned())
    );
    assert_eq!(
        orders(&house, "cam-1", "destroy").await.refusal(),
        (422, "content".to_owned())
    );
    let silent = house
        .posts("/devices/cam-1/orders", r#"{"order":"retire"}"#)
        .await;
    assert_eq!(silent.refusal(), (422, "content".to_owned()));
    assert_eq!(silent.json()["fields"][0]["field"], "why");
}

#[tokio::test]
async fn an_order_about_many_shuts_all_of_them_out_before_the_first_is_recorded() {
    let house = House::open().await;
    let fleet: Vec<_> = (1..=20).map(|n| format!("cam-{n}")).collect();
    for device in &fleet {
        house.brings_in(device).await;
    }
    let entries = house.entries();
    let order = json!({ "order": "quarantine", "why": "a test asks for it", "devices": fleet });
    let order = order.to_string();
    let mut asked = pin!(house.posts("/orders", &order));
    let first = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await;
    assert!(
        first.is_pending(),
        "nothing is acknowledged before it is durable"
    );
    for device in &fleet {
        let device = house.registry.device(device).unwrap();
        assert_eq!(device.lifecycle(), Lifecycle::Quarantined);
    }
    let done = asked.await.json();
    let done = done["done"].as_array().unwrap();
    let said: Vec<_> = done
        .iter()
        .map(|one| one["entry"].as_u64().unwrap())
        .collect();
    assert_eq!(said, (entries..house.entries()).collect::<Vec<_>>());
}

/// A store without room for more than small rows, and a session that was begun before.
async fn full_house() -> (House, String) {
    let house = House::of_size(Some(1 << 20)).await;
    let cookie = house.signs_in().await;
    house.brings_in("cam-1").await;
    let mut entries = 0;
    loop {
        let fact = Fact::from(TokenIssued {
            name: format!("filler-{entries}"),
            by: None,
        });
        let payload = Payload::new([0; SALT_SIZE], vec![entries; 4_000]);
        let change = Change::of(fact.draft().unwrap()).with_payload(payload);
        if house.ledger.store().commit(change).await.is_err() {
            return (house, cookie);
        }
        entries = entries.wrapping_add(1);
    }
}

/// Repeats a request until it is put off: the last bytes of room may still take an entry or two.
async fn put_off(house: &House, path: &str, body: &str) -> Answer {
    for _ in 0..100 {
        let answer = house.posts(path, body).await;
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            return answer;
        }
    }
    panic!("the store is never full");
}

#[tokio::test]
async fn while_the_journal_cannot_append_a_quarantine_is_obeyed_and_said_to_be_held() {
    let (house, _cookie) = full_house().await;
    let order = format!(r#"{{"order":"quarantine","why":"{}"}}"#, "x".repeat(900));
    let held = put_off(&house, "/devices/cam-1/orders", &order).await;
    assert_eq!(held.refusal(), (503, "order-held".to_owned()));
    let problem = held.json();
    let detail = problem["detail"].as_str().unwrap();
    for part in ["cam-1 is cut off", "will be recorded", "the store is full"] {
        assert!(detail.contains(part), "{detail}");
    }
    assert_eq!(problem["reference"].as_str().unwrap().len(), 8);
    assert_eq!(house.orders.held_count(), 1);
    let device = house.gets("/devices/cam-1").await.json();
    assert_eq!(device["lifecycle"], "quarantined");
}

#[tokio::test]
async fn while_the_journal_cannot_append_nothing_widens_and_every_surface_says_so() {
    let (house, cookie) = full_house().await;
    let claim = format!(r#"{{"serial":"cam-2","profile":"{}"}}"#, profile());
    let widening = put_off(&house, "/claims", &claim).await;
    assert_eq!(widening.refusal(), (503, "later".to_owned()));
    let status = house.gets("/status").await.json();
    assert_eq!(status["store"]["ok"], false);
    let told = status["degraded"].to_string();
    assert!(
        told.contains("the store is full") && told.contains("Make room"),
        "{told}"
    );
    let ready = house.browses("/readyz", "").await;
    assert_eq!(ready.refusal(), (503, "later".to_owned()));
    assert!(
        ready.text().contains("the store is full"),
        "{}",
        ready.text()
    );
    let page = house.browses("/", &cookie).await;
    assert!(page.text().contains(">The hub needs you</h1>") && page.text().contains("Make room"));
}
