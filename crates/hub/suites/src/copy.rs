//! The tests of copying a store: a dump of one, a load into another.

use std::sync::Arc;

use ironroot_journal::SaltedDigest;
use ironroot_secret::Secret;
use ironroot_store::{
    Change, Dump, DumpError, LoadError, Loader, Moment, Part, Source, StateHasher, Store, Whole,
};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::ledger::{ACCOUNTS, forget, note, open, transfer};
use crate::replay::Copied;
use crate::{Backend, Parts};

/// A store with entries, rows, payloads and secrets, of which some are gone again.
async fn filled(backend: &dyn Backend) -> (Arc<dyn Store>, SaltedDigest, SaltedDigest) {
    let store = backend.open(Parts::default()).await;
    let ((keep, kept), (leave, lost)) = (note("stays"), note("goes"));
    let changes = [
        Change::of(open("a", 9)).and(open("b", 0)),
        keep.keeping("k", Secret::new(b"stays".to_vec())),
        leave.keeping("gone", Secret::new(b"goes".to_vec())),
        forget(lost).shredding("gone"),
        Change::of(transfer("a", "b", 4)),
    ];
    for change in changes {
        store.commit(change).await.unwrap();
    }
    (store, kept, lost)
}

/// Every part of a dump, on a thread that may block.
async fn dumped(store: &Arc<dyn Store>, from: u64) -> Vec<Part> {
    let store = Arc::clone(store);
    let dump = move || {
        let mut parts = Vec::new();
        let mut take = |part| {
            parts.push(part);
            Ok(())
        };
        store.dump(from, &mut take).map(|()| parts)
    };
    spawn_blocking(dump).await.unwrap().unwrap()
}

/// What a loader says of `parts`, on a thread that may block.
async fn loaded(backend: &dyn Backend, parts: Vec<Part>) -> Result<Moment, LoadError> {
    let mut loader = backend.loader(Parts::default()).await.unwrap();
    let load = move || {
        for part in parts {
            loader.load(part)?;
        }
        loader.finish()
    };
    spawn_blocking(load).await.unwrap()
}

fn moment(parts: &[Part]) -> Moment {
    match parts.first() {
        Some(Part::Moment(moment)) => *moment,
        other => panic!("{other:?}"),
    }
}

/// The copy answers every question as the store did that it is of.
pub async fn a_copy_has_all_that_the_store_had(source: &dyn Backend, target: &dyn Backend) {
    let (store, kept, lost) = filled(source).await;
    let parts = dumped(&store, 0).await;
    let said = loaded(target, parts.clone()).await.unwrap();
    assert_eq!(said, moment(&parts));

    let copy = target.open(Parts::default()).await;
    assert_eq!(copy.head(), store.head());
    let all = |store: Arc<dyn Store>| async move { store.entries(0, 100).await.unwrap() };
    assert_eq!(all(copy.clone()).await, all(store.clone()).await);
    assert_eq!(
        copy.payload(kept).await.unwrap(),
        store.payload(kept).await.unwrap()
    );
    assert_eq!(copy.payload(lost).await.unwrap(), None);
    assert_eq!(copy.secret("k").await.unwrap().unwrap().expose(), b"stays");
    assert!(copy.secret("gone").await.unwrap().is_none());
    assert_eq!(
        Some(copy.verify_state(Source::default()).await.unwrap()),
        said.state
    );
    copy.commit(Change::of(transfer("a", "b", 5)))
        .await
        .unwrap();
    assert_eq!(&*copy.row(ACCOUNTS, "b").await.unwrap().unwrap(), b"9");
}

/// What is committed while a dump runs is not in it, and what is erased meanwhile still is.
pub async fn a_dump_is_of_one_moment_while_others_write(
    source: &dyn Backend,
    target: &dyn Backend,
) {
    let (store, kept, _) = filled(source).await;
    let (before, state) = (store.head(), store.state_digest().await.unwrap());
    let (writer, runtime) = (Arc::clone(&store), Handle::current());
    let dump = move || {
        let mut parts = Vec::new();
        let mut take = |part: Part| {
            if matches!(part, Part::Moment(_)) {
                let change = forget(kept)
                    .shredding("k")
                    .keeping("new", Secret::new(vec![1]));
                runtime.block_on(writer.commit(change))?;
            }
            if matches!(part, Part::Entry(_)) {
                let account = format!("during-{}", parts.len());
                runtime.block_on(writer.commit(Change::of(open(&account, 1))))?;
            }
            parts.push(part);
            Ok(())
        };
        writer.dump(0, &mut take).map(|()| parts)
    };
    let parts = spawn_blocking(dump).await.unwrap().unwrap();
    assert!(store.head().size > before.size + 5);
    assert_eq!(
        moment(&parts),
        Moment {
            from: 0,
            head: before,
            state: Some(state),
        }
    );
    loaded(target, parts).await.unwrap();
    let copy = target.open(Parts::default()).await;
    assert!(copy.payload(kept).await.unwrap().is_some());
    assert!(copy.secret("k").await.unwrap().is_some());
    assert!(copy.secret("new").await.unwrap().is_none());
}

/// More than is read or written at once.
pub async fn a_copy_of_many_entries_is_whole(source: &dyn Backend, target: &dyn Backend) {
    let store = source.open(Parts::default()).await;
    for batch in 0..12_u64 {
        let mut change = Change::default();
        for n in 0..200 {
            change = change.and(open(&format!("{batch}-{n}"), n));
        }
        store.commit(change).await.unwrap();
    }
    let parts = dumped(&store, 0).await;
    assert_eq!(loaded(target, parts).await.unwrap().head.size, 2_400);
    let copy = target.open(Parts::default()).await;
    assert_eq!(
        copy.verify_state(Source::default()).await.unwrap(),
        store.state_digest().await.unwrap()
    );
}

/// What a store has dropped is in the copy again, from whoever has it.
pub async fn a_copy_of_a_store_that_dropped_entries_has_them_all(
    source: &dyn Backend,
    target: &dyn Backend,
) {
    let (store, ..) = filled(source).await;
    let archive = Copied(store.raw_entries(0, 100).unwrap());
    let floor = store.drop_entries(4).await.unwrap();
    assert_eq!(floor, 4);
    let dump = move || {
        let mut parts = Vec::new();
        let whole = Whole {
            store: &*store,
            floor,
            archive: &archive,
        };
        let mut take = |part| {
            parts.push(part);
            Ok(())
        };
        whole.dump(0, &mut take).map(|()| parts)
    };
    let parts = spawn_blocking(dump).await.unwrap().unwrap();
    loaded(target, parts.clone()).await.unwrap();
    let copy = target.open(Parts::default()).await;
    assert_eq!(copy.entries(0, 100).await.unwrap().len(), 6);
    let state = copy.verify_state(Source::default()).await.unwrap();
    assert_eq!(Some(state), moment(&parts).state);
}

/// A store without a single entry is a store too.
pub async fn an_empty_store_is_copied(source: &dyn Backend, target: &dyn Backend) {
    let store = source.open(Parts::default()).await;
    let parts = dumped(&store, 0).await;
    assert_eq!(parts.len(), 1);
    assert_eq!(loaded(target, parts).await.unwrap().head.size, 0);
    assert_eq!(target.open(Parts::default()).await.head(), store.head());
}

/// The entries below `from` are somebody else's to bring.
pub async fn a_dump_begins_where_it_is_told_to(source: &dyn Backend, target: &dyn Backend) {
    let (store, ..) = filled(source).await;
    let parts = dumped(&store, 4).await;
    let indices = parts.iter().filter_map(|part| match part {
        Part::Entry(entry) => Some(entry.index),
        Part::Moment(_) | Part::Secret { .. } | Part::Payload(_) => None,
    });
    assert_eq!(indices.collect::<Vec<_>>(), [4, 5]);
    let refused = loaded(target, parts).await;
    assert!(matches!(refused, Err(LoadError::NoBase(4))));
}

/// Whoever takes a dump can end it.
pub async fn a_dump_ends_when_its_taker_refuses(source: &dyn Backend, _: &dyn Backend) {
    let (store, ..) = filled(source).await;
    let dump = move || store.dump(0, &mut |_| Err("enough".into()));
    match spawn_blocking(dump).await.unwrap() {
        Err(DumpError::Taker(cause)) => assert_eq!(cause.to_string(), "enough"),
        other => panic!("{other:?}"),
    }
}

/// A load that was killed leaves nothing that the next one trips over.
pub async fn a_load_that_did_not_finish_is_begun_again(source: &dyn Backend, target: &dyn Backend) {
    let (store, ..) = filled(source).await;
    let parts = dumped(&store, 0).await;
    for taken in [0, 1, parts.len()] {
        let begun = target.loader(Parts::default()).await.unwrap();
        load_only(begun, parts.iter().take(taken).cloned().collect()).await;
    }
    loaded(target, parts.clone()).await.unwrap();
    let copy = target.open(Parts::default()).await;
    assert_eq!(
        Some(copy.verify_state(Source::default()).await.unwrap()),
        moment(&parts).state
    );
}

async fn load_only(mut loader: Box<dyn Loader>, parts: Vec<Part>) {
    let load = move || parts.into_iter().try_for_each(|part| loader.load(part));
    spawn_blocking(load).await.unwrap().unwrap();
}

/// What is there is never overwritten, be it entries or a secret alone.
pub async fn refuses_to_load_into_a_store_with_anything_in_it(
    one: &dyn Backend,
    other: &dyn Backend,
) {
    let (store, ..) = filled(one).await;
    let before = store.head();
    drop(store);
    assert!(one.loader(Parts::default()).await.is_err());
    assert_eq!(one.open(Parts::default()).await.head(), before);

    let store = other.open(Parts::default()).await;
    let secret = Change::default().keeping("k", Secret::new(vec![1]));
    store.commit(secret).await.unwrap();
    drop(store);
    assert!(other.loader(Parts::default()).await.is_err());
    let store = other.open(Parts::default()).await;
    assert!(store.secret("k").await.unwrap().is_some());
}

/// Entries that give other rows than the store had are not the store's.
pub async fn refuses_a_copy_whose_state_is_another(source: &dyn Backend, target: &dyn Backend) {
    let (store, ..) = filled(source).await;
    let mut parts = dumped(&store, 0).await;
    let honest = moment(&parts);
    if let Some(Part::Moment(moment)) = parts.first_mut() {
        moment.state = Some(StateHasher::default().finish());
    }
    match loaded(target, parts).await {
        Err(LoadError::Differs { found, .. }) => assert_eq!(Some(found), honest.state),
        other => panic!("{other:?}"),
    }
}

/// Attack: an entry of the copy is taken out or changed.
pub async fn attack_entries_taken_out_of_a_copy_or_damaged(
    source: &dyn Backend,
    target: &dyn Backend,
) {
    let (store, ..) = filled(source).await;
    let parts = dumped(&store, 0).await;
    let mut cut = parts.clone();
    cut.pop();
    let refused = loaded(target, cut).await;
    assert!(matches!(
        refused,
        Err(LoadError::Short {
            expected: 6,
            found: 5
        })
    ));

    let mut damaged = parts;
    if let Some(Part::Entry(entry)) = damaged.last_mut() {
        entry.bytes.truncate(9);
    }
    match loaded(target, damaged).await {
        Err(LoadError::State(cause)) => {
            let damaged = "entry 5 of the store is damaged";
            assert!(chain(&cause).contains(damaged), "{}", chain(&cause));
        }
        other => panic!("{other:?}"),
    }
}

fn chain(mut error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    while let Some(cause) = error.source() {
        text = format!("{text}: {cause}");
        error = cause;
    }
    text
}
