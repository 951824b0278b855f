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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

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
        let end = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            flag::register(signal, end.clone()).context("signals cannot be handled")?;
        }
        let state = State::new(status);
        let watcher = Watcher::start(hub);
        let mut terminal = ratatui::try_init()?;
        let shown = show(&mut terminal, state, &watcher, &end);
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

/// Draws and takes keys until the person leaves, or a signal asks for the end.
fn show(
    terminal: &mut DefaultTerminal,
    mut state: State,
    watcher: &Watcher,
    end: &AtomicBool,
) -> io::Result<()> {
    let paint = Paint::of_process();
    watcher.ask(Wish::Look(state.query()));
    while !end.load(Ordering::Relaxed) {
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
    Ok(())
}

/// How often the screen is drawn anew when no key is pressed.
const REDRAW: Duration = Duration::from_millis(200);
