//! Files stay short enough to read in one sitting.

use crate::tree::{Source, sources};

const MEDIAN: usize = 150;
const NINE_OF_TEN: usize = 450;
const LONGEST: usize = 800;

#[test]
fn files_are_short() {
    let mut lengths: Vec<(usize, &str)> =
        sources().iter().map(|source| (source.text.lines().count(), source.path.as_str())).collect();
    lengths.sort_unstable();
    let (median, p90) = (lengths[lengths.len() / 2].0, lengths[lengths.len() * 9 / 10].0);
    let longest: Vec<String> =
        lengths.iter().rev().take(8).map(|(lines, path)| format!("{lines:>5} {path}")).collect();
    println!("{} files, median {median}, p90 {p90}; the longest:\n{}", lengths.len(), longest.join("\n"));
    assert!(median <= MEDIAN, "the median file has {median} lines, more than {MEDIAN}");
    assert!(p90 <= NINE_OF_TEN, "one file in ten has more than {NINE_OF_TEN} lines: {p90}");
    let over: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > LONGEST).collect();
    assert!(over.is_empty(), "longer than {LONGEST} lines: {over:?}");
}

#[test]
fn tests_and_documentation_are_counted() {
    let lines: usize = sources().iter().map(|source| source.text.lines().count()).sum();
    let count = |is: &dyn Fn(&str) -> bool| -> usize {
        let in_file = |source: &Source| source.text.lines().filter(|line| is(line.trim_start())).count();
        sources().iter().map(in_file).sum()
    };
    let tests = count(&|line| line == "#[test]");
    let docs = count(&|line| line.starts_with("///") || line.starts_with("//!"));
    let per_thousand = tests as f64 * 1000.0 / lines as f64;
    let share = docs as f64 * 100.0 / lines as f64;
    println!("{lines} lines; {per_thousand:.1} tests per 1,000 lines; {share:.1} % documentation");
    assert!(share >= 8.0, "{share:.1} % of the lines are documentation, fewer than 8 %");
}
