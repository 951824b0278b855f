//! Tables that fit the terminal, and moments as people read them.

use comfy_table::{
    ColumnConstraint, ContentArrangement, ContentLineStyle, Table, TableStyle, Width,
};

/// Two blanks between columns and no lines: easy on the eye, and on `awk`.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .content_lines(ContentLineStyle::none());

/// A table with these headings; `width` bounds it, or the terminal does.
pub(crate) fn table<const N: usize>(headings: [&str; N], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings);
    if let Some(width) = width {
        table.set_width(width);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table
}

/// Blanks between two columns.
const GAP: u16 = 2;
/// A table narrower than this shows only the columns that people need at first sight.
const ROOMY: u16 = 100;
/// The first column is what one copies: up to this many characters it stays in one piece.
const UNBROKEN: u16 = 34;

/// Hides columns, counted from 0, when the table has little room.
pub(crate) fn hide_when_narrow(table: &mut Table, columns: &[usize]) {
    if table.width().is_none_or(|width| width >= ROOMY) {
        return;
    }
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_constraint(ColumnConstraint::Hidden);
        }
    }
}

/// The table as text, without blanks at the ends of lines.
pub(crate) fn text(table: &mut Table) -> String {
    let longest = table
        .column_max_content_widths()
        .first()
        .copied()
        .unwrap_or(0);
    if let Some(first) = table.column_mut(0) {
        let width = Width::Fixed(longest.min(UNBROKEN).saturating_add(GAP));
        first.set_constraint(ColumnConstraint::LowerBoundary(width));
    }
    table.trim_fmt()
}

/// `2026-11-22 05:06:01` for `2026-11-22T05:06:01.042Z`; what is no such moment stays as it is.
pub(crate) fn moment(rfc_3339: &str) -> String {
    cut(rfc_3339, 19)
}

/// The same without seconds.
pub(crate) fn minute(rfc_3339: &str) -> String {
    cut(rfc_3339, 16)
}

fn cut(rfc_3339: &str, end: usize) -> String {
    match (
        rfc_3339.get(..10),
        rfc_3339.get(10..11),
        rfc_3339.get(11..end),
    ) {
        (Some(day), Some("T"), Some(time)) if rfc_3339.ends_with('Z') => format!("{day} {time}"),
        _ => rfc_3339.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_loses_what_nobody_reads() {
        assert_eq!(moment("2026-11-22T05:06:01.042Z"), "2026-11-22 05:06:01");
        assert_eq!(moment("2026-11-22T05:06:01Z"), "2026-11-22 05:06:01");
        assert_eq!(
            moment("2026-11-22T05:06:01+02:00"),
            "2026-11-22T05:06:01+02:00"
        );
        assert_eq!(moment("soon"), "soon");
    }

    #[test]
    fn a_table_never_passes_its_width() {
        let mut table = table(["ID", "WHY"], Some(40));
        table.add_row(["cam-1", &"a word ".repeat(20)]);
        assert!(
            table.lines().all(|line| line.chars().count() <= 40),
            "{table}"
        );
        assert!(table.lines().count() > 4);
    }
}
