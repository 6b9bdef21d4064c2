//! HTML that is known to be safe, and the way there.
//!
//! Invariant: whatever came from outside goes through [`Markup::text`] or a template, which both escape it.

use std::fmt;

use minijinja::HtmlEscape;
use minijinja::value::Value;
use serde::{Serialize, Serializer};

/// Places that are marked of one text.
const MOST_MARKS: usize = 1_000;

/// HTML that a template prints as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Text from anywhere.
    pub fn text(text: &str) -> Self {
        Self(HtmlEscape(text).to_string())
    }

    /// A link with a text.
    pub fn link(text: &str, href: &str) -> Self {
        Self(format!("<a href=\"{}\">{}</a>", HtmlEscape(href), HtmlEscape(text)))
    }

    /// Text from anywhere with every place marked where one of these texts stands, whatever its case in ASCII.
    pub fn marked(text: &str, texts: &[&str]) -> Self {
        let lower = text.to_ascii_lowercase();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for wanted in texts.iter().filter(|wanted| !wanted.is_empty()) {
            let wanted = wanted.to_ascii_lowercase();
            found.extend(lower.match_indices(&wanted).take(MOST_MARKS).map(|(at, it)| (at, at + it.len())));
        }
        found.sort_unstable();
        let (mut html, mut done) = (String::with_capacity(text.len() * 5 / 4), 0);
        let part = |from: usize, to: usize| HtmlEscape(text.get(from..to).unwrap_or_default());
        let mut found = found.into_iter().peekable();
        while let Some((from, mut to)) = found.next() {
            // Those that touch are one mark.
            while let Some((_, next)) = found.next_if(|(next, _)| *next <= to) {
                to = to.max(next);
            }
            html.push_str(&format!("{}<mark>{}</mark>", part(done, from), part(from, to)));
            done = to;
        }
        html.push_str(&part(done, text.len()).to_string());
        Self(html)
    }

    /// A picture (SVG) that a program of ours drew, with whatever came from outside escaped in it.
    pub fn drawn(svg: String) -> Self {
        Self(svg)
    }

    /// As it stands: only for what this crate wrote itself.
    pub(crate) fn written(html: String) -> Self {
        Self(html)
    }

    /// The HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Markup {
    /// For templates as what need not be escaped; for all else as a text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_safe_string(self.0.clone()).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_where_the_texts_do_and_nowhere_inside_each_other() {
        let marked = |text: &str, texts: &[&str]| Markup::marked(text, texts).to_string();
        assert_eq!(marked("run CMD.exe now", &["cmd.exe"]), "run <mark>CMD.exe</mark> now");
        assert_eq!(marked("abcdef", &["bc", "cde", ""]), "a<mark>bcde</mark>f");
        assert_eq!(marked("<a>&<a>", &["<a>"]), "<mark>&lt;a&gt;</mark>&amp;<mark>&lt;a&gt;</mark>");
        assert_eq!(
            marked("é É ü", &["É"]),
            "é <mark>É</mark> ü",
            "letters that are none of ASCII as they stand"
        );
        assert_eq!(marked("abc", &[]), "abc");
    }

    #[test]
    fn what_comes_from_outside_is_text_wherever_it_stands() {
        assert_eq!(Markup::text("<b>&").as_str(), "&lt;b&gt;&amp;");
        let link = Markup::link("<i>", "/a?b=\"><script>");
        assert!(!link.as_str().contains("<i>") && !link.as_str().contains("<script>"), "{link}");
    }
}
