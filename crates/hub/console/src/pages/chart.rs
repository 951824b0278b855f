//! A chart: shapes in an SVG that is stretched to the page's width, and words and numbers around it, which are not.
//!
//! A step in which nothing was counted is a gap. Every place is an SVG attribute, since the policy allows no style.

use std::fmt::Write as _;
use std::ops::Range;

/// The plot in its own units, a tenth of a pixel of the width that it was drawn for.
const WIDTH: u64 = 6_000;
const HEIGHT: u64 = 1_500;

/// How much of its step a bar takes up, in hundredths.
const BAR: u64 = 72;

/// A chart as its template shows it.
#[derive(Debug)]
pub(crate) struct Chart {
    /// What its heading is called in the page.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// Beside the heading: of how long, in what steps.
    pub(crate) note: String,
    /// The whole of it in a sentence.
    pub(crate) label: String,
    pub(crate) plot: Plot,
    /// Under the plot, from the left to the right.
    pub(crate) times: Vec<String>,
    pub(crate) keys: Vec<Key>,
    pub(crate) table: Table,
}

/// The shapes and the scale beside them.
#[derive(Debug)]
pub(crate) struct Plot {
    pub(crate) shapes: Vec<Shape>,
    /// The round top, its half, and zero.
    pub(crate) scale: [String; 3],
}

/// One path.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) look: Look,
    pub(crate) path: String,
}

/// A fill, and a texture over it where colour alone would not tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) class: &'static str,
    pub(crate) texture: Texture,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texture {
    Plain,
    Hatched,
    Dotted,
}

/// One entry of the legend.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its swatch; none for a number that is not drawn.
    pub(crate) look: Option<Look>,
    pub(crate) word: &'static str,
    pub(crate) value: String,
    /// Under what name others send its value too; empty when nobody does.
    pub(crate) slot: &'static str,
}

/// The figures in rows.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

/// The values of one step, a value for each look; none when nothing was counted.
pub(crate) type Step = Option<Vec<u64>>;

impl Plot {
    /// Areas on top of each other, the first lowest.
    pub(crate) fn areas(looks: &[Look], steps: &[Step]) -> Self {
        let top = round_top(highest_sum(steps));
        let shapes = looks.iter().enumerate().map(|(place, look)| Shape {
            look: *look,
            path: area(steps, top, place),
        });
        Self {
            shapes: shapes.collect(),
            scale: scale(top, 1),
        }
    }

    /// Bars on top of each other, the first lowest.
    pub(crate) fn bars(looks: &[Look], steps: &[Step]) -> Self {
        let top = round_top(highest_sum(steps));
        let shapes = looks.iter().enumerate().map(|(place, look)| Shape {
            look: *look,
            path: bars(steps, top, place),
        });
        Self {
            shapes: shapes.collect(),
            scale: scale(top, 1),
        }
    }

    /// A line with a tint below it, of values in thousandths.
    pub(crate) fn line(steps: &[Step]) -> Self {
        let top = round_top(highest_sum(steps).max(THOUSAND));
        let line = runs(steps).fold(String::new(), |mut path, run| {
            trace(&mut path, 'M', edge(&run, steps, top, 1));
            path
        });
        let shape = |class, path| Shape {
            look: Look::plain(class),
            path,
        };
        Self {
            shapes: vec![shape("ar", area(steps, top, 0)), shape("ln", line)],
            scale: scale(top, THOUSAND),
        }
    }
}

impl Look {
    pub(crate) const fn plain(class: &'static str) -> Self {
        Self {
            class,
            texture: Texture::Plain,
        }
    }

    pub(crate) const fn hatched(class: &'static str) -> Self {
        Self {
            class,
            texture: Texture::Hatched,
        }
    }

    pub(crate) const fn dotted(class: &'static str) -> Self {
        Self {
            class,
            texture: Texture::Dotted,
        }
    }
}

impl Texture {
    /// What the pattern's name ends with; empty when there is none.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Hatched => "hat",
            Self::Dotted => "dot",
        }
    }
}

impl Chart {
    /// Whether nothing at all was counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.rows.is_empty()
    }

    /// What changes of it while a page is open, by the slots of its template.
    pub(crate) fn slots(self) -> impl Iterator<Item = (String, String)> {
        let id = self.id;
        let numbered = move |part: &'static str, texts: Vec<String>| {
            let texts = texts.into_iter().enumerate();
            texts.map(move |(place, text)| (format!("{id}-{part}{place}"), text))
        };
        let paths = self.plot.shapes.into_iter().map(|shape| shape.path);
        let keys = self.keys.into_iter().enumerate();
        let keys = keys.filter(|(_, key)| key.slot.is_empty());
        [("note", self.note), ("label", self.label)]
            .into_iter()
            .map(move |(part, text)| (format!("{id}-{part}"), text))
            .chain(numbered("path", paths.collect()))
            .chain(numbered("y", self.plot.scale.into()))
            .chain(numbered("x", self.times))
            .chain(keys.map(move |(place, key)| (format!("{id}-key{place}"), key.value)))
    }
}

const THOUSAND: u64 = 1_000;

/// The top line of a chart whose highest value is `highest`: a round number whose half is round as well.
pub(crate) fn round_top(highest: u64) -> u64 {
    let mut unit: u64 = 1;
    loop {
        for digit in [2, 4, 6, 8, 10] {
            let top = unit.saturating_mul(digit);
            if top >= highest {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The three lines' numbers; values are in parts of `whole`.
fn scale(top: u64, whole: u64) -> [String; 3] {
    [top, top / 2, 0].map(|value| decimal(value, whole))
}

/// `value` divided by `whole`, with one decimal where it is small and not round.
pub(crate) fn decimal(value: u64, whole: u64) -> String {
    let tenths = value / (whole / 10).max(1);
    match (whole, tenths % 10) {
        (10.., tenth @ 1..) if value < 100 * whole => format!("{}.{tenth}", value / whole),
        _ => crate::figures::grouped(value / whole),
    }
}

fn highest_sum(steps: &[Step]) -> u64 {
    let counted = steps.iter().flatten();
    counted
        .map(|values| sum(values, values.len()))
        .max()
        .unwrap_or(0)
}

/// The sum of the first `count` values.
fn sum(values: &[u64], count: usize) -> u64 {
    values
        .iter()
        .take(count)
        .fold(0, |sum, value| sum.saturating_add(*value))
}

/// The runs of steps in which something was counted.
fn runs(steps: &[Step]) -> impl Iterator<Item = Range<usize>> {
    let counted = |place: usize| steps.get(place).is_some_and(Option::is_some);
    let begins = (0..steps.len())
        .filter(move |place| counted(*place) && (*place == 0 || !counted(place - 1)));
    begins.map(move |begin| {
        begin
            ..(begin..steps.len())
                .find(|place| !counted(*place))
                .unwrap_or(steps.len())
    })
}

/// The line at the sum of the first `count` values, over a run.
fn edge(run: &Range<usize>, steps: &[Step], top: u64, count: usize) -> Vec<(u64, u64)> {
    let height = |place: usize| {
        let values = steps
            .get(place)
            .and_then(Option::as_deref)
            .unwrap_or_default();
        down(sum(values, count), top)
    };
    let halves = 2 * steps.len() as u64;
    let first = (2 * run.start as u64 * WIDTH / halves, height(run.start));
    let middles = run
        .clone()
        .map(|place| ((2 * place as u64 + 1) * WIDTH / halves, height(place)));
    let last = (2 * run.end as u64 * WIDTH / halves, height(run.end - 1));
    [first].into_iter().chain(middles).chain([last]).collect()
}

/// How far below the plot's top a value lies.
fn down(value: u64, top: u64) -> u64 {
    let up = u128::from(value) * u128::from(HEIGHT) / u128::from(top.max(1));
    HEIGHT.saturating_sub(u64::try_from(up).unwrap_or(HEIGHT))
}

/// The area between the sum of the first `place` values and that of one more.
fn area(steps: &[Step], top: u64, place: usize) -> String {
    let mut path = String::new();
    for run in runs(steps) {
        trace(&mut path, 'M', edge(&run, steps, top, place + 1));
        let mut below = edge(&run, steps, top, place);
        below.reverse();
        trace(&mut path, 'L', below);
        path.push('z');
    }
    path
}

/// One bar for each step whose value is not zero.
fn bars(steps: &[Step], top: u64, place: usize) -> String {
    let mut path = String::new();
    let count = (steps.len() as u64).max(1);
    let (room, wide) = (WIDTH / count, WIDTH * BAR / 100 / count);
    for (step, values) in steps.iter().enumerate() {
        let values = values.as_deref().unwrap_or_default();
        let (low, high) = (
            down(sum(values, place), top),
            down(sum(values, place + 1), top),
        );
        if values.get(place).is_some_and(|value| *value > 0) {
            let left = step as u64 * WIDTH / count + (room - wide) / 2;
            // What is there is seen, however little it is.
            let high = high.min(low.saturating_sub(LEAST));
            let (x, y) = (tenths(left), tenths(high));
            _ = write!(
                path,
                "M{x} {}V{y}h{}V{}z",
                tenths(low),
                tenths(wide),
                tenths(low)
            );
        }
    }
    path
}

/// The least height of a bar.
const LEAST: u64 = 10;

fn trace(path: &mut String, begin: char, points: Vec<(u64, u64)>) {
    for (place, (x, y)) in points.into_iter().enumerate() {
        path.push(if place == 0 { begin } else { ' ' });
        _ = write!(path, "{} {}", tenths(x), tenths(y));
    }
}

/// A length as the plot's coordinates have it.
fn tenths(length: u64) -> String {
    match length % 10 {
        0 => (length / 10).to_string(),
        tenth => format!("{}.{tenth}", length / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: [Look; 2] = [Look::plain("f1"), Look::hatched("f2")];

    #[test]
    fn the_top_is_round_and_so_is_its_half() {
        for (highest, top) in [
            (0, 2),
            (2, 2),
            (3, 4),
            (9, 10),
            (11, 20),
            (41, 60),
            (1_597, 2_000),
        ] {
            assert_eq!(round_top(highest), top, "{highest}");
        }
        assert_eq!(round_top(u64::MAX), u64::MAX);
    }

    #[test]
    fn rates_have_a_decimal_where_it_tells_something() {
        assert_eq!(decimal(13_250, THOUSAND), "13.2");
        assert_eq!(decimal(2_000, THOUSAND), "2");
        assert_eq!(decimal(1_312_700, THOUSAND), "1,312");
        assert_eq!(decimal(40, 1), "40");
    }

    #[test]
    fn areas_stand_on_each_other_from_edge_to_edge() {
        let steps = [Some(vec![1, 1]), Some(vec![1, 0])];
        let plot = Plot::areas(&LOOKS, &steps);
        assert_eq!(plot.scale, ["2", "1", "0"]);
        assert_eq!(
            plot.shapes[0].path,
            "M0 75 150 75 450 75 600 75L600 150 450 150 150 150 0 150z"
        );
        assert_eq!(
            plot.shapes[1].path,
            "M0 0 150 0 450 75 600 75L600 75 450 75 150 75 0 75z"
        );
    }

    #[test]
    fn what_was_not_counted_is_a_gap_and_no_zero() {
        let steps = [Some(vec![2_000]), None, Some(vec![0]), None];
        let plot = Plot::line(&steps);
        assert_eq!(
            plot.shapes[1].path,
            "M0 0 75 0 150 0M300 150 375 150 450 150"
        );
        assert_eq!(runs(&steps).collect::<Vec<_>>(), [0..1, 2..3]);
    }

    #[test]
    fn a_bar_of_one_among_many_is_seen_and_one_of_none_is_not() {
        let steps = [Some(vec![1, 999]), Some(vec![0, 0]), None];
        let plot = Plot::bars(&LOOKS, &steps);
        assert_eq!(plot.shapes[0].path, "M28 150V149h144V150z");
        assert!(
            plot.shapes
                .iter()
                .all(|shape| shape.path.matches('M').count() == 1)
        );
    }

    #[test]
    fn no_number_and_no_number_of_steps_does_harm() {
        for count in [0, 1, 3, 7_000] {
            let most = vec![Some(vec![u64::MAX, u64::MAX]); count];
            for plot in [
                Plot::areas(&LOOKS, &most),
                Plot::bars(&LOOKS, &most),
                Plot::line(&most),
            ] {
                assert!(
                    plot.shapes
                        .iter()
                        .all(|shape| count > 0 || shape.path.is_empty())
                );
            }
        }
    }
}
