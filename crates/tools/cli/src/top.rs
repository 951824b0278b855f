//! `ironroot top`: the fleet on a terminal, live, and the two orders that are most often given in a hurry.
//!
//! One thread asks the hub ([`watch`]), this one draws ([`screen`]) and takes keys ([`state`]); what a key does
//! is decided without a terminal, so that tests press keys too.

mod screen;
mod state;
#[cfg(test)]
mod tests;
mod watch;

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::connection::HubArgs;
use crate::failure::Failure;
use crate::hub::Hub;
use screen::Paint;
use state::{State, Wish};
use watch::Watcher;

/// Arguments of `top`.
#[derive(Debug, Args)]
pub struct TopArgs {
    #[command(flatten)]
    hub: HubArgs,
}

impl TopArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.hub.json {
            let text = "top is for people: for JSON there is `ironroot device list --json`";
            return Err(Failure::Usage(text.to_owned()));
        }
        ensure_terminal()?;
        let hub = Hub::new(self.hub.find()?)?;
        // Before the screen is taken over: a hub that does not answer is told of as by every other command.
        let status = hub.get("/status")?.body;
        end_by_signal().context("signals cannot be handled")?;
        let state = State::new(status);
        let watcher = Watcher::start(hub);
        let mut terminal = ratatui::try_init()?;
        let shown = show(&mut terminal, state, &watcher);
        ratatui::try_restore()?;
        Ok(shown?)
    }
}

fn ensure_terminal() -> anyhow::Result<()> {
    let here = io::stdout().is_terminal() && io::stdin().is_terminal();
    ensure!(
        here,
        "top needs a terminal to draw on: for programs there is `ironroot device list --json`"
    );
    Ok(())
}

/// Gives the terminal back and ends when a signal asks for it, on a thread of its own: the one that takes keys
/// would read from a terminal that is gone for ever.
fn end_by_signal() -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            ratatui::restore();
            let _never_back = emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// Draws and takes keys until the person leaves.
fn show(terminal: &mut DefaultTerminal, mut state: State, watcher: &Watcher) -> io::Result<()> {
    let paint = Paint::of_process();
    watcher.ask(Wish::Look(state.query()));
    loop {
        while let Some(news) = watcher.news() {
            state.take(news);
        }
        terminal.draw(|frame| screen::draw(frame, &mut state, paint))?;
        if !event::poll(REDRAW)? {
            continue;
        }
        let Event::Key(key) = event::read()? else {
            continue;
        };
        for wish in state.press(key) {
            if wish == Wish::Leave {
                return Ok(());
            }
            watcher.ask(wish);
        }
    }
}

/// How often the screen is drawn anew when no key is pressed.
const REDRAW: Duration = Duration::from_millis(200);
