//! Reads what test programs print, and adds it up.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed, or could not be carried out here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Follows the output of `cargo test -- --show-output`, one line at a time.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    totals: Totals,
    /// The test program that is running, as Cargo names it.
    program: Option<String>,
    /// What it printed so far.
    lines: Vec<String>,
    /// Tests of it that said they were skipped.
    skipped: u64,
    /// Whether the test whose output is being read has said so already.
    counted: bool,
}

impl Reader {
    /// Takes the next line; gives what is worth showing, if anything is.
    pub(crate) fn line(&mut self, line: &str) -> Option<String> {
        if let Some(next) = program(line) {
            let shown = self.without_result();
            self.program = Some(next.to_owned());
            return shown;
        }
        if let Some(totals) = result(line) {
            return self.ended(totals);
        }
        if line.starts_with("---- ") {
            self.counted = false;
        } else if line.starts_with("skipped") && !self.counted {
            self.counted = true;
            self.skipped += 1;
        }
        self.lines.push(line.to_owned());
        None
    }

    /// The totals when there is no more output, and what is worth showing of the rest.
    pub(crate) fn end(mut self) -> (Totals, Option<String>) {
        let shown = self.without_result();
        (self.totals, shown)
    }

    /// Closes a program that has printed its result.
    fn ended(&mut self, mut totals: Totals) -> Option<String> {
        let program = self.program.take().unwrap_or_default();
        let lines = std::mem::take(&mut self.lines);
        let said = std::mem::take(&mut self.skipped).min(totals.passed);
        totals.passed -= said;
        totals.skipped += said;
        self.totals += totals;
        if totals == Totals::default() {
            return None;
        }
        let mut shown = format!("   {program}: {totals}");
        if totals.failed > 0 {
            let from = lines.iter().position(|line| line == "failures:");
            for line in lines.iter().skip(from.unwrap_or(0)) {
                shown += "\n";
                shown += line;
            }
        }
        Some(shown)
    }

    /// Closes a program that died before it printed a result: that is a failure.
    fn without_result(&mut self) -> Option<String> {
        let program = self.program.take()?;
        self.totals.failed += 1;
        self.skipped = 0;
        let lines = std::mem::take(&mut self.lines).join("\n");
        Some(format!("   {program}: died without a result\n{lines}"))
    }
}

/// The test program that Cargo announces with this line.
fn program(line: &str) -> Option<&str> {
    let line = line
        .strip_prefix("     Running ")
        .or_else(|| line.strip_prefix("   Doc-tests "))?;
    // `unittests src/lib.rs (target/debug/deps/ironroot_api-a6f67b46e167f090)`
    let path = line
        .rsplit_once('(')
        .map_or(line, |(_, path)| path.trim_end_matches(')'));
    let file = path.rsplit('/').next().unwrap_or(path);
    Some(file.rsplit_once('-').map_or(file, |(name, _hash)| name))
}

/// `test result: ok. 15 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s`
fn result(line: &str) -> Option<Totals> {
    let counts = line.strip_prefix("test result: ")?;
    let count = |what: &str| {
        let before = counts.split(what).next()?;
        before.rsplit(' ').next()?.parse().ok()
    };
    Some(Totals {
        passed: count(" passed;")?,
        failed: count(" failed;")?,
        skipped: count(" ignored;")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Totals, String) {
        let mut reader = Reader::default();
        let mut shown: Vec<String> = text.lines().filter_map(|line| reader.line(line)).collect();
        let (totals, last) = reader.end();
        shown.extend(last);
        (totals, shown.join("\n"))
    }

    const GOOD: &str =
        "     Running unittests src/lib.rs (target/debug/deps/ironroot_api-d6f67b46e167f090)
test result: ok. 15 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s
   Doc-tests ironroot_api
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";

    #[test]
    fn adds_up_all_programs() {
        let (totals, shown) = read(GOOD);
        assert_eq!(totals.to_string(), "17 passed, 0 failed, 1 skipped");
        assert_eq!(
            shown,
            "   ironroot_api: 15 passed, 0 failed, 1 skipped\n   ironroot_api: 2 passed, 0 failed, 0 skipped"
        );
    }

    #[test]
    fn shows_the_failures_and_nothing_of_the_rest() {
        let (totals, shown) = read(
            "     Running tests/door.rs (target/debug/deps/door-00)
---- one stdout ----
noise
failures:
---- two stdout ----
left: 1
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        assert_eq!((totals.passed, totals.failed), (1, 1));
        assert_eq!(
            shown,
            "   door: 1 passed, 1 failed, 0 skipped\nfailures:\n---- two stdout ----\nleft: 1"
        );
    }

    #[test]
    fn a_program_that_dies_counts_as_a_failure() {
        let (totals, shown) = read(
            "     Running tests/a.rs (target/debug/deps/a-00)
fatal runtime error: stack overflow
     Running tests/b.rs (target/debug/deps/b-00)",
        );
        assert_eq!(totals.failed, 2);
        assert!(shown.contains("stack overflow"));
    }

    #[test]
    fn a_test_that_says_it_was_skipped_did_not_pass() {
        let (totals, _) = read(
            "     Running tests/vectors.rs (target/debug/deps/vectors-00)
---- a stdout ----
skipped: IRONROOT_TESTDATA is not set
skipped: the rest too
---- b stdout ----
skipped: IRONROOT_TESTDATA is not set
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        assert_eq!(totals.to_string(), "1 passed, 0 failed, 2 skipped");
    }
}
