//! Whole commands, from their arguments to what they print, against a listener that answers as told.
//! That the real hub answers like this is shown where the hub is tested.

mod access;
mod devices;
mod export;
mod figures;
mod orders;
mod refusals;
mod services;
mod tls;
mod views;

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;

use clap::{CommandFactory, Parser};
use serde_json::Value;
use tempfile::TempDir;

use crate::terminal::Terminal;
use crate::{CaCommand, JournalCommand, RemoteCommand};

/// The program as `ironroot` composes it.
#[derive(Parser)]
#[command(name = "ironroot")]
enum Program {
    #[command(flatten)]
    Remote(RemoteCommand),
    #[command(subcommand)]
    Ca(CaCommand),
    #[command(subcommand)]
    Journal(JournalCommand),
}

#[test]
fn the_arguments_are_declared_without_contradiction() {
    Program::command().debug_assert();
}

/// What the listener saw of one request.
struct Request {
    /// Method and path.
    line: String,
    authorization: String,
    body: Value,
}

/// One answer of the listener: status, media type, body.
type Told = (u16, &'static str, Vec<u8>);

fn json(body: &str) -> Told {
    (200, "application/json", body.as_bytes().to_vec())
}

fn problem(status: u16, detail: &str) -> Told {
    let body = serde_json::json!({
        "type": "urn:ironroot:problem:x", "title": "x", "status": status, "detail": detail,
    });
    (
        status,
        "application/problem+json",
        body.to_string().into_bytes(),
    )
}

/// How a command went.
struct Ran {
    code: ExitCode,
    output: String,
    aside: String,
    requests: Vec<Request>,
}

/// A command with the surroundings it runs in.
struct Session {
    data: TempDir,
    typed: &'static str,
    width: u16,
}

impl Session {
    fn new() -> Self {
        Self {
            data: tempfile::tempdir().unwrap(),
            typed: "",
            width: 80,
        }
    }

    /// Runs a command while the listener gives `answers`, one per request.
    fn run(&self, arguments: &[&str], answers: impl Into<VecDeque<Told>>) -> Ran {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        self.write(
            "addresses.json",
            &format!(r#"{{"console":"http://{address}"}}"#),
        );
        self.write("admin.token", "s3cret\n");
        let answers = answers.into();
        let hub = thread::spawn(move || serve(&listener, answers));
        let mut ran = self.alone(arguments);
        // An end to the listener's waiting, if it still waits.
        drop(TcpStream::connect(address));
        ran.requests = hub.join().unwrap();
        ran
    }

    /// Runs a command with whatever hub the data directory names.
    fn alone(&self, arguments: &[&str]) -> Ran {
        let data = self.data.path().to_str().unwrap();
        self.exact(&[arguments, &["--data", data]].concat())
    }

    /// Runs a command with these arguments and no others.
    fn exact(&self, arguments: &[&str]) -> Ran {
        let program = Program::try_parse_from([&["ironroot"], arguments].concat()).unwrap();
        let (mut output, mut aside) = (Vec::new(), Vec::new());
        let mut input = self.typed.as_bytes();
        let mut terminal = Terminal::new(&mut input, &mut output, &mut aside, Some(self.width));
        let code = terminal.outcome(|terminal| match program {
            Program::Remote(command) => command.run_on(terminal),
            Program::Ca(command) => command.run_on(terminal),
            Program::Journal(command) => command.run_on(terminal),
        });
        Ran {
            code,
            output: String::from_utf8(output).unwrap(),
            aside: String::from_utf8(aside).unwrap(),
            requests: Vec::new(),
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.data.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.data.path().join(name).to_str().unwrap().to_owned()
    }
}

/// Answers requests in turn, one per connection, until the answers or the requests run out.
fn serve(listener: &TcpListener, mut answers: VecDeque<Told>) -> Vec<Request> {
    let mut requests = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        let Some(request) = read(&stream) else {
            return requests;
        };
        let (status, media_type, body) = answers.pop_front().expect("one answer per request");
        requests.push(request);
        let head = format!(
            "HTTP/1.1 {status} Told\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\
             Location: /elsewhere\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream
            .write_all(&[head.as_bytes(), &body].concat())
            .unwrap();
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if lines.read_line(&mut head).unwrap() == 0 {
            return None;
        }
    }
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    };
    let length: usize = field("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    Some(Request {
        line: head
            .lines()
            .next()?
            .trim_end_matches(" HTTP/1.1")
            .to_owned(),
        authorization: field("authorization").unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
