//! Claims: one by one and from a list, their tokens, and who takes them back.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use ironroot_api::NewClaims;
use serde_json::json;

use crate::house::{Answer, House, profile};

/// What follows a form that was carried out.
async fn follows(house: &House, cookie: &str, sent: &Answer) -> Answer {
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    house.browses(sent.header(header::LOCATION), cookie).await
}

/// Uploads a list as a browser does (RFC 7578).
async fn uploads(house: &House, cookie: &str, csrf: &str, name: &str, list: &str) -> Answer {
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"list.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n{list}\r\n--x--\r\n"
    );
    let request = Request::post("/onboard/many")
        .header(header::HOST, "localhost:8080")
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
    house.sends(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_claim_of_the_console_lets_its_device_in_and_its_token_is_shown_to_nobody_else() {
    let house = House::open().await;
    let (mine, other) = (house.signs_in().await, house.signs_in().await);
    let form = format!("serial=cam-1&profile={}&ttl=3600", profile());
    let sent = house.sends_form("/onboard", &mine, &form).await;
    let page = follows(&house, &mine, &sent).await;
    assert!(page.text().contains("cam-1 is claimed") && page.text().contains("<svg class=\"qr\""));
    let place = sent.header(header::LOCATION).to_owned();
    let elsewhere = house.browses(&place, &other).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
    let labels = house.browses(&format!("{place}/labels"), &mine).await;
    assert!(labels.text().contains("class=\"labels\""));
    let row = house.registry.device("cam-1").unwrap().row();
    assert_eq!(row.claim_expires, house.clock_ms() + 3_600_000);
    house.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(
        house.browses(&place, &mine).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn tokens_that_are_put_away_are_gone() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let form = format!("serial=cam-1&profile={}&ttl=3600", profile());
    let sent = house.sends_form("/onboard", &cookie, &form).await;
    let place = sent.header(header::LOCATION).to_owned();
    let away = house
        .sends_form(&format!("{place}/put-away"), &cookie, "")
        .await;
    assert_eq!(away.header(header::LOCATION), "/onboard");
    assert_eq!(
        house.browses(&place, &cookie).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_claim_that_cannot_be_made_keeps_what_was_typed() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    house.brings_in("cam-1").await;
    for (form, told) in [
        (
            format!("serial=cam-1&profile={}&ttl=3600", profile()),
            "cam-1: a device that is active cannot be claimed",
        ),
        (
            format!("serial=no+serial%21&profile={}&ttl=3600", profile()),
            "id=\"serial-e\"",
        ),
        (
            "serial=cam-2&profile=nonesuch&ttl=3600".to_owned(),
            "There is no profile nonesuch",
        ),
        (
            format!("serial=cam-2&profile={}&ttl=1", profile()),
            "a claim lives 60",
        ),
    ] {
        let answer = house.sends_form("/onboard", &cookie, &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(
            answer.text().contains("The claim was not made") && answer.text().contains(told),
            "{form}"
        );
        let serial = form
            .split(['=', '&'])
            .nth(1)
            .unwrap()
            .replace('+', " ")
            .replace("%21", "!");
        assert!(
            answer.text().contains(&format!("value=\"{serial}\"")),
            "{form}"
        );
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let house = House::open().await;
    let (mine, other) = (house.signs_in().await, house.signs_in().await);
    let foreign = house.csrf(&other).await;
    let before = house.entries();
    for csrf in ["", "guess", &foreign] {
        for (path, form) in [
            (
                "/onboard",
                format!("csrf={csrf}&serial=cam-1&profile={}&ttl=3600", profile()),
            ),
            (
                "/onboard/many/claim",
                format!("csrf={csrf}&text=cam-1,{}", profile()),
            ),
            ("/onboard/withdraw/cam-1", format!("csrf={csrf}")),
            ("/onboard/makers", format!("csrf={csrf}&name=acme")),
            ("/services/new", format!("csrf={csrf}&name=x&publish=a")),
            ("/services/x/revoke", format!("csrf={csrf}")),
        ] {
            let answer = house.submits(path, &mine, &form).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {csrf}");
        }
        let list = format!("cam-1,{}", profile());
        let answer = uploads(&house, &mine, csrf, "file", &list).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(house.entries(), before);
}

#[tokio::test]
async fn a_list_is_shown_before_it_is_claimed_and_then_claimed_whole() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let csrf = house.csrf(&cookie).await;
    let list = format!("serial,profile,ttl\ncam-1,{0},7d\ncam-2,{0}", profile());
    let before = house.entries();
    for name in ["file", "text"] {
        let checked = uploads(&house, &cookie, &csrf, name, &list).await;
        assert_eq!(checked.status, StatusCode::OK);
        assert!(checked.text().contains("2 devices can be claimed"));
    }
    assert_eq!(house.entries(), before, "checking claims nothing");
    let form = format!("text={}", list.replace('\n', "%0A"));
    let sent = house
        .sends_form("/onboard/many/claim", &cookie, &form)
        .await;
    let page = follows(&house, &cookie, &sent).await;
    assert!(page.text().contains("2 devices are claimed"));
    assert_eq!(house.entries(), before + 2);
    let waiting = house.browses("/onboard", &cookie).await;
    assert!(
        waiting
            .text()
            .contains("2 claims wait for their device. The first ends in 24 h.")
    );
}

#[tokio::test]
async fn one_faulty_line_keeps_the_whole_list_from_being_claimed() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let csrf = house.csrf(&cookie).await;
    house.brings_in("cam-9").await;
    let before = house.entries();
    let list = format!(
        "cam-1,{0}\n\ncam-9,{0}\ncam-2,nonesuch\ncam 3,{0}",
        profile()
    );
    let checked = uploads(&house, &cookie, &csrf, "file", &list).await;
    assert_eq!(checked.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in [
        "Nothing was claimed",
        "Line 3: cam-9: a device that is active",
        "Line 4: there is no profile nonesuch",
        "Line 5: serial:",
    ] {
        assert!(checked.text().contains(told), "{told}");
    }
    let form = format!("text={}", list.replace('\n', "%0A"));
    let claimed = house
        .sends_form("/onboard/many/claim", &cookie, &form)
        .await;
    assert_eq!(claimed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.entries(), before);
}

#[tokio::test]
async fn the_api_claims_many_or_none_and_says_beforehand_whether_it_could() {
    let house = House::open().await;
    let claim = |serial: &str| json!({"serial": serial, "profile": profile()});
    let batch = |serials: &[&str], dry_run: bool| {
        json!({"claims": serials.iter().map(|serial| claim(serial)).collect::<Vec<_>>(), "dry_run": dry_run}).to_string()
    };
    let dry = house
        .posts("/claims/batch", &batch(&["a", "b"], true))
        .await;
    assert_eq!(
        (dry.status, dry.json()["claims"].as_array().unwrap().len()),
        (StatusCode::OK, 0)
    );
    let twice = house
        .posts("/claims/batch", &batch(&["a", "a"], false))
        .await;
    assert_eq!(twice.refusal(), (422, "content".to_owned()));
    assert_eq!(twice.json()["fields"][0]["field"], "claims[1]");
    for count in [0, 251] {
        let claims = (0..count).map(|n| serde_json::from_value(claim(&format!("s{n}"))).unwrap());
        let body = serde_json::to_string(&NewClaims {
            claims: claims.collect(),
            dry_run: true,
        })
        .unwrap();
        assert_eq!(
            house.posts("/claims/batch", &body).await.refusal().0,
            422,
            "{count}"
        );
    }
    let made = house
        .posts("/claims/batch", &batch(&["a", "b"], false))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let listed = house.gets("/claims?limit=1").await.json();
    assert_eq!(
        (&listed["items"][0]["serial"], &listed["items"][0]["who"]),
        (&json!("a"), &json!("admin"))
    );
    let next = listed["next"].as_str().unwrap();
    let rest = house.gets(&format!("/claims?cursor={next}")).await.json();
    assert_eq!(
        (&rest["items"][0]["serial"], &rest["next"]),
        (&json!("b"), &json!(null))
    );
}

#[tokio::test]
async fn a_claim_that_was_withdrawn_waits_no_more_and_can_be_made_again() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let claim = format!(r#"{{"serial":"cam-1","profile":"{}"}}"#, profile());
    house.posts("/claims", &claim).await;
    let asked = house.browses("/onboard/withdraw/cam-1", &cookie).await;
    assert!(asked.text().contains("Withdraw the claim of cam-1?"));
    let sent = house
        .sends_form("/onboard/withdraw/cam-1", &cookie, "")
        .await;
    let page = follows(&house, &cookie, &sent).await;
    assert!(page.text().contains("The claim of cam-1 is withdrawn"));
    assert!(page.text().contains("No claim waits"));
    assert!(
        house
            .registry
            .device("cam-1")
            .unwrap()
            .row()
            .claim_withdrawn()
    );
    let device = house.browses("/devices/cam-1", &cookie).await;
    assert!(device.text().contains("Its claim was withdrawn at"));
    let secret = house.ledger.store().secret("claim/cam-1").await.unwrap();
    assert!(secret.is_none(), "its token's digest is gone");
    let again = house.asks(Method::DELETE, "/claims/cam-1", "").await;
    assert_eq!(again.refusal(), (409, "state".to_owned()));
    assert_eq!(
        house.posts("/claims", &claim).await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn only_a_claim_that_waits_can_be_withdrawn() {
    let house = House::open().await;
    house.brings_in("cam-1").await;
    for serial in ["cam-1", "cam-2"] {
        let refused = house
            .asks(Method::DELETE, &format!("/claims/{serial}"), "")
            .await;
        assert_eq!(refused.refusal(), (409, "state".to_owned()), "{serial}");
    }
    let hostile = house.asks(Method::DELETE, "/claims/a%20b", "").await;
    assert_eq!(hostile.refusal(), (404, "unknown".to_owned()));
}
