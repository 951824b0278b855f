//! A run is a list of phases; each is timed, and a failure in one does not hide the others.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{process, workspace};

/// How a phase ended when it did not fail.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It was carried out, and all is well.
    Well,
    /// It was not carried out, and why.
    Skipped(String),
}

/// The phases so far.
#[derive(Debug)]
pub(crate) struct Phases {
    logs: PathBuf,
    done: Vec<(&'static str, Duration, Result<Ended>)>,
}

/// How many lines of a failed program's output are shown; the log has the rest.
const LINES_SHOWN: usize = 80;

impl Phases {
    /// No phase yet; logs go to `xtask` below the target directory.
    pub(crate) fn new() -> Result<Self> {
        let logs = workspace::target_dir()?.join("xtask");
        fs::create_dir_all(&logs)?;
        let done = Vec::new();
        Ok(Self { logs, done })
    }

    /// The log file of the phase `name`.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Carries out one phase.
    pub(crate) fn run(&mut self, name: &'static str, phase: impl FnOnce() -> Result<Ended>) {
        println!("== {name}");
        let started = Instant::now();
        let ended = phase();
        let took = started.elapsed();
        println!(
            "== {name}: {} ({:.1} s)",
            sentence(&ended),
            took.as_secs_f64()
        );
        self.done.push((name, took, ended));
    }

    /// Carries out one phase that is one program; its last lines are shown when it fails.
    pub(crate) fn command(&mut self, name: &'static str, command: Command, limit: Duration) {
        let log = self.log(name);
        self.run(name, || {
            let mut last = VecDeque::new();
            let status = process::run(command, limit, &log, |line| {
                last.push_back(line.to_owned());
                if last.len() > LINES_SHOWN {
                    last.pop_front();
                }
            });
            match status {
                Ok(status) if status.success() => return Ok(Ended::Well),
                Ok(_) | Err(_) => last.iter().for_each(|line| println!("{line}")),
            }
            bail!("{}; all of it in {}", status?, log.display())
        });
    }

    /// Whether every phase so far ended well or was skipped.
    pub(crate) fn all_well(&self) -> bool {
        self.done.iter().all(|(_, _, ended)| ended.is_ok())
    }

    /// Prints one line per phase.
    pub(crate) fn summary(&self) {
        println!("\n{:<10} {:>8}  outcome", "phase", "time");
        for (name, took, ended) in &self.done {
            println!(
                "{name:<10} {:>6.1} s  {}",
                took.as_secs_f64(),
                sentence(ended)
            );
        }
    }

    /// The exit code of the whole run.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(!self.all_well()))
    }
}

fn sentence(ended: &Result<Ended>) -> String {
    match ended {
        Ok(Ended::Well) => "well".to_owned(),
        Ok(Ended::Skipped(why)) => format!("skipped: {why}"),
        Err(cause) => format!("FAILED: {cause:#}"),
    }
}
