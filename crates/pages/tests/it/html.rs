//! HTML as a browser's tokeniser takes it apart, for comparing and for looking into.

use std::collections::BTreeMap;

use html5gum::{Token, Tokenizer};

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The beginning of an element, or all of one without content.
    Start(String, BTreeMap<String, String>),
    /// The end of an element.
    End(String),
    /// Text with its white space made single, never empty.
    Text(String),
    /// Anything else, such as a comment.
    Other(String),
}

/// Takes a document apart. What a browser takes alike is alike: references are undone, attributes in order, white
/// space made single and left out around text, in lists of classes and in lists in JSON.
pub fn parts(html: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for Ok(token) in Tokenizer::new(html) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let part = match token {
            Token::StartTag(tag) => {
                let attributes = tag.attributes.iter();
                let attributes =
                    attributes.map(|(name, value)| (text(name), value_of(&text(value)))).collect();
                Part::Start(text(&tag.name), attributes)
            }
            Token::EndTag(tag) => Part::End(text(&tag.name)),
            Token::String(string) => match single(&text(&string)) {
                empty if empty.is_empty() => continue,
                string => Part::Text(string),
            },
            Token::Error(_) => continue,
            other => Part::Other(format!("{other:?}")),
        };
        match (parts.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(more)) => *before = format!("{before} {more}"),
            (_, part) => parts.push(part),
        }
    }
    parts
}

/// The beginnings of all elements: name and attributes.
pub fn elements(html: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let start = |part| match part {
        Part::Start(name, attributes) => Some((name, attributes)),
        _ => None,
    };
    parts(html).into_iter().filter_map(start).collect()
}

/// What the browser would refuse under our policy, and what it would fetch from elsewhere.
pub fn forbidden(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, attributes) in elements(html) {
        let source = attributes.get("src").or_else(|| attributes.get("href"));
        if name == "style" || (name == "script" && !attributes.contains_key("src")) {
            found.push(format!("<{name}> with content"));
        }
        for (attribute, value) in &attributes {
            if attribute == "style" || attribute.starts_with("on") {
                found.push(format!("<{name} {attribute}={value:?}>"));
            }
        }
        let fetches =
            matches!(name.as_str(), "img" | "script" | "link" | "iframe" | "source" | "object" | "embed");
        if let Some(source) = source.filter(|source| fetches && !source.starts_with("/assets/")) {
            found.push(format!("<{name}> of {source:?}"));
        }
    }
    found
}

/// A list in JSON is the same with and without a space after its commas; any other value but for white space.
fn value_of(text: &str) -> String {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Array(list)) => serde_json::Value::Array(list).to_string(),
        _ => single(text),
    }
}

fn single(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_looks_alike_is_alike_and_what_does_not_is_not() {
    let parts = |html| parts(html);
    assert_eq!(
        parts("<p  class='b  a' id=x> one\n two&amp;</p>"),
        parts("<p id=\"x\" class=\"b a\">one two&#38;</p>")
    );
    assert_eq!(parts("<br>"), parts("\n<br>\n"));
    for other in ["<p class=a>one</p>", "<p>one", "<p>on e</p>", "<b>one</b>", "<p>one</p><!-- -->"] {
        assert_ne!(parts("<p>one</p>"), parts(other), "{other}");
    }
}

#[test]
fn what_the_policy_forbids_is_found() {
    for bad in [
        "<p style='x'>",
        "<p onclick=x>",
        "<script>x</script>",
        "<style>x</style>",
        "<img src='https://elsewhere.example/x.png'>",
        "<link href='//elsewhere.example/x.css'>",
        "<img src='data:image/png;base64,x'>",
    ] {
        assert_eq!(forbidden(bad).len(), 1, "{bad}");
    }
    assert!(
        forbidden("<script src='/assets/x/y.js'></script><a href='https://elsewhere.example'>x</a>")
            .is_empty()
    );
}
