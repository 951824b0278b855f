//! When a certificate is to be replaced: long before its end, and not all at once.

use ironroot_time::UnixTime;

/// The moment from which a certificate is replaced: after `percent` of its life, less up to a tenth of its life by
/// `chance`, which is between 0 and 1.
pub(crate) fn due(not_before: UnixTime, not_after: UnixTime, percent: u8, chance: f64) -> UnixTime {
    let life = not_after.since(not_before);
    let part = f64::from(percent) / 100.0 - 0.1 * chance.clamp(0.0, 1.0);
    not_before.plus(life.mul_f64(part.max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_after_its_part_of_the_life_or_a_little_sooner() {
        let at = |percent, chance| {
            due(
                UnixTime::from_s(1_000),
                UnixTime::from_s(2_000),
                percent,
                chance,
            )
            .as_s()
        };
        assert_eq!((at(66, 0.0), at(66, 1.0)), (1_660, 1_560));
        assert_eq!((at(1, 0.0), at(1, 1.0)), (1_010, 1_000));
    }

    #[test]
    fn a_certificate_that_ends_before_it_begins_is_due_at_once() {
        let due = due(UnixTime::from_s(2_000), UnixTime::from_s(1_000), 66, 0.5);
        assert_eq!(due, UnixTime::from_s(2_000));
    }
}
