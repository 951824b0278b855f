//! The charts of the overview: who is not in good standing, what passes, what is refused, who comes in.

use ironroot_api::{FigurePoint, Figures, FiguresQuery, Lifecycle, Over};
use ironroot_time::UnixTime;
use ironroot_views::{Fleet, Views};

use super::chart::{Chart, Key, Look, Plot, Step, Table, decimal};
use crate::figures::{counted, grouped, since_1970};

const QUARANTINED: Look = Look::plain("in-quarantined");
const NOTICED: Look = Look::hatched("f2");
const NOT_GRANTED: Look = Look::plain("f1");
const CERTIFICATE: Look = Look::hatched("f2");
const OVER_LIMIT: Look = Look::dotted("f3");

/// What the charts are drawn from.
#[derive(Debug)]
pub(crate) struct Recent {
    /// Of a day, or of less when the hub has counted for less.
    pub(crate) fine: Figures,
    /// The same in longer steps.
    pub(crate) coarse: Figures,
    /// Of fourteen days.
    pub(crate) days: Figures,
}

impl Recent {
    pub(crate) fn of(views: &Views) -> Self {
        let fine = views.figures(FiguresQuery::default());
        let over = Some(fine.over);
        let coarse = Some(true);
        Self {
            coarse: views.figures(FiguresQuery { over, coarse }),
            days: views.figures(FiguresQuery {
                over: Some(Over::Fortnight),
                coarse,
            }),
            fine,
        }
    }
}

/// The four of them.
pub(crate) fn charts(counted: &Recent, fleet: &Fleet) -> [Chart; 4] {
    let Recent { fine, coarse, days } = counted;
    // As long as there is no figure of an earlier day, the day itself is shown.
    let enrolled_in = if days.points.len() > 1 { days } else { coarse };
    [
        standing(fine, coarse, fleet),
        messages(fine, coarse),
        refused(coarse),
        enrolled(enrolled_in, fleet),
    ]
}

fn standing(fine: &Figures, coarse: &Figures, fleet: &Fleet) -> Chart {
    let of = |point: &FigurePoint| vec![point.quarantined, point.noticed];
    let quarantined = fleet.in_state(Lifecycle::Quarantined);
    let noticed = fleet.attention.saturating_sub(quarantined);
    let most = |value: fn(&FigurePoint) -> u64| coarse.points.iter().map(value).max().unwrap_or(0);
    Chart {
        id: "c-standing",
        title: "Devices not in good standing",
        note: last(fine),
        label: format!(
            "Stacked area, last {}: {} quarantined now, {} at most; something was noticed of {} others, {} at most.{}",
            span(fine.over),
            grouped(quarantined),
            grouped(most(|point| point.quarantined)),
            grouped(noticed),
            grouped(most(|point| point.noticed)),
            gap(fine),
        ),
        plot: Plot::areas(&[QUARANTINED, NOTICED], &steps(fine, of)),
        times: times(fine, "now"),
        keys: vec![
            Key::drawn(QUARANTINED, "Quarantined", quarantined).kept_by("state-quarantined"),
            Key::drawn(NOTICED, "Noticed", noticed),
        ],
        table: table(coarse, ["Quarantined", "Noticed"], |point| {
            of(point).into_iter().map(grouped).collect()
        }),
    }
}

fn messages(fine: &Figures, coarse: &Figures) -> Chart {
    let rate = FigurePoint::messages_a_kilosecond;
    let rates = || fine.points.iter().map(rate);
    let (least, most) = (rates().min().unwrap_or(0), rates().max().unwrap_or(0));
    let now = per_second(fine.newest.as_ref().map_or(0, rate));
    let sessions = fine.newest.as_ref().map_or(0, |newest| newest.sessions);
    Chart {
        id: "c-messages",
        title: "Messages a second",
        note: last(fine),
        label: format!(
            "Line, last {}: between {} and {} messages a second taken from devices and services; {now} now.{}",
            span(fine.over),
            per_second(least),
            per_second(most),
            gap(fine),
        ),
        plot: Plot::line(&steps(fine, |point| vec![rate(point)])),
        times: times(fine, "now"),
        keys: vec![
            Key::told("Now", now),
            Key::told("Highest", per_second(most)),
            Key::told("Sessions", grouped(sessions)).kept_by("sessions"),
        ],
        table: table(coarse, ["Messages a second", "Sessions"], |point| {
            vec![per_second(rate(point)), grouped(point.sessions)]
        }),
    }
}

fn refused(coarse: &Figures) -> Chart {
    let of = |point: &FigurePoint| {
        let refused = point.refused;
        vec![refused.not_granted, refused.certificate, refused.over_limit]
    };
    let all = coarse.points.iter().map(|point| point.refused.sum()).sum();
    let newest = coarse.points.last();
    let since = newest.map_or_else(String::new, |point| moment(coarse, &point.at));
    let newest = newest.map(|point| point.refused).unwrap_or_default();
    Chart {
        id: "c-refused",
        title: "Refused at the MQTT door",
        note: format!("by {}, UTC", step(coarse)),
        label: format!(
            "Stacked bars by {}, last {}: {} refused, {} of them since {since}.{}",
            step(coarse),
            span(coarse.over),
            grouped(all),
            grouped(newest.sum()),
            gap(coarse),
        ),
        plot: Plot::bars(&[NOT_GRANTED, CERTIFICATE, OVER_LIMIT], &steps(coarse, of)),
        times: times(coarse, ""),
        keys: vec![
            Key::told("Since", since),
            Key::drawn(NOT_GRANTED, "Not granted", newest.not_granted),
            Key::drawn(CERTIFICATE, "Certificate", newest.certificate),
            Key::drawn(OVER_LIMIT, "Over a limit", newest.over_limit),
        ],
        table: table(
            coarse,
            ["Not granted", "Certificate", "Over a limit"],
            |point| of(point).into_iter().map(grouped).collect(),
        ),
    }
}

fn enrolled(figures: &Figures, fleet: &Fleet) -> Chart {
    let all = figures.points.iter().map(|point| point.enrolled).sum();
    let newest = figures.points.last().map_or(0, |point| point.enrolled);
    let by_day = figures.over == Over::Fortnight;
    Chart {
        id: "c-enrolled",
        title: "Devices enrolled",
        note: last(figures),
        label: format!(
            "Bars by {}, last {}: {} enrolled, {} of them {}.{}",
            step(figures),
            span(figures.over),
            counted(all, "device", "devices"),
            grouped(newest),
            if by_day { "today" } else { "in the last bar" },
            gap(figures),
        ),
        plot: Plot::bars(
            &[NOT_GRANTED],
            &steps(figures, |point| vec![point.enrolled]),
        ),
        times: times(figures, if by_day { "today" } else { "" }),
        keys: vec![
            Key::told(if by_day { "Today" } else { "Latest" }, grouped(newest)),
            Key::told(span(figures.over), grouped(all)),
            Key::told("Still waiting", grouped(fleet.claims_waiting)).kept_by("claims"),
        ],
        table: table(figures, ["Devices"], |point| vec![grouped(point.enrolled)]),
    }
}

/// A rate in thousandths as people read it.
fn per_second(thousandths: u64) -> String {
    decimal(thousandths, 1_000)
}

impl Key {
    fn drawn(look: Look, word: &'static str, value: u64) -> Self {
        Self {
            look: Some(look),
            ..Self::told(word, grouped(value))
        }
    }

    fn told(word: &'static str, value: String) -> Self {
        Self {
            look: None,
            word,
            value,
            slot: "",
        }
    }

    fn kept_by(self, slot: &'static str) -> Self {
        Self { slot, ..self }
    }
}

/// Every step, with its values if anything was counted.
fn steps(figures: &Figures, values: impl Fn(&FigurePoint) -> Vec<u64>) -> Vec<Step> {
    let mut steps = vec![None; usize::try_from(figures.steps).unwrap_or(0)];
    for point in &figures.points {
        if let Some(step) = steps.get_mut(place(figures, point)) {
            *step = Some(values(point));
        }
    }
    steps
}

/// Which step a point is of.
fn place(figures: &Figures, point: &FigurePoint) -> usize {
    let past_s = since_1970(&point.at).saturating_sub(since_1970(&figures.from));
    let place = past_s.checked_div(figures.step_s).unwrap_or(u64::MAX);
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Five moments from the first step to the last; `end` stands in the place of the last, unless it is empty.
fn times(figures: &Figures, end: &str) -> Vec<String> {
    let last = figures.steps.saturating_sub(1);
    let begin = since_1970(&figures.from);
    let mut times = [0, 1, 2, 3, 4].map(|quarter| {
        let at = begin + last * quarter / 4 * figures.step_s;
        moment(figures, &UnixTime::from_s(at).to_string())
    });
    if let (Some(last), false) = (times.last_mut(), end.is_empty()) {
        end.clone_into(last);
    }
    times.into()
}

/// A moment as exactly as the steps are long.
fn moment(figures: &Figures, rfc3339: &str) -> String {
    let part = match figures.step_s {
        0..60 => 11..19,
        60..86_400 => 11..16,
        _ => 5..10,
    };
    rfc3339.get(part).unwrap_or(rfc3339).to_owned()
}

fn table<const N: usize>(
    figures: &Figures,
    heads: [&'static str; N],
    cells: impl Fn(&FigurePoint) -> Vec<String>,
) -> Table {
    let first = if figures.over == Over::Fortnight {
        "Day"
    } else {
        "From (UTC)"
    };
    let points = figures.points.iter();
    Table {
        head: [first].into_iter().chain(heads).collect(),
        rows: points
            .map(|point| (moment(figures, &point.at), cells(point)))
            .collect(),
    }
}

fn gap(figures: &Figures) -> &'static str {
    let (Some(first), Some(last)) = (figures.points.first(), figures.points.last()) else {
        return " Nothing was counted yet.";
    };
    let whole = place(figures, last).saturating_sub(place(figures, first)) + 1;
    if whole > figures.points.len() {
        " For a part of it nothing was counted."
    } else {
        ""
    }
}

fn last(figures: &Figures) -> String {
    format!("{}, UTC", span(figures.over))
}

fn span(over: Over) -> &'static str {
    match over {
        Over::Minute => "60 seconds",
        Over::TwoMinutes => "2 minutes",
        Over::FiveMinutes => "5 minutes",
        Over::QuarterHour => "15 minutes",
        Over::Hour => "60 minutes",
        Over::ThreeHours => "3 hours",
        Over::EightHours => "8 hours",
        Over::Day => "24 hours",
        Over::Fortnight => "14 days",
    }
}

fn step(figures: &Figures) -> String {
    match figures.step_s {
        0..60 => format!("{} s", figures.step_s),
        60 => "the minute".to_owned(),
        61..3_600 => format!("{} minutes", figures.step_s / 60),
        3_600..86_400 => "the hour".to_owned(),
        _ => "day".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ironroot_api::RefusedCounts;

    /// Figures as a hub has them that counts in `counted` of the steps up to now.
    pub(crate) fn figures(over: Over, counted: impl Fn(u64) -> bool) -> Figures {
        let (step_s, count) = match over {
            Over::Fortnight => (86_400, 14),
            Over::FiveMinutes => (5, 60),
            _ => (900, 96),
        };
        let now = 1_795_323_961;
        let from = now - now % step_s - (count - 1) * step_s;
        let point = |n: u64| FigurePoint {
            at: UnixTime::from_s(from + n * step_s).to_string(),
            counted_ms: step_s * 1_000,
            messages_in: step_s * (900 + 7 * (n % 40)),
            sessions: 1_986,
            refused: RefusedCounts {
                not_granted: n % 9,
                certificate: n % 3,
                over_limit: n,
            },
            quarantined: n / 8,
            noticed: n % 5,
            enrolled: n % 7,
        };
        let points: Vec<_> = (0..count).filter(|n| counted(*n)).map(point).collect();
        Figures {
            over,
            as_of: UnixTime::from_s(now).to_string(),
            from: UnixTime::from_s(from).to_string(),
            step_s,
            steps: count,
            newest: points.last().cloned(),
            points,
        }
    }

    pub(crate) fn counted_all(over: Over, counted: fn(u64) -> bool) -> Recent {
        Recent {
            fine: figures(over, counted),
            coarse: figures(over, counted),
            days: figures(Over::Fortnight, counted),
        }
    }

    #[test]
    fn a_chart_says_in_a_sentence_what_it_shows() {
        let fleet = Fleet {
            attention: 2,
            claims_waiting: 9,
            ..Fleet::default()
        };
        let [standing, messages, refused, enrolled] =
            charts(&counted_all(Over::Day, |_| true), &fleet);
        assert_eq!(
            standing.label,
            "Stacked area, last 24 hours: 0 quarantined now, 11 at most; something was noticed of 2 others, 4 at most."
        );
        assert_eq!(
            messages.label,
            "Line, last 24 hours: between 900 and 1,173 messages a second taken from devices and services; 1,005 now."
        );
        assert!(
            refused
                .label
                .starts_with("Stacked bars by 15 minutes, last 24 hours: "),
            "{}",
            refused.label
        );
        assert_eq!(
            enrolled.label,
            "Bars by day, last 14 days: 42 devices enrolled, 6 of them today."
        );
        assert_eq!(messages.times, ["05:15", "11:00", "17:00", "23:00", "now"]);
        assert_eq!(
            enrolled.times,
            ["11-09", "11-12", "11-15", "11-18", "today"]
        );
    }

    #[test]
    fn a_hub_that_was_off_says_so() {
        let [standing, ..] = charts(
            &counted_all(Over::Day, |n| !(20..=40).contains(&n)),
            &Fleet::default(),
        );
        assert!(
            standing
                .label
                .ends_with(" For a part of it nothing was counted.")
        );
        assert_eq!(standing.plot.shapes[0].path.matches('M').count(), 2);
        let [standing, ..] = charts(&counted_all(Over::Day, |_| false), &Fleet::default());
        assert!(standing.label.ends_with(" Nothing was counted yet."));
        assert!(standing.is_empty());
    }

    #[test]
    fn on_its_first_day_a_hub_shows_enrolments_by_the_minute() {
        let mut counted = counted_all(Over::FiveMinutes, |n| n > 50);
        counted.days = figures(Over::Fortnight, |n| n == 13);
        let [.., enrolled] = charts(&counted, &Fleet::default());
        assert_eq!(enrolled.note, "5 minutes, UTC");
        assert_eq!(enrolled.times.last().unwrap(), "05:06:00");
    }
}
