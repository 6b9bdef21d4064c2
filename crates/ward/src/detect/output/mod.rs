//! Findings as text: a table to read, JSON lines, CSV or OCSF.
//!
//! Invariant: one finding is one line in the machine readable formats, and each JSON line is valid JSON,
//! whatever bytes the event was made of.

mod csv;
mod json;
mod ocsf;
mod table;

use clap::ValueEnum;
use ward_core::Timestamp;

use super::finding::Finding;
use crate::terminal::Screen;
pub use table::level_word;

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns to read.
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated values under a header line.
    Csv,
    /// One OCSF Detection Finding (JSON) a line.
    Ocsf,
}

/// Writes findings in one format. Stateless: each thread has a copy.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    screen: Screen,
    /// Stands for the time of events that have none, where the format wants one.
    started: Timestamp,
}

impl Output {
    /// An output for the reader of `screen`, of a scan that was started at `started`.
    pub fn new(format: Format, screen: Screen, started: Timestamp) -> Self {
        Self { format, screen, started }
    }

    /// Whether people read it as it is.
    pub fn is_for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// What comes before the first finding.
    pub fn head(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::Table => table::head(&self.screen, out),
            Format::Csv => csv::head(out),
            Format::Json | Format::Ocsf => {}
        }
    }

    /// What stands above the findings of a source, if these are for people.
    pub fn source(&self, source: &str, out: &mut Vec<u8>) {
        if self.format == Format::Table {
            table::source(source, &self.screen, out);
        }
    }

    /// One finding.
    pub fn finding(&self, finding: &Finding<'_>, out: &mut Vec<u8>) {
        match self.format {
            Format::Table => table::finding(finding, &self.screen, out),
            Format::Json => json::finding(finding, out),
            Format::Csv => csv::finding(finding, out),
            Format::Ocsf => ocsf::finding(finding, self.started, out),
        }
    }
}

/// A finding for the tests of the formats.
#[cfg(test)]
mod sample {
    use super::super::finding::{Evidence, Finding, Place, RuleFacts};
    use ward_core::{Severity, Timestamp};

    pub fn finding<'a>(evidence: Evidence<'a>, tags: &'a [String]) -> Finding<'a> {
        Finding {
            rule: RuleFacts {
                id: "8de1cbe8-d6f5-496d-8237-5f44a721c7a0",
                title: "Shadow copies deleted by vssadmin",
                level: Severity::High,
                tags,
                author: Some("A. Nurse"),
            },
            place: Place { source: "logs/pacs01.evtx", record: 4711 },
            time: Timestamp::parse("2020-10-26T11:58:27.997Z"),
            host: Some("PACS01.trust.example"),
            user: Some("TRUST\\svc_pacs"),
            evidence,
        }
    }

    pub fn tags() -> Vec<String> {
        ["attack.impact", "attack.t1490", "attack.t1059.001"].map(str::to_owned).to_vec()
    }
}
