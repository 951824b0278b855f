//! From milliseconds since the epoch to a civil date, for printing.

use core::fmt;

/// Writes `ms` since the epoch as RFC 3339 in UTC.
///
/// Days to date after Howard Hinnant, "chrono-compatible low-level date algorithms": years start in
/// March, eras last 400 years.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "u64 milliseconds make at most 2^38 days: no step can overflow"
)]
pub(crate) fn write_rfc3339(ms: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (days, in_day_ms) = (ms / 86_400_000, ms % 86_400_000);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (in_day_ms / 3_600_000, in_day_ms / 60_000 % 60);
    let (second, milli) = (in_day_ms / 1_000 % 60, in_day_ms % 1_000);
    write!(
        f,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
    )
}
