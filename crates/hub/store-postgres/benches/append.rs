//! How many durable entries a second, beside pgbench on the same server in the same run: one row of as
//! many bytes and one row per device, in one transaction, by as many clients.
//!
//! `cargo bench -p ironroot-store-postgres` prints two lines per run: pgbench, then the store.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ironroot_store::Store;
use ironroot_store_postgres::{PostgresStore, Settings};
use ironroot_suites::append::{
    CALLERS, DEVICES_COUNT, ENTRY_SIZE, Failure, LastSeen, Nobody, Running, measure,
};
use ironroot_testkit::Postgres;

const RUN: Duration = Duration::from_secs(4);
const RUNS: usize = 3;

fn main() -> Result<(), Failure> {
    // On the disk that cargo builds on, or on the one named: a temporary folder may lie in memory.
    let named = std::env::args_os()
        .skip(1)
        .find(|argument| argument != "--bench");
    let place = named.map_or_else(std::env::temp_dir, PathBuf::from);
    let server = Postgres::with(tempfile::tempdir_in(place)?, &["max_connections=200"]);
    for _ in 0..RUNS {
        println!("pgbench: {} transactions/s", pgbench(&server)?);
        let settings = Settings::new(server.new_store().parse()?);
        let store = PostgresStore::open(
            &settings,
            Arc::new(Running(Instant::now())),
            Arc::new(LastSeen),
            Arc::new(Nobody),
        )?;
        let store: Arc<dyn Store> = Arc::new(store);
        println!("{}", measure(&store, RUN)?);
    }
    Ok(())
}

/// What PostgreSQL's own benchmark does in a second with a transaction like ours.
fn pgbench(server: &Postgres) -> Result<String, Failure> {
    let url = server.new_store();
    server.sql(
        &url,
        "CREATE TABLE entries (idx bigserial PRIMARY KEY, bytes bytea NOT NULL);
         CREATE TABLE state (key text PRIMARY KEY, value bytea NOT NULL)",
    );
    let script = server.folder().join("append.sql");
    std::fs::write(
        &script,
        format!(
            "\\set device random(1, {DEVICES_COUNT})
             WITH appended AS (INSERT INTO entries (bytes) VALUES (decode(repeat('78', {ENTRY_SIZE}), 'hex')))
             INSERT INTO state (key, value) VALUES ('device-' || :device, decode(repeat('78', 200), 'hex'))
             ON CONFLICT (key) DO UPDATE SET value = excluded.value;\n"
        ),
    )?;
    let callers = CALLERS.to_string();
    let seconds = RUN.as_secs().to_string();
    let mut bench = server.program("pgbench");
    bench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
    bench.args(["--client", &callers, "--time", &seconds, "--file"]);
    bench.arg(&script).arg(&url);
    let said = bench.output()?;
    let text = String::from_utf8_lossy(&said.stdout);
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let tps = tps.and_then(|tps| tps.split('.').next());
    tps.map(str::to_owned)
        .ok_or_else(|| String::from_utf8_lossy(&said.stderr).into())
}
