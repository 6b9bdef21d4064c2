//! The formats by name.

use crate::Error;
use std::fmt;
use std::str::FromStr;

/// How the records of an input are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Windows event log file.
    Evtx,
    /// JSON, one object a line.
    JsonLines,
    /// JSON documents: objects one after another, arrays of objects, or documents that wrap such an
    /// array. Objects may span lines.
    Json,
    /// OTLP log export requests as JSON.
    Otlp,
    /// Syslog lines, RFC 5424 or RFC 3164.
    Syslog,
    /// Syslog in octet-counted frames, RFC 6587.
    SyslogFrames,
    /// ArcSight Common Event Format.
    Cef,
    /// QRadar Log Event Extended Format.
    Leef,
    /// `key=value` lines.
    Logfmt,
    /// Linux audit daemon lines.
    Auditd,
    /// Delimited values under a header line.
    Csv,
    /// Zeek's tab-separated logs.
    Zeek,
    /// W3C extended log (IIS, proxies).
    W3c,
    /// Common or combined access log (Apache, nginx).
    AccessLog,
    /// Lines without structure. Only when asked for.
    Lines,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 15] = [
        Self::Evtx,
        Self::JsonLines,
        Self::Json,
        Self::Otlp,
        Self::Syslog,
        Self::SyslogFrames,
        Self::Cef,
        Self::Leef,
        Self::Logfmt,
        Self::Auditd,
        Self::Csv,
        Self::Zeek,
        Self::W3c,
        Self::AccessLog,
        Self::Lines,
    ];

    /// The name a user writes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evtx => "evtx",
            Self::JsonLines => "ndjson",
            Self::Json => "json",
            Self::Otlp => "otlp",
            Self::Syslog => "syslog",
            Self::SyslogFrames => "syslog-frames",
            Self::Cef => "cef",
            Self::Leef => "leef",
            Self::Logfmt => "logfmt",
            Self::Auditd => "auditd",
            Self::Csv => "csv",
            Self::Zeek => "zeek",
            Self::W3c => "w3c",
            Self::AccessLog => "access-log",
            Self::Lines => "lines",
        }
    }

    /// All names, for messages.
    pub fn list() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| Error::UnknownFormat { name: text.to_owned() })
    }
}
