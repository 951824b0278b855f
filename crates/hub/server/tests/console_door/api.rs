//! What a program with the token gets.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};

use crate::house::{House, profile};

#[tokio::test]
async fn a_claim_gives_a_token_that_ends() {
    let house = House::open().await;
    let body = format!(
        r#"{{"serial":"cam-1","profile":"{}","ttl_s":60}}"#,
        profile()
    );
    let answer = house.posts("/claims", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let claim = answer.json();
    assert_eq!(
        (
            claim["serial"].as_str(),
            claim["token"].as_str().unwrap().len()
        ),
        (Some("cam-1"), 32)
    );
    assert_eq!(claim["expires"], "2026-11-22T05:07:01.000Z");
    let device = house.gets("/devices/cam-1").await.json();
    assert_eq!(
        (device["lifecycle"].as_str(), device["tier"].as_str()),
        (Some("claimed"), Some("none"))
    );
    assert!(
        !house
            .gets("/journal")
            .await
            .text()
            .contains(claim["token"].as_str().unwrap())
    );
}

#[tokio::test]
async fn devices_come_in_pages() {
    let house = House::open().await;
    for n in 0..5 {
        house.brings_in(&format!("cam-{n}")).await;
    }
    let first = house.gets("/devices?limit=3&sort=id").await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    let next = first["next"].as_str().unwrap();
    let second = house
        .gets(&format!("/devices?limit=3&sort=id&cursor={next}"))
        .await
        .json();
    assert_eq!(second["items"][0]["id"], "cam-3");
    assert!(second["next"].is_null());
}

#[tokio::test]
async fn a_service_gets_its_certificate_and_key_once_and_can_be_revoked() {
    let house = House::open().await;
    let answer = house
        .posts(
            "/services",
            r#"{"name":"backend","subscribe":["d/+/up/#"]}"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let issued = answer.json();
    assert_eq!(
        issued["certificate"]
            .as_str()
            .unwrap()
            .matches("BEGIN CERTIFICATE")
            .count(),
        2
    );
    assert!(issued["key"].as_str().unwrap().contains("PRIVATE KEY"));
    let listed = house.gets("/services").await;
    assert_eq!(
        listed.json()["items"][0]["certificates"][0]["status"],
        "valid"
    );
    assert!(!listed.text().contains("PRIVATE KEY"));
    let revoked = house.asks(Method::DELETE, "/services/backend", "").await;
    assert_eq!(revoked.status, StatusCode::OK);
    assert_eq!(
        house.gets("/services").await.json()["items"][0]["revoked"],
        true
    );
    let again = house.asks(Method::DELETE, "/services/backend", "").await;
    assert_eq!(again.refusal(), (404, "unknown".to_owned()));
}

#[tokio::test]
async fn a_manufacturers_ca_counts_at_the_doors_at_once() {
    let house = House::open().await;
    let before = house.anchors.load();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    let body =
        serde_json::json!({"name": "acme", "pem": pem, "serial_prefix": "acme-"}).to_string();
    let added = house.posts("/manufacturer-cas", &body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    assert_eq!(added.json()["serial_prefix"], "acme-");
    assert!(!std::sync::Arc::ptr_eq(&before, &house.anchors.load()));
    let again = house.posts("/manufacturer-cas", &body).await;
    assert_eq!(again.refusal(), (409, "state".to_owned()));
    assert_eq!(
        house.gets("/manufacturer-cas").await.json()["items"][0]["name"],
        "acme"
    );
    let removed = house
        .asks(Method::DELETE, "/manufacturer-cas/acme", "")
        .await;
    assert_eq!(removed.status, StatusCode::OK);
    assert!(
        house.gets("/manufacturer-cas").await.json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_journal_is_read_and_proved() {
    let mut house = House::open().await;
    house.brings_in("cam-1").await;
    let last = house.entries() - 1;
    let early = house.gets(&format!("/journal/{last}/proof")).await;
    assert_eq!(early.refusal(), (503, "later".to_owned()));
    assert_eq!(early.header(header::RETRY_AFTER), "5");
    house.signs();
    let newest = house.gets("/journal/checkpoint").await.json();
    let proof = house.gets(&format!("/journal/{last}/proof")).await.json();
    let key = newest["verifier_key"].as_str().unwrap().parse().unwrap();
    let proved =
        ironroot_tree::verify_proof(proof["proof"].as_str().unwrap().as_bytes(), None, &key);
    assert_eq!(proved.unwrap().index, last);
    let page = house.gets("/journal?limit=1").await.json();
    assert_eq!(
        (
            page["items"][0]["index"].as_u64(),
            page["items"][0]["kind"].as_str()
        ),
        (Some(last), Some("device.activated"))
    );
    let file = house.gets("/journal/log/checkpoint").await;
    assert_eq!(file.text(), newest["note"].as_str().unwrap());
    assert_eq!(
        house.gets("/journal/log/tile/0/000").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_snapshot_is_taken_and_recorded() {
    let house = House::open().await;
    let before = house.entries();
    let taken = house.posts("/journal/snapshots", "").await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text());
    let taken = taken.json();
    assert_eq!(taken["entries"].as_u64(), Some(before));
    let record = house.gets(&format!("/journal/{}", taken["entry"])).await;
    assert_eq!(record.json()["entry"]["state"], taken["state"]);
}

#[tokio::test]
async fn refuses_to_seal_without_an_archive() {
    let house = House::open().await;
    let refused = house.posts("/journal/segments", "").await;
    assert_eq!(refused.refusal(), (409, "state".to_owned()));
}

#[tokio::test]
async fn the_status_tells_how_the_hub_is() {
    let house = House::open().await;
    house.clock.advance(Duration::from_secs(5));
    let status = house.gets("/status").await.json();
    assert_eq!(
        (status["version"].as_str(), status["store"]["ok"].as_bool()),
        (Some("1.2.3"), Some(true))
    );
    assert_eq!(status["journal"]["entries"].as_u64(), Some(house.entries()));
}

#[tokio::test]
async fn supervisors_need_no_token() {
    let house = House::open().await;
    for (path, body) in [
        ("/healthz", "ok\n"),
        ("/readyz", "ready\n"),
        ("/metrics", "ironroot_devices 0\n"),
    ] {
        let request = Request::get(path).header(header::HOST, "127.0.0.1:8080");
        let answer = house.sends(request.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, body));
    }
}
