//! A list of claims as people keep it: lines of `serial,profile[,ttl]`, from a spreadsheet or typed.

use std::collections::BTreeMap;

use crate::{CLAIM_TTL_S_DEFAULT, CLAIMS_MAX, NewClaim};

/// The largest list in bytes.
const SIZE_MAX: usize = 96 << 10;

/// A claim, and the line that it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimLine {
    /// Counted from 1.
    pub line: usize,
    /// The claim; whether it can be made, the hub finds out.
    pub claim: NewClaim,
}

/// A line that is no claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1; 0 for the list as a whole.
    pub line: usize,
    /// What is wrong with it and what would be right.
    pub detail: String,
}

/// Reads a list. The separator is a comma, a semicolon or a tab; empty lines, lines that begin with `#` and a
/// heading that begins with `serial` do not count.
///
/// # Errors
/// Every line that is no claim, or that claims a serial a second time.
pub fn claim_lines(text: &str) -> Result<Vec<ClaimLine>, Vec<BadLine>> {
    let whole = |detail: &str| Err(vec![bad(0, detail)]);
    if text.len() > SIZE_MAX {
        return whole("the list is too long: divide it");
    }
    let (mut claims, mut faults, mut seen) = (Vec::new(), Vec::new(), BTreeMap::new());
    let text = text.trim_start_matches('\u{feff}');
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.trim();
        let fields: Vec<_> = content.split([',', ';', '\t']).map(cell).collect();
        let heading = claims.is_empty()
            && fields
                .first()
                .is_some_and(|first| first.eq_ignore_ascii_case("serial"));
        if content.is_empty() || content.starts_with('#') || heading {
            continue;
        }
        match claim(&fields) {
            Err(detail) => faults.push(bad(line, &detail)),
            Ok(claim) => match seen.insert(claim.serial.clone(), line) {
                Some(first) => faults.push(bad(
                    line,
                    &format!("{} stands on line {first} already", claim.serial),
                )),
                None => claims.push(ClaimLine { line, claim }),
            },
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    match claims.len() {
        0 => whole("the list has no line such as SEN-1,sensor"),
        1..=CLAIMS_MAX => Ok(claims),
        more => whole(&format!(
            "{more} claims; at most {CLAIMS_MAX} are made at once: divide the list"
        )),
    }
}

fn bad(line: usize, detail: &str) -> BadLine {
    BadLine {
        line,
        detail: detail.to_owned(),
    }
}

/// A cell without white space and without the quotes that a spreadsheet puts around it.
fn cell(text: &str) -> &str {
    let text = text.trim();
    let inside = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or(text)
}

fn claim(fields: &[&str]) -> Result<NewClaim, String> {
    let (serial, profile, ttl) = match fields {
        [serial, profile] => (serial, profile, ""),
        [serial, profile, ttl] => (serial, profile, *ttl),
        _ => return Err("write serial,profile or serial,profile,ttl".to_owned()),
    };
    if serial.is_empty() || profile.is_empty() {
        return Err("the serial or the profile is missing".to_owned());
    }
    let ttl_s = match ttl {
        "" => CLAIM_TTL_S_DEFAULT,
        text => span_s(text)?,
    };
    Ok(NewClaim {
        serial: (*serial).to_owned(),
        profile: (*profile).to_owned(),
        ttl_s,
    })
}

/// Reads a span of time as people write it: a whole number and its unit, such as `90s`, `30m`, `24h` or `7d`; in
/// seconds.
///
/// # Errors
/// What would be right.
pub fn span_s(text: &str) -> Result<u64, String> {
    let wanted = || format!("write a whole number and s, m, h or d, such as 24h; not {text:?}");
    let (number, unit) = text
        .char_indices()
        .next_back()
        .and_then(|(at, unit)| Some((text.get(..at)?, unit)))
        .ok_or_else(wanted)?;
    let unit_s = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wanted()),
    };
    let plain = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = number.parse().ok().filter(|_| plain);
    number
        .and_then(|number| number.checked_mul(unit_s))
        .ok_or_else(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serials(text: &str) -> Vec<String> {
        let lines = claim_lines(text).unwrap();
        lines.into_iter().map(|line| line.claim.serial).collect()
    }

    fn faults(text: &str) -> Vec<(usize, String)> {
        let faults = claim_lines(text).unwrap_err();
        faults
            .into_iter()
            .map(|fault| (fault.line, fault.detail))
            .collect()
    }

    #[test]
    fn a_list_comes_from_a_spreadsheet_or_from_a_hand() {
        let sheet = "\u{feff}Serial;Profile;TTL\r\n\"SEN-1\";\"sensor\";7d\r\nSEN-2;sensor;\r\n";
        let lines = claim_lines(sheet).unwrap();
        assert_eq!((lines[0].line, lines[0].claim.ttl_s), (2, 604_800));
        assert_eq!(
            (lines[1].line, lines[1].claim.ttl_s),
            (3, CLAIM_TTL_S_DEFAULT)
        );
        assert_eq!(
            serials("# hall 2\n\ncam-1, camera\ncam-2\tcamera"),
            ["cam-1", "cam-2"]
        );
    }

    #[test]
    fn every_faulty_line_is_named() {
        assert_eq!(
            faults("cam-1\ncam-2,camera\ncam-2,camera\n,camera\ncam-3,camera,soon"),
            [
                (1, "write serial,profile or serial,profile,ttl".to_owned()),
                (3, "cam-2 stands on line 2 already".to_owned()),
                (4, "the serial or the profile is missing".to_owned()),
                (
                    5,
                    "write a whole number and s, m, h or d, such as 24h; not \"soon\"".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn refuses_an_empty_list_and_one_that_is_too_long() {
        assert_eq!(faults("serial,profile\n")[0].0, 0);
        let list = |count: usize| {
            let lines: Vec<_> = (0..count).map(|n| format!("s-{n},sensor\n")).collect();
            lines.concat()
        };
        assert_eq!(serials(&list(CLAIMS_MAX)).len(), CLAIMS_MAX);
        assert!(faults(&list(CLAIMS_MAX + 1))[0].1.starts_with("251 claims"));
        assert!(faults(&"x".repeat(SIZE_MAX + 1))[0].1.contains("too long"));
    }

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        for (text, span) in [
            ("90s", 90),
            ("30m", 1_800),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            assert_eq!(span_s(text), Ok(span));
        }
        for text in [
            "",
            "24",
            "h",
            "+1h",
            "-1h",
            "1.5h",
            "1w",
            "1h30m",
            "18446744073709551615d",
            "1ä",
        ] {
            assert!(span_s(text).is_err(), "{text}");
        }
    }
}
