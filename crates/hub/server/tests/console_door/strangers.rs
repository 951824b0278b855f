//! Requests that have no business here.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};

use crate::house::{House, TOKEN};

#[tokio::test]
async fn without_a_valid_token_every_request_is_refused_alike() {
    let house = House::open().await;
    let mut bodies = Vec::new();
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer 0123456789abcdef0123456789abcdee",
        "Bearer 0123456789abcdef0123456789abcdef0",
        &format!("Basic {TOKEN}"),
        TOKEN,
    ] {
        for path in ["/api/v1/devices", "/api/v1/devices/cam-1", "/api/v1/status"] {
            let request = Request::get(path)
                .header(header::HOST, "localhost")
                .header(header::AUTHORIZATION, authorization);
            let answer = house.sends(request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                answer.refusal(),
                (401, "unauthenticated".to_owned()),
                "{authorization}"
            );
            assert!(
                answer
                    .header(header::WWW_AUTHENTICATE)
                    .starts_with("Bearer")
            );
            let mut problem = answer.json();
            assert_eq!(problem["reference"].take().as_str().unwrap().len(), 8);
            bodies.push(problem);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_session_cookie_opens_no_api() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let answer = house.browses("/api/v1/devices", &cookie).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn dns_rebinding_is_refused_before_anything_else() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    for path in ["/", "/api/v1/devices", "/sign-in", "/metrics", "/healthz"] {
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "10.0.0.1:8080",
            "",
        ] {
            let request = Request::get(path)
                .header(header::HOST, host)
                .header(header::COOKIE, &cookie)
                .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
            let answer = house.sends(request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                answer.refusal(),
                (421, "misdirected".to_owned()),
                "{path} {host}"
            );
            assert!(!answer.header(header::CONTENT_SECURITY_POLICY).is_empty());
        }
    }
    let none = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(
        house.sends(none).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
    let two = Request::get("/healthz")
        .header(header::HOST, "localhost")
        .header(header::HOST, "evil.example");
    let two = house.sends(two.body(Body::empty()).unwrap()).await;
    assert_eq!(two.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_is_not_kept() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    for (path, cookie) in [
        ("/", cookie.as_str()),
        ("/sign-in", ""),
        ("/api/v1/status", ""),
        ("/nothing", &cookie),
    ] {
        let answer = house.browses(path, cookie).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_as_a_problem() {
    let house = House::open().await;
    let claim = r#"{"serial":"cam-1","profile":"camera"}"#;
    for (method, path, body, expected) in [
        (Method::GET, "/nothing", "", (404, "no-route")),
        (Method::GET, "/devices/cam-9", "", (404, "unknown")),
        (
            Method::GET,
            "/devices?lifecycle=sleepy",
            "",
            (400, "malformed"),
        ),
        (
            Method::GET,
            "/devices?lifecylce=active",
            "",
            (400, "malformed"),
        ),
        (Method::GET, "/devices?cursor=x", "", (422, "content")),
        (Method::GET, "/journal/minus-one", "", (400, "malformed")),
        (Method::GET, "/journal/99999", "", (404, "unknown")),
        (
            Method::GET,
            "/journal/log/../store.sqlite",
            "",
            (404, "unknown"),
        ),
        (Method::GET, "/profiles/nothing", "", (404, "unknown")),
        (Method::PUT, "/claims", claim, (405, "method")),
        (Method::POST, "/claims", "{", (400, "malformed")),
        (
            Method::POST,
            "/claims",
            r#"{"serial":"cam-1"}"#,
            (422, "content"),
        ),
        (
            Method::POST,
            "/claims",
            r#"{"serial":"cam 1","profile":"camera"}"#,
            (422, "content"),
        ),
        (
            Method::POST,
            "/claims",
            r#"{"serial":"cam-1","profile":"camera","ttl_s":1}"#,
            (422, "content"),
        ),
        (
            Method::POST,
            "/claims",
            r#"{"serial":"cam-1","profile":"nothing"}"#,
            (422, "content"),
        ),
        (
            Method::POST,
            "/services",
            r#"{"name":"s","publish":["d/{device}/up"]}"#,
            (422, "content"),
        ),
        (
            Method::POST,
            "/services",
            r#"{"name":"s","publish":["a/#/b"]}"#,
            (422, "content"),
        ),
        (
            Method::POST,
            "/services",
            r#"{"name":"s"}"#,
            (422, "content"),
        ),
        (
            Method::POST,
            "/services",
            r#"{"name":"s","publish":["a"],"csr":"x"}"#,
            (422, "content"),
        ),
        (Method::DELETE, "/services/nothing", "", (404, "unknown")),
        (
            Method::DELETE,
            "/manufacturer-cas/nothing",
            "",
            (404, "unknown"),
        ),
        (
            Method::POST,
            "/manufacturer-cas",
            r#"{"name":"acme","pem":"x"}"#,
            (422, "content"),
        ),
    ] {
        let answer = house.asks(method.clone(), path, body).await;
        let (status, class) = answer.refusal();
        assert_eq!(
            (status, class.as_str()),
            expected,
            "{method} {path} {body}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_body_of_another_type_or_past_its_bound_is_refused() {
    let house = House::open().await;
    let request = |media_type: &str, body: String| {
        Request::post("/api/v1/claims")
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, media_type)
            .body(Body::from(body))
            .unwrap()
    };
    let other = house.sends(request("text/plain", "{}".to_owned())).await;
    assert_eq!(other.refusal(), (415, "media-type".to_owned()));
    let large = format!(
        r#"{{"serial":"{}"}}"#,
        "x".repeat(ironroot_api::BODY_SIZE_MAX)
    );
    let large = house.sends(request("application/json", large)).await;
    assert_eq!(large.refusal(), (413, "too-large".to_owned()));
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let house = House::open().await;
    let answer = house
        .posts("/claims", r#"{"serial":"cam 1","profile":"camera"}"#)
        .await;
    assert_eq!(answer.json()["fields"][0]["field"], "serial");
    let answer = house
        .posts("/claims", r#"{"serial":"c","profile":"camera","ttl_s":1}"#)
        .await;
    assert_eq!(answer.json()["fields"][0]["field"], "ttl_s");
}
