//! A program that runs beside the test, and everything it says.

use std::io::{BufRead, BufReader, Read, Write};
use std::mem::take;
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::LONGEST_WAIT;
use super::program::started;

/// A program that runs until it ends, or until this is dropped: then it is killed, by its own id.
pub(crate) struct Running {
    child: Child,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    said: Mutex<Streams>,
    more: Condvar,
}

/// What its streams have said, together as it came and apart.
#[derive(Default)]
struct Streams {
    both: String,
    out: String,
    err: String,
    ended: u8,
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Runs a program to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut running = Running::start(command);
        let status = running.ends();
        let mut said = running.heard.said.lock().unwrap();
        Self {
            code: status.code().unwrap_or(-1),
            out: take(&mut said.out),
            err: take(&mut said.err),
        }
    }

    /// What it printed, when it succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let outcome = command.spawn();
        let mut child = started(command, outcome);
        let heard = Arc::new(Heard::default());
        listen(child.stdout.take().unwrap(), &heard, |said| &mut said.out);
        listen(child.stderr.take().unwrap(), &heard, |said| &mut said.err);
        Self { child, heard }
    }

    /// Waits until it has said `text`; gives the whole line.
    pub(crate) fn says(&self, text: &str) -> String {
        self.says_since(0, text)
    }

    /// The same, of what it says after the first `from` bytes.
    pub(crate) fn says_since(&self, from: usize, text: &str) -> String {
        let line = |said: &str| {
            let mut lines = said.get(from..)?.split_inclusive('\n');
            lines
                .find(|line| line.ends_with('\n') && line.contains(text))
                .map(str::to_owned)
        };
        self.wait(&format!("says {text:?}"), |said| line(&said.both))
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        self.heard.said.lock().unwrap().both.clone()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        self.wait("ends", |said| (said.ended == 2).then_some(()));
        self.child.wait().unwrap()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Writes to what it reads from.
    pub(crate) fn hears(&mut self, text: &str) {
        let mut stdin = self.child.stdin.as_ref().expect("it reads from the test");
        stdin.write_all(text.as_bytes()).unwrap();
    }

    /// Takes what it reads from: to be written to elsewhere, or to be closed.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("it reads from the test")
    }

    /// Kills it outright, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The same, by one who does not own it and does not wait.
    pub(crate) fn strike(&self) {
        self.signal(Signal::KILL);
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops it where it stands.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn wait<T>(&self, what: &str, found: impl Fn(&Streams) -> Option<T>) -> T {
        let began = Instant::now();
        let mut said = self.heard.said.lock().unwrap();
        loop {
            if let Some(found) = found(&said) {
                return found;
            }
            let left = LONGEST_WAIT.saturating_sub(began.elapsed());
            // What has ended says nothing more: no need to wait for it.
            if left.is_zero() || said.ended == 2 {
                let text = said.both.clone();
                drop(said);
                panic!("it never {what}; it said:\n{text}");
            }
            said = self.heard.more.wait_timeout(said, left).unwrap().0;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail on a child that has ended, and that is as good.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn listen(
    stream: impl Read + Send + 'static,
    heard: &Arc<Heard>,
    alone: fn(&mut Streams) -> &mut String,
) {
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
            let mut said = heard.said.lock().unwrap();
            let text = String::from_utf8_lossy(&line);
            said.both += &text;
            *alone(&mut said) += &text;
            heard.more.notify_all();
            line.clear();
        }
        heard.said.lock().unwrap().ended += 1;
        heard.more.notify_all();
    });
}
