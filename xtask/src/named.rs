//! Checks that every test that a table of the documents names is there: what nobody tries is not promised.
//!
//! A test is named `module::test` in the last column of a table, in backticks; `module::begin…` stands for all that
//! begin so. The module is the file's name; in Python every function of a file counts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace;

/// The documents whose tables name tests.
const DOCUMENTS: &[&str] = &["docs/enforcement.md", "docs/mqtt.md"];

/// What the documents name and nobody wrote: document, and test.
pub(crate) fn missing() -> Result<Vec<String>> {
    let mut tests = BTreeSet::new();
    gather(&workspace::root().join("crates"), &mut tests)?;
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(workspace::root().join(document)).context(*document)?;
        let absent = named(&text).filter(|name| !is_there(name, &tests));
        missing.extend(absent.map(|name| format!("{document} names {name}")));
    }
    Ok(missing)
}

/// The tests that the last columns of the tables in `text` name.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let rows = text
        .lines()
        .filter_map(|line| line.trim().strip_suffix('|'));
    let last = rows
        .filter_map(|row| row.rsplit_once('|'))
        .map(|(_, last)| last);
    // Every other piece stands between backticks.
    let quoted = last.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    quoted.filter(|name| name.contains("::"))
}

fn is_there(name: &str, tests: &BTreeSet<String>) -> bool {
    match name.strip_suffix('…') {
        Some(begin) => tests.iter().any(|test| test.starts_with(begin)),
        None => tests.contains(name),
    }
}

/// Adds the tests in all files below `folder`.
fn gather(folder: &Path, tests: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, tests)?;
        } else if let Some(names) = names_in(&path)? {
            let module = path.file_stem().unwrap_or_default().to_string_lossy();
            tests.extend(names.iter().map(|name| format!("{module}::{name}")));
        }
    }
    Ok(())
}

/// The tests in one file, if it is a program.
fn names_in(path: &PathBuf) -> Result<Option<Vec<String>>> {
    let find = match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => in_rust,
        Some("py") => in_python,
        _ => return Ok(None),
    };
    Ok(Some(find(&fs::read_to_string(path)?)))
}

/// The functions under a test attribute.
fn in_rust(source: &str) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = line
            .strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix("fn ")
        {
            if is_test {
                names.extend(rest.split(['(', '<']).next().map(str::to_owned));
            }
            is_test = false;
        }
    }
    names
}

/// The functions of the file itself.
fn in_python(source: &str) -> Vec<String> {
    let functions = source.lines().filter_map(|line| line.strip_prefix("def "));
    let names = functions.filter_map(|rest| rest.split('(').next());
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_backticks_in_the_last_column() {
        let text =
            "| check | `here::not` | `a::b`, door: `c::d…` and `plain` |\nbeside a table `e::f`\n";
        assert_eq!(named(text).collect::<Vec<_>>(), ["a::b", "c::d…"]);
    }

    #[test]
    fn a_test_is_a_function_under_its_attribute() {
        let source = "fn helper() {}\n#[test]\nfn one() {}\n    #[tokio::test(flavor = \"x\")]\n    #[cfg(unix)]\n    async fn two<T>() {}\nfn last() {}";
        assert_eq!(in_rust(source), ["one", "two"]);
        assert_eq!(in_python("def one(a):\n    def inner():\n"), ["one"]);
    }

    #[test]
    fn what_nobody_wrote_is_missing() {
        let tests = BTreeSet::from(["a::refuses_b".to_owned()]);
        assert!(is_there("a::refuses_b", &tests) && is_there("a::refuses_…", &tests));
        assert!(!is_there("a::refuses", &tests) && !is_there("b::…", &tests));
    }
}
