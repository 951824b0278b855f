//! Runs a program with its whole output in a log, line by line, and a bound on its time.

use std::fs::File;
use std::io::{BufRead, BufReader, Write, pipe};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs `command` for at most `limit`, writes what it prints to `log` and hands `line` each line.
///
/// # Errors
/// When the program does not start, or has to be ended because its time is up.
pub(crate) fn run(
    mut command: Command,
    limit: Duration,
    log: &Path,
    mut line: impl FnMut(&str),
) -> Result<ExitStatus> {
    let mut log = File::create(log)?;
    let (reader, writer) = pipe()?;
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .spawn()
        .with_context(|| format!("{} does not start", command.get_program().display()))?;
    drop(command); // and with it our ends of the pipe, so that reading ends with the program
    let (sender, lines) = channel();
    thread::spawn(move || {
        for text in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            if sender
                .send(String::from_utf8_lossy(&text).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    loop {
        match lines.recv_timeout(limit.saturating_sub(started.elapsed())) {
            Ok(text) => {
                writeln!(log, "{text}")?;
                line(&text);
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(child.wait()?),
            Err(RecvTimeoutError::Timeout) => {
                end_group(child.id());
                child.wait()?;
                bail!("ended after {} s without an outcome", limit.as_secs());
            }
        }
    }
}

/// Ends the program with this id and all that it started.
fn end_group(leader: u32) {
    let group = format!("-{leader}");
    // The outcome does not matter: what is gone already need not be ended.
    drop(Command::new("kill").args(["-KILL", "--", &group]).status());
}

/// Whether `program` can be started.
pub(crate) fn exists(program: &str) -> bool {
    let probe = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probe.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> (Result<ExitStatus>, Vec<String>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut lines = Vec::new();
        let log = Path::new("/dev/null");
        let ended = run(command, limit, log, |line| lines.push(line.to_owned()));
        (ended, lines)
    }

    #[test]
    fn both_outputs_arrive_in_the_order_written() {
        let (ended, lines) = shell(
            "echo a; echo b >&2; echo c; exit 3",
            Duration::from_secs(60),
        );
        assert_eq!(ended.unwrap().code(), Some(3));
        assert_eq!(lines, ["a", "b", "c"]);
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children() {
        let (ended, _) = shell("tail -f /dev/null & wait", Duration::from_millis(50));
        assert!(
            ended
                .unwrap_err()
                .to_string()
                .contains("without an outcome")
        );
    }
}
