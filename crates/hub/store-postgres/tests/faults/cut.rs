//! The connection is cut in the middle of a commit.

use ironroot_store::{Health, Store};
use ironroot_testkit::Postgres;

use crate::cutter::Cut;
use crate::place::{behind_a_cutter, opened};

#[tokio::test]
async fn a_commit_that_never_arrived_is_written_again() {
    let server = Postgres::shared();
    let (cutter, settings) = behind_a_cutter(&server);
    let opened = opened(&settings);
    opened.commit("a").await.unwrap();
    cutter.cuts(Cut::BeforeStatement);
    assert_eq!(opened.commit("b").await.unwrap().indices, 1..2);
    assert_eq!(opened.commit("c").await.unwrap().indices, 2..3);
    opened.has(&["a", "b", "c"]).await;
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_and_acknowledged_once() {
    let server = Postgres::shared();
    let (cutter, settings) = behind_a_cutter(&server);
    let opened = opened(&settings);
    opened.commit("a").await.unwrap();
    cutter.cuts(Cut::BeforeAnswer);
    assert_eq!(opened.commit("b").await.unwrap().indices, 1..2);
    assert_eq!(opened.commit("c").await.unwrap().indices, 2..3);
    opened.has(&["a", "b", "c"]).await;
}

#[tokio::test]
async fn a_commit_that_stays_in_doubt_is_put_off_and_the_follower_learns_that_it_was_kept() {
    let server = Postgres::shared();
    let (cutter, settings) = behind_a_cutter(&server);
    let opened = opened(&settings);
    opened.commit("a").await.unwrap();
    cutter.cuts(Cut::BeforeAnswer);
    cutter.loses(true);
    opened.puts_off("b").await;
    assert!(matches!(opened.store.health(), Health::Failing(_)));
    assert_eq!(opened.parts.follower.seen().len(), 1, "not known yet");
    opened.puts_off("c").await;
    cutter.loses(false);
    opened.recovers();
    assert_eq!(opened.commit("d").await.unwrap().indices, 2..3);
    opened.has(&["a", "b", "d"]).await;
}

#[tokio::test]
async fn a_commit_that_stays_in_doubt_and_never_arrived_leaves_no_trace() {
    let server = Postgres::shared();
    let (cutter, settings) = behind_a_cutter(&server);
    let opened = opened(&settings);
    opened.commit("a").await.unwrap();
    cutter.cuts(Cut::BeforeStatement);
    cutter.loses(true);
    opened.puts_off("b").await;
    cutter.loses(false);
    opened.recovers();
    assert_eq!(opened.commit("c").await.unwrap().indices, 1..2);
    opened.has(&["a", "c"]).await;
}

#[tokio::test]
async fn attack_a_commit_held_back_by_the_network_comes_to_nothing_when_it_arrives_late() {
    let server = Postgres::shared();
    let (cutter, settings) = behind_a_cutter(&server);
    let opened = opened(&settings);
    opened.commit("a").await.unwrap();
    cutter.hangs(true);
    opened.puts_off("late").await;
    // What was on its way arrives now, on a connection that has been given up.
    cutter.hangs(false);
    opened.recovers();
    opened.commit("b").await.unwrap();
    let names: &[&str] = if opened.store.head().size == 3 {
        &["a", "late", "b"]
    } else {
        &["a", "b"]
    };
    opened.has(names).await;
}
