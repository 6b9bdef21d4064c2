//! Fuzz targets: one for every parser of outside bytes.
//!
//! A target takes any bytes and must come back: no panic, no overflow, no endless loop, no memory beyond
//! the parser's own limits. Where there is a second opinion (another parser, a slower matcher), a target
//! also compares. `cargo xtask fuzz` drives them; the tests of this crate replay the seeds in `seeds/`,
//! whole, cut short and with flipped bits, on every machine.
//!
//! Invariant: every source file that reads outside bytes is named by a target's `covers`
//! (`tests/it/coverage.rs` keeps it).

#![allow(clippy::panic)] // a target reports by panicking

mod correlate;
mod free_text;
mod input;
mod intake;
mod journal;
mod json;
mod matcher;
mod people;
mod rules;

use ward_telemetry::input::Format;

/// One fuzz target.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its folder in `seeds/`.
    pub name: &'static str,
    /// The source files, or folders of them, whose parsers it exercises, from `crates/`.
    pub covers: &'static [&'static str],
    /// Runs one input.
    pub run: fn(&[u8]),
}

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}

/// All targets, by name. A format of telemetry has a target of its name.
pub const TARGETS: &[Target] = &[
    Target {
        name: "access-log",
        covers: &["telemetry/src/input/access_log.rs"],
        run: |input| input::read(Some(Format::AccessLog), input),
    },
    Target {
        name: "auditd",
        covers: &["telemetry/src/input/auditd.rs"],
        run: |input| input::read(Some(Format::Auditd), input),
    },
    Target { name: "bulk", covers: &["intake/src/http/elastic/bulk.rs"], run: intake::bulk },
    Target {
        name: "cef",
        covers: &["telemetry/src/input/cef.rs"],
        run: |input| input::read(Some(Format::Cef), input),
    },
    Target { name: "checkpoint", covers: &["detect/src/correlate"], run: correlate::checkpoint },
    Target {
        name: "compressed",
        covers: &[
            "telemetry/src/input/compression.rs",
            "telemetry/src/input/gzip.rs",
            "telemetry/src/input/zstd.rs",
        ],
        run: |input| input::read(Some(Format::Lines), input),
    },
    Target {
        name: "csv",
        covers: &["telemetry/src/input/table.rs"],
        run: |input| input::read(Some(Format::Csv), input),
    },
    Target {
        name: "evtx",
        covers: &["telemetry/src/input/evtx.rs"],
        run: |input| input::read(Some(Format::Evtx), input),
    },
    Target {
        name: "fluent",
        covers: &[
            "intake/src/fluent/message.rs",
            "intake/src/fluent/messagepack.rs",
            "intake/src/fluent/record.rs",
        ],
        run: intake::fluent,
    },
    Target {
        name: "free-text",
        covers: &["telemetry/src/taxonomy/free_text.rs", "telemetry/src/taxonomy/free_text"],
        run: free_text::observables,
    },
    Target {
        name: "gelf",
        covers: &["intake/src/gelf/message.rs", "intake/src/gelf/parts.rs"],
        run: intake::gelf,
    },
    Target {
        name: "hec",
        covers: &["intake/src/http/hec/envelope.rs", "intake/src/http/hec/raw.rs", "intake/src/members.rs"],
        run: intake::hec,
    },
    Target {
        name: "journal",
        covers: &[
            "journal/src/format",
            "journal/src/frame.rs",
            "journal/src/reader.rs",
            "journal/src/recovery.rs",
        ],
        run: journal::segment,
    },
    Target {
        name: "journal-export",
        covers: &["intake/src/http/journal_upload/export.rs"],
        run: intake::journal_export,
    },
    Target {
        name: "json",
        covers: &["telemetry/src/input/documents.rs"],
        run: |input| input::read(Some(Format::Json), input),
    },
    Target { name: "json-scanner", covers: &["telemetry/src/json.rs"], run: json::scanner },
    Target { name: "kept", covers: &["telemetry/src/input/kept.rs"], run: input::kept_alone },
    Target {
        name: "leef",
        covers: &["telemetry/src/input/leef.rs"],
        run: |input| input::read(Some(Format::Leef), input),
    },
    Target {
        name: "lines",
        covers: &["telemetry/src/input/payload.rs"],
        run: |input| input::read(Some(Format::Lines), input),
    },
    Target {
        name: "logfmt",
        covers: &["telemetry/src/input/logfmt.rs"],
        run: |input| input::read(Some(Format::Logfmt), input),
    },
    Target { name: "lumberjack", covers: &["intake/src/beats/frames.rs"], run: intake::lumberjack },
    Target {
        name: "matcher",
        covers: &[
            "detect/src/compiled",
            "detect/src/plain.rs",
            "detect/src/explain.rs",
            "detect/src/leaf.rs",
        ],
        run: matcher::compiled_equals_plain,
    },
    Target { name: "ndjson", covers: &[], run: |input| input::read(Some(Format::JsonLines), input) },
    Target {
        name: "otlp",
        covers: &["telemetry/src/input/otlp.rs"],
        run: |input| input::read(Some(Format::Otlp), input),
    },
    Target {
        name: "otlp-protobuf",
        covers: &["intake/src/http/otlp/transcode.rs", "intake/src/http/otlp/weight.rs"],
        run: intake::otlp,
    },
    Target {
        name: "people",
        covers: &[
            "people/src/account.rs",
            "people/src/device.rs",
            "people/src/glass.rs",
            "people/src/key.rs",
            "people/src/password",
            "people/src/recovery.rs",
            "people/src/totp.rs",
        ],
        run: people::typed,
    },
    Target { name: "pipeline", covers: &["detect/src/pipeline"], run: rules::pipeline },
    Target { name: "placeholders", covers: &["detect/src/placeholders.rs"], run: rules::placeholders },
    Target {
        name: "recognised",
        covers: &[
            "telemetry/src/input/recognise.rs",
            "telemetry/src/input/utf16.rs",
            "telemetry/src/input/mod.rs",
            "telemetry/src/input/reader.rs",
            "telemetry/src/input/window.rs",
            "telemetry/src/input/decode.rs",
        ],
        run: |input| input::read(None, input),
    },
    Target { name: "relp", covers: &["intake/src/relp/frames.rs"], run: intake::relp },
    Target {
        name: "sigma",
        covers: &["detect/src/about.rs", "detect/src/load", "detect/src/yaml.rs"],
        run: rules::sigma,
    },
    Target { name: "streams", covers: &["telemetry/src/input/streams.rs"], run: input::streams },
    Target {
        name: "syslog",
        covers: &["telemetry/src/input/syslog.rs"],
        run: |input| input::read(Some(Format::Syslog), input),
    },
    Target {
        name: "syslog-frames",
        covers: &["telemetry/src/input/frame.rs"],
        run: |input| input::read(Some(Format::SyslogFrames), input),
    },
    Target {
        name: "syslog-framing",
        covers: &["intake/src/syslog/framing.rs", "intake/src/syslog/messages.rs"],
        run: intake::syslog_framing,
    },
    Target { name: "taxonomy", covers: &["telemetry/src/taxonomy"], run: rules::taxonomy },
    Target {
        name: "w3c",
        covers: &["telemetry/src/input/table.rs"],
        run: |input| input::read(Some(Format::W3c), input),
    },
    Target {
        name: "zeek",
        covers: &["telemetry/src/input/table.rs"],
        run: |input| input::read(Some(Format::Zeek), input),
    },
];
