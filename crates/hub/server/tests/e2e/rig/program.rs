//! Programs of others: where they come from when they are missing.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

/// A call of `name` that reads nothing and is heard by the test alone.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a call came to; a program that is not there fails the test with the way to get it.
pub(super) fn started<T>(command: &Command, outcome: std::io::Result<T>) -> T {
    let name = command.get_program().to_string_lossy();
    match outcome {
        Ok(started) => started,
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            panic!("{name} is not installed: `make test` installs it")
        }
        Err(cause) => panic!("{name} does not start: {cause}"),
    }
}
