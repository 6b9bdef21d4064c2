//! Writing SVG: elements with attributes, all of them escaped.

use std::fmt::{Display, Write};

use minijinja::HtmlEscape;

use crate::markup::Markup;

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Svg {
    text: String,
    open: Vec<&'static str>,
}

impl Svg {
    /// A picture of this class and size in its own units. `stretched`: it fills whatever room it is given.
    pub fn new(class: &str, width: f64, height: f64, stretched: bool) -> Self {
        let mut svg = Self { text: String::new(), open: Vec::new() };
        let aspect = if stretched { "none" } else { "xMidYMid" };
        svg.open(
            "svg",
            &[
                ("class", &class),
                ("viewBox", &format_args!("0 0 {} {}", Short(width), Short(height))),
                ("preserveAspectRatio", &aspect),
                ("aria-hidden", &"true"),
                ("focusable", &"false"),
            ],
        );
        svg
    }

    /// Opens an element.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &dyn Display)]) {
        self.tag(name, attributes);
        self.text.push('>');
        self.open.push(name);
    }

    /// An element without content.
    pub fn empty(&mut self, name: &'static str, attributes: &[(&str, &dyn Display)]) {
        self.tag(name, attributes);
        self.text.push_str("/>");
    }

    /// An element with a text.
    pub fn text(&mut self, name: &'static str, attributes: &[(&str, &dyn Display)], text: &str) {
        self.open(name, attributes);
        self.text.push_str(&HtmlEscape(text).to_string());
        self.close();
    }

    /// Closes what was opened last.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
    }

    /// The picture, with all closed.
    pub fn finish(mut self) -> Markup {
        while !self.open.is_empty() {
            self.close();
        }
        Markup::written(self.text)
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &dyn Display)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            // Writing to a string does not fail.
            let _ = write!(self.text, " {name}=\"{}\"", HtmlEscape(&value.to_string()));
        }
    }
}

/// A length with at most two digits after the point, and none that say nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short(pub f64);

impl Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rounded = (self.0 * 100.0).round() / 100.0;
        write!(f, "{}", if rounded == 0.0 { 0.0 } else { rounded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_text_and_all_is_closed() {
        let mut svg = Svg::new("c", 10.0, 1.0 / 3.0, true);
        svg.open("a", &[("href", &"/x?\"><script>")]);
        svg.text("title", &[], "<b>&");
        let svg = svg.finish();
        assert!(svg.as_str().starts_with("<svg class=\"c\" viewBox=\"0 0 10 0.33\""), "{svg}");
        assert!(svg.as_str().ends_with("<title>&lt;b&gt;&amp;</title></a></svg>"), "{svg}");
        assert!(!svg.as_str().contains("<script>"), "{svg}");
    }

    #[test]
    fn lengths_are_short() {
        for (length, shown) in [(2.0, "2"), (0.126, "0.13"), (-0.001, "0"), (1e6, "1000000")] {
            assert_eq!(Short(length).to_string(), shown);
        }
    }
}
