//! The OpenAPI document, held against the routes that it describes.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::Value;

use crate::house::House;

async fn document(house: &House) -> Value {
    let request = Request::get("/api/v1/openapi.json").header(header::HOST, "localhost");
    let answer = house.sends(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    answer.json()
}

/// Every method and path of the document.
fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    each.collect()
}

#[tokio::test]
async fn it_is_openapi_3_1_and_asks_for_a_bearer_token() {
    let house = House::open().await;
    let document = document(&house).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!(
        (scheme["type"].as_str(), scheme["scheme"].as_str()),
        (Some("http"), Some("bearer"))
    );
    assert!(document["security"][0].get("token").is_some());
}

#[tokio::test]
async fn it_lists_what_the_command_line_asks_for() {
    let house = House::open().await;
    let listed = operations(&document(&house).await);
    for (method, path) in [
        ("GET", "/status"),
        ("GET", "/figures"),
        ("GET", "/backup"),
        ("GET", "/devices"),
        ("GET", "/devices/{id}"),
        ("POST", "/devices/{id}/orders"),
        ("POST", "/claims"),
        ("GET", "/services"),
        ("POST", "/services"),
        ("DELETE", "/services/{name}"),
        ("GET", "/profiles"),
        ("GET", "/profiles/{name}"),
        ("GET", "/manufacturer-cas"),
        ("POST", "/manufacturer-cas"),
        ("DELETE", "/manufacturer-cas/{name}"),
        ("GET", "/journal"),
        ("GET", "/journal/{index}"),
        ("GET", "/journal/{index}/proof"),
        ("GET", "/journal/checkpoint"),
        ("GET", "/journal/log/{path}"),
        ("POST", "/sign-in-links"),
    ] {
        let known = (method.to_owned(), format!("/api/v1{path}"));
        assert!(listed.contains(&known), "{method} {path}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!(
            listed.contains(&("GET".to_owned(), path.to_owned())),
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_route_that_it_lists_is_there_and_asks_for_the_token() {
    let house = House::open().await;
    for (method, path) in operations(&document(&house).await) {
        let path = path.replace("{index}", "0").replace("{path}", "checkpoint");
        let path = path.replace("{id}", "cam-1").replace("{name}", "x");
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(&path)
            .header(header::HOST, "localhost");
        let answer = house.sends(request.body(Body::empty()).unwrap()).await;
        let expected = if path.starts_with("/api/") { 401 } else { 200 };
        assert_eq!(answer.status.as_u16(), expected, "{method} {path}");
    }
}

#[tokio::test]
async fn every_reference_in_it_leads_somewhere() {
    let house = House::open().await;
    let document = document(&house).await;
    let mut found = 0;
    follow(&document, &document, &mut found);
    assert!(found > 30, "{found}");
}

fn follow(value: &Value, document: &Value, found: &mut usize) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
                *found += 1;
            }
            members
                .values()
                .for_each(|member| follow(member, document, found));
        }
        Value::Array(items) => items.iter().for_each(|item| follow(item, document, found)),
        _ => {}
    }
}
