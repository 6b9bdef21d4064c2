//! How bad a finding is, in Sigma's five levels.

use std::fmt;
use std::str::FromStr;

/// Level of a rule or finding (Sigma specification 2.1, `level`). Ordered from least to most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Interesting only beside other findings.
    Informational,
    /// Rarely an incident by itself.
    Low,
    /// Should be reviewed within days.
    Medium,
    /// Should be reviewed within hours.
    High,
    /// Act now.
    Critical,
}

impl Severity {
    /// All levels, least severe first.
    pub const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word Sigma writes for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("'{text}' is not one of informational, low, medium, high, critical"))
    }
}
