//! How long things took: quantiles and the shape of the tail.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

/// Times in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency(Histogram<u64>);

impl Latency {
    pub(super) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_max(LATENCY_MAX_US, 3)?))
    }

    pub(super) fn record(&mut self, latency: Duration) -> Result<()> {
        Ok(self.0.record(u64::try_from(latency.as_micros())?)?)
    }

    /// Takes in what others have recorded.
    pub(super) fn add(&mut self, more: &Self) -> Result<()> {
        Ok(self.0.add(&more.0)?)
    }

    /// The latency that this share of all does not exceed, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        ms(self.0.value_at_quantile(share))
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        ms(self.0.max())
    }

    /// How many were slower than each of the bounds, so that the shape of the tail shows.
    fn bars(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut low = 0;
        for high in BOUNDS_US {
            let count = self.0.count_between(low, high - 1);
            writeln!(f, "  below {:>7.2} ms  {count:>6}", ms(high))?;
            low = high;
        }
        let rest = self.0.count_between(low, LATENCY_MAX_US);
        write!(f, "  from  {:>7.2} ms  {rest:>6}", ms(low))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of at most a minute"
)]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} times: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            self.0.len(),
            self.quantile_ms(0.5),
            self.quantile_ms(0.99),
            self.max_ms()
        )?;
        self.bars(f)
    }
}

/// The longest latency that is told from longer ones: a minute.
const LATENCY_MAX_US: u64 = 60_000_000;

const BOUNDS_US: [u64; 9] = [250, 500, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 100_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_quantiles_and_the_shape_of_the_tail() {
        let mut latency = Latency::new().unwrap();
        for us in [200, 300, 300, 2_500, 4_000] {
            latency.record(Duration::from_micros(us)).unwrap();
        }
        let report = latency.to_string();
        assert!(
            report.starts_with("5 times: p50 0.30 ms, p99 4.00 ms, longest 4.00 ms\n"),
            "{report}"
        );
        assert!(report.contains("below    0.25 ms       1"), "{report}");
        assert!(report.contains("below    0.50 ms       2"), "{report}");
        assert!(report.contains("below    5.00 ms       1"), "{report}");
        assert!(report.ends_with("from   100.00 ms       0"), "{report}");
    }

    #[test]
    fn refuses_a_latency_past_its_range() {
        let mut latency = Latency::new().unwrap();
        assert!(latency.record(Duration::from_secs(60)).is_ok());
        assert!(latency.record(Duration::from_secs(70)).is_err());
    }
}
