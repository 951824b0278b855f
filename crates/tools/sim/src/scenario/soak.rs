//! A load that goes on for long: whether the server's memory stays where it is.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::interval;

use crate::process::Process;
use crate::scenario::load::{Load, LoadReport};
use crate::scenario::{MIB, per};

/// What a server used at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Since the load began.
    pub at: Duration,
    /// Resident memory, in bytes.
    pub resident: u64,
}

/// What a long load came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SoakReport {
    /// The messages.
    pub load: LoadReport,
    /// The memory, once a second.
    pub samples: Vec<Sample>,
}

/// Carries `load` out, and looks at the server's memory every second.
///
/// # Errors
/// When the load fails, or there is no such process any more.
pub async fn run(load: Load, process: Process) -> Result<SoakReport> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    let mut seconds = interval(Duration::from_secs(1));
    let load = load.run();
    tokio::pin!(load);
    loop {
        tokio::select! {
            report = &mut load => {
                let load = report?;
                return Ok(SoakReport { load, samples });
            }
            _second = seconds.tick() => samples.push(Sample {
                at: begun.elapsed(),
                resident: process.resident_bytes()?,
            }),
        }
    }
}

impl SoakReport {
    /// By how many MiB the memory grew in a minute, over the second half of the time: the slope of the straight
    /// line that lies closest to the samples.
    pub fn growth_mib_per_min(&self) -> f64 {
        let (_, steady) = self.samples.split_at(self.samples.len() / 2);
        let points = || {
            let point = |sample: &Sample| (sample.at.as_secs_f64() / 60.0, sample.resident_mib());
            steady.iter().map(point)
        };
        let mean = |sum: f64| sum / per(steady.len() as u64, 1.0);
        let (x_mean, y_mean) = (
            mean(points().map(|(x, _)| x).sum()),
            mean(points().map(|(_, y)| y).sum()),
        );
        let products = points().map(|(x, y)| (x - x_mean) * (y - y_mean));
        let squares = points().map(|(x, _)| (x - x_mean).powi(2));
        let slope = products.sum::<f64>() / squares.sum::<f64>();
        if slope.is_finite() { slope } else { 0.0 }
    }

    /// The most memory of all samples, in MiB.
    pub fn resident_mib_max(&self) -> f64 {
        let resident = self.samples.iter().map(Sample::resident_mib);
        resident.fold(0.0, f64::max)
    }
}

impl Sample {
    /// Resident memory, in MiB.
    pub fn resident_mib(&self) -> f64 {
        per(self.resident, MIB)
    }
}

impl fmt::Display for SoakReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = [self.samples.first(), self.samples.last()];
        let [first, last] = ends.map(|sample| sample.map_or(0.0, Sample::resident_mib));
        write!(
            f,
            "{}\nmemory    {first:.1} MiB at first, {last:.1} MiB at last, {:.1} MiB at most; \
             {:+.2} MiB a minute over the second half",
            self.load,
            self.resident_mib_max(),
            self.growth_mib_per_min()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Latency;

    fn report(resident_mib: impl Fn(u64) -> u64) -> SoakReport {
        let sample = |second| Sample {
            at: Duration::from_secs(second),
            resident: resident_mib(second) << 20,
        };
        SoakReport {
            load: LoadReport {
                published: 1,
                delivered: 1,
                expected: 1,
                latency: Latency::new().unwrap(),
                span: Duration::from_secs(1),
                cpu: None,
            },
            samples: (0..120).map(sample).collect(),
        }
    }

    #[test]
    fn memory_that_grows_at_first_and_then_stays_is_flat() {
        let flat = report(|second| 100 + second.min(50));
        assert!(flat.growth_mib_per_min().abs() < 0.001);
        assert!((flat.resident_mib_max() - 150.0).abs() < 0.001);
    }

    #[test]
    fn memory_that_leaks_shows_by_how_much() {
        let leak = report(|second| 100 + second);
        assert!((leak.growth_mib_per_min() - 60.0).abs() < 0.001);
        let none = SoakReport {
            samples: Vec::new(),
            ..leak
        };
        assert!(none.growth_mib_per_min().abs() < 0.001);
    }
}
