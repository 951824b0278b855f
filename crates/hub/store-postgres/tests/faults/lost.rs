//! The database is killed, restarted, or hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ironroot_store::{Change, CommitError, Health, Store};
use ironroot_suites::ledger::open as account;
use ironroot_testkit::Postgres;

use crate::place::{opened, settings};

#[tokio::test]
async fn a_database_that_was_killed_is_found_again_without_a_restart() {
    let server = Postgres::start();
    let opened = opened(&settings(&server.new_store()));
    opened.commit("a").await.unwrap();
    server.kill();
    opened.puts_off("b").await;
    assert!(matches!(opened.store.health(), Health::Failing(_)));
    opened.store.entries(0, 9).await.unwrap_err();
    server.starts();
    opened.recovers();
    opened.commit("c").await.unwrap();
    opened.has(&["a", "c"]).await;
}

#[tokio::test]
async fn a_database_that_is_lost_while_nobody_writes_is_noticed_and_found_again() {
    let server = Postgres::start();
    let opened = opened(&settings(&server.new_store()));
    server.stop();
    opened.until("it says so", |health| matches!(health, Health::Failing(_)));
    server.starts();
    opened.recovers();
    opened.commit("a").await.unwrap();
    opened.has(&["a"]).await;
}

#[tokio::test]
async fn a_database_that_hangs_is_not_waited_for_and_goes_on_when_it_wakes() {
    let server = Postgres::start();
    let opened = opened(&settings(&server.new_store()));
    opened.commit("a").await.unwrap();
    server.pause();
    opened.puts_off("late").await;
    opened.puts_off("refused").await;
    server.resume();
    opened.recovers();
    opened.commit("b").await.unwrap();
    // The one that was on its way was kept by a database that had it already, or fenced off.
    let names: &[&str] = if opened.store.head().size == 3 {
        &["a", "late", "b"]
    } else {
        &["a", "b"]
    };
    opened.has(names).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_acknowledged_outlives_a_killed_database() {
    const CALLERS: usize = 16;
    let server = Postgres::start();
    let opened = Arc::new(opened(&settings(&server.new_store())));
    let mut acknowledged = Vec::new();
    for round in 0..rounds() {
        let enough = Arc::new(AtomicUsize::new(0));
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            let (opened, enough) = (Arc::clone(&opened), Arc::clone(&enough));
            callers.spawn(async move {
                let mut kept = Vec::new();
                for number in 0.. {
                    let name = format!("{round}-{caller}-{number}");
                    match opened.store.commit(Change::of(account(&name, 0))).await {
                        Ok(receipt) => kept.push((receipt.indices.start, name)),
                        Err(CommitError::Later(_)) => return kept,
                        Err(other) => panic!("{other:?}"),
                    }
                    enough.fetch_add(1, Ordering::Relaxed);
                }
                kept
            });
        }
        while enough.load(Ordering::Relaxed) < 100 * (round + 1) {
            tokio::task::yield_now().await;
        }
        server.kill();
        while let Some(kept) = callers.join_next().await {
            acknowledged.extend(kept.unwrap());
        }
        server.starts();
        opened.recovers();
    }
    let size = usize::try_from(opened.store.head().size).unwrap();
    let entries = opened.store.entries(0, size).await.unwrap();
    for (index, name) in &acknowledged {
        let entry = &entries[usize::try_from(*index).unwrap()].entry;
        assert_eq!(entry.fields()["account"], **name);
    }
    let names: Vec<_> = entries
        .iter()
        .map(|one| one.entry.fields()["account"].as_str().unwrap())
        .collect();
    opened.has(&names).await;
    println!(
        "{} acknowledgements outlived {} kills",
        acknowledged.len(),
        rounds()
    );
}

/// `IRONROOT_KILL_ROUNDS=50` makes it a long one.
fn rounds() -> usize {
    let asked = std::env::var_os("IRONROOT_KILL_ROUNDS");
    asked.map_or(2, |rounds| rounds.to_str().unwrap().parse().unwrap())
}
