//! Random changes in random company: whatever happens, the rows are what the journal says.

use ironroot_store::{Change, Draft, KeyRange, Source, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::ledger::{ACCOUNTS, Model, Refused, close, open, transfer};
use crate::{Backend, Parts};

/// A step of the test.
#[derive(Clone, Debug)]
enum Step {
    /// Changes that are committed without waiting for one another.
    Together(Vec<Vec<Draft>>),
    /// The store is closed and opened again.
    Reopen,
    /// The rows are made again from the journal.
    Rebuild,
}

fn account() -> impl Strategy<Value = String> {
    "[a-d]"
}

fn one_draft() -> impl Strategy<Value = Draft> {
    prop_oneof![
        (account(), 0..20_u64).prop_map(|(account, coins)| open(&account, coins)),
        (account(), account(), 0..20_u64).prop_map(|(from, to, coins)| transfer(&from, &to, coins)),
        account().prop_map(|account| close(&account)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop::collection::vec(one_draft(), 1..4);
    prop_oneof![
        6 => prop::collection::vec(change, 1..12).prop_map(Step::Together),
        1 => Just(Step::Reopen),
        1 => Just(Step::Rebuild),
    ]
}

/// Runs random steps on fresh backends against a model in memory.
pub fn random_changes_leave_what_a_replay_gives(fresh: impl Fn() -> Box<dyn Backend>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(fresh().runs())
    });
    let outcome = runner.run(&prop::collection::vec(step(), 1..12), |steps| {
        runtime.block_on(run(&*fresh(), steps))
    });
    if let Err(failure) = outcome {
        panic!("{failure}\n{runner}");
    }
}

async fn run(backend: &dyn Backend, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut model, mut size) = (Model::default(), 0);
    let mut parts = Parts::default();
    let mut store = backend.open(parts.clone()).await;
    for step in steps {
        match step {
            Step::Together(changes) => {
                let waiting: Vec<_> = changes
                    .iter()
                    .map(|drafts| {
                        let entries = drafts.clone();
                        store.commit(Change {
                            entries,
                            ..Change::default()
                        })
                    })
                    .collect();
                for (drafts, waiting) in changes.iter().zip(waiting) {
                    let outcome = waiting.await;
                    match model.apply(drafts) {
                        Ok(()) => {
                            let after = size + drafts.len() as u64;
                            prop_assert_eq!(outcome.unwrap().indices, size..after);
                            size = after;
                        }
                        Err(expected) => {
                            let refusal = outcome.unwrap_err().into_refusal::<Refused>();
                            prop_assert_eq!(refusal.unwrap(), expected);
                        }
                    }
                }
            }
            Step::Reopen => {
                drop(store);
                parts = Parts::default();
                store = backend.open(parts.clone()).await;
            }
            Step::Rebuild => {
                let before = store.state_digest().await.unwrap();
                prop_assert_eq!(store.rebuild(Source::default()).await.unwrap(), before);
            }
        }
        check(&*store, &model, size).await?;
        let seen = parts.follower.seen();
        let dense = seen
            .windows(2)
            .all(|pair| pair[1].index == pair[0].index + 1);
        prop_assert!(dense && seen.last().is_none_or(|last| last.index + 1 == size));
    }
    Ok(())
}

async fn check(store: &dyn Store, model: &Model, size: u64) -> Result<(), TestCaseError> {
    prop_assert_eq!(store.head().size, size);
    let rows = store.rows(ACCOUNTS, KeyRange::all(), 99).await.unwrap();
    let rows = rows.into_iter().map(|row| {
        let coins = str::from_utf8(&row.value).unwrap().parse().unwrap();
        (row.key.into(), coins)
    });
    prop_assert_eq!(&Model(rows.collect()), model);
    let digest = store.state_digest().await.unwrap();
    prop_assert_eq!(store.verify_state(Source::default()).await.unwrap(), digest);
    Ok(())
}
