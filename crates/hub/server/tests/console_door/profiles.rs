//! Profiles in the console: what a change would do stands before the button that does it.

use std::fmt::Write;

use axum::http::{Method, StatusCode, header};
use serde_json::json;

use crate::house::House;

/// The text of a profile in force, with a part of it replaced.
async fn edited(house: &House, from: &str, to: &str) -> String {
    let profile = house.gets("/profiles/camera").await.json();
    let text = profile["toml"].as_str().unwrap();
    assert!(text.contains(from), "{text}");
    text.replace(from, to)
}

/// As a form sends it.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(byte.into()),
            b'\n' => out.push_str("%0D%0A"),
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
    }
    out
}

#[tokio::test]
async fn a_change_is_shown_for_its_devices_before_it_is_applied_and_then_holds() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    for device in ["cam-1", "cam-2"] {
        house.brings_in(device).await;
    }
    let order = r#"{"order":"quarantine","why":"loud"}"#;
    house.posts("/devices/cam-2/orders", order).await;
    let text = edited(&house, "d/{device}/up/#", "d/{device}/up/state").await;
    let before = house.entries();
    let form = format!("toml={}&from=", encoded(&text));
    let shown = house
        .sends_form("/profiles/camera/edit", &cookie, &form)
        .await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
    assert!(
        shown
            .text()
            .contains("1 of 2 devices may do something else than now."),
        "one is shut out"
    );
    assert!(shown.text().contains("Apply camera to 1 device"));
    assert_eq!(house.entries(), before, "looking changes nothing");
    let applied = house
        .sends_form("/profiles/camera/apply", &cookie, &form)
        .await;
    assert_eq!(
        applied.header(header::LOCATION),
        "/profiles/camera?applied=true",
        "{}",
        applied.text()
    );
    let topic = |text| ironroot_mqtt::TopicName::parse(text).unwrap();
    let device = house.registry.device("cam-1").unwrap();
    let grant = device.subject().grant();
    assert!(grant.may_publish("cam-1", topic("d/cam-1/up/state")));
    assert!(!grant.may_publish("cam-1", topic("d/cam-1/up/other")));
    let file = std::fs::read_to_string(house.folder().join("profiles/camera.toml")).unwrap();
    assert_eq!(file, text, "the next start finds it so");
    let journal = house.gets("/journal?limit=1").await;
    assert!(journal.text().contains("Profile camera was set by admin."));
}

#[tokio::test]
async fn a_faulty_text_is_refused_field_by_field_and_stays() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let text = edited(&house, "evidence = \"none\"", "evidence = \"guess\"").await;
    let form = format!("toml={}&from=", encoded(&text));
    for path in ["/profiles/camera/edit", "/profiles/camera/apply"] {
        let refused = house.sends_form(path, &cookie, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(
            refused.text().contains("id=\"toml-e\"") && refused.text().contains("guess"),
            "{path}"
        );
    }
    for (path, name) in [
        ("/profiles/gateway/edit", "camera"),
        ("/profiles/new", "camera"),
    ] {
        let text = edited(&house, "messages_per_s = 50", "messages_per_s = 5").await;
        let form = format!("toml={}&from=", encoded(&text));
        let refused = house.sends_form(path, &cookie, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(refused.text().contains(name));
    }
}

#[tokio::test]
async fn a_change_made_from_an_older_text_is_not_applied() {
    let house = House::open().await;
    let old = house.gets("/profiles/camera").await.json()["digest"].clone();
    let mine = edited(&house, "messages_per_s = 50", "messages_per_s = 5").await;
    let theirs = edited(&house, "messages_per_s = 50", "messages_per_s = 7").await;
    let put = |toml: &str| {
        let body = json!({"toml": toml, "from": old}).to_string();
        let house = &house;
        async move { house.asks(Method::PUT, "/profiles/camera", &body).await }
    };
    assert_eq!(put(&theirs).await.status, StatusCode::OK);
    assert_eq!(put(&mine).await.refusal(), (409, "state".to_owned()));
    let now = house.gets("/profiles/camera").await.json();
    assert!(now["toml"].as_str().unwrap().contains("messages_per_s = 7"));
}

#[tokio::test]
async fn a_new_profile_can_be_made_and_an_old_one_applied_again_changes_nothing() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let text = edited(&house, "name = \"camera\"", "name = \"pump\"").await;
    let form = format!("toml={}&from=", encoded(&text));
    let shown = house.sends_form("/profiles/new", &cookie, &form).await;
    assert!(
        shown.text().contains("No device has this profile yet."),
        "{}",
        shown.text()
    );
    house
        .sends_form("/profiles/pump/apply", &cookie, &form)
        .await;
    assert_eq!(
        house.browses("/profiles/pump", &cookie).await.status,
        StatusCode::OK
    );
    let before = house.entries();
    let body = json!({"toml": text}).to_string();
    let again = house.asks(Method::PUT, "/profiles/pump", &body).await;
    assert_eq!(
        (again.status, &again.json()["entry"]),
        (StatusCode::OK, &json!(null))
    );
    assert_eq!(house.entries(), before);
}
