//! What the hub counted over time, in rows.

use super::*;

const DAY: &str = r#"{"over":"24h","as_of":"2026-11-22T05:06:01.042Z","from":"2026-11-21T06:00:00.000Z",
"step_s":3600,"steps":24,"newest":null,"points":[{"at":"2026-11-22T05:00:00.000Z","counted_ms":361000,
"messages_in":4783,"sessions":40,"refused":{"not_granted":1,"certificate":2,"over_limit":170},
"quarantined":1,"noticed":0,"enrolled":17}]}"#;

#[test]
fn figures_are_shown_in_rows_of_coarse_steps() {
    let wide = Session {
        width: 140,
        ..Session::new()
    };
    let ran = wide.run(&["figures"], [json(DAY)]);
    assert_eq!(ran.requests[0].line, "GET /api/v1/figures?coarse=true");
    let rows: Vec<Vec<_>> = ran
        .output
        .lines()
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert!(ran.output.starts_with("FROM (UTC)"), "{}", ran.output);
    assert_eq!(
        rows[1],
        [
            "2026-11-22",
            "05:00",
            "13.2",
            "40",
            "1",
            "2",
            "170",
            "1",
            "0",
            "17"
        ]
    );
}

#[test]
fn a_span_is_asked_for_by_its_name_and_no_other_is_taken() {
    let ran = Session::new().run(&["figures", "--over", "14d", "--fine"], [json(DAY)]);
    assert_eq!(ran.requests[0].line, "GET /api/v1/figures?over=14d");
    let refused = Program::try_parse_from(["ironroot", "figures", "--over", "2w"]);
    let said = refused.err().unwrap().to_string();
    assert!(
        said.contains("1m, 2m, 5m, 15m, 1h, 3h, 8h, 24h, 14d"),
        "{said}"
    );
}

#[test]
fn a_hub_that_has_counted_nothing_says_so() {
    let none =
        r#"{"over":"5m","as_of":"","from":"","step_s":15,"steps":20,"newest":null,"points":[]}"#;
    let ran = Session::new().run(&["figures"], [json(none)]);
    assert_eq!(ran.output, "nothing was counted yet\n");
}
