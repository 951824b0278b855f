//! `ironroot figures`: what the hub counted over time.

use clap::Args;
use ironroot_api::{FigurePoint, Figures as Counted, FiguresQuery, Over};

use super::one_of;
use crate::Remote;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::table::{hide_when_narrow, minute, moment};
use crate::terminal::Terminal;

/// Arguments of `figures`.
#[derive(Debug, Args)]
pub struct Figures {
    /// Of how long up to now; a day when absent, or less when the hub has counted for less
    #[arg(long, value_name = "SPAN", value_parser = one_of(Over::ALL, Over::as_str))]
    over: Option<Over>,
    /// In shorter steps, as lines are drawn from
    #[arg(long)]
    fine: bool,
}

impl Remote for Figures {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let asked = FiguresQuery {
            over: self.over,
            coarse: (!self.fine).then_some(true),
        };
        let answer = hub.get(&format!("/figures{}", query(&asked)))?;
        terminal.answer(answer, |terminal, figures| {
            print_figures(terminal, &figures)
        })
    }
}

fn print_figures(terminal: &mut Terminal<'_>, figures: &Counted) -> Result<(), Failure> {
    let mut table = terminal.table([
        "FROM (UTC)",
        "MESSAGES/S",
        "SESSIONS",
        "NOT GRANTED",
        "CERTIFICATE",
        "OVER A LIMIT",
        "QUARANTINED",
        "NOTICED",
        "ENROLLED",
    ]);
    table.add_rows(figures.points.iter().map(|point| row(figures, point)));
    hide_when_narrow(&mut table, &[2, 7]);
    terminal.print(table, "nothing was counted yet")
}

fn row(figures: &Counted, point: &FigurePoint) -> [String; 9] {
    let refused = point.refused;
    let at = if figures.step_s < 60 {
        moment(&point.at)
    } else {
        minute(&point.at)
    };
    let rate = point.messages_a_kilosecond();
    [
        at,
        format!("{}.{}", rate / 1_000, rate % 1_000 / 100),
        point.sessions.to_string(),
        refused.not_granted.to_string(),
        refused.certificate.to_string(),
        refused.over_limit.to_string(),
        point.quarantined.to_string(),
        point.noticed.to_string(),
        point.enrolled.to_string(),
    ]
}
