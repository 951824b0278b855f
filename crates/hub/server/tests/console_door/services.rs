//! Services in the console: made with a key that is shown once, and revoked.

use axum::http::{StatusCode, header};

use crate::house::House;

const FORM: &str = "name=backend&publish=d/%2B/down/%23%0D%0A&subscribe=d/%2B/up/%23&csr=";

#[tokio::test]
async fn a_service_gets_its_key_once_and_is_listed_with_what_it_may_reach() {
    let house = House::open().await;
    let (mine, other) = (house.signs_in().await, house.signs_in().await);
    let made = house.sends_form("/services/new", &mine, FORM).await;
    let place = made.header(header::LOCATION).to_owned();
    assert!(place.starts_with("/services/issued/"), "{}", made.text());
    let page = house.browses(&place, &mine).await;
    assert!(page.text().contains("BEGIN PRIVATE KEY") && page.text().contains("BEGIN CERTIFICATE"));
    assert_eq!(
        house.browses(&place, &other).await.status,
        StatusCode::NOT_FOUND
    );
    house
        .sends_form(&format!("{place}/put-away"), &mine, "")
        .await;
    assert_eq!(
        house.browses(&place, &mine).await.status,
        StatusCode::NOT_FOUND
    );
    let list = house.browses("/services", &mine).await;
    assert!(list.text().contains("1 service, 0 connected"));
    let one = house.browses("/services/backend", &mine).await;
    assert!(one.text().contains("d/+/down/#") && one.text().contains("d/+/up/#"));
    let api = house.gets("/services/backend").await.json();
    assert_eq!(
        (&api["name"], &api["traffic"]["messages_in"]),
        (&"backend".into(), &0.into())
    );
    assert_eq!(
        house.gets("/services/nobody").await.refusal(),
        (404, "unknown".to_owned())
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_service_is_said_at_its_field() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    for (form, field) in [
        ("name=a+b&publish=x&subscribe=&csr=", "name"),
        ("name=b&publish=d/%23/up&subscribe=&csr=", "publish"),
        ("name=b&publish=&subscribe=d/{device}/up&csr=", "subscribe"),
        ("name=b&publish=x&subscribe=&csr=none", "csr"),
        ("name=b&publish=&subscribe=&csr=", "publish"),
    ] {
        let answer = house.sends_form("/services/new", &cookie, form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(
            answer.text().contains(&format!("id=\"{field}-e\"")),
            "{form}"
        );
    }
}

#[tokio::test]
async fn a_revoked_service_stays_in_the_list_as_revoked() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    house.sends_form("/services/new", &cookie, FORM).await;
    let asked = house.browses("/services/backend/revoke", &cookie).await;
    assert!(asked.text().contains("Revoke backend?"));
    let sent = house
        .sends_form("/services/backend/revoke", &cookie, "")
        .await;
    let page = house.browses(sent.header(header::LOCATION), &cookie).await;
    assert!(page.text().contains("backend is revoked") && page.text().contains("Revoked"));
    let again = house
        .sends_form("/services/backend/revoke", &cookie, "")
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refilled = house.browses("/services/new?name=backend", &cookie).await;
    assert!(refilled.text().contains("There is a service of this name"));
}
