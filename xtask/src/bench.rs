//! `cargo xtask bench [--rounds N]`: performance against peers, interleaved, as ratios with their spread.
//!
//! A benchmark is a `[[bench]]` target with `harness = false`. Each run of it prints lines of four
//! fields divided by tabs: `figure`, what is measured and its unit, `ironroot` or the peer's name, and a
//! number. The rounds run all benchmarks in turn, so that a slow minute of the machine falls
//! on all sides alike; ratios are taken within a round.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{deps, process, workspace};

const ROUNDS_DEFAULT: usize = 9;
const RUN_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How our own figures are marked.
const OURS: &str = "ironroot";

/// What is measured, who is measured, and one number per round.
type Figures = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// `cargo xtask bench`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let rounds = match arguments {
        [] => ROUNDS_DEFAULT,
        [flag, number] if flag == "--rounds" => {
            number.parse().context("--rounds takes a number")?
        }
        _ => anyhow::bail!("usage: cargo xtask bench [--rounds N]"),
    };
    deps::install()?;
    let programs = build()?;
    let folder = workspace::target_dir()?.join("bench");
    fs::create_dir_all(&folder)?;
    let mut figures = Figures::new();
    for round in 1..=rounds {
        for program in &programs {
            println!("round {round} of {rounds}: {}", name(program));
            measure(program, &folder, &mut figures)?;
        }
    }
    let report = report(&figures, rounds);
    println!("\n{report}");
    let path = folder.join("report.md");
    fs::write(&path, report)?;
    println!("written to {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds all benchmarks, optimised, and nothing else.
fn build() -> Result<Vec<PathBuf>> {
    let metadata = workspace::metadata()?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let mut command = workspace::cargo(["bench", "--no-run", "--message-format=json"]);
    for package in packages
        .iter()
        .filter(|package| package["source"].is_null())
    {
        let targets = package["targets"].as_array().context("no targets")?;
        for bench in targets.iter().filter(|target| target["kind"][0] == "bench") {
            let names = (package["name"].as_str(), bench["name"].as_str());
            let (Some(package), Some(bench)) = names else {
                continue;
            };
            command.args(["--package", package, "--bench", bench]);
        }
    }
    ensure!(
        command.get_args().len() > 3,
        "no crate has a [[bench]] target"
    );
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the benchmarks do not build");
    let messages = String::from_utf8(output.stdout)?;
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let benches = messages.filter(|message| message["target"]["kind"][0] == "bench");
    Ok(benches
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect())
}

fn measure(program: &Path, folder: &Path, figures: &mut Figures) -> Result<()> {
    let log = folder.join(format!("{}.log", name(program)));
    let mut command = Command::new(program);
    command.arg("--bench").current_dir(workspace::root());
    let status = process::run(command, RUN_LIMIT, &log, |line| {
        if let Some((what, who, value)) = figure(line) {
            let sides = figures.entry(what.to_owned()).or_default();
            sides.entry(who.to_owned()).or_default().push(value);
        }
    })?;
    ensure!(
        status.success(),
        "{} failed; see {}",
        name(program),
        log.display()
    );
    Ok(())
}

/// What, who and how much a line says.
fn figure(line: &str) -> Option<(&str, &str, f64)> {
    let mut fields = line.split('\t');
    let (mark, what, who, value) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    (mark == "figure").then_some((what, who, value.parse().ok()?))
}

/// `broker` for `/t/release/deps/broker-0123456789abcdef`.
fn name(program: &Path) -> &str {
    let file = program
        .file_name()
        .and_then(|file| file.to_str())
        .unwrap_or("?");
    file.rsplit_once('-').map_or(file, |(name, _hash)| name)
}

/// A table with, for each figure, each side's median and the ratio of ours to it, with its spread.
fn report(figures: &Figures, rounds: usize) -> String {
    let head = format!(
        "# Benchmarks\n\n{rounds} rounds, all sides in each; medians, and the median of the rounds' \
         ratios with the smallest and the largest.\n\n\
         | what | who | median | ironroot / who | from | to |\n|---|---|---|---|---|---|\n"
    );
    let rows = figures.iter().flat_map(|(what, sides)| {
        let ours = sides.get(OURS);
        sides.iter().map(move |(who, values)| {
            let median = spread(values).map_or(f64::NAN, |[_, median, _]| median);
            let ratio = ours
                .filter(|_| who != OURS)
                .map_or_else(String::new, |ours| ratio(ours, values));
            format!("| {what} | {who} | {median:.3} | {ratio} |\n")
        })
    });
    head + &rows.collect::<String>()
}

/// Median, smallest and largest of the rounds' ratios, as cells.
fn ratio(ours: &[f64], theirs: &[f64]) -> String {
    let ratios: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(ours, theirs)| ours / theirs)
        .collect();
    spread(&ratios).map_or_else(String::new, |[low, median, high]| {
        format!("{median:.2} | {low:.2} | {high:.2}")
    })
}

/// Smallest, median and largest.
fn spread(values: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some([
        *sorted.first()?,
        *sorted.get(sorted.len() / 2)?,
        *sorted.last()?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_the_median_of_the_ratios_and_their_spread() {
        let mut figures = Figures::new();
        let lines = [
            "figure\tQoS 0\tironroot\t1.0",
            "figure\tQoS 0\tironroot\t3.0",
            "figure\tQoS 0\tironroot\t2.0",
            "figure\tQoS 0\tmosquitto\t2.0",
            "figure\tQoS 0\tmosquitto\t2.0",
            "figure\tQoS 0\tmosquitto\t2.0",
            "anything else",
        ];
        for (what, who, value) in lines.into_iter().filter_map(figure) {
            let sides = figures.entry(what.to_owned()).or_default();
            sides.entry(who.to_owned()).or_default().push(value);
        }
        let report = report(&figures, 3);
        assert!(
            report.contains("| QoS 0 | ironroot | 2.000 |  |"),
            "{report}"
        );
        assert!(
            report.contains("| QoS 0 | mosquitto | 2.000 | 1.00 | 0.50 | 1.50 |"),
            "{report}"
        );
    }

    #[test]
    fn a_line_that_is_no_figure_is_left_to_the_log() {
        assert_eq!(figure("figure\tQoS 0\tironroot\tmany"), None);
        assert_eq!(figure("figure"), None);
    }
}
