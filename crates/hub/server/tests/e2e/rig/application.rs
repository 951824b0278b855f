//! An application of a device, at its agent's local socket.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use super::LONGEST_WAIT;

pub(crate) struct Application {
    pub(crate) from: BufReader<UnixStream>,
    pub(crate) to: UnixStream,
}

impl Application {
    pub(crate) fn at(socket: &Path) -> io::Result<Self> {
        let to = UnixStream::connect(socket)?;
        to.set_read_timeout(Some(LONGEST_WAIT))?;
        let from = BufReader::new(to.try_clone()?);
        Ok(Self { from, to })
    }

    pub(crate) fn asks(&mut self, request: &Value) -> Value {
        writeln!(self.to, "{request}").unwrap();
        self.hears().expect("an answer")
    }

    /// The next line; nothing when the agent has ended the talk.
    pub(crate) fn hears(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.from.read_line(&mut line) {
            Ok(1..) => Some(serde_json::from_str(&line).unwrap()),
            Ok(0) => None,
            Err(cause) => {
                assert_eq!(cause.kind(), io::ErrorKind::ConnectionReset, "{cause}");
                None
            }
        }
    }

    /// Hands so many readings over at once, each of so many bytes and a mark; gives the marks of those that the agent
    /// has said it keeps, until it has gone.
    pub(crate) fn hands_over(mut self, round: usize, count: usize, bytes: usize) -> Vec<String> {
        let mut to = self.to.try_clone().unwrap();
        let writer = thread::spawn(move || {
            for nth in 0..count {
                let text = format!("{round}.{nth}.{}", "x".repeat(bytes));
                let line = json!({ "topic": "up/n", "text": text });
                if writeln!(to, "{line}").is_err() {
                    break;
                }
            }
        });
        let mut kept = Vec::new();
        for nth in 0..count {
            let Some(answer) = self.hears() else { break };
            assert_eq!(answer["ok"], true, "{answer}");
            kept.push(format!("{round}.{nth}."));
        }
        writer.join().unwrap();
        kept
    }
}
