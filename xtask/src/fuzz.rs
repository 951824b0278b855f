//! The fuzz targets: tests that try random input for a set time, run side by side on all cores.
//!
//! A target is a test in a program called `fuzz` (`tests/fuzz.rs`), or a function that calls bolero.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::phase::{Ended, Phases};
use crate::totals::{Reader, Totals};
use crate::{process, workspace};

/// How long each target tries, unless the variable says otherwise.
const TRY: Duration = Duration::from_secs(60);
/// How long all targets together try; with many, each tries for less.
const TRY_ALL: Duration = Duration::from_secs(8 * 60);
/// The variable that bolero reads it from.
const TRY_MS_VARIABLE: &str = "BOLERO_RANDOM_TEST_TIME_MS";
/// How long a target may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// One fuzz target: a test in a test program.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    program: PathBuf,
    folder: PathBuf,
    /// The test's full path inside its program.
    pub(crate) test: String,
}

impl Target {
    /// The crate's folder and the test: `journal entry`.
    fn label(&self) -> String {
        let folder = self.folder.file_name().unwrap_or_default();
        format!("{} {}", folder.display(), self.test)
    }
}

/// Finds the targets of the workspace; its test programs must have been built.
///
/// A test elsewhere that has a target's whole name comes along: Cargo skips both by that name.
pub(crate) fn targets() -> Result<Vec<Target>> {
    let build = [
        "test",
        "--workspace",
        "--no-run",
        "--quiet",
        "--message-format=json",
    ];
    let output = workspace::cargo(build).output()?;
    ensure!(output.status.success(), "the test programs do not build");
    let (mut tests, mut names) = (Vec::new(), BTreeSet::new());
    for (program, folder) in test_programs(&String::from_utf8(output.stdout)?) {
        let is_target = wanted(&program, &folder)?;
        for test in listed(&program)? {
            if is_target(&test) {
                names.insert(test.clone());
            }
            let (program, folder) = (program.clone(), folder.clone());
            tests.push(Target {
                program,
                folder,
                test,
            });
        }
    }
    tests.retain(|one| names.contains(&one.test));
    Ok(tests)
}

/// The tests of a program.
fn listed(program: &Path) -> Result<Vec<String>> {
    let list = Command::new(program)
        .args(["--list", "--format=terse"])
        .output();
    let list = String::from_utf8(list.context("a test program does not start")?.stdout)?;
    let tests = list.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(tests.map(str::to_owned).collect())
}

/// Which tests of a program are targets: all, when it is called `fuzz`; else those that call bolero.
fn wanted(program: &Path, folder: &Path) -> Result<impl Fn(&str) -> bool> {
    let file = program
        .file_name()
        .and_then(|file| file.to_str())
        .unwrap_or_default();
    let all = file
        .rsplit_once('-')
        .is_some_and(|(name, _hash)| name == "fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
    let names = if manifest.contains("bolero") {
        names_below(folder)?
    } else {
        BTreeSet::new()
    };
    Ok(move |test: &str| all || names.contains(test.rsplit("::").next().unwrap_or(test)))
}

/// Adds the phase that runs all targets, and gives their totals.
pub(crate) fn phase(phases: &mut Phases, targets: Vec<Target>) -> Totals {
    let mut totals = Totals::default();
    let logs = phases.log("fuzz");
    phases.run("fuzz", || {
        fs::create_dir_all(&logs)?;
        totals = side_by_side(targets, &logs);
        ensure!(totals.failed == 0, "{} targets failed", totals.failed);
        Ok(Ended::Well)
    });
    totals
}

fn side_by_side(targets: Vec<Target>, logs: &Path) -> Totals {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let try_ms = try_ms(targets.len(), cores);
    let (open, totals) = (
        Mutex::new(VecDeque::from(targets)),
        Mutex::new(Totals::default()),
    );
    let next = || open.lock().ok()?.pop_front();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let (one, shown) = run_one(&target, try_ms, logs);
                    println!("   {}: {one}{shown}", target.label());
                    if let Ok(mut totals) = totals.lock() {
                        *totals += one;
                    }
                }
            });
        }
    });
    totals.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// How long each of `targets` tries, in milliseconds, `cores` of them at once.
fn try_ms(targets: usize, cores: usize) -> u128 {
    let rounds = u32::try_from(targets.div_ceil(cores).max(1)).unwrap_or(u32::MAX);
    TRY.min(TRY_ALL / rounds).as_millis()
}

/// The totals of one target, and its output when it failed.
fn run_one(target: &Target, try_ms: u128, logs: &Path) -> (Totals, String) {
    let mut command = Command::new(&target.program);
    command
        .args(["--exact", &target.test])
        .current_dir(&target.folder)
        .env("CARGO_MANIFEST_DIR", &target.folder);
    if std::env::var_os(TRY_MS_VARIABLE).is_none() {
        command.env(TRY_MS_VARIABLE, try_ms.to_string());
    }
    let log = logs.join(format!("{}.log", target.label().replace("::", ".")));
    let (mut reader, mut output) = (Reader::default(), String::new());
    let ended = process::run(command, LIMIT, &log, |line| {
        reader.line(line);
        output += "\n";
        output += line;
    });
    let (totals, _) = reader.end();
    match ended {
        Ok(status) if status.success() && totals.passed == 1 => (totals, String::new()),
        Ok(_) => (
            Totals {
                failed: 1,
                ..Totals::default()
            },
            output,
        ),
        Err(cause) => {
            let text = format!("\n{cause:#}{output}");
            (
                Totals {
                    failed: 1,
                    ..Totals::default()
                },
                text,
            )
        }
    }
}

/// Test programs and their packages' folders, from Cargo's JSON messages.
fn test_programs(messages: &str) -> Vec<(PathBuf, PathBuf)> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter_map(|message| {
            let program = message["executable"].as_str()?;
            let manifest = Path::new(message["manifest_path"].as_str()?);
            let tests = message["profile"]["test"] == true;
            tests.then_some((program.into(), manifest.parent()?.to_owned()))
        })
        .collect()
}

/// The names of the functions below `folder` that call bolero.
fn names_below(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut open = vec![folder.join("src"), folder.join("tests")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(names_in(&fs::read_to_string(&path)?));
        }
    }
    Ok(names)
}

/// The names of the functions in a source text that call bolero.
fn names_in(source: &str) -> Vec<String> {
    let uses_bolero = source.contains("bolero::check");
    let (mut names, mut function) = (Vec::new(), None);
    for line in source.lines().map(str::trim_start) {
        let declared = line
            .strip_prefix("pub ")
            .unwrap_or(line)
            .strip_prefix("fn ");
        if let Some(rest) = declared {
            function = rest.split(['(', '<']).next();
        }
        if uses_bolero && line.contains("check!(") {
            names.extend(function.map(str::to_owned));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fuzz_target_is_known_by_its_call_of_bolero() {
        let source =
            "#[test]\nfn plain() {}\n#[test]\nfn never_panics() {\n    bolero::check!()\n}";
        assert_eq!(names_in(source), ["never_panics"]);
        let short = "use bolero::check;\nfn decodes<T>() {\n    check!().for_each(drop);\n}";
        assert_eq!(names_in(short), ["decodes"]);
        assert!(names_in("fn not_fuzz() {\n    my::check!()\n}").is_empty());
    }

    #[test]
    fn many_targets_share_the_time() {
        assert_eq!(try_ms(0, 2), 60_000);
        assert_eq!(try_ms(16, 2), 60_000);
        assert_eq!(try_ms(32, 2), 30_000);
    }

    #[test]
    fn only_programs_that_contain_tests_are_listed() {
        let messages = r#"{"executable":"/t/a-1","manifest_path":"/w/a/Cargo.toml","profile":{"test":true}}
{"executable":"/t/b","manifest_path":"/w/b/Cargo.toml","profile":{"test":false}}
{"executable":null,"manifest_path":"/w/c/Cargo.toml","profile":{"test":true}}
{"reason":"build-finished","success":true}"#;
        assert_eq!(test_programs(messages), [("/t/a-1".into(), "/w/a".into())]);
    }
}
