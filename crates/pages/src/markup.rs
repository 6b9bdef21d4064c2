//! HTML that is known to be safe, and the way there.
//!
//! Invariant: whatever came from outside goes through [`Markup::text`] or a template, which both escape it.

use std::fmt;

use minijinja::HtmlEscape;
use minijinja::value::Value;
use serde::{Serialize, Serializer};

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
    fn what_comes_from_outside_is_text_wherever_it_stands() {
        assert_eq!(Markup::text("<b>&").as_str(), "&lt;b&gt;&amp;");
        let link = Markup::link("<i>", "/a?b=\"><script>");
        assert!(!link.as_str().contains("<i>") && !link.as_str().contains("<script>"), "{link}");
    }
}
