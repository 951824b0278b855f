//! tmux: a terminal of a certain size whose screen a test can read.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::openssl::word;
use super::{IRONROOT, Place, Said, program, until};

/// A command of the hub's on a terminal that stays as the command left it.
pub(crate) struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Runs `ironroot` with these words at `place`, on a terminal of so many columns and lines.
    pub(crate) fn start(place: &Place, (columns, lines): (u16, u16), words: &str) -> Self {
        // A server that was told to end may still hold its socket when the next begins.
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let socket = place.file(&format!("tmux-{number}"));
        let data = place.data.display();
        let command = format!("{IRONROOT} {words} --data {data}; echo {ENDED}; exec cat");
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let terminal = Self { socket };
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &lines,
            &command,
        ]);
        terminal
    }

    fn tmux(&self, words: &[&str]) -> String {
        let mut tmux = program("tmux");
        tmux.args(["-u", "-S", word(&self.socket)]).args(words);
        tmux.env("TERM", "xterm-256color");
        Said::of(&mut tmux).ok()
    }

    /// Everything it has shown once it shows `text`, a line that it broke at its edge as one line again.
    pub(crate) fn shows(&self, text: &str) -> String {
        until(&format!("the terminal shows {text:?}"), || {
            let all = self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]);
            all.contains(text).then_some(all)
        })
    }

    /// What a command that ends by itself has shown.
    pub(crate) fn ends(&self) -> String {
        let all = self.shows(ENDED);
        all.split(ENDED).next().unwrap_or_default().to_owned()
    }

    /// The screen with its colours, as a terminal is sent them.
    pub(crate) fn colours(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Its own server, found by its own socket; one that has gone already is as good.
        let mut tmux = program("tmux");
        tmux.args(["-S", word(&self.socket), "kill-server"]);
        Said::of(&mut tmux);
    }
}

/// How many terminals there have been.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// What is printed below the command's own words.
const ENDED: &str = "=ended=";
