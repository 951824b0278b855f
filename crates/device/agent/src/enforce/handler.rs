//! One program that carries an order out: started without a shell, bounded in time and in what it says.
//!
//! The topic reaches it as an environment variable and the payload on its standard input: neither is ever part of a
//! command line.

use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use crate::settings::Handler;

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Ran {
    pub(crate) program: String,
    /// Its exit code; none when it was not started, was killed, or took too long.
    pub(crate) code: Option<i32>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The beginning of what it printed.
    pub(crate) output: String,
}

/// Runs the program of `handler`.
pub(crate) async fn run(handler: &Handler, device: &str, topic: &str, payload: &[u8]) -> Ran {
    let mut ran = Ran {
        program: handler.program.display().to_string(),
        code: None,
        error: None,
        output: String::new(),
    };
    let limit = Duration::from_secs(handler.timeout_s);
    match timeout(limit, exchange(handler, device, topic, payload)).await {
        Ok(Ok((code, output))) => {
            ran.code = code;
            ran.output = output;
            ran.error = code.is_none().then(|| "it was killed".to_owned());
        }
        Ok(Err(cause)) => ran.error = Some(cause.to_string()),
        // Dropping the future has killed it.
        Err(_elapsed) => ran.error = Some(format!("it took longer than {limit:?}")),
    }
    ran
}

async fn exchange(
    handler: &Handler,
    device: &str,
    topic: &str,
    payload: &[u8],
) -> std::io::Result<(Option<i32>, String)> {
    let mut child = Command::new(&handler.program)
        .args(&handler.arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("IRONROOT_DEVICE", device)
        .env("IRONROOT_TOPIC", topic)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program need not read its payload.
            let _unread = stdin.write_all(payload).await;
        }
    };
    let ((), output) = tokio::join!(feed, beginning(stdout));
    let status = child.wait().await?;
    Ok((status.code(), output))
}

/// The first bytes of what a program prints; the rest is read and thrown away, so that it does not get stuck.
async fn beginning(stream: Option<impl AsyncRead + Unpin + Send>) -> String {
    let Some(mut stream) = stream else {
        return String::new();
    };
    let (mut kept, mut buffer) = (Vec::new(), [0; 1_024]);
    while let Ok(1..) = stream.read(&mut buffer).await.inspect(|read| {
        let room = OUTPUT_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(buffer.get(..(*read).min(room)).unwrap_or_default());
    }) {}
    String::from_utf8_lossy(&kept).into_owned()
}

/// How much of what a program prints is reported, in bytes.
const OUTPUT_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(program: &str, arguments: &[&str], timeout_s: u64) -> Handler {
        Handler {
            topic: "down/#".to_owned(),
            program: program.into(),
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            timeout_s,
        }
    }

    #[tokio::test]
    async fn a_program_gets_the_payload_and_is_heard() {
        let ran = run(&handler("/bin/cat", &[], 10), "cam-1", "down/x", b"21").await;
        assert_eq!((ran.code, ran.output.as_str()), (Some(0), "21"));
        let ran = run(&handler("/bin/false", &[], 10), "cam-1", "down/x", b"21").await;
        assert_eq!((ran.code, ran.error), (Some(1), None));
    }

    #[tokio::test]
    async fn attack_a_topic_is_never_a_command() {
        let topic = "down/$(touch /tmp/x);`id`|--help";
        let ran = run(&handler("/usr/bin/env", &[], 10), "cam-1", topic, b"").await;
        let line = format!("IRONROOT_TOPIC={topic}\n");
        assert!(ran.output.contains(&line), "{}", ran.output);
        assert_eq!(ran.output.lines().count(), 3, "nothing else is handed on");
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_killed() {
        let ran = run(&handler("/bin/sleep", &["1000"], 1), "cam-1", "down/x", b"").await;
        assert_eq!(ran.code, None);
        assert!(ran.error.unwrap().contains("longer than 1s"));
    }

    #[tokio::test]
    async fn a_program_that_prints_much_is_cut_and_not_stuck() {
        let much = ["-c", "1000000", "/dev/zero"];
        let ran = run(&handler("/usr/bin/head", &much, 30), "cam-1", "down/x", b"").await;
        assert_eq!((ran.code, ran.output.len()), (Some(0), OUTPUT_MAX));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        let ran = run(
            &handler("/no/such/program", &[], 10),
            "cam-1",
            "down/x",
            b"",
        )
        .await;
        assert!(ran.error.is_some() && ran.code.is_none());
    }
}
