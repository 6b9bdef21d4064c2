//! Counting what passed, failed and was skipped, from what test runners write.

use std::fmt;
use std::ops::AddAssign;

/// What passed, failed and was skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Held.
    pub passed: usize,
    /// Did not hold.
    pub failed: usize,
    /// Did not run: no corpus, or a tool is missing.
    pub skipped: usize,
    /// What did not hold or did not run, as far as it has a name.
    pub names: Vec<String>,
}

impl Tally {
    /// One check.
    pub fn one(holds: bool) -> Self {
        Self { passed: usize::from(holds), failed: usize::from(!holds), ..Self::default() }
    }

    /// One check that has a name.
    pub fn named(name: &str, holds: bool) -> Self {
        Self { names: if holds { Vec::new() } else { vec![name.to_owned()] }, ..Self::one(holds) }
    }

    /// One check that did not run.
    pub fn skip() -> Self {
        Self { skipped: 1, ..Self::default() }
    }

    /// What the JUnit report of cargo-nextest says. `None`: it is not one.
    pub fn of_junit(report: &str) -> Option<Self> {
        let suites = report.split_once("<testsuites ")?.1.split_once('>')?.0;
        let tests = attribute(suites, "tests")?;
        let failed = attribute(suites, "failures")? + attribute(suites, "errors")?;
        let passed = tests.checked_sub(failed)?;
        let names = report.split("<testcase ").skip(1).filter(|case| has_failed(case) || is_skipped(case));
        let names =
            names.filter_map(|case| Some(case.split_once("name=\"")?.1.split_once('"')?.0.to_owned()));
        Some(Self { passed, failed, skipped: 0, names: names.collect() }.without_skips(report))
    }

    /// What the closing lines of `cargo test -- --show-output` say, one for each test binary.
    pub fn of_cargo_test(output: &str) -> Self {
        let mut tally = Self::default();
        for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
            let words: Vec<&str> = line.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
            let count = |what: &str| {
                let at = words.iter().position(|word| *word == what)?;
                words.get(at.checked_sub(1)?)?.parse().ok()
            };
            tally += Self {
                passed: count("passed").unwrap_or(0),
                failed: count("failed").unwrap_or(0),
                skipped: count("ignored").unwrap_or(0),
                names: Vec::new(),
            };
        }
        tally.without_skips(output)
    }

    /// Counts the tests that passed only because they found no corpus or no PostgreSQL as skipped.
    fn without_skips(mut self, output: &str) -> Self {
        let skips = output.lines().filter(|line| is_skip(line)).count();
        self.passed = self.passed.saturating_sub(skips);
        self.skipped += skips;
        self
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.names.extend(other.names);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

fn has_failed(case: &str) -> bool {
    case.contains("<failure") || case.contains("<error")
}

fn is_skipped(case: &str) -> bool {
    case.lines().any(is_skip)
}

fn is_skip(line: &str) -> bool {
    line.trim().starts_with("skipped: no ")
}

fn attribute(tag: &str, name: &str) -> Option<usize> {
    let value = tag.split_once(&format!("{name}=\""))?.1;
    value.split_once('"')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nextest_report_is_counted_and_tests_without_corpus_are_skips() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="4" failures="1" errors="0" uuid="x" time="0.1">
    <testsuite name="ward-detect" tests="4" disabled="0" errors="0" failures="1">
        <testcase name="corpus" classname="x"><system-out>
running 1 test
skipped: no corpus
test corpus ... ok</system-out></testcase>
        <testcase name="good"></testcase>
        <testcase name="bad"><failure message="x"/></testcase>"#;
        let names = vec!["corpus".to_owned(), "bad".to_owned()];
        assert_eq!(Tally::of_junit(report), Some(Tally { passed: 2, failed: 1, skipped: 1, names }));
        assert_eq!(Tally::of_junit("no report"), None);
    }

    #[test]
    fn closing_lines_of_cargo_test_add_up() {
        let output = "\
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
skipped: no corpus
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(
            Tally::of_cargo_test(output),
            Tally { passed: 3, failed: 2, skipped: 2, names: Vec::new() }
        );
    }

    #[test]
    fn the_closing_line_is_plain() {
        assert_eq!(
            Tally { passed: 12, skipped: 1, ..Tally::default() }.to_string(),
            "12 passed, 0 failed, 1 skipped"
        );
    }
}
