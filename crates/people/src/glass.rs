//! Breaking the glass: reaching an organisation that one was not given, when somebody's harm does not wait for a form.
//!
//! Invariant: it has a reason in words, an organisation and an end, and the organisation is shown all three.

use ward_core::Timestamp;

/// Fewest letters of a reason: a sentence.
pub const SHORTEST_REASON: usize = 20;

/// Most letters of a reason.
pub const LONGEST_REASON: usize = 1_000;

/// Microseconds that it lasts at most: four hours. Whoever needs longer says so again.
pub const LONGEST: i64 = 4 * 3_600 * 1_000_000;

/// Why it is not broken. The texts are for whoever tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The reason says too little.
    #[error(
        "the glass could not be broken: the reason has {0} letters, and needs {SHORTEST_REASON}, for the organisation to read"
    )]
    Short(usize),
    /// The reason says too much.
    #[error("the glass could not be broken: the reason has {0} letters, and may have {LONGEST_REASON}")]
    Long(usize),
    /// It would last too long, or not at all.
    #[error("the glass could not be broken for that long: from a moment to four hours")]
    Time,
}

/// A reason as it is kept: what was written, without the white space around and between.
///
/// # Errors
/// It says too little, or too much.
pub fn reason(written: &str) -> Result<String, Refused> {
    let reason = written.split_whitespace().collect::<Vec<_>>().join(" ");
    match reason.chars().filter(|c| c.is_alphanumeric()).count() {
        letters @ ..SHORTEST_REASON => Err(Refused::Short(letters)),
        _ if reason.chars().count() > LONGEST_REASON => Err(Refused::Long(reason.chars().count())),
        _ => Ok(reason),
    }
}

/// Whether it may last until then.
///
/// # Errors
/// It may not.
pub fn ends(now: Timestamp, ends: Timestamp) -> Result<Timestamp, Refused> {
    let lasts = ends.micros().saturating_sub(now.micros());
    if (1..=LONGEST).contains(&lasts) { Ok(ends) } else { Err(Refused::Time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_sentence() {
        assert_eq!(
            reason(" York's  domain controller\ncalls out ").unwrap(),
            "York's domain controller calls out"
        );
        assert_eq!(reason("incident"), Err(Refused::Short(8)));
        assert_eq!(reason(&format!("a{}b", ". ".repeat(50))), Err(Refused::Short(2)));
        assert_eq!(reason(&"because ".repeat(200)), Err(Refused::Long(1_599)));
    }

    #[test]
    fn it_ends_within_four_hours() {
        let at = Timestamp::from_micros;
        assert_eq!(ends(at(7), at(7 + LONGEST)), Ok(at(7 + LONGEST)));
        for wrong in [7 + LONGEST + 1, 7, 0, i64::MAX, i64::MIN] {
            assert_eq!(ends(at(7), at(wrong)), Err(Refused::Time), "{wrong}");
        }
    }
}
