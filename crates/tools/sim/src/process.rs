//! What another process has used so far: processor time and memory, as the kernel counts them.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// A process on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// The process with this number.
    pub fn new(pid: u32) -> Self {
        Self(pid)
    }

    /// The processor time of all its threads, in user and kernel mode; in steps of the kernel's clock tick.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn cpu(self) -> Result<Duration> {
        let stat = self.read("stat")?;
        let ticks = cpu_ticks(&stat).context("/proc/PID/stat is odd")?;
        let per_s = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_micros(ticks * 1_000_000 / per_s.max(1)))
    }

    /// The memory that is resident now, in bytes.
    ///
    /// # Errors
    /// When there is no such process, or it is another user's.
    pub fn resident_bytes(self) -> Result<u64> {
        // `smaps_rollup` is exact; `status` lags behind by what each processor has not yet added.
        let rollup = self.read("smaps_rollup")?;
        resident_kib(&rollup)
            .map(|kib| kib * 1024)
            .context("/proc/PID/smaps_rollup is odd")
    }

    fn read(self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).with_context(|| path)
    }
}

/// `utime` and `stime`, fields 14 and 15 of proc(5); the second field may contain anything but ends with
/// the last bracket.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

fn resident_kib(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ticks_behind_a_name_with_brackets_and_spaces() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 250 17 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_ticks(stat), Some(267));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
    }

    #[test]
    fn reads_resident_memory_from_the_rollup() {
        let rollup = "00-ff ---p 0 00:00 0 [rollup]\nRss:      2312 kB\nPss:      1 kB\n";
        assert_eq!(resident_kib(rollup), Some(2312));
        assert_eq!(resident_kib("Pss: 1 kB\n"), None);
    }

    #[test]
    fn this_process_has_memory_and_a_missing_one_is_an_error() {
        let this = Process::new(std::process::id());
        assert!(this.resident_bytes().unwrap() > 100_000);
        assert!(this.cpu().is_ok());
        assert!(Process::new(u32::MAX).cpu().is_err());
    }
}
