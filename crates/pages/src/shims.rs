//! Where minijinja and Jinja differ and the official templates notice.
//!
//! With these two and the methods of Python's types, all official fixtures render as with Jinja.

use minijinja::value::Value;
use minijinja::{Error, ErrorKind};

/// The length of a value; of nothing it is 0.
///
/// # Errors
/// It is something that has no length, such as a number.
pub(crate) fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(0);
    }
    value.len().ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("a value of type {} has no length", value.kind()))
    })
}

/// The beginning of a text, at most `length` letters with what marks the cut. Unless words may be cut, it ends with
/// a whole one. A text that is a little longer is left as it is, since little is gained.
pub(crate) fn truncate(
    text: &str,
    length: Option<usize>,
    cut_words: Option<bool>,
    end: Option<&str>,
) -> Result<String, Error> {
    let (length, end) = (length.unwrap_or(255), end.unwrap_or("..."));
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= length + LEEWAY {
        return Ok(text.to_owned());
    }
    let room = length.checked_sub(end.chars().count()).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("there is no room for '{end}' in {length} letters"))
    })?;
    let begin: String = letters.iter().take(room).collect();
    let begin = match begin.rsplit_once(' ') {
        Some((whole, _)) if !cut_words.unwrap_or(false) => whole,
        _ => &begin,
    };
    Ok(format!("{begin}{end}"))
}

/// By how many letters a text may be longer than it should.
const LEEWAY: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_length_but_that_is_0() {
        assert_eq!(length(&Value::UNDEFINED).unwrap(), 0);
        assert_eq!(length(&Value::from(())).unwrap(), 0);
        assert_eq!(length(&Value::from("three")).unwrap(), 5);
        assert!(length(&Value::from(3)).is_err());
    }

    /// The examples of Jinja's own documentation.
    #[test]
    fn a_text_is_cut_as_jinja_cuts_it() {
        let cut = |length, cut_words| truncate("foo bar baz qux", Some(length), cut_words, None).unwrap();
        assert_eq!(cut(9, None), "foo...");
        assert_eq!(cut(9, Some(true)), "foo ba...");
        assert_eq!(cut(11, None), "foo bar baz qux");
        assert_eq!(truncate("föö bar baz qux", Some(9), Some(true), Some("…")).unwrap(), "föö bar …");
        assert!(truncate("a long text", Some(2), None, None).is_err());
    }
}
