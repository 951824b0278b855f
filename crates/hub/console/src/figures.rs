//! Numbers and moments as people read them.

use ironroot_api::Traffic;
use ironroot_time::UnixTime;

/// `1842196` as `1,842,196`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 device`, `2,418 devices`.
pub(crate) fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { more })
}

/// A size in bytes with a unit that fits: `812 B`, `64 kB`, `1.2 MB`, `37.2 GB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{} B", grouped(bytes)),
        10_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => {
            format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
        }
        _ => format!(
            "{}.{} GB",
            grouped(bytes / 1_000_000_000),
            bytes % 1_000_000_000 / 100_000_000
        ),
    }
}

/// What passed between one device or service and the MQTT door.
pub(crate) fn passed(traffic: &Traffic) -> [(&'static str, String); 6] {
    [
        ("Messages from it", grouped(traffic.messages_in)),
        ("Messages to it", grouped(traffic.messages_out)),
        ("Bytes from it", size(traffic.bytes_in)),
        ("Bytes to it", size(traffic.bytes_out)),
        ("Refused", grouped(traffic.refused)),
        ("Withheld", grouped(traffic.withheld)),
    ]
}

/// How long ago a device was last heard of; `now` while it is connected.
pub(crate) fn seen(now: UnixTime, sessions: u32, last_seen: Option<&str>) -> String {
    match last_seen {
        _ if sessions > 0 => "now".to_owned(),
        Some(at) => span(age(now, at)),
        None => "never".to_owned(),
    }
}

/// How long it is until a moment of the API: `in 2 h`, or `ended`.
pub(crate) fn until(now: UnixTime, rfc3339: &str) -> String {
    match since_1970(rfc3339).saturating_sub(now.as_s()) {
        0 => "ended".to_owned(),
        left => format!("in {}", span(left)),
    }
}

/// How many seconds ago a moment of the API was.
pub(crate) fn age(now: UnixTime, rfc3339: &str) -> u64 {
    now.as_s().saturating_sub(since_1970(rfc3339))
}

/// A text of at most `max` characters, with a sign where it was cut.
pub(crate) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text).trim_end()),
        None => text.to_owned(),
    }
}

/// Seconds from 1970 to a moment as the API writes it; zero when it is none.
///
/// Date to days after Howard Hinnant, "chrono-compatible low-level date algorithms".
pub(crate) fn since_1970(rfc3339: &str) -> u64 {
    let number = |from, to| rfc3339.get(from..to).and_then(|part| part.parse().ok());
    let parts: Option<[u64; 6]> = [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)]
        .into_iter()
        .map(|(from, to)| number(from, to))
        .collect::<Option<Vec<_>>>()
        .and_then(|parts| parts.try_into().ok());
    let Some([year, month @ 1..=12, day @ 1..=31, hour, minute, second]) = parts else {
        return 0;
    };
    let year = year - u64::from(month <= 2 && year > 0);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    days.saturating_sub(719_468) * 86_400 + hour * 3_600 + minute * 60 + second
}

/// A span in its largest unit.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", grouped(seconds / 86_400)),
    }
}

/// The API's moment as a record shows it: `2026-11-22 14:07:31`, in UTC.
pub(crate) fn moment(rfc3339: &str) -> String {
    let text = rfc3339.replacen('T', " ", 1);
    text.get(..19).map_or(text.clone(), str::to_owned)
}

/// The day of an API moment: `2026-11-22`.
pub(crate) fn day(rfc3339: &str) -> String {
    rfc3339.get(..10).unwrap_or_default().to_owned()
}

/// The time of day of an API moment when it lies on the same day as `now`, else the day.
pub(crate) fn short(now: UnixTime, rfc3339: &str) -> String {
    let (day, rest) = rfc3339.split_once('T').unwrap_or((rfc3339, ""));
    if now.to_string().starts_with(day) {
        rest.get(..8).unwrap_or(rest).to_owned()
    } else {
        day.to_owned()
    }
}

/// A digest shortened in the middle for lists.
pub(crate) fn shortened(digest: &str) -> String {
    match (digest.get(..8), digest.len().checked_sub(4)) {
        (Some(head), Some(tail)) if digest.len() > 16 => {
            format!("{head}…{}", digest.get(tail..).unwrap_or_default())
        }
        _ => digest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_842_196), "1,842,196");
        assert_eq!(counted(1, "device", "devices"), "1 device");
    }

    #[test]
    fn a_span_has_one_unit() {
        for (seconds, text) in [
            (59, "59 s"),
            (60, "1 min"),
            (3_600, "1 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn an_age_is_counted_from_the_moment_the_api_writes() {
        let now = UnixTime::from_ms(1_795_323_961_042);
        for seconds in [0, 951_782_400, 1_709_164_800, 1_795_323_961] {
            assert_eq!(since_1970(&UnixTime::from_s(seconds).to_string()), seconds);
        }
        assert_eq!(seen(now, 0, Some("2026-11-22T05:05:52.900Z")), "9 s");
        assert_eq!(seen(now, 1, None), "now");
        assert_eq!(seen(now, 0, None), "never");
        assert_eq!(until(now, "2026-11-22T07:06:01.000Z"), "in 2 h");
        assert_eq!(until(now, "2026-11-22T05:06:01.000Z"), "ended");
        assert_eq!(since_1970("not a moment"), 0);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("مرحبا 🙂", 6), "مرحبا…");
        assert_eq!(cut("short", 5), "short");
    }

    #[test]
    fn sizes_have_a_unit_that_fits() {
        assert_eq!(size(9_999), "9,999 B");
        assert_eq!(size(64_000), "64 kB");
        assert_eq!(size(1_250_000), "1.2 MB");
    }

    #[test]
    fn a_moment_of_today_is_a_time_and_another_a_day() {
        let now = UnixTime::from_ms(1_795_323_961_042);
        assert_eq!(short(now, "2026-11-22T04:00:01.000Z"), "04:00:01");
        assert_eq!(short(now, "2026-11-21T04:00:01.000Z"), "2026-11-21");
        assert_eq!(moment("2026-11-22T04:00:01.000Z"), "2026-11-22 04:00:01");
    }

    #[test]
    fn a_digest_keeps_both_ends() {
        assert_eq!(shortened(&"ab".repeat(32)), "abababab…abab");
        assert_eq!(shortened("short"), "short");
    }
}
