//! The pages, with the hub's own state behind them.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::house::House;

#[tokio::test]
async fn a_new_hub_shows_the_first_steps() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let page = house.browses("/", &cookie).await;
    assert_eq!(
        page.header(header::CONTENT_TYPE),
        "text/html; charset=utf-8"
    );
    assert!(
        page.text()
            .contains("<h1 data-slot=\"answer\">No devices yet</h1>")
    );
    assert!(
        page.text()
            .contains("https://localhost:8444/.well-known/est/simpleenroll")
    );
}

#[tokio::test]
async fn the_overview_answers_first() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    for id in ["cam-1", "cam-2", "cam-3"] {
        house.brings_in(id).await;
    }
    let page = house.browses("/", &cookie).await;
    assert!(page.text().contains(">Nothing needs you</h1>"));
    let order = r#"{"order":"quarantine","why":"<b>loud</b>"}"#;
    house.posts("/devices/cam-2/orders", order).await;
    let page = house.browses("/", &cookie).await;
    assert!(page.text().contains(">1 device needs you</h1>"));
    assert!(page.text().contains("2 of 3 devices are in good standing"));
    assert!(page.text().contains("&#60;b&#62;loud") && !page.text().contains("<b>loud"));
}

#[tokio::test]
async fn every_page_of_a_device_and_its_entries_is_there() {
    let mut house = House::open().await;
    let cookie = house.signs_in().await;
    house.brings_in("cam-1").await;
    house.signs();
    let last = house.entries() - 1;
    for (path, expected) in [
        ("/devices".to_owned(), "/devices/cam-1"),
        (
            "/devices?id=cam&lifecycle=active&profile=&tier=&sort=id".to_owned(),
            "lifecycle is active",
        ),
        ("/devices?id=zzz".to_owned(), "No device fits"),
        ("/devices/cam-1".to_owned(), "In good standing since"),
        (
            "/journal".to_owned(),
            "used its certificate for the first time",
        ),
        ("/journal?device=cam-1".to_owned(), "device is cam-1"),
        (format!("/journal/{last}"), "It is proved"),
    ] {
        let page = house.browses(&path, &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text().contains(expected), "{path}");
        assert!(
            !page.text().contains("style=") && !page.text().contains("<script>"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_on_a_page() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    for (path, status) in [
        ("/nothing", 404),
        ("/devices/cam-9", 404),
        ("/journal/999", 404),
        ("/journal/x", 404),
        ("/devices?lifecycle=sleepy", 400),
        ("/devices?cursor=x", 400),
    ] {
        let page = house.browses(path, &cookie).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(page.text().contains("<h1>"), "{path}");
    }
    let hostile = house
        .browses("/devices/%3Cscript%3Ealert(1)%3C%2Fscript%3E", &cookie)
        .await;
    assert_eq!(hostile.status, StatusCode::NOT_FOUND);
    assert!(!hostile.text().contains("<script>"));
}

#[tokio::test]
async fn assets_are_kept_for_good_and_need_no_session() {
    let house = House::open().await;
    let page = house.browses("/sign-in", "").await;
    let paths: Vec<_> = page
        .text()
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .collect();
    assert!(paths.len() >= 3);
    for path in paths {
        let path = path.split('#').next().unwrap();
        let asset = house.browses(path, "").await;
        assert_eq!(asset.status, StatusCode::OK, "{path}");
        assert!(asset.header(header::CACHE_CONTROL).contains("immutable"));
    }
}

#[tokio::test]
async fn figures_are_sent_while_a_page_is_open_and_end_with_the_hub() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let request = Request::get("/events")
        .header(header::HOST, "localhost:8080")
        .header(header::COOKIE, cookie);
    let request = request.body(Body::empty()).unwrap();
    let response = house.router.clone().oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    let mut events = response.into_body();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (live, views) = (house.live.clone(), house.views.clone());
    let counting = tokio::spawn(async move {
        live.run(&views, async move { drop(stopped.await) }).await;
    });
    let mut seen = String::new();
    while !seen.contains("No devices yet") {
        let frame = events.frame().await.unwrap().unwrap();
        seen += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
    }
    for slot in [
        r#""entries":"4""#,
        r#""state-quarantined":"0""#,
        r#""c-messages-x4":"now""#,
    ] {
        assert!(seen.contains(slot), "{slot} in {seen}");
    }
    drop(stop);
    counting.await.unwrap();
    assert!(events.frame().await.is_none());
}
