//! Links and sessions.

use std::time::Duration;

use axum::http::{StatusCode, header};

use crate::house::House;

#[tokio::test]
async fn a_link_signs_one_person_in_once() {
    let house = House::open().await;
    let form = format!("key={}", house.key().await);
    let first = house.submits("/sign-in", "", &form).await;
    assert_eq!(
        (first.status, first.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, "/settings/password?first=true")
    );
    let cookie = first.header(header::SET_COOKIE);
    for attribute in [
        "ironroot-8080=",
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Strict",
        "; Max-Age=43200",
    ] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(house.browses("/", cookie).await.status, StatusCode::OK);
    let second = house.submits("/sign-in", "", &form).await;
    assert_eq!(second.status, StatusCode::FORBIDDEN);
    assert!(second.header(header::SET_COOKIE).is_empty());
    assert!(second.text().contains("does not work any more"));
}

#[tokio::test]
async fn looking_at_a_link_does_not_spend_it() {
    let house = House::open().await;
    let key = house.key().await;
    for _ in 0..3 {
        let preview = house.browses(&format!("/sign-in?key={key}"), "").await;
        assert_eq!(preview.status, StatusCode::OK);
        assert!(preview.text().contains(&key) && preview.header(header::SET_COOKIE).is_empty());
    }
    let used = house.submits("/sign-in", "", &format!("key={key}")).await;
    assert_eq!(used.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_link_works_for_fifteen_minutes_and_no_longer() {
    let house = House::open().await;
    let (in_time, too_late) = (house.key().await, house.key().await);
    house.clock.advance(Duration::from_secs(15 * 60 - 1));
    let in_time = house
        .submits("/sign-in", "", &format!("key={in_time}"))
        .await;
    assert_eq!(in_time.status, StatusCode::SEE_OTHER);
    house.clock.advance(Duration::from_secs(1));
    let too_late = house
        .submits("/sign-in", "", &format!("key={too_late}"))
        .await;
    assert_eq!(too_late.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_api_makes_links() {
    let house = House::open().await;
    let answer = house.posts("/sign-in-links", "{}").await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let link = answer.json();
    assert_eq!(link["expires"], "2026-11-22T05:21:01.000Z");
    let url = link["url"].as_str().unwrap();
    let key = url
        .strip_prefix("http://localhost:8080/sign-in?key=")
        .unwrap();
    let used = house.submits("/sign-in", "", &format!("key={key}")).await;
    assert_eq!(used.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_guessed_key_or_none_signs_nobody_in() {
    let house = House::open().await;
    house.key().await;
    for form in [
        "",
        "key=",
        "key=00000000000000000000000000000000",
        "other=1",
    ] {
        let answer = house.submits("/sign-in", "", form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form}");
        assert!(answer.header(header::SET_COOKIE).is_empty());
    }
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_sign_in() {
    let house = House::open().await;
    for path in [
        "/",
        "/devices",
        "/devices/cam-1",
        "/journal",
        "/journal/0",
        "/events",
        "/nothing",
    ] {
        for cookie in [
            "",
            "ironroot-8080=",
            "ironroot-8080=guess",
            "other=1; ironroot-9090=x",
        ] {
            let answer = house.browses(path, cookie).await;
            assert_eq!(
                (answer.status, answer.header(header::LOCATION)),
                (StatusCode::SEE_OTHER, "/sign-in"),
                "{path} {cookie}"
            );
            assert!(answer.body.is_empty());
        }
    }
}

#[tokio::test]
async fn a_session_lasts_twelve_hours() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    house.clock.advance(Duration::from_secs(12 * 3_600 - 1));
    assert_eq!(house.browses("/", &cookie).await.status, StatusCode::OK);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(
        house.browses("/", &cookie).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_and_needs_its_own_form() {
    let house = House::open().await;
    let (mine, other) = (house.signs_in().await, house.signs_in().await);
    let page = house.browses("/", &mine).await;
    let (_, rest) = page.text().split_once(r#"name="csrf" value=""#).unwrap();
    let csrf = rest.split('"').next().unwrap();
    for (cookie, form) in [
        (&mine, String::new()),
        (&mine, "csrf=guess".to_owned()),
        (&other, format!("csrf={csrf}")),
    ] {
        let refused = house.submits("/sign-out", cookie, &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(house.browses("/", &mine).await.status, StatusCode::OK);
    let done = house
        .submits("/sign-out", &mine, &format!("csrf={csrf}"))
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(done.header(header::SET_COOKIE).contains("Max-Age=0"));
    assert_eq!(
        house.browses("/", &mine).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(house.browses("/", &other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn sessions_and_links_are_bounded_and_the_oldest_goes() {
    let house = House::open().await;
    let first = house.signs_in().await;
    for _ in 0..64 {
        house.signs_in().await;
    }
    assert_eq!(
        house.browses("/", &first).await.status,
        StatusCode::SEE_OTHER
    );
    let oldest = house.key().await;
    for _ in 0..16 {
        house.key().await;
    }
    let spent = house
        .submits("/sign-in", "", &format!("key={oldest}"))
        .await;
    assert_eq!(spent.status, StatusCode::FORBIDDEN);
}
