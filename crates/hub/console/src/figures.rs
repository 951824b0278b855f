//! Numbers and moments as people read them.

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

/// A size in bytes with a unit that fits: `812 B`, `64 kB`, `1.2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{} B", grouped(bytes)),
        10_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!(
            "{}.{} MB",
            grouped(bytes / 1_000_000),
            bytes % 1_000_000 / 100_000
        ),
    }
}

/// When a device was last heard of: now, at a time of today, on a day, or not at all.
pub(crate) fn seen(now: UnixTime, sessions: u32, last_seen: Option<&str>) -> String {
    match last_seen {
        _ if sessions > 0 => "now".to_owned(),
        Some(at) => short(now, at),
        None => "–".to_owned(),
    }
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
