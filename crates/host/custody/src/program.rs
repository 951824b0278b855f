//! Runs a program of others that is handed a secret through its pipes, for a bounded time.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use zeroize::Zeroizing;

/// What a program wrote.
type Output = Zeroizing<Vec<u8>>;

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramFailed {
    /// It is not there, or its pipes failed.
    #[error("{program} cannot be run")]
    Run {
        /// Its name.
        program: &'static str,
        #[source]
        cause: io::Error,
    },
    /// It was ended because it took too long.
    #[error("{program} did not end in time")]
    TimedOut {
        /// Its name.
        program: &'static str,
    },
    /// It says that it failed.
    #[error("{program} failed: {said}")]
    Failed {
        /// Its name.
        program: &'static str,
        /// What it wrote on standard error.
        said: String,
    },
}

/// Runs `program` in `folder`, gives it `input` and takes at most [`OUTPUT_MAX`] bytes of what it writes.
pub(crate) fn run(
    (program, args): (&'static str, &[&str]),
    folder: &Path,
    input: &[u8],
    deadline: Instant,
) -> Result<Output, ProgramFailed> {
    let failed = |cause| ProgramFailed::Run { program, cause };
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let exchanged = exchange(&mut child, input, deadline);
    if exchanged.is_none() {
        // It may have ended by itself in this moment; then there is nothing to kill.
        let _ended = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    match exchanged {
        None => Err(ProgramFailed::TimedOut { program }),
        Some((output, _)) if status.success() => Ok(output),
        Some((_, said)) => Err(ProgramFailed::Failed {
            program,
            said: String::from_utf8_lossy(&said).trim().replace('\n', "; "),
        }),
    }
}

/// What the program wrote on standard output and standard error; nothing when it took too long.
fn exchange(child: &mut Child, input: &[u8], deadline: Instant) -> Option<(Output, Output)> {
    let output = reading(child.stdout.take());
    let said = reading(child.stderr.take());
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not want its input says so by its exit code. A key fits into the pipe.
        let _written = stdin.write_all(input);
    }
    Some((until(&output, deadline)?, until(&said, deadline)?))
}

/// Reads a pipe on a thread of its own, so that waiting for it can end.
fn reading(pipe: Option<impl Read + Send + 'static>) -> Receiver<Output> {
    let (done, read) = sync_channel(1);
    thread::spawn(move || {
        // Room for all of it at once, so that no copy is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(OUTPUT_MAX));
        if let Some(pipe) = pipe {
            let mut pipe = pipe.take(OUTPUT_MAX as u64);
            // What came before a failure is all there is.
            let _length = pipe.read_to_end(&mut bytes);
        }
        let _nobody_waits = done.send(bytes);
    });
    read
}

fn until(read: &Receiver<Output>, deadline: Instant) -> Option<Output> {
    let left = deadline.saturating_duration_since(Instant::now());
    read.recv_timeout(left).ok()
}

/// The most bytes that are taken of what a program writes.
const OUTPUT_MAX: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn input_goes_in_and_output_comes_out() {
        let here = Path::new(".");
        let answer = run(("tr", &["a-z", "A-Z"]), here, b"key", soon());
        assert_eq!(*answer.unwrap(), b"KEY");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let hangs = ("tail", ["-f", "/dev/null"].as_slice());
        let soon = Instant::now() + Duration::from_millis(50);
        let ended = run(hangs, Path::new("."), b"", soon).unwrap_err();
        assert!(matches!(ended, ProgramFailed::TimedOut { .. }), "{ended}");
    }

    #[test]
    fn a_program_that_writes_for_ever_is_ended_and_not_kept() {
        let endless = ("yes", [].as_slice());
        let ended = run(endless, Path::new("."), b"", soon()).unwrap_err();
        assert!(matches!(ended, ProgramFailed::Failed { .. }), "{ended}");
    }

    #[test]
    fn a_program_that_fails_says_why_and_one_that_is_missing_is_named() {
        let fails = run(("cat", &["/nowhere"]), Path::new("."), b"", soon()).unwrap_err();
        assert!(fails.to_string().contains("/nowhere"), "{fails}");
        let missing = run(("tpm9_nothing", &[]), Path::new("."), b"", soon()).unwrap_err();
        assert!(missing.to_string().contains("tpm9_nothing"), "{missing}");
    }
}
