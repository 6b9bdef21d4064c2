//! Text values as the steps of a pipeline see them.
//!
//! Pipelines are written for values whose `contains`, `startswith` and `endswith` are wildcards
//! already (`*whoami*`), so that is how a value is shown to a step. Where a step changes it, the
//! wildcards stay and those modifiers go; where it does not, the rule keeps the form it was written in.

use std::ops::Range;

use rsigma_parser::{FieldSpec, Modifier, SigmaString, SpecialChar, StringPart};

/// What a byte of a shown text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Text that stands for itself, also a literal `*`.
    Plain,
    /// A wildcard.
    Wild,
    /// Part of a placeholder such as `%admins%`.
    Placeholder,
}

/// A text value with its wildcards written out, and what each byte is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shown {
    text: String,
    marks: Vec<Mark>,
}

impl Shown {
    /// A value of a text item with these modifiers.
    pub(super) fn new(value: &SigmaString, spec: &FieldSpec) -> Self {
        let mut shown = Self::default();
        for part in &value.parts {
            match part {
                StringPart::Special(SpecialChar::WildcardMulti) => shown.push("*", Mark::Wild),
                StringPart::Special(SpecialChar::WildcardSingle) => shown.push("?", Mark::Wild),
                StringPart::Plain(text) if spec.has_modifier(Modifier::Expand) => {
                    let mut at = 0;
                    for place in placeholders(text) {
                        shown.push(&text[at..place.start], Mark::Plain);
                        shown.push(&text[place.clone()], Mark::Placeholder);
                        at = place.end;
                    }
                    shown.push(&text[at..], Mark::Plain);
                }
                StringPart::Plain(text) => shown.push(text, Mark::Plain),
            }
        }
        let contains = spec.has_modifier(Modifier::Contains);
        if contains || spec.has_modifier(Modifier::EndsWith) {
            shown.open_start();
        }
        if contains || spec.has_modifier(Modifier::StartsWith) {
            shown.open_end();
        }
        shown
    }

    /// Text as a pipeline writes values: `*` and `?` are wildcards unless escaped.
    pub(super) fn parse(text: &str) -> Self {
        Self::new(&SigmaString::new(text), &FieldSpec::new(None, Vec::new()))
    }

    /// The text, wildcards as `*` and `?`, nothing escaped.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a wildcard is in it.
    pub(super) fn has_wildcard(&self) -> bool {
        self.marks.contains(&Mark::Wild)
    }

    /// Adds text of one kind at the end.
    pub(super) fn push(&mut self, text: &str, mark: Mark) {
        self.text.push_str(text);
        self.marks.resize(self.text.len(), mark);
    }

    /// Adds a part of another, with what it is.
    pub(super) fn push_from(&mut self, other: &Self, range: Range<usize>) {
        self.text.push_str(&other.text[range.clone()]);
        self.marks.extend_from_slice(&other.marks[range]);
    }

    /// Lets anything stand before it.
    pub(super) fn open_start(&mut self) {
        if !(self.text.starts_with('*') && self.marks.first() == Some(&Mark::Wild)) {
            self.text.insert(0, '*');
            self.marks.insert(0, Mark::Wild);
        }
    }

    /// Lets anything stand after it.
    pub(super) fn open_end(&mut self) {
        if !(self.text.ends_with('*') && self.marks.last() == Some(&Mark::Wild)) {
            self.push("*", Mark::Wild);
        }
    }

    /// Its runs of bytes of one kind, in order.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Range<usize>, Mark)> {
        let mut at = 0;
        self.marks.chunk_by(|left, right| left == right).map(move |run| {
            let start = at;
            at += run.len();
            (start..at, run[0])
        })
    }

    /// The same with each plain run replaced.
    pub(super) fn map_plain(&self, replace: impl Fn(&str) -> String) -> Self {
        let mut mapped = Self::default();
        for (range, mark) in self.runs() {
            match mark {
                Mark::Plain => mapped.push(&replace(&self.text[range]), Mark::Plain),
                _ => mapped.push_from(self, range),
            }
        }
        mapped
    }

    /// As the syntax tree has it.
    pub(super) fn to_value(&self) -> SigmaString {
        let mut parts: Vec<StringPart> = Vec::new();
        for (range, mark) in self.runs() {
            let text = &self.text[range];
            if mark == Mark::Wild {
                parts.extend(text.chars().map(|wildcard| {
                    StringPart::Special(match wildcard {
                        '?' => SpecialChar::WildcardSingle,
                        _ => SpecialChar::WildcardMulti,
                    })
                }));
            } else if let Some(StringPart::Plain(before)) = parts.last_mut() {
                before.push_str(text);
            } else {
                parts.push(StringPart::Plain(text.to_owned()));
            }
        }
        let original = source(&parts);
        SigmaString { parts, original }
    }
}

/// Where placeholders (`%name%`, not after a backslash) stand in a text.
pub(super) fn placeholders(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('%').map(|offset| at + offset) {
        let name = &text[start + 1..];
        let length = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
        let escaped = text[..start].ends_with('\\');
        if length > 0 && !escaped && name[length..].starts_with('%') {
            at = start + length + 2;
            found.push(start..at);
        } else {
            at = start + 1;
        }
    }
    found
}

/// The parts as Sigma writes them, so that reading them gives the same parts.
fn source(parts: &[StringPart]) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            StringPart::Special(SpecialChar::WildcardMulti) => out.push('*'),
            StringPart::Special(SpecialChar::WildcardSingle) => out.push('?'),
            StringPart::Plain(text) => {
                let mut chars = text.chars().peekable();
                while let Some(c) = chars.next() {
                    let binds = match c {
                        '*' | '?' => true,
                        '\\' => chars.peek().is_none_or(|next| matches!(next, '\\' | '*' | '?')),
                        _ => false,
                    };
                    if binds {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_back_reads_the_same() {
        for text in [r"C:\Temp\*", r"C:\Temp\\*", r"a\\\\b", r"\*\?", "", "***", r"end\", r"end\\"] {
            let value = SigmaString::new(text);
            let again = Shown::parse(text).to_value();
            assert_eq!(again.parts, value.parts, "{text}");
            assert_eq!(SigmaString::new(&again.original).parts, value.parts, "{text}");
        }
    }

    #[test]
    fn contains_is_shown_as_wildcards_but_never_twice() {
        let spec = FieldSpec::new(None, vec![Modifier::Contains]);
        assert_eq!(Shown::new(&SigmaString::new("*a"), &spec).text(), "*a*");
        assert_eq!(Shown::new(&SigmaString::new(r"\*a"), &spec).text(), "**a*");
    }

    #[test]
    fn placeholders_are_found_unless_escaped() {
        assert_eq!(placeholders("a %b% 100% %c_1%"), vec![2..5, 11..16]);
        assert!(placeholders(r"\%b% %%").is_empty());
    }
}
