//! Where a command reads and prints: this process's terminal, or memory in tests.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use comfy_table::Table;
use ironroot_api::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::table::{table, text};

/// Where a command reads and prints.
pub(crate) struct Terminal<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
    /// Hints and questions; never part of an answer.
    aside: &'a mut dyn Write,
    /// The width of tables; found out by themselves when absent.
    width: Option<u16>,
    json: bool,
}

impl<'a> Terminal<'a> {
    pub(crate) fn new(
        input: &'a mut dyn BufRead,
        output: &'a mut dyn Write,
        aside: &'a mut dyn Write,
        width: Option<u16>,
    ) -> Self {
        Self {
            input,
            output,
            aside,
            width,
            json: false,
        }
    }

    /// Runs a command on this process's terminal and turns its outcome into an exit code.
    pub(crate) fn of_process(
        command: impl FnOnce(&mut Terminal<'_>) -> Result<(), Failure>,
    ) -> ExitCode {
        let (mut input, mut output, mut aside) = (io::stdin().lock(), io::stdout(), io::stderr());
        Terminal::new(&mut input, &mut output, &mut aside, None).outcome(command)
    }

    /// Runs a command and says why, if it came to nothing.
    pub(crate) fn outcome(
        &mut self,
        command: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> ExitCode {
        let Err(failure) = command(self).and_then(|()| Ok(self.output.flush()?)) else {
            return ExitCode::SUCCESS;
        };
        if matches!(failure, Failure::ReadEnough) {
            return failure.exit_code();
        }
        // Nobody is left to be told when these cannot be written.
        if let (true, Failure::Refused { json, .. }) = (self.json, &failure) {
            drop(writeln!(self.output, "{json}"));
        }
        drop(writeln!(self.aside, "{}", harmless(&failure.to_string())));
        failure.exit_code()
    }

    pub(crate) fn set_json(&mut self, json: bool) {
        self.json = json;
    }

    /// Prints an answer: as it came when JSON is wanted, else as `words` put it.
    pub(crate) fn answer<T>(
        &mut self,
        answer: Answer<T>,
        words: impl FnOnce(&mut Self, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.json {
            return self.raw(answer.json.reveal());
        }
        words(self, answer.body)
    }

    /// Whether the answer is wanted as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        self.json
    }

    /// An empty table that fits this terminal.
    pub(crate) fn table<const N: usize>(&self, headings: [&str; N]) -> Table {
        table(headings, self.width)
    }

    /// Prints a table, or `none` when it has no rows.
    pub(crate) fn print(&mut self, mut table: Table, none: &str) -> Result<(), Failure> {
        match table.row_count() {
            0 => self.line(none),
            _ => self.line(&text(&mut table)),
        }
    }

    /// Prints a line for people.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.raw(&harmless(text))
    }

    /// Prints a line for programs.
    pub(crate) fn raw(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.output, "{text}")?)
    }

    /// Prints a text for programs as it is.
    pub(crate) fn bytes(&mut self, text: &[u8]) -> Result<(), Failure> {
        Ok(self.output.write_all(text)?)
    }

    /// Prints what is not part of the answer.
    pub(crate) fn hint(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.aside, "{}", harmless(text))?)
    }

    /// Asks for a secret, and gives the line that was typed or piped in; a terminal does not show it.
    pub(crate) fn ask_secret(&mut self, question: &str) -> Result<Secret, Failure> {
        let hidden = Hidden::begin();
        let typed = self.ask(question).map(Secret::new);
        if hidden.is_some() {
            writeln!(self.aside)?;
        }
        typed
    }

    /// Asks, and gives the line that was typed, without white space around it.
    pub(crate) fn ask(&mut self, question: &str) -> Result<String, Failure> {
        write!(self.aside, "{question} ")?;
        self.aside.flush()?;
        let mut line = String::new();
        let mut bounded = io::Read::take(&mut *self.input, LINE_SIZE_MAX);
        bounded.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

/// Standard input without echo, as long as this lives; nothing when it is no terminal.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut hiding = before.clone();
        hiding.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hiding).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that went away shows nothing more.
        let _shown_again = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// `text` without characters that control, or turn the direction of reading: what a device or a stranger
/// wrote into a name or a reason must not steer the terminal of whoever reads it.
pub(crate) fn harmless(text: &str) -> String {
    let turns = |letter| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let steers = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    text.replace(|letter| steers(letter) || turns(letter), "\u{fffd}")
}

/// The largest line read from a person, in bytes.
const LINE_SIZE_MAX: u64 = 1_024;
