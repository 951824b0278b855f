//! The password: set after the first link, asked for afterwards, and tried a few times and no more.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use ironroot_server::collect::doors::http::Peer;

use crate::house::{Answer, BEGIN, House, TOKEN};

const PASSWORD: &str = "correct horse battery";

async fn sets(house: &House, cookie: &str, password: &str) -> Answer {
    let form = format!("password={password}&again={password}").replace(' ', "+");
    house.sends_form("/settings/password", cookie, &form).await
}

async fn signs_in_with(house: &House, password: &str) -> Answer {
    let form = format!("name=admin&password={password}").replace(' ', "+");
    house.submits("/sign-in", "", &form).await
}

fn cookie_of(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let cookie = answer.header(header::SET_COOKIE);
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_link_leads_to_a_password_that_signs_in_from_then_on() {
    let house = House::open().await;
    let key = house.key().await;
    let first = house.submits("/sign-in", "", &format!("key={key}")).await;
    assert_eq!(
        first.header(header::LOCATION),
        "/settings/password?first=true"
    );
    let cookie = cookie_of(&first);
    let page = house
        .browses("/settings/password?first=true", &cookie)
        .await;
    assert!(page.text().contains("Not now") && !page.text().contains("Present password"));
    assert_eq!(
        signs_in_with(&house, PASSWORD).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        sets(&house, &cookie, PASSWORD)
            .await
            .header(header::LOCATION),
        "/settings?done=password"
    );
    let inside = cookie_of(&signs_in_with(&house, PASSWORD).await);
    assert_eq!(house.browses("/", &inside).await.status, StatusCode::OK);
    let again = house
        .submits("/sign-in", "", &format!("key={}", house.key().await))
        .await;
    assert_eq!(
        again.header(header::LOCATION),
        "/",
        "a link works all the same"
    );
}

#[tokio::test]
async fn the_journal_knows_that_it_was_set_and_nobody_knows_what_it_is() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    sets(&house, &cookie, PASSWORD).await;
    let journal = house.gets("/journal?limit=3").await;
    assert!(
        journal
            .text()
            .contains("The password of admin was set by admin.")
    );
    assert!(
        journal
            .text()
            .contains("A link that signs admin in, once, was made by admin.")
    );
    let kept = house
        .ledger
        .store()
        .secret("password/admin")
        .await
        .unwrap()
        .unwrap();
    let kept = String::from_utf8(kept.expose().to_vec()).unwrap();
    assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !kept.contains(PASSWORD));
}

#[tokio::test]
async fn a_wrong_password_signs_nobody_in_and_does_not_come_back() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    sets(&house, &cookie, PASSWORD).await;
    for form in [
        "name=admin&password=wrong+horse+battery",
        "name=root&password=correct+horse+battery",
        "name=&password=x",
    ] {
        let answer = house.submits("/sign-in", "", form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(answer.header(header::SET_COOKIE).is_empty());
        assert!(
            answer
                .text()
                .contains("Name and password do not belong together")
        );
        assert!(!answer.text().contains("horse"));
    }
}

#[tokio::test]
async fn attack_a_password_guessed_again_and_again() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    sets(&house, &cookie, PASSWORD).await;
    let guess = |source: [u8; 4], password: &str| {
        let request = Request::post("/sign-in")
            .header(header::HOST, "localhost:8080")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(Peer {
                address: SocketAddr::from((source, 5_000)),
                certificate: None,
            });
        let form = format!("name=admin&password={password}").replace(' ', "+");
        house.sends(request.body(Body::from(form)).unwrap())
    };
    for _ in 0..10 {
        assert_eq!(
            guess([127, 0, 0, 1], "wrong").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let right = guess([127, 0, 0, 1], PASSWORD).await;
    assert_eq!(
        right.status,
        StatusCode::TOO_MANY_REQUESTS,
        "not even the right one, now"
    );
    assert_eq!(right.header(header::RETRY_AFTER), "60");
    assert_eq!(
        guess([127, 0, 0, 2], PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
    let link = house
        .submits("/sign-in", "", &format!("key={}", house.key().await))
        .await;
    assert_eq!(
        link.status,
        StatusCode::SEE_OTHER,
        "a link lets its owner in meanwhile"
    );
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(
        guess([127, 0, 0, 1], PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_password_that_is_too_short_or_typed_differently_is_not_set() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    for (form, field) in [
        ("password=fourteen+chars&again=fourteen+chars", "password"),
        (
            "password=aaaaaaaaaaaaaaaaaaaa&again=aaaaaaaaaaaaaaaaaaaa",
            "password",
        ),
        (
            "password=correct+horse+battery&again=correct+horse+batterz",
            "again",
        ),
    ] {
        let answer = house.sends_form("/settings/password", &cookie, form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(
            answer.text().contains(&format!("id=\"{field}-e\"")),
            "{form}"
        );
        assert!(
            !answer.text().contains("horse") && !answer.text().contains("aaaaaaaaaaaaaaaaaaaa")
        );
    }
    let long = "abcdefghi".repeat(29);
    let answer = house
        .asks(
            Method::PUT,
            "/password",
            &format!(r#"{{"password":"{long}"}}"#),
        )
        .await;
    assert_eq!(answer.refusal(), (422, "content".to_owned()));
}

#[tokio::test]
async fn a_session_begun_by_password_has_to_send_the_present_one() {
    let house = House::open().await;
    let by_link = house.signs_in().await;
    sets(&house, &by_link, PASSWORD).await;
    let cookie = cookie_of(&signs_in_with(&house, PASSWORD).await);
    let without = sets(&house, &cookie, "another long password").await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.text().contains("id=\"current-e\""));
    let form =
        "current=correct+horse+battery&password=another+long+password&again=another+long+password";
    let changed = house.sends_form("/settings/password", &cookie, form).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text());
    assert_eq!(
        signs_in_with(&house, PASSWORD).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        signs_in_with(&house, "another long password").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_new_password_signs_everybody_else_out_and_a_token_can_set_one() {
    let house = House::open().await;
    let (mine, other, link) = (
        house.signs_in().await,
        house.signs_in().await,
        house.key().await,
    );
    sets(&house, &mine, PASSWORD).await;
    assert_eq!(house.browses("/", &mine).await.status, StatusCode::OK);
    assert_eq!(
        house.browses("/", &other).await.status,
        StatusCode::SEE_OTHER
    );
    let spent = house.submits("/sign-in", "", &format!("key={link}")).await;
    assert_eq!(spent.status, StatusCode::FORBIDDEN);
    let set = house
        .asks(
            Method::PUT,
            "/password",
            r#"{"password":"another long password"}"#,
        )
        .await;
    assert_eq!(
        (set.status, &set.json()["sessions_ended"]),
        (StatusCode::OK, &1.into())
    );
    assert_eq!(
        house.browses("/", &mine).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn everybody_can_be_signed_out_at_once() {
    let house = House::open().await;
    let (mine, other) = (house.signs_in().await, house.signs_in().await);
    let listed = house.gets("/sessions").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_eq!(listed["items"][0]["by"], "link");
    let asked = house.browses("/settings/sessions/end", &mine).await;
    assert!(asked.text().contains("By a new link: there is no password"));
    let ended = house.sends_form("/settings/sessions/end", &mine, "").await;
    assert_eq!(ended.header(header::LOCATION), "/sign-in?out=true");
    for cookie in [&mine, &other] {
        assert_eq!(
            house.browses("/", cookie).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let journal = house.gets("/journal?limit=1").await;
    assert!(
        journal
            .text()
            .contains("Every session of the console was ended by admin.")
    );
}

#[tokio::test]
async fn a_program_has_a_token_of_its_own_until_it_is_revoked() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let made = house
        .sends_form("/settings/tokens", &cookie, "name=grafana")
        .await;
    let place = made.header(header::LOCATION).to_owned();
    let page = house.browses(&place, &cookie).await;
    let (_, rest) = page.text().split_once("Authorization: Bearer ").unwrap();
    let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    let asks = |token: &str| {
        let request = Request::get("/api/v1/status")
            .header(header::HOST, "localhost:8080")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        house.sends(request.body(Body::empty()).unwrap())
    };
    assert_eq!(asks(&token).await.status, StatusCode::OK);
    let claim = Request::post("/api/v1/claims")
        .header(header::HOST, "localhost:8080")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"serial":"cam-1","profile":"camera"}"#));
    assert_eq!(
        house.sends(claim.unwrap()).await.status,
        StatusCode::CREATED
    );
    let journal = house.gets("/journal?limit=1").await;
    assert!(
        journal.text().contains("was claimed by grafana"),
        "the journal names the program"
    );
    let second = house
        .sends_form("/settings/tokens", &cookie, "name=grafana")
        .await;
    assert_eq!(second.status, StatusCode::UNPROCESSABLE_ENTITY);
    let revoked = house
        .sends_form("/settings/tokens/grafana/revoke", &cookie, "")
        .await;
    assert_eq!(revoked.status, StatusCode::SEE_OTHER);
    assert_eq!(asks(&token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(asks(TOKEN).await.status, StatusCode::OK);
    for (name, class) in [("grafana", (404, "unknown")), ("admin", (409, "state"))] {
        let refused = house
            .asks(Method::DELETE, &format!("/tokens/{name}"), "")
            .await;
        assert_eq!(refused.refusal(), (class.0, class.1.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn the_settings_say_what_is_not_in_order() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let page = house.browses("/settings", &cookie).await;
    for told in [
        "There is no password yet",
        "No witness signs the journal",
        "sqlite:",
        "file:seal.key",
    ] {
        assert!(page.text().contains(told), "{told}");
    }
    sets(&house, &cookie, PASSWORD).await;
    let page = house.browses("/settings?done=password", &cookie).await;
    assert!(
        page.text().contains("The password is set.")
            && !page.text().contains("There is no password yet")
    );
    let api = house.gets("/settings").await.json();
    assert_eq!(
        (&api["has_password"], &api["clock_stepped"]),
        (&true.into(), &false.into())
    );
    assert!(api["store_bytes"].as_u64().unwrap() > 0 && api["free_bytes"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_clock_that_jumped_is_confirmed_in_the_console() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    let early = house
        .sends_form("/settings/clock", &cookie, "why=because")
        .await;
    assert_eq!(
        early.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "it has not jumped"
    );
    house.clock.set(BEGIN.minus(Duration::from_secs(3_600)));
    let page = house.browses("/settings", &cookie).await;
    assert!(page.text().contains("Confirm the clock"), "{}", page.text());
    let silent = house.sends_form("/settings/clock", &cookie, "why=").await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = house
        .sends_form("/settings/clock", &cookie, "why=wall+clock")
        .await;
    assert_eq!(
        done.header(header::LOCATION),
        "/settings?done=clock",
        "{}",
        done.text()
    );
}
