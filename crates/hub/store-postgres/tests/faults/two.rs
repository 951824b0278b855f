//! Two hubs want one store: one writes, and one that lost its place never writes again.

use ironroot_store::{CommitError, Health, Store};
use ironroot_store_postgres::OpenError;
use ironroot_testkit::Postgres;

use crate::place::{behind_a_cutter, opened, settings, try_open};

#[tokio::test]
async fn a_second_hub_is_refused_while_the_first_lives_and_let_in_after_it() {
    let server = Postgres::shared();
    let settings = settings(&server.new_store());
    let first = opened(&settings);
    first.commit("a").await.unwrap();
    let Err(OpenError::InUse(by)) = try_open(&settings) else {
        panic!("two writers");
    };
    assert!(by.contains(&std::process::id().to_string()), "{by}");
    first.commit("b").await.unwrap();
    drop(first);
    let second = opened(&settings);
    assert_eq!(second.store.head().size, 2);
}

#[tokio::test]
async fn attack_a_hub_that_wakes_after_its_lease_ended_writes_nothing() {
    let server = Postgres::shared();
    let (cutter, asleep) = behind_a_cutter(&server);
    let first = opened(&asleep);
    first.commit("a").await.unwrap();
    // As a stopped process looks from the database: its connection is open, and says nothing.
    cutter.hangs(true);
    let direct = settings(&asleep.url.to_string().replace(
        &format!("127.0.0.1:{}", cutter.port()),
        &format!("127.0.0.1:{}", server.port()),
    ));
    assert!(matches!(try_open(&direct), Err(OpenError::InUse(_))));
    let second = loop {
        match try_open(&direct) {
            Ok(second) => break second,
            Err(OpenError::InUse(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(second.commit("b").await.unwrap().indices, 1..2);
    cutter.hangs(false);
    first.until("it knows", |health| matches!(health, Health::Fenced));
    assert!(matches!(first.commit("c").await, Err(CommitError::Fenced)));
    assert_eq!(second.commit("d").await.unwrap().indices, 2..3);
    assert_eq!(second.store.head().size, 3);
    assert_eq!(first.parts.follower.seen().len(), 1);
}

#[tokio::test]
async fn attack_a_statement_of_a_writer_whose_epoch_is_over_changes_nothing() {
    let server = Postgres::shared();
    let url = server.new_store();
    let first = opened(&settings(&url));
    first.commit("a").await.unwrap();
    server.sql(&url, "UPDATE pen SET epoch = epoch + 1, holder = epoch + 1");
    assert!(matches!(first.commit("b").await, Err(CommitError::Fenced)));
    assert!(matches!(first.store.health(), Health::Fenced));
    assert_eq!(server.sql(&url, "SELECT count(*) FROM entries"), "1");
    assert_eq!(server.sql(&url, "SELECT count(*) FROM state"), "1");
}

#[tokio::test]
async fn a_hub_whose_predecessor_was_killed_starts_at_once() {
    let server = Postgres::shared();
    let url = server.new_store();
    let first = opened(&settings(&url));
    first.commit("a").await.unwrap();
    // A killed process leaves the row as it is, and no session.
    let lease = "UPDATE pen SET lease_until = clock_timestamp() + interval '1 hour'";
    drop(first);
    server.sql(&url, lease);
    assert_eq!(opened(&settings(&url)).store.head().size, 1);
}
