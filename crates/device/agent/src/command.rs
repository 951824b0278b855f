//! The commands: what each does, and what it says to the person who gave it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command prints what it found"
)]

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use ironroot_custody::source::Source;
use ironroot_time::{Clock, UnixTime};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::agent;
use crate::clock::DeviceClock;
use crate::enforce::enrolment::{self, is_missing};
use crate::settings::Settings;
use crate::vault::Vault;

/// A reading, or several.
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The topic, from `up/` on
    topic: String,
    /// What to say; standard input when absent
    payload: Option<String>,
    /// Take each line of standard input as a reading
    #[arg(long, conflicts_with = "payload")]
    lines: bool,
}

/// `run`.
pub(crate) fn run(path: &Path) -> Result<()> {
    let settings = Settings::read(path)?;
    log();
    runtime()?.block_on(agent::run(settings))
}

/// `enroll`.
pub(crate) fn enroll(path: &Path, renew: bool) -> Result<()> {
    let settings = Arc::new(Settings::read(path)?);
    let (clock, registrar) = agent::registrar(&settings)?;
    let kept = runtime()?.block_on(async {
        match registrar.identity()? {
            Some(kept) if kept.not_after <= clock.now() => registrar.enrol(Some(&kept)).await,
            Some(kept) if renew => registrar.renew(&kept).await,
            Some(kept) => Ok(kept),
            None => registrar.enrol(None).await,
        }
    })?;
    println!(
        "{} has certificate {}, good until {}",
        settings.device, kept.serial, kept.not_after
    );
    Ok(())
}

/// `seal`.
pub(crate) fn seal(path: &Path, to: &Source) -> Result<()> {
    let settings = Settings::read(path)?;
    let clock = DeviceClock::open(&settings.state.join("clock"), UnixTime::default());
    let done = Vault::open(&settings, &clock)?.reseal(to, &clock)?;
    println!("Sealed again by {}:", done.record.source());
    for file in &done.files {
        println!("  {}", file.display());
    }
    println!("Now write in {}: seal_key = \"{to}\"", path.display());
    Ok(())
}

/// `check`.
pub(crate) fn check(path: &Path) -> Result<()> {
    let settings = Settings::read(path)?;
    enrolment::pinned(&settings)?;
    let enrol = &settings.enrol;
    let named = [&enrol.idevid_certificate, &enrol.idevid_key]
        .into_iter()
        .flatten()
        .chain(settings.handlers.iter().map(|handler| &handler.program));
    let missing: Vec<String> = named
        .filter(|path| is_missing(path))
        .map(|path| format!("{} is not there", path.display()))
        .collect();
    ensure!(missing.is_empty(), "{}", missing.join("\n  "));
    println!("{} is right", path.display());
    Ok(())
}

/// `status`.
pub(crate) fn status(path: &Path) -> Result<()> {
    let mut talk = Talk::with_agent(path)?;
    talk.says(&json!({ "status": true }))?;
    talk.to.flush()?;
    let answer = talk.hears()?;
    println!("{:#}", answer["status"]);
    Ok(())
}

/// `publish`.
pub(crate) fn publish(path: &Path, args: &PublishArgs) -> Result<()> {
    let mut talk = Talk::with_agent(path)?;
    let mut waiting = 0;
    if args.lines {
        for line in io::stdin().lock().lines() {
            talk.says(&reading(&args.topic, line?.as_bytes()))?;
            waiting += 1;
            if waiting == TOGETHER {
                talk.hears_all(waiting)?;
                waiting = 0;
            }
        }
        return talk.hears_all(waiting);
    }
    let payload = if let Some(payload) = &args.payload {
        payload.clone().into_bytes()
    } else {
        let mut payload = Vec::new();
        let stdin = io::stdin().lock();
        stdin.take(PAYLOAD_MAX).read_to_end(&mut payload)?;
        payload
    };
    talk.says(&reading(&args.topic, &payload))?;
    talk.hears_all(1)
}

fn reading(topic: &str, payload: &[u8]) -> Value {
    match str::from_utf8(payload) {
        Ok(text) => json!({ "topic": topic, "text": text }),
        Err(_no_text) => json!({ "topic": topic, "base64": BASE64_STANDARD.encode(payload) }),
    }
}

/// A talk with the running agent, by its local socket.
struct Talk {
    from: BufReader<UnixStream>,
    to: io::BufWriter<UnixStream>,
}

impl Talk {
    fn with_agent(settings: &Path) -> Result<Self> {
        let path = Settings::read(settings)?.socket.path;
        let stream = UnixStream::connect(&path).with_context(|| {
            format!(
                "no agent listens at {}, or you may not talk to it",
                path.display()
            )
        })?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))?;
        Ok(Self {
            to: io::BufWriter::new(stream.try_clone()?),
            from: BufReader::new(stream),
        })
    }

    fn says(&mut self, request: &Value) -> Result<()> {
        Ok(writeln!(self.to, "{request}")?)
    }

    fn hears_all(&mut self, count: usize) -> Result<()> {
        self.to.flush()?;
        for _ in 0..count {
            self.hears()?;
        }
        Ok(())
    }

    fn hears(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.from
            .read_line(&mut line)
            .context("the agent does not answer")?;
        let answer: Value = serde_json::from_str(&line).context("the agent has ended")?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{error}");
        }
        Ok(answer)
    }
}

/// Says why a command failed.
pub(crate) fn complain(cause: &anyhow::Error) {
    eprintln!("ironroot-agent: {cause:#}");
}

/// One thread does everything: what takes long here waits for others.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn log() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

/// The longest wait for the agent.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How many readings are handed over before an answer is waited for.
const TOGETHER: usize = 128;
/// The largest payload that is read, in bytes; the agent's own bound is smaller.
const PAYLOAD_MAX: u64 = 1 << 20;
