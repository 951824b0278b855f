//! The list of devices and one device, asked of a whole state.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::hub::{BEGIN, Hub, admin, first_profile};
use ironroot_api::{Assurance, CertificateStatus, DeviceQuery, DeviceSort, Lifecycle, Order, Tier};
use ironroot_registry::{
    DeviceClaimWithdrawn, DeviceRetired, DeviceRow, Fact, PayloadErased, Registry, Row,
};
use ironroot_standing::Lifecycle as State;
use ironroot_store::{Change, Store};
use ironroot_time::Clock;
use ironroot_views::NotShown;

async fn ids(hub: &Hub, query: &DeviceQuery) -> Vec<String> {
    let page = hub.views.devices(query).await.unwrap();
    page.items.into_iter().map(|item| item.id).collect()
}

#[tokio::test]
async fn the_gravest_standing_comes_first() {
    let hub = Hub::new().await;
    hub.claims("a-claimed").await;
    hub.brings_in("b-active").await;
    hub.brings_in("c-quarantined").await;
    hub.quarantines("c-quarantined", "sends nonsense").await;
    let all = ids(&hub, &DeviceQuery::default()).await;
    assert_eq!(all, ["c-quarantined", "b-active", "a-claimed"]);
}

#[tokio::test]
async fn a_filter_leaves_only_what_fits_it() {
    let hub = Hub::new().await;
    hub.claims("cam-1").await;
    hub.brings_in("cam-2").await;
    hub.connects("cam-2", BEGIN, 1);
    let with = |change: fn(&mut DeviceQuery)| {
        let mut query = DeviceQuery::default();
        change(&mut query);
        query
    };
    for (query, expected) in [
        (with(|q| q.id = Some("m-1".into())), vec!["cam-1"]),
        (
            with(|q| q.lifecycle = Some(Lifecycle::Active)),
            vec!["cam-2"],
        ),
        (with(|q| q.tier = Some(Tier::Affirming)), vec![]),
        (with(|q| q.profile = Some("nothing".into())), vec![]),
        (with(|q| q.connected = Some(true)), vec!["cam-2"]),
        (with(|q| q.connected = Some(false)), vec!["cam-1"]),
    ] {
        assert_eq!(ids(&hub, &query).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn pages_show_every_device_once_in_each_order() {
    let hub = Hub::new().await;
    for n in 0..23 {
        let id = format!("cam-{n:02}");
        hub.claims(&id).await;
        if n % 3 == 0 {
            hub.connects(&id, BEGIN.plus(Duration::from_secs(n % 5)), 1);
        }
    }
    for sort in DeviceSort::ALL {
        let mut query = DeviceQuery {
            limit: Some(4),
            sort: Some(*sort),
            ..DeviceQuery::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = hub.views.devices(&query).await.unwrap();
            assert!(page.items.len() == 4 || page.next.is_none());
            seen.extend(page.items.into_iter().map(|item| item.id));
            let Some(next) = page.next else { break };
            query.cursor = Some(next);
        }
        assert_eq!(seen.len(), 23, "{sort}");
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 23, "{sort}");
        if *sort == DeviceSort::LastSeen {
            let latest: Vec<_> = seen[..1].iter().map(String::as_str).collect();
            assert_eq!(latest, ["cam-09"]);
        }
    }
}

#[tokio::test]
async fn every_order_read_from_its_end_is_the_same_list_backwards() {
    let hub = Hub::new().await;
    for n in 0..7 {
        let id = format!("cam-{n}");
        if n % 2 == 0 {
            hub.brings_in(&id).await;
        } else {
            hub.claims(&id).await;
        }
        hub.connects(&id, BEGIN.plus(Duration::from_secs(n % 3)), 1);
    }
    for sort in DeviceSort::ALL {
        let mut query = DeviceQuery {
            sort: Some(*sort),
            ..DeviceQuery::default()
        };
        let mut forth = ids(&hub, &query).await;
        query.reverse = Some(true);
        let mut back = Vec::new();
        query.limit = Some(3);
        loop {
            let page = hub.views.devices(&query).await.unwrap();
            back.extend(page.items.into_iter().map(|item| item.id));
            let Some(next) = page.next else { break };
            query.cursor = Some(next);
        }
        forth.reverse();
        assert_eq!(forth, back, "{sort}");
    }
}

#[tokio::test]
async fn a_count_is_of_all_pages_and_of_every_question_asked_with_it() {
    let hub = Hub::new().await;
    for n in 0..5 {
        hub.brings_in(&format!("cam-{n}")).await;
    }
    hub.claims("sen-1").await;
    hub.quarantines("cam-0", "sends nonsense").await;
    let query = DeviceQuery {
        limit: Some(2),
        count: Some(true),
        id: Some("cam".to_owned()),
        ..DeviceQuery::default()
    };
    let claimed = DeviceQuery {
        lifecycle: Some(Lifecycle::Claimed),
        ..DeviceQuery::default()
    };
    let found = hub
        .views
        .find(&query, &[claimed, DeviceQuery::default()])
        .await
        .unwrap();
    let count = found.list.count.unwrap();
    assert_eq!((found.list.items.len(), count.devices), (2, 5));
    assert_eq!(count.by_lifecycle[&Lifecycle::Active], 4);
    assert_eq!(count.by_tier[&Tier::None], 5);
    assert_eq!(found.others, [1, 6]);
}

#[tokio::test]
async fn a_claim_that_was_withdrawn_counts_for_nothing_and_is_found_by_who_asks_for_it() {
    let hub = Hub::new().await;
    hub.claims("sen-1").await;
    hub.claims("sen-2").await;
    let withdrawn = DeviceClaimWithdrawn {
        device: "sen-2".parse().unwrap(),
        by: admin(),
    };
    hub.records(&Fact::from(withdrawn)).await;
    let of = |lifecycle, id: Option<&str>| DeviceQuery {
        lifecycle,
        id: id.map(str::to_owned),
        ..DeviceQuery::default()
    };
    for (query, expected) in [
        (of(None, None), vec!["sen-1"]),
        (of(Some(Lifecycle::Claimed), None), vec!["sen-1"]),
        (of(Some(Lifecycle::Withdrawn), None), vec!["sen-2"]),
        (of(None, Some("sen-2")), vec!["sen-2"]),
        (of(Some(Lifecycle::Claimed), Some("sen-2")), vec![]),
    ] {
        assert_eq!(ids(&hub, &query).await, expected, "{query:?}");
    }
    let fleet = hub.views.fleet().await;
    assert_eq!((fleet.devices, fleet.in_state(Lifecycle::Claimed)), (1, 1));
    let detail = hub.views.device("sen-2").await.unwrap();
    assert_eq!(detail.item.lifecycle, Lifecycle::Withdrawn);
    hub.claims("sen-2").await;
    assert_eq!(ids(&hub, &of(None, None)).await, ["sen-1", "sen-2"]);
}

#[tokio::test]
async fn ages_and_ends_are_counted_from_now() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    hub.brings_in("cam-2").await;
    hub.claims("sen-1").await;
    hub.connects("cam-1", BEGIN, 0);
    hub.clock.advance(Duration::from_secs(3_600));
    hub.connects("cam-2", hub.clock.now(), 0);
    let with = |change: fn(&mut DeviceQuery)| {
        let mut query = DeviceQuery::default();
        change(&mut query);
        query
    };
    for (query, expected) in [
        (
            with(|q| q.unseen_for_s = Some(3_600)),
            vec!["cam-1", "sen-1"],
        ),
        (with(|q| q.unseen_for_s = Some(3_601)), vec!["sen-1"]),
        (
            with(|q| q.certificate_ends_in_s = Some(82_800)),
            vec!["cam-1", "cam-2"],
        ),
        (with(|q| q.certificate_ends_in_s = Some(82_799)), vec![]),
        (
            with(|q| q.assurance = Some(Assurance::Software)),
            vec!["cam-1", "cam-2"],
        ),
    ] {
        assert_eq!(ids(&hub, &query).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn what_an_order_would_do_is_what_it_does() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    let what = hub.views.consequence("cam-1", Order::Quarantine).unwrap();
    let after = what.after.unwrap();
    assert_eq!(what.now.lifecycle, Lifecycle::Active);
    assert_eq!(
        (after.lifecycle, after.reasons_count),
        (Lifecycle::Quarantined, 1)
    );
    assert!(what.now.grant.renew && !after.grant.renew);
    let before = hub.views.journal_size();
    assert_eq!(what.position, before);
    hub.quarantines("cam-1", "sends nonsense").await;
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(
        (detail.item.lifecycle, detail.grant),
        (after.lifecycle, after.grant)
    );
    let gone = hub.views.consequence("cam-1", Order::Retire).unwrap();
    let after = gone.after.unwrap();
    assert_eq!((after.certificates, after.reasons_count), (0, 0));
    hub.brings_in("cam-2").await;
    let refused = hub.views.consequence("cam-2", Order::Release).unwrap();
    assert!(refused.after.is_none() && refused.refused.unwrap().contains("cannot be released"));
    assert!(hub.views.consequence("cam-9", Order::Retire).is_err());
}

#[tokio::test]
async fn refuses_a_cursor_of_another_list() {
    let hub = Hub::new().await;
    for sort in [DeviceSort::Id, DeviceSort::Standing] {
        let query = DeviceQuery {
            cursor: Some("no cursor".to_owned()),
            sort: Some(sort),
            ..DeviceQuery::default()
        };
        assert!(matches!(
            hub.views.devices(&query).await,
            Err(NotShown::BadCursor)
        ));
    }
}

#[tokio::test]
async fn a_quarantined_device_says_who_shut_it_out_and_why() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    let entry = hub.quarantines("cam-1", "sends nonsense").await;
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(detail.item.lifecycle, Lifecycle::Quarantined);
    assert_eq!(
        detail.standing,
        "Shut out since 2026-11-22 05:06:01 UTC by admin: “sends nonsense”"
    );
    assert_eq!(detail.reasons[0].who.as_deref(), Some("admin"));
    assert_eq!(
        (detail.reasons[0].why.as_str(), detail.reasons[0].entry),
        ("sends nonsense", entry)
    );
    assert_eq!(detail.timeline[0].entry, entry);
    assert_eq!(detail.timeline[0].kind, "device.quarantined");
}

#[tokio::test]
async fn erased_words_are_said_to_be_erased() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    let entry = hub.quarantines("cam-1", "belongs to Ines Halvorsen").await;
    let row = hub.registry.device("cam-1").unwrap().row();
    let digest = row.reasons[0].why.clone();
    let fact = Fact::from(PayloadErased {
        entry,
        digest: digest.clone(),
        by: admin(),
    });
    let change = Change::of(fact.draft().unwrap()).erasing(digest.parse().unwrap());
    hub.store.commit(change).await.unwrap();
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(detail.reasons[0].why, "(these words were erased)");
    assert!(!detail.standing.contains("Halvorsen"));
}

#[tokio::test]
async fn a_devices_certificates_keep_their_end() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    let status = |detail: &ironroot_api::DeviceDetail| detail.certificates[0].status;
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(
        (detail.certificates.len(), status(&detail)),
        (1, CertificateStatus::Valid)
    );
    hub.clock.advance(Duration::from_secs(86_400));
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(status(&detail), CertificateStatus::Expired);
    let why = "00".repeat(32);
    hub.records(&Fact::from(DeviceRetired {
        device: "cam-1".parse().unwrap(),
        by: admin(),
        why,
    }))
    .await;
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(status(&detail), CertificateStatus::Revoked);
    assert!(detail.certificates[0].revoked_at.is_some());
}

#[tokio::test]
async fn a_held_order_is_seen_before_it_is_recorded() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    let device = hub.registry.device("cam-1").unwrap();
    hub.registry.hold(&device, State::Quarantined);
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(detail.item.lifecycle, Lifecycle::Quarantined);
    assert!(
        detail.standing.starts_with("Cut off by an order"),
        "{}",
        detail.standing
    );
}

#[tokio::test]
async fn a_claim_says_until_when_it_waits() {
    let hub = Hub::new().await;
    hub.claims("cam-1").await;
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(
        detail.standing,
        "Claimed, and waits for its first enrolment until 2026-11-22 06:06:01 UTC."
    );
    assert_eq!(detail.item.assurance, None);
    hub.clock.advance(Duration::from_secs(3_600));
    let detail = hub.views.device("cam-1").await.unwrap();
    assert!(
        detail.standing.starts_with("Its claim ended unused"),
        "{}",
        detail.standing
    );
    assert_eq!(hub.views.fleet().await.claims_ended, 1);
}

#[tokio::test]
async fn an_unknown_device_is_said_to_be_unknown() {
    let hub = Hub::new().await;
    let unknown = hub.views.device("cam-9").await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no device cam-9");
}

/// Rows straight into the registry: what is measured is the list.
#[tokio::test]
async fn a_page_out_of_a_hundred_thousand_devices_takes_milliseconds() {
    let hub = Hub::new().await;
    fill(&hub.registry, 100_000);
    let started = Instant::now();
    let page = hub.views.devices(&DeviceQuery::default()).await.unwrap();
    let took = started.elapsed();
    assert_eq!(
        (page.items.len(), page.items[0].id.as_str()),
        (50, "cam-099999")
    );
    println!("one page of 100,000 devices, gravest first: {took:?}");
    // A debug build on a busy machine; a copy of the fleet would take longer than this.
    assert!(took < Duration::from_millis(500), "{took:?}");
}

fn fill(registry: &Registry, count: u64) {
    for n in 0..count {
        let row = DeviceRow {
            id: format!("cam-{n:06}").parse().unwrap(),
            profile: first_profile().parse().unwrap(),
            lifecycle: if n == count - 1 {
                State::Quarantined
            } else {
                State::Active
            },
            reasons: Vec::new(),
            claim: n,
            claim_expires: 0,
            enrolled_spki: None,
            in_two_places: None,
            certificates: Vec::new(),
            changed: 0,
            changed_entry: n,
        };
        registry
            .load(DeviceRow::TABLE, &serde_json::to_vec(&row).unwrap())
            .unwrap();
    }
}

#[tokio::test]
async fn a_certificate_in_two_places_wants_a_persons_eye_for_a_week() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    let changed = hub.views.device("cam-1").await.unwrap().standing;
    let entry = hub
        .sees_in_two_places("cam-1", "From 192.0.2.1 and from 192.0.2.2.")
        .await;
    let detail = hub.views.device("cam-1").await.unwrap();
    assert_eq!(detail.standing, changed, "it stays in good standing");
    let [notice] = &detail.notices[..] else {
        panic!("{:?}", detail.notices)
    };
    assert_eq!((&*notice.kind, notice.entry), ("in_two_places", entry));
    assert_eq!(notice.what, "From 192.0.2.1 and from 192.0.2.2.");
    assert_eq!(detail.timeline.first().unwrap().entry, entry);
    let fleet = hub.views.fleet().await;
    assert_eq!(fleet.attention, 1);
    let waiting = hub.views.attention(&fleet, 5).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].device.as_deref(), Some("cam-1"));
    assert_eq!(waiting[0].so, notice.what);

    hub.clock.advance(Duration::from_secs(7 * 86_400));
    assert!(hub.views.device("cam-1").await.unwrap().notices.is_empty());
    assert_eq!(hub.views.fleet().await.attention, 0);
}

#[tokio::test]
async fn a_device_that_is_shut_out_anyway_needs_attention_once() {
    let hub = Hub::new().await;
    hub.brings_in("cam-1").await;
    hub.sees_in_two_places("cam-1", "From here and there.")
        .await;
    hub.quarantines("cam-1", "It was copied.").await;
    let fleet = hub.views.fleet().await;
    assert_eq!(fleet.attention, 1);
    assert_eq!(hub.views.attention(&fleet, 5).await.unwrap().len(), 1);
}
