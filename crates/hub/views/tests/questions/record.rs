//! The journal, its proofs, and how the hub says that it is not well.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::hub::{Hub, admin, certificate};
use ironroot_api::{JournalQuery, PageQuery};
use ironroot_journal::SALT_SIZE;
use ironroot_registry::{Fact, ServiceIssued, ServiceRevoked, TokenIssued};
use ironroot_store::{Change, Payload, Store};
use ironroot_views::{NotShown, Trouble, Urgency};

fn query(change: impl FnOnce(&mut JournalQuery)) -> JournalQuery {
    let mut query = JournalQuery::default();
    change(&mut query);
    query
}

/// Every entry that the question finds, page by page.
async fn indices(hub: &Hub, mut query: JournalQuery) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        let page = hub.views.journal(&query).await.unwrap();
        all.extend(page.items.iter().map(|entry| entry.index));
        let Some(next) = page.next else { return all };
        query.cursor = Some(next);
    }
}

#[tokio::test]
async fn the_journal_reads_both_ways_without_gaps() {
    let hub = Hub::new().await;
    for n in 0..7 {
        hub.claims(&format!("cam-{n}")).await;
    }
    let size = hub.views.journal_size();
    for limit in [1, 2, 3, 500] {
        let down = indices(&hub, query(|q| q.limit = Some(limit))).await;
        assert_eq!(down, (0..size).rev().collect::<Vec<_>>());
        let up = query(|q| (q.limit, q.from) = (Some(limit), Some(2)));
        assert_eq!(indices(&hub, up).await, (2..size).collect::<Vec<_>>());
    }
    let beyond = query(|q| q.from = Some(size + 5));
    assert!(indices(&hub, beyond).await.is_empty());
}

#[tokio::test]
async fn a_device_has_its_own_entries_both_ways() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    hub.brings_in("cam-10").await;
    let last = hub.quarantines("cam-1", "lost").await;
    for limit in [1, 2, 500] {
        let mine = query(|q| (q.limit, q.device) = (Some(limit), Some("cam-1".to_owned())));
        let mut found = indices(&hub, mine.clone()).await;
        assert_eq!((found.len(), found[0]), (4, last));
        found.reverse();
        let up = JournalQuery {
            from: Some(0),
            ..mine
        };
        assert_eq!(indices(&hub, up).await, found);
    }
    let kind = query(|q| q.kind = Some("device.activated".to_owned()));
    assert_eq!(indices(&hub, kind).await.len(), 2);
}

#[tokio::test]
async fn an_entry_is_shown_as_it_is_kept() {
    let hub = Hub::new().await;
    let index = hub.claims("cam-1").await;
    let entry = hub.views.entry(index).await.unwrap();
    assert_eq!(entry.entry["kind"], "device.claimed");
    assert_eq!(entry.entry["device"], "cam-1");
    assert!(entry.sentence.contains("cam-1") && entry.leaf.len() == 64);
    let unknown = hub.views.entry(index + 1).await.unwrap_err();
    assert!(matches!(unknown, NotShown::Unknown { .. }));
}

#[tokio::test]
async fn an_entry_is_proved_once_it_is_signed() {
    let mut hub = Hub::new().await;
    let index = hub.claims("cam-1").await;
    assert!(matches!(
        hub.views.proof(index).await,
        Err(NotShown::NotSigned { .. })
    ));
    assert!(matches!(
        hub.views.checkpoint().await,
        Err(NotShown::NotSigned { .. })
    ));
    hub.signs();
    let proof = hub.views.proof(index).await.unwrap();
    let newest = hub.views.checkpoint().await.unwrap();
    let key = newest.verifier_key.parse().unwrap();
    let verified = ironroot_tree::verify_proof(proof.proof.as_bytes(), None, &key).unwrap();
    assert_eq!(verified.index, index);
    assert_eq!(
        (newest.size, hub.views.signed_size()),
        (index + 1, index + 1)
    );
    assert_eq!(
        hub.views.log_file("checkpoint").await.unwrap(),
        newest.note.as_bytes()
    );
}

#[tokio::test]
async fn no_path_leads_out_of_the_log() {
    let mut hub = Hub::new().await;
    hub.signs();
    for path in [
        "../store.sqlite",
        "tile/../../store.sqlite",
        "/etc/passwd",
        "",
        ".",
        "tile/0/000/../../checkpoint",
    ] {
        let found = hub.views.log_file(path).await;
        assert!(matches!(found, Err(NotShown::Unknown { .. })), "{path}");
    }
}

#[tokio::test]
async fn a_hub_in_order_has_nothing_to_say() {
    let mut hub = Hub::new().await;
    hub.signs();
    let status = hub.views.status();
    assert!(status.store.ok && status.degraded.is_empty(), "{status:?}");
    assert_eq!(status.journal.entries, hub.views.journal_size());
    assert_eq!(status.journal.checkpoint.unwrap().age_s, 0);
}

#[tokio::test]
async fn a_full_store_is_told_with_its_remedy_until_there_is_room() {
    let hub = Hub::of_size(Some(512 << 10)).await;
    let fact = Fact::from(TokenIssued {
        name: "x".to_owned(),
        by: None,
    });
    let big = || Payload::new([0; SALT_SIZE], vec![0; 1 << 20]);
    let change = Change::of(fact.draft().unwrap()).with_payload(big());
    assert!(hub.store.commit(change).await.is_err());
    let status = hub.views.status();
    assert!(!status.store.ok);
    let told = &status.degraded[0];
    assert!(
        told.what.contains("the store is full") && told.what.contains("quarantine still works"),
        "{told:?}"
    );
    assert!(told.remedy.contains("Make room"), "{told:?}");
    hub.clock.advance(Duration::from_secs(60));
    assert_eq!(hub.views.degraded()[0].since, told.since);
    let waiting = hub
        .views
        .attention(&hub.views.fleet().await, 7)
        .await
        .unwrap();
    assert_eq!(waiting[0].urgency, Urgency::Stopped);
}

#[tokio::test]
async fn an_order_that_waits_to_be_recorded_is_told() {
    let hub = Hub::new().await;
    hub.doors.held.store(2, Ordering::Relaxed);
    assert_eq!(
        hub.views.degraded()[0].what,
        "2 orders are obeyed and not recorded yet."
    );
}

#[tokio::test]
async fn entries_that_stay_unsigned_are_told() {
    let mut hub = Hub::new().await;
    hub.signs();
    hub.claims("cam-1").await;
    hub.clock.advance(Duration::from_secs(60));
    assert!(hub.views.degraded().is_empty());
    hub.clock.advance(Duration::from_secs(1));
    assert!(
        hub.views.degraded()[0]
            .what
            .contains("not under a signed checkpoint")
    );
    hub.signs();
    assert!(hub.views.degraded().is_empty());
}

#[tokio::test]
async fn upkeep_that_fails_is_told_last() {
    let hub = Hub::new().await;
    let since = hub.views.now();
    let trouble = Trouble {
        what: "No snapshot of the state is taken: the disk is full.".to_owned(),
        remedy: "Make room.".to_owned(),
        since,
    };
    hub.doors.troubles.lock().push(trouble.clone());
    hub.doors.held.store(1, Ordering::Relaxed);
    let told = hub.views.degraded();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (told[1].what.as_str(), &told[1].since),
        (trouble.what.as_str(), &since.to_string())
    );
}

#[tokio::test]
async fn the_list_of_what_waits_has_each_quarantined_device_with_its_words() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    hub.quarantines("cam-1", "lost").await;
    let waiting = hub
        .views
        .attention(&hub.views.fleet().await, 7)
        .await
        .unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].device.as_deref(), Some("cam-1"));
    assert_eq!(waiting[0].so, "By admin: “lost”");
}

#[tokio::test]
async fn services_profiles_and_their_numbers_are_listed_by_name() {
    let hub = Hub::new().await;
    for name in ["b-service", "a-service"] {
        hub.records(&Fact::from(ServiceIssued {
            service: name.parse().unwrap(),
            publish: vec!["d/+/down/#".to_owned()],
            subscribe: Vec::new(),
            certificate: certificate(name),
            by: admin(),
        }))
        .await;
    }
    hub.records(&Fact::from(ServiceRevoked {
        service: "b-service".parse().unwrap(),
        by: admin(),
    }))
    .await;
    let first = PageQuery {
        limit: Some(1),
        cursor: None,
    };
    let page = hub.views.services(&first).await.unwrap();
    assert_eq!(
        (
            page.items[0].name.as_str(),
            page.items[0].certificates.len()
        ),
        ("a-service", 1)
    );
    let rest = PageQuery {
        limit: None,
        cursor: page.next,
    };
    let page = hub.views.services(&rest).await.unwrap();
    assert!(page.items[0].revoked && page.next.is_none());

    hub.claims("cam-1").await;
    let profiles = hub.views.profiles(&PageQuery::default()).await;
    assert_eq!(profiles.items.len(), ironroot_profile::BUILT_IN.len());
    let detail = hub
        .views
        .profile(crate::hub::first_profile())
        .await
        .unwrap();
    assert_eq!((detail.item.devices, detail.item.digest.len()), (1, 64));
    assert!(hub.views.profile("nothing").await.is_err());
}
