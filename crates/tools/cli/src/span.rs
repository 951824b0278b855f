//! Spans of time as people write them: `90s`, `30m`, `24h`, `7d`.

/// Reads a whole number and its unit; gives seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
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

    #[test]
    fn reads_each_unit() {
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("30m"), Ok(1_800));
        assert_eq!(seconds("24h"), Ok(86_400));
        assert_eq!(seconds("7d"), Ok(604_800));
    }

    #[test]
    fn refuses_a_number_without_unit_and_a_unit_without_number() {
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
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
