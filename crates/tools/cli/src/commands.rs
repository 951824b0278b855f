//! The commands, one file per resource of the API.

pub mod certificate;
pub mod claim;
pub mod clock;
pub mod device;
pub mod export;
pub mod figures;
pub mod issuing_ca;
pub mod journal;
pub mod manufacturer;
pub mod order;
pub mod profile;
pub mod service;
pub mod session;
pub mod status;
pub mod token;
pub mod view;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use ironroot_api::{Page, PageQuery};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::table::hide_when_narrow;
use crate::terminal::Terminal;

/// Which part of a list is wanted.
#[derive(Debug, clap::Args)]
pub struct Part {
    /// How many at most, up to 500
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: Option<u32>,
    /// Read on where the list before ended
    #[arg(long)]
    cursor: Option<String>,
}

impl From<Part> for PageQuery {
    fn from(part: Part) -> Self {
        Self {
            limit: part.limit,
            cursor: part.cursor,
        }
    }
}

/// Takes the words of a vocabulary and nothing else.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    word: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let words = PossibleValuesParser::new(all.iter().map(move |value| word(*value)));
    words.try_map(move |text| {
        let found = all.iter().find(|value| word(**value) == text);
        found.copied().ok_or("not one of the possible values")
    })
}

/// A request without content.
#[derive(serde::Serialize)]
struct Nothing {}

/// How a list is shown.
struct Columns<const N: usize> {
    headings: [&'static str; N],
    /// Columns that a narrow terminal does without, counted from 0.
    unhurried: &'static [usize],
    /// What is said when the list is empty.
    none: &'static str,
}

/// Prints one page of a list, and says how to read on when there is more.
fn print_list<T, const N: usize>(
    terminal: &mut Terminal<'_>,
    answer: Answer<Page<T>>,
    columns: &Columns<N>,
    row: impl FnMut(T) -> [String; N],
) -> Result<(), Failure> {
    terminal.answer(answer, |terminal, page| {
        let mut table = terminal.table(columns.headings);
        table.add_rows(page.items.into_iter().map(row));
        hide_when_narrow(&mut table, columns.unhurried);
        terminal.print(table, columns.none)?;
        match page.next {
            None => Ok(()),
            Some(cursor) => terminal.hint(&format!("there is more: --cursor {cursor}")),
        }
    })
}

/// `list` divided by commas, or a dash.
fn listed(list: &[String]) -> String {
    match list {
        [] => "-".to_owned(),
        some => some.join(", "),
    }
}
