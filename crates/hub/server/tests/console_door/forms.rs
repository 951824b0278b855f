//! Orders and views given by form: what a person sees before, what is refused, what happens after.

use axum::http::{StatusCode, header};

use crate::house::{Answer, House};

/// A house with a device, and somebody who is signed in.
struct Scene {
    house: House,
    cookie: String,
}

impl Scene {
    async fn new() -> Self {
        let house = House::open().await;
        house.brings_in("cam-1").await;
        let cookie = house.signs_in().await;
        Self { house, cookie }
    }

    async fn sees(&self, path: &str) -> Answer {
        self.house.browses(path, &self.cookie).await
    }

    /// Sends the form that stands on the page at `from`: its hidden fields, and what was typed.
    async fn sends(&self, from: &str, to: &str, typed: &str) -> Answer {
        let page = self.sees(from).await;
        let hidden = page.text().split(r#"<input type="hidden" name=""#).skip(1);
        let fields: Vec<String> = hidden
            .filter_map(|field| {
                let (name, rest) = field.split_once(r#"" value=""#)?;
                let (value, _) = rest.split_once('"')?;
                Some(format!("{name}={}", value.replace("&#38;", "%26")))
            })
            .filter(|field| !typed.contains(field.split('=').next().unwrap()))
            .collect();
        // The form to sign out stands on every page too, with the same token.
        let form = format!("{}&{typed}", fields[1..].join("&"));
        self.house.submits(to, &self.cookie, &form).await
    }

    async fn orders(&self, order: &str, typed: &str) -> Answer {
        let from = format!("/devices/cam-1?order={order}");
        self.sends(&from, "/devices/cam-1/orders", typed).await
    }

    async fn lifecycle(&self, device: &str) -> String {
        let device = self.house.gets(&format!("/devices/{device}")).await.json();
        device["lifecycle"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_order_shows_its_consequence_is_given_and_told_of_with_its_entry() {
    let scene = Scene::new().await;
    let page = scene.sees("/devices/cam-1?order=quarantine").await;
    for part in [
        "Quarantine cam-1?",
        "What will change",
        "#quarantined\"/></svg>Quarantined</span>",
        "<div class=\"app\" inert>",
        "ironroot device quarantine cam-1",
    ] {
        assert!(page.text().contains(part), "{part}");
    }
    let done = scene.orders("quarantine", "why=sends+nonsense").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let entry = scene.house.entries() - 1;
    let to = done.header(header::LOCATION).to_owned();
    assert_eq!(to, format!("/devices/cam-1?done={entry}"));
    let page = scene.sees(&to).await;
    assert!(page.text().contains(r#"class="toast" role="status""#));
    assert!(page.text().contains(&format!("/journal/{entry}")));
    assert!(page.text().contains("sends nonsense"));
    let device = scene.house.gets("/devices/cam-1").await.json();
    assert_eq!(device["reasons"][0]["who"], "admin");
}

#[tokio::test]
async fn an_order_without_a_reason_comes_back_with_what_is_wrong() {
    let scene = Scene::new().await;
    let entries = scene.house.entries();
    let refused = scene.orders("quarantine", "why=++").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .text()
            .contains("<title>Your order was not carried out: ")
    );
    assert!(refused.text().contains(r##"<a href="#why">"##) && refused.text().contains("Error: "));
    assert_eq!(scene.house.entries(), entries);
}

#[tokio::test]
async fn retirement_wants_the_id_typed_and_keeps_the_reason_that_was() {
    let scene = Scene::new().await;
    let refused = scene.orders("retire", "why=sold+%3Cb%3E&typed=cam-2").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("sold &#60;b&#62;</textarea>"));
    assert_eq!(scene.lifecycle("cam-1").await, "active");
    let done = scene.orders("retire", "why=sold&typed=cam-1").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(scene.lifecycle("cam-1").await, "retired");
}

#[tokio::test]
async fn an_order_whose_consequence_has_changed_is_shown_anew_instead_of_given() {
    let scene = Scene::new().await;
    let seen = scene.house.entries();
    let order = r#"{"order":"quarantine","why":"another person was faster"}"#;
    scene.house.posts("/devices/cam-1/orders", order).await;
    let late = format!("order=retire&why=sold&typed=cam-1&seen={seen}");
    let refused = scene.orders("retire", &late).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text().contains("has changed since"),
        "{}",
        refused.text()
    );
    assert_eq!(scene.lifecycle("cam-1").await, "quarantined");
    let api = format!(r#"{{"order":"release","seen":{seen}}}"#);
    let refused = scene.house.posts("/devices/cam-1/orders", &api).await;
    assert_eq!(refused.refusal(), (409, "state".to_owned()));
}

#[tokio::test]
async fn an_order_that_the_lifecycle_does_not_allow_is_shown_without_its_button() {
    let scene = Scene::new().await;
    let page = scene.sees("/devices/cam-1?order=release").await;
    assert!(page.text().contains("cannot be released"));
    assert!(
        !page
            .text()
            .contains(r#"<button class="btn main" type="submit">"#)
    );
    let unknown = scene.sees("/devices/cam-1?order=destroy").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_form_from_elsewhere_orders_nothing() {
    let scene = Scene::new().await;
    let entries = scene.house.entries();
    for path in [
        "/devices/cam-1/orders",
        "/orders",
        "/views",
        "/views/mine/remove",
    ] {
        for form in [
            "order=retire&why=x&typed=cam-1&ids=cam-1&name=mine",
            "csrf=guessed&order=retire&why=x&typed=cam-1&ids=cam-1&name=mine",
        ] {
            let refused = scene.house.submits(path, &scene.cookie, form).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
            let stranger = scene.house.submits(path, "", form).await;
            assert_eq!(stranger.header(header::LOCATION), "/sign-in", "{path}");
        }
    }
    assert_eq!(scene.house.entries(), entries);
}

#[tokio::test]
async fn one_order_reaches_several_devices_and_says_which_it_did_not() {
    let scene = Scene::new().await;
    scene.house.brings_in("cam-2").await;
    let claim = format!(
        r#"{{"serial":"cam-3","profile":"{}"}}"#,
        crate::house::profile()
    );
    scene.house.posts("/claims", &claim).await;
    let picked = "id=cam-1&id=cam-2&id=cam-3";
    let from = format!("/orders?order=quarantine&{picked}");
    let page = scene.sees(&from).await;
    assert!(
        page.text().contains("Quarantine 2 devices?"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("It does not reach 1 of them"));
    let done = scene.sends(&from, "/orders", "why=a+drill").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert_eq!(scene.lifecycle("cam-2").await, "quarantined");
    let page = scene.sees(done.header(header::LOCATION)).await;
    assert!(
        page.text().contains("2 of 2 devices were quarantined"),
        "{}",
        page.text()
    );
    let orders = r#"{"order":"release","devices":["cam-1","cam-3","cam-9"]}"#;
    let done = scene.house.posts("/orders", orders).await.json();
    assert_eq!(done["done"][0]["device"], "cam-1");
    assert_eq!(done["refused"][0]["device"], "cam-3");
    assert!(
        done["refused"][1]["detail"]
            .to_string()
            .contains("no device cam-9")
    );
}

#[tokio::test]
async fn many_are_retired_only_when_their_number_is_typed() {
    let scene = Scene::new().await;
    scene.house.brings_in("cam-2").await;
    let from = "/orders?order=retire&id=cam-1&id=cam-2";
    let refused = scene.sends(from, "/orders", "why=sold&typed=1").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = scene.sends(from, "/orders", "why=sold&typed=2").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(scene.lifecycle("cam-2").await, "retired");
}

#[tokio::test]
async fn one_ticked_device_leads_to_its_own_page() {
    let scene = Scene::new().await;
    let page = scene.sees("/orders?order=retire&id=cam-1").await;
    assert_eq!(page.header(header::LOCATION), "/devices/cam-1?order=retire");
    for (path, status) in [
        ("/orders?order=retire", 400),
        ("/orders?order=retire&id=a&id=b", 404),
    ] {
        assert_eq!(scene.sees(path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn an_id_that_no_header_can_carry_stays_within_the_address() {
    let scene = Scene::new().await;
    let page = scene.sees("/orders?order=retire&id=a%0Ab%2F..%3F").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(
        page.header(header::LOCATION),
        "/devices/a%0Ab%2F..%3F?order=retire"
    );
    let given = "order=quarantine&why=a+drill&ids=cam-1%2Ca%0Ab";
    let done = scene
        .house
        .sends_form("/orders", &scene.cookie, given)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let to = done.header(header::LOCATION);
    assert!(to.ends_with("&id=cam-1&id=a%0Ab"), "{to}");
}

#[tokio::test]
async fn a_view_is_saved_shown_with_its_number_and_removed() {
    let scene = Scene::new().await;
    let list = scene.sees("/devices?lifecycle=active&sort=id").await;
    assert!(
        list.text().contains("/views?lifecycle=active&#38;sort=id"),
        "{}",
        list.text()
    );
    let from = "/views?lifecycle=active&sort=id";
    let saved = scene.sends(from, "/views", "name=at-work").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let to = "/devices?lifecycle=active&sort=id&saved=at-work";
    assert_eq!(saved.header(header::LOCATION), to);
    let page = scene.sees(to).await;
    assert!(
        page.text()
            .contains(r#"aria-current="page">at-work<span class="n">1</span>"#)
    );
    let views = scene.house.gets("/views").await.json();
    assert_eq!(views["items"][0]["query"], "lifecycle=active&sort=id");
    let removed = scene.sends(to, "/views/at-work/remove", "").await;
    assert_eq!(removed.header(header::LOCATION), "/devices?removed=at-work");
    let views = scene.house.gets("/views").await.json();
    assert_eq!(views["items"], serde_json::json!([]));
}

#[tokio::test]
async fn a_view_without_a_name_or_with_a_foreign_query_is_not_saved() {
    let scene = Scene::new().await;
    let refused = scene
        .sends("/views?lifecycle=active", "/views", "name=a+b")
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains(r#"value="a b""#) && refused.text().contains("Error: "));
    for body in [
        r#"{"name":"x","query":"limit=5"}"#,
        r#"{"name":"x","query":"colour=red"}"#,
        r#"{"name":"","query":""}"#,
    ] {
        let refused = scene.house.posts("/views", body).await;
        assert_eq!(refused.refusal(), (422, "content".to_owned()), "{body}");
    }
    for n in 0..ironroot_api::VIEWS_MAX {
        let body = format!(r#"{{"name":"view-{n}","query":""}}"#);
        assert_eq!(
            scene.house.posts("/views", &body).await.status,
            StatusCode::CREATED
        );
    }
    let full = scene
        .house
        .posts("/views", r#"{"name":"one-more","query":""}"#)
        .await;
    assert_eq!(full.refusal(), (409, "state".to_owned()));
    let replaced = scene
        .house
        .posts("/views", r#"{"name":"view-0","query":"sort=id"}"#)
        .await;
    assert_eq!(replaced.status, StatusCode::CREATED);
}

#[tokio::test]
async fn the_stream_of_figures_ends_with_the_session() {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    let scene = Scene::new().await;
    let request = Request::get("/events")
        .header(header::HOST, "localhost:8080")
        .header(header::COOKIE, &scene.cookie);
    let request = request.body(Body::empty()).unwrap();
    let response = scene.house.router.clone().oneshot(request).await.unwrap();
    let mut events = response.into_body();
    assert!(events.frame().await.is_some());
    let page = scene.sees("/devices").await;
    let (_, rest) = page.text().split_once(r#"name="csrf" value=""#).unwrap();
    let csrf = rest.split('"').next().unwrap();
    let out = format!("csrf={csrf}");
    scene.house.submits("/sign-out", &scene.cookie, &out).await;
    assert!(events.frame().await.is_none());
}
