//! `cargo xtask bench [PART...] [--rounds N] [--runs N]`: performance against peers, interleaved, as ratios
//! with their spread.
//!
//! A benchmark is a `[[bench]]` target with `harness = false`. Each run of it prints lines of four
//! fields divided by tabs: `figure`, what is measured and its unit, `ironroot` or the peer's name, and a
//! number. The rounds run all benchmarks in turn, so that a slow minute of the machine falls
//! on all sides alike; ratios are taken within a round. A part is a benchmark by its name, or a part of `doors`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{deps, process, workspace};

const ROUNDS_DEFAULT: usize = 9;
const RUN_LIMIT: Duration = Duration::from_secs(20 * 60);
/// How our own figures are marked.
const OURS: &str = "ironroot";
/// The benchmark whose parts can be asked for by name.
const IN_PARTS: &str = "doors";

/// What is measured, who is measured, and one number per round.
type Figures = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// What is to be measured, and how often.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    /// All when empty.
    parts: Vec<String>,
    rounds: usize,
    runs: usize,
}

/// One program, and which parts of it.
struct Bench {
    program: PathBuf,
    parts: Vec<String>,
}

/// `cargo xtask bench`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let order = Order::parse(arguments)?;
    deps::install()?;
    let benches = order.benches(build(&order.parts)?)?;
    let folder = workspace::target_dir()?.join("bench");
    fs::create_dir_all(&folder)?;
    let mut done = Vec::new();
    let mut progress = Progress::new(order.runs * order.rounds * benches.len());
    for run in 1..=order.runs {
        let mut figures = Figures::new();
        for round in 1..=order.rounds {
            for bench in &benches {
                progress.say(&format!("run {run}, round {round}: {}", bench.name()));
                bench.measure(&folder, &mut figures)?;
            }
        }
        done.push(figures);
        // After each, so that a run that is broken off leaves what it had.
        fs::write(folder.join("report.md"), report(&done, order.rounds))?;
    }
    println!("\n{}", report(&done, order.rounds));
    println!("written to {}", folder.join("report.md").display());
    Ok(ExitCode::SUCCESS)
}

impl Order {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut order = Self {
            parts: Vec::new(),
            rounds: ROUNDS_DEFAULT,
            runs: 1,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let number = arguments.next().and_then(|number| number.parse().ok());
                let number = number.filter(|number| *number > 0);
                number.with_context(|| format!("{argument} takes a number"))
            };
            match argument.as_str() {
                "--rounds" => order.rounds = number()?,
                "--runs" => order.runs = number()?,
                part if !part.starts_with('-') => order.parts.push(part.to_owned()),
                _ => anyhow::bail!("usage: cargo xtask bench [PART...] [--rounds N] [--runs N]"),
            }
        }
        Ok(order)
    }

    /// Which programs measure what is asked for. What is no program's name is a part of `doors`, which knows
    /// its parts itself.
    fn benches(&self, programs: Vec<PathBuf>) -> Result<Vec<Bench>> {
        let (mut whole, mut in_parts) = (Vec::new(), Vec::new());
        for part in &self.parts {
            if programs.iter().any(|program| name(program) == part) {
                whole.push(part.as_str());
            } else {
                in_parts.push(part.clone());
            }
        }
        let benches = programs.into_iter().filter_map(|program| {
            let asked = whole.contains(&name(&program)) || self.parts.is_empty();
            let parts = if name(&program) == IN_PARTS && !asked {
                in_parts.clone()
            } else {
                Vec::new()
            };
            (asked || !parts.is_empty()).then_some(Bench { program, parts })
        });
        let benches: Vec<_> = benches.collect();
        ensure!(!benches.is_empty(), "there is nothing to measure");
        Ok(benches)
    }
}

/// What is being done, how long it has taken, and how long the rest may.
struct Progress {
    begun: Instant,
    steps: usize,
    done: usize,
}

impl Progress {
    fn new(steps: usize) -> Self {
        Self {
            begun: Instant::now(),
            steps,
            done: 0,
        }
    }

    /// Says which step begins.
    fn say(&mut self, step: &str) {
        let elapsed = self.begun.elapsed();
        let left = u32::try_from(self.done).ok().filter(|done| *done > 0);
        let left = left.map_or_else(String::new, |done| {
            let rest = u32::try_from(self.steps - self.done).unwrap_or(u32::MAX);
            format!(", about {} to go", minutes(elapsed / done * rest))
        });
        println!("{} gone{left}: {step}", minutes(elapsed));
        self.done += 1;
    }
}

fn minutes(span: Duration) -> String {
    format!("{}:{:02} min", span.as_secs() / 60, span.as_secs() % 60)
}

/// Builds the benchmarks that these parts need, or all, optimised, and nothing else.
fn build(parts: &[String]) -> Result<Vec<PathBuf>> {
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
            let of_doors = parts.iter().any(|part| part != bench) && bench == IN_PARTS;
            if parts.is_empty() || of_doors || parts.iter().any(|part| part == bench) {
                command.args(["--package", package, "--bench", bench]);
            }
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

impl Bench {
    /// Its name, and those of its parts if only some are measured.
    fn name(&self) -> String {
        let names = [name(&self.program)];
        let parts = self.parts.iter().map(String::as_str);
        names.into_iter().chain(parts).collect::<Vec<_>>().join(" ")
    }

    fn measure(&self, folder: &Path, figures: &mut Figures) -> Result<()> {
        let log = folder.join(format!("{}.log", name(&self.program)));
        let mut command = Command::new(&self.program);
        command.arg("--bench").args(&self.parts);
        command.current_dir(workspace::root());
        let status = process::run(command, RUN_LIMIT, &log, |line| {
            if let Some((what, who, value)) = figure(line) {
                let sides = figures.entry(what.to_owned()).or_default();
                sides.entry(who.to_owned()).or_default().push(value);
            }
        })?;
        let (name, log) = (self.name(), log.display());
        ensure!(status.success(), "{name} failed; see {log}");
        Ok(())
    }
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

/// A table for each peer: every figure's medians and the ratio of ours to theirs with its spread, once for
/// each run.
fn report(runs: &[Figures], rounds: usize) -> String {
    let mut text = format!(
        "# Benchmarks\n\n{} of {rounds} rounds, all sides in each; medians, and the median of the rounds' \
         ratios with the smallest and the largest.\n\n| what | who |",
        if runs.len() == 1 {
            "One run".to_owned()
        } else {
            format!("{} runs", runs.len())
        }
    );
    for run in 1..=runs.len() {
        let _never_fails = write!(text, " run {run} | ratio (spread) |");
    }
    text += "\n|---|---|";
    text += &"---|---|".repeat(runs.len());
    text += "\n";
    let Some(first) = runs.first() else {
        return text;
    };
    for (what, who) in first
        .iter()
        .flat_map(|(what, sides)| sides.keys().map(move |who| (what, who)))
    {
        let _never_fails = write!(text, "| {what} | {who} |");
        for figures in runs {
            let side = |who: &str| figures.get(what).and_then(|sides| sides.get(who));
            let theirs = side(who).map(Vec::as_slice).unwrap_or_default();
            let median = spread(theirs).map_or(f64::NAN, |[_, median, _]| median);
            let ours = side(OURS).filter(|_| who != OURS);
            let ratio = ours.map_or_else(String::new, |ours| ratio(ours, theirs));
            let _never_fails = write!(text, " {median:.3} | {ratio} |");
        }
        text += "\n";
    }
    text
}

/// Median, smallest and largest of the rounds' ratios.
fn ratio(ours: &[f64], theirs: &[f64]) -> String {
    let ratios: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(ours, theirs)| ours / theirs)
        .collect();
    spread(&ratios).map_or_else(String::new, |[low, median, high]| {
        format!("{median:.2} ({low:.2} to {high:.2})")
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
        let runs = [figures.clone(), figures];
        let one = report(&runs[..1], 3);
        assert!(one.contains("| QoS 0 | ironroot | 2.000 |  |\n"), "{one}");
        let peer = "| QoS 0 | mosquitto | 2.000 | 1.00 (0.50 to 1.50) |";
        assert!(one.contains(&format!("{peer}\n")), "{one}");
        let two = report(&runs, 3);
        assert!(
            two.contains(&format!("{peer} 2.000 | 1.00 (0.50 to 1.50) |\n")),
            "{two}"
        );
    }

    #[test]
    fn measures_what_is_named_and_all_when_nothing_is() {
        let order = |words: &str| {
            let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
            Order::parse(&words)
        };
        let names = |words: &str| {
            let programs = ["/t/append-1", "/t/doors-2"].map(PathBuf::from);
            let benches = order(words).unwrap().benches(programs.to_vec()).unwrap();
            benches.iter().map(Bench::name).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["append", "doors"]);
        assert_eq!(names("append"), ["append"]);
        assert_eq!(names("messages cut --rounds 3"), ["doors messages cut"]);
        assert_eq!(names("messages append"), ["append", "doors messages"]);
        assert_eq!(names("doors"), ["doors"]);
        let three = order("messages --runs 3 --rounds 2").unwrap();
        assert_eq!((three.runs, three.rounds), (3, 2));
        assert_eq!(order("").unwrap().rounds, ROUNDS_DEFAULT);
        for wrong in ["--rounds", "--rounds 0", "--runs x", "--fast"] {
            assert!(order(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_that_is_no_figure_is_left_to_the_log() {
        assert_eq!(figure("figure\tQoS 0\tironroot\tmany"), None);
        assert_eq!(figure("figure"), None);
    }
}
