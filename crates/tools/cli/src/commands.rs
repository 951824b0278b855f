//! The commands, one file per resource of the API.

pub mod certificate;
pub mod claim;
pub mod clock;
pub mod device;
pub mod export;
pub mod issuing_ca;
pub mod journal;
pub mod manufacturer;
pub mod order;
pub mod profile;
pub mod service;
pub mod status;
pub mod token;

use ironroot_api::PageQuery;

use crate::failure::Failure;
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

/// Says how to read on, when there is more.
fn hint_at_more(next: Option<&str>, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    match next {
        None => Ok(()),
        Some(cursor) => terminal.hint(&format!("there is more: --cursor {cursor}")),
    }
}

/// `list` divided by commas, or a dash.
fn listed(list: &[String]) -> String {
    match list {
        [] => "-".to_owned(),
        some => some.join(", "),
    }
}
