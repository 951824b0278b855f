//! A writer to be watched and killed by this crate's tests: prints each acknowledgement.
//!
//! `store-acks FILE CALLERS COUNT`: that many callers commit one after another, `COUNT` changes
//! each (0: without end), and each receipt becomes the line `ack <index>`; a change that is to be
//! tried again becomes `later`, and its caller tries it again when a line comes in.
#![expect(clippy::print_stdout, reason = "what it prints is what the tests read")]

use std::io::{Read, Write};
use std::sync::Arc;

use ironroot_journal::Entry;
use ironroot_store::{
    ApplyError, Change, CommitError, Committed, Draft, Follower, Projection, Rows, Store, Table,
};
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_time::{Clock, UnixTime};

/// One row per caller, with its last number.
const CALLERS: Table = Table::new("callers");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("store-acks FILE CALLERS COUNT");
    let settings = Settings::new(next()?);
    let (callers, count): (u64, u64) = (next()?.parse()?, next()?.parse()?);
    let store = SqliteStore::open(
        &settings,
        Arc::new(Still),
        Arc::new(Count),
        Arc::new(Nobody),
    )?;
    let store: Arc<dyn Store> = Arc::new(store);
    println!("open {}", store.head().size);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for caller in 0..callers {
            running.spawn(call(Arc::clone(&store), caller, count));
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        Ok(())
    })
}

async fn call(store: Arc<dyn Store>, caller: u64, count: u64) -> Result<(), CommitError> {
    let mut number = 0;
    while count == 0 || number < count {
        let fields = [("caller", caller), ("number", number)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.into()));
        let draft = Draft::new("counted", 1, fields.into_iter().collect());
        match store.commit(Change::of(draft)).await {
            Ok(receipt) => {
                say(&format!("ack {}\n", receipt.indices.start));
                number += 1;
            }
            Err(CommitError::Later(_)) => {
                say("later\n");
                wait_for_a_line();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Says it in one write, so that a kill leaves whole lines or none.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if out
        .write_all(line.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(1);
    }
}

fn wait_for_a_line() {
    let mut byte = [0];
    while byte != *b"\n" {
        if std::io::stdin().read_exact(&mut byte).is_err() {
            std::process::exit(1);
        }
    }
}

/// Every time is the same.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> UnixTime {
        UnixTime::from_s(1)
    }
}

/// The last number of each caller.
struct Count;

impl Projection for Count {
    fn apply(&self, _: u64, entry: &Entry, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let field = |name| entry.fields().get(name).map(ToString::to_string);
        let caller = field("caller").unwrap_or_default();
        let number = field("number").unwrap_or_default();
        rows.put(CALLERS, &caller, number.into_bytes());
        Ok(())
    }
}

/// Keeps nothing in memory.
struct Nobody;

impl Follower for Nobody {
    fn follow(&self, _: &[Committed]) {}
}
