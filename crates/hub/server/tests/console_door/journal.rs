//! The journal in the console: what is looked for, and whether an entry is proved.

use std::time::Duration;

use axum::http::{StatusCode, header};
use ironroot_journal::note::SigningKey;
use ironroot_tree::verify_proof;

use crate::house::House;

async fn sentences(house: &House, query: &str) -> Vec<String> {
    let page = house.gets(&format!("/journal?{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{query} {}", page.text());
    let items = page.json()["items"].clone();
    let items = items.as_array().unwrap().iter();
    items
        .map(|item| item["sentence"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn entries_are_found_by_who_did_what_and_when() {
    let house = House::open().await;
    house.brings_in("cam-1").await;
    house.clock.advance(Duration::from_secs(3_600));
    house.brings_in("cam-2").await;
    let all = house.entries();
    assert_eq!(
        sentences(&house, "kind=device.&who=admin").await.len(),
        2,
        "the two claims"
    );
    assert_eq!(sentences(&house, "kind=device.claimed").await.len(), 2);
    assert_eq!(
        sentences(&house, "kind=device").await.len(),
        0,
        "a kind is whole, or a family with its dot"
    );
    assert_eq!(sentences(&house, "who=nobody").await.len(), 0);
    let late = sentences(&house, "since=2026-11-22T06").await;
    assert!(
        late.len() == 3 && late.iter().all(|sentence| sentence.contains("cam-2")),
        "{late:?}"
    );
    let early = sentences(&house, "until=2026-11-22T06&limit=500").await;
    assert_eq!(early.len() as u64 + 3, all);
    assert_eq!(
        sentences(&house, "device=cam-2&until=2026-11-22T06")
            .await
            .len(),
        0
    );
    assert_eq!(
        sentences(&house, "from=0&since=2026-11-22T06").await.len(),
        3
    );
    for moment in ["yesterday", "22.11.2026", "2026-11-22T06:00:00.000Zx", "20"] {
        let refused = house.gets(&format!("/journal?since={moment}")).await;
        assert_eq!(refused.refusal(), (422, "content".to_owned()), "{moment}");
    }
}

#[tokio::test]
async fn the_page_of_a_filtered_journal_says_what_is_applied() {
    let house = House::open().await;
    let cookie = house.signs_in().await;
    house.brings_in("cam-1").await;
    let page = house
        .browses("/journal?kind=device.&who=admin&since=2026-11-22", &cookie)
        .await;
    assert!(
        page.text().contains("was claimed by admin")
            && !page.text().contains("used its certificate")
    );
    assert!(page.text().contains("done by admin") && page.text().contains("from 2026-11-22"));
    let faulty = house.browses("/journal?since=yesterday", &cookie).await;
    assert_eq!(faulty.status, StatusCode::BAD_REQUEST);
    assert!(faulty.text().contains("is no moment"));
}

#[tokio::test]
async fn an_entry_is_proved_and_the_file_proves_it_to_others() {
    let mut house = House::open().await;
    let cookie = house.signs_in().await;
    house.signs();
    house.brings_in("cam-1").await;
    house.signs();
    let page = house.browses("/journal/4", &cookie).await;
    assert!(page.text().contains("It is proved"), "{}", page.text());
    assert_eq!(page.text().matches("Holds: ").count(), 3);
    assert!(
        page.text()
            .contains("This root grew from the one over 4 entries")
    );
    let file = house.browses("/journal/4/proof", &cookie).await;
    assert!(
        file.header(header::CONTENT_DISPOSITION)
            .contains("entry-4.tlog-proof")
    );
    let key = SigningKey::from_seed("test.example/ironroot", &[7; 32]).unwrap();
    let verified = verify_proof(&file.body, None, key.verifier_key()).unwrap();
    assert_eq!(verified.index, 4);
    house.brings_in("cam-2").await;
    let newest = house.entries() - 1;
    let waiting = house.browses(&format!("/journal/{newest}"), &cookie).await;
    assert!(waiting.text().contains("Not signed yet"));
    for index in ["999", "x"] {
        let none = house
            .browses(&format!("/journal/{index}/proof"), &cookie)
            .await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
    }
}
