//! `ironroot completions` and `ironroot man`: what a shell and a reader of manuals want to know, printed from
//! the program's own table of commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::failure::Failure;
use crate::terminal::Terminal;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell that is to complete commands
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints the completions of `program`.
    pub fn run(self, mut program: Command) -> ExitCode {
        Terminal::of_process(|terminal| {
            let name = program.get_name().to_owned();
            let mut script = Vec::new();
            clap_complete::generate(self.shell, &mut program, name, &mut script);
            terminal.bytes(&script)
        })
    }
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command that the page is about, such as `device list`; the program itself when absent
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Vec<String>,
    /// Write the pages of all commands into this folder instead, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ManArgs {
    /// Prints a page of `program`, or writes them all.
    pub fn run(self, mut program: Command) -> ExitCode {
        program = program.disable_help_subcommand(true);
        program.build();
        Terminal::of_process(|terminal| match &self.out {
            None => {
                let mut roff = Vec::new();
                page(find(&program, &self.command)?).render(&mut roff)?;
                terminal.bytes(&roff)
            }
            Some(folder) => {
                let name = || folder.display().to_string();
                fs::create_dir_all(folder).with_context(name)?;
                write_pages(&program, folder).with_context(name)?;
                terminal.line(&format!("wrote the pages of all commands to {}", name()))
            }
        })
    }
}

/// The page about one command.
fn page(command: &Command) -> Man {
    Man::new(command.clone())
        .source(concat!("ironroot ", env!("CARGO_PKG_VERSION")))
        .manual("Ironroot")
}

/// Writes the page of a command, and those of the commands below it.
fn write_pages(command: &Command, folder: &Path) -> std::io::Result<()> {
    page(command).generate_to(folder)?;
    let mut below = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set());
    below.try_for_each(|below| write_pages(below, folder))
}

/// The command that these words lead to.
fn find<'a>(program: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    let mut command = program;
    for word in words {
        command = command
            .find_subcommand(word)
            .ok_or_else(|| Failure::Usage(no_such(command, word)))?;
    }
    Ok(command)
}

fn no_such(command: &Command, word: &str) -> String {
    let known: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
    match known.as_slice() {
        [] => format!("{} has no commands below it", command.get_name()),
        some => format!("there is no command {word}: {}", some.join(", ")),
    }
}
