//! Who may use whom: the folder of a crate is its permission. The table is here and nowhere else.

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::{self, Arrow, Crate, Use};

/// A folder or a crate, and the folders and crates that it may use.
struct Row {
    who: &'static str,
    may_use: &'static [&'static str],
}

/// The most specific row that names a crate decides about it.
const TABLE: &[Row] = &[
    Row {
        who: "base",
        may_use: &["base"],
    },
    Row {
        who: "decide",
        may_use: &["base", "decide"],
    },
    // What a program on any machine with an operating system needs: files and keys, no sockets, no async.
    Row {
        who: "host",
        may_use: &["base", "host"],
    },
    Row {
        who: "device",
        may_use: &["base", "decide", "host", "device"],
    },
    Row {
        who: "edge",
        may_use: &["base", "decide", "host", "edge"],
    },
    Row {
        who: "hub",
        may_use: &["base", "decide", "host", "hub"],
    },
    // The traits never name a backend.
    Row {
        who: "hub/store",
        may_use: &["base", "decide"],
    },
    Row {
        who: "hub/bus",
        may_use: &["base", "decide"],
    },
    // The command line links it, and must not get the hub with it.
    Row {
        who: "hub/api",
        may_use: &["base"],
    },
    // Pages ask `views`, never the store.
    Row {
        who: "hub/console",
        may_use: &["base", "decide", "hub/views", "hub/api"],
    },
    Row {
        who: "hub/server",
        may_use: &["base", "decide", "host", "hub", "tools/cli", "tools/sim"],
    },
    Row {
        who: "tools",
        may_use: &["base", "decide", "hub/api"],
    },
    Row {
        who: "tools/sim",
        may_use: &["base", "decide", "hub/api", "device"],
    },
    Row {
        who: "xtask",
        may_use: &[],
    },
];

/// Crates that only these may use, whatever their folder allows: only the wiring knows which backend
/// was chosen, and nothing that ships contains a test.
const RESERVED: &[Row] = &[
    Row {
        who: "hub/server",
        may_use: &["hub/testkit"],
    },
    Row {
        who: "hub/store-sqlite",
        may_use: &["hub/server", "hub/testkit"],
    },
    Row {
        who: "hub/store-postgres",
        may_use: &["hub/server", "hub/testkit"],
    },
    Row {
        who: "hub/bus-nats",
        may_use: &["hub/server", "hub/testkit"],
    },
    Row {
        who: "hub/shelf",
        may_use: &["hub/server", "hub/testkit"],
    },
    Row {
        who: "hub/suites",
        may_use: &["hub/testkit"],
    },
    Row {
        who: "hub/testkit",
        may_use: &[],
    },
];

/// What the tests of any crate may use.
const TESTS_MAY_USE: &[&str] = &["hub/suites", "hub/testkit"];

/// Crates that bring async, sockets, databases or TLS; nothing in `base` or `decide` links them.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "aws-lc-rs",
    "hyper",
    "mio",
    "postgres",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tokio-postgres",
    "ureq",
];

/// `cargo xtask layers`.
pub(crate) fn run(_arguments: &[String]) -> Result<ExitCode> {
    let wrong = wrong(&workspace::crates(&workspace::metadata()?)?);
    for arrow in &wrong {
        println!("{arrow}");
    }
    println!("layers: {} wrong", wrong.len());
    Ok(ExitCode::from(u8::from(!wrong.is_empty())))
}

/// Every arrow that points the wrong way, as a sentence.
pub(crate) fn wrong(crates: &[Crate]) -> Vec<String> {
    let mut wrong = Vec::new();
    for from in crates {
        let Some(may_use) = row(&from.place) else {
            wrong.push(format!(
                "{}: its folder is in no row of the table",
                from.place
            ));
            continue;
        };
        wrong.extend(
            from.arrows
                .iter()
                .filter_map(|arrow| fault(from, arrow, may_use)),
        );
        if matches!(from.layer(), "base" | "decide") {
            let impure = IMPURE.iter().filter(|name| from.foreign.contains(**name));
            wrong.extend(
                impure.map(|name| format!("{} -> {name}: {} stays pure", from.place, from.layer())),
            );
        }
    }
    wrong
}

/// What is wrong with one arrow, if anything is.
fn fault(from: &Crate, arrow: &Arrow, may_use: &[&str]) -> Option<String> {
    let to = arrow.to.as_str();
    let for_tests = arrow.use_ == Use::Tests;
    if for_tests && TESTS_MAY_USE.contains(&to) {
        return None;
    }
    if !may_use.iter().any(|place| covers(place, to)) {
        let list = may_use.join(", ");
        return Some(format!(
            "{} -> {to}: {} may use {list}",
            from.place, from.place
        ));
    }
    let reserved = RESERVED.iter().find(|row| row.who == to)?;
    // Tests within the hub run on the real backend.
    if for_tests || reserved.may_use.contains(&from.place.as_str()) {
        return None;
    }
    Some(match reserved.may_use {
        [] => format!("{} -> {to}: only tests may use {to}", from.place),
        some => format!(
            "{} -> {to}: only {} may use {to}",
            from.place,
            some.join(", ")
        ),
    })
}

/// What the most specific row lets the crate at `place` use.
fn row(place: &str) -> Option<&'static [&'static str]> {
    let rows = TABLE.iter().filter(|row| covers(row.who, place));
    rows.max_by_key(|row| row.who.len()).map(|row| row.may_use)
}

/// Whether `folder` is `place` or above it.
fn covers(folder: &str, place: &str) -> bool {
    place
        .strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// `cargo metadata` of a workspace in which `from` uses `to`.
    fn planted(from: &str, to: &str, kind: Option<&str>) -> Vec<Crate> {
        let package = |place: &str, dependencies: Value| {
            json!({
                "name": place, "id": place, "source": null,
                "manifest_path": format!("/w/crates/{place}/Cargo.toml"),
                "dependencies": dependencies,
            })
        };
        let arrow = json!([{ "name": to, "kind": kind, "path": format!("/w/crates/{to}") }]);
        let metadata = json!({
            "workspace_root": "/w",
            "packages": [package(from, arrow), package(to, json!([]))],
        });
        workspace::crates(&metadata).unwrap()
    }

    fn refused(from: &str, to: &str) -> bool {
        !wrong(&planted(from, to, None)).is_empty()
    }

    #[test]
    fn names_the_arrow_that_points_the_wrong_way() {
        assert_eq!(
            wrong(&planted("base/time", "hub/store", None)),
            ["base/time -> hub/store: base/time may use base"]
        );
        assert_eq!(
            wrong(&planted("hub/views", "hub/store-sqlite", None)),
            [
                "hub/views -> hub/store-sqlite: only hub/server, hub/testkit may use hub/store-sqlite"
            ]
        );
    }

    #[test]
    fn refuses_each_direction_that_the_table_leaves_out() {
        assert!(refused("decide/standing", "hub/api"));
        assert!(refused("device/agent", "hub/api"));
        assert!(refused("host/custody", "hub/store"));
        assert!(refused("edge/gateway", "device/agent"));
        assert!(refused("hub/broker", "tools/sim"));
        assert!(refused("hub/store", "hub/store-sqlite"));
        assert!(refused("hub/console", "hub/registry"));
        assert!(refused("hub/api", "hub/views"));
        assert!(refused("hub/broker", "hub/suites"));
        assert!(refused("tools/cli", "hub/views"));
        assert!(refused("tools/cli", "device/agent"));
        assert!(refused("elsewhere/thing", "base/time"));
    }

    #[test]
    fn allows_what_the_table_allows() {
        assert!(!refused("decide/standing", "base/time"));
        assert!(!refused("hub/server", "tools/cli"));
        assert!(!refused("hub/server", "hub/store-sqlite"));
        assert!(!refused("tools/sim", "device/agent"));
        assert!(!refused("device/agent", "host/custody"));
        assert!(!refused("tools/cli", "hub/api"));
    }

    #[test]
    fn tests_may_use_the_suites_from_anywhere_and_the_rest_of_the_hub_from_nowhere() {
        assert!(wrong(&planted("base/time", "hub/suites", Some("dev"))).is_empty());
        assert!(wrong(&planted("hub/registry", "hub/store-sqlite", Some("dev"))).is_empty());
        assert!(!wrong(&planted("base/time", "hub/store", Some("dev"))).is_empty());
    }

    #[test]
    fn finds_a_socket_that_comes_into_a_pure_crate_through_another() {
        let metadata = json!({
            "workspace_root": "/w",
            "packages": [
                { "name": "time", "id": "time", "source": null, "dependencies": [],
                  "manifest_path": "/w/crates/base/time/Cargo.toml" },
                { "name": "middle", "id": "middle", "source": "registry" },
                { "name": "mio", "id": "mio", "source": "registry" },
                { "name": "tokio", "id": "tokio", "source": "registry" },
            ],
            "resolve": { "nodes": [
                { "id": "time", "deps": [
                    { "pkg": "middle", "dep_kinds": [{ "kind": null }] },
                    { "pkg": "tokio", "dep_kinds": [{ "kind": "dev" }] },
                ] },
                { "id": "middle", "deps": [{ "pkg": "mio", "dep_kinds": [{ "kind": null }] }] },
            ] },
        });
        assert_eq!(
            wrong(&workspace::crates(&metadata).unwrap()),
            ["base/time -> mio: base stays pure"]
        );
    }
}
