//! A file's text to its documents: `---` separates them, and Sigma's collection actions (`global`,
//! `reset`, `repeat`) make one document of several.

use super::node::{self, Node};
use crate::error::Error;

/// Bytes that a rule file may have.
pub(super) const MAX_FILE: usize = 1 << 20;
/// Documents that a file may have.
const MAX_DOCUMENTS: usize = 2_000;

/// A document, ready to be read as a rule, correlation or filter.
pub(super) struct Document<'a> {
    /// Its first line, from 1.
    pub line: u32,
    /// Its text, without what `global` and `repeat` add.
    pub text: &'a str,
    /// Its content.
    pub node: Node,
}

/// A document that cannot be read, with the line it starts at or breaks at.
pub(super) type Broken = (u32, Error);

/// The documents of a file, and those that cannot be read.
pub(super) fn documents(text: &str) -> (Vec<Document<'_>>, Vec<Broken>) {
    let mut collection = Collection::default();
    if text.len() > MAX_FILE {
        let what = format!("the file's size of {} bytes", text.len());
        return (Vec::new(), vec![(1, Error::Limit { what, limit: MAX_FILE })]);
    }
    for (count, (line, text)) in split(text).into_iter().enumerate() {
        if count == MAX_DOCUMENTS {
            let what = "the number of documents".to_owned();
            collection.broken.push((line, Error::Limit { what, limit: MAX_DOCUMENTS }));
            break;
        }
        if let Err(broken) = collection.add(line, text) {
            collection.broken.push(broken);
        }
    }
    (collection.documents, collection.broken)
}

#[derive(Default)]
struct Collection<'a> {
    documents: Vec<Document<'a>>,
    broken: Vec<Broken>,
    global: Option<Node>,
    previous: Option<Node>,
    copied: usize,
}

impl<'a> Collection<'a> {
    fn add(&mut self, line: u32, text: &'a str) -> Result<(), Broken> {
        let read = Node::read(text).map_err(|e| {
            let at = e.line.map_or(0, |at| at.saturating_sub(1) as u32);
            (line + at, Error::Yaml(e.reason))
        })?;
        let mut node = match read {
            Node::Null => return Ok(()),
            node @ Node::Map(_) => node,
            _ => return Err((line, Error::Shape { what: "document".to_owned(), wanted: "a map" })),
        };
        let action = node.take("action");
        match action.as_ref().map(|a| a.scalar().unwrap_or_default()) {
            None => {}
            Some("global") => {
                self.global = Some(node);
                return Ok(());
            }
            Some("reset") => {
                self.global = None;
                return Ok(());
            }
            Some("repeat") => {
                let Some(previous) = self.previous.clone() else {
                    return Err((line, Error::NothingToRepeat));
                };
                self.copy(line, &previous)?;
                node = previous.overlaid(node);
            }
            Some(other) => return Err((line, Error::Action(other.to_owned()))),
        }
        if let Some(global) = self.global.clone() {
            self.copy(line, &global)?;
            node = global.overlaid(node);
        }
        self.previous = Some(node.clone());
        self.documents.push(Document { line, text, node });
        Ok(())
    }

    /// Counts what `global` and `repeat` copy: a short file could otherwise ask for much memory.
    fn copy(&mut self, line: u32, node: &Node) -> Result<(), Broken> {
        self.copied += node.size();
        if self.copied > node::MAX_NODES {
            let what = "what 'action: global' and 'repeat' copy".to_owned();
            return Err((line, Error::Limit { what, limit: node::MAX_NODES }));
        }
        Ok(())
    }
}

/// Cuts at lines that start with `---`, so that one broken document does not hide the ones after it.
/// Pieces without content are left out.
fn split(text: &str) -> Vec<(u32, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if marker {
            pieces.push((start_line, &text[start..at]));
            // The document starts below its marker, unless the marker's line has some of it.
            let bare = line.trim_end() == "---";
            start = if bare { at + line.len() } else { at };
            start_line = index as u32 + 1 + u32::from(bare);
        }
        at += line.len();
    }
    pieces.push((start_line, &text[start..]));
    // A piece may begin with its marker, which may carry a comment, or with comments of its own.
    let has_content = |piece: &str| {
        piece
            .lines()
            .map(|line| line.strip_prefix("---").unwrap_or(line).trim())
            .any(|line| !line.is_empty() && !line.starts_with('#'))
    };
    pieces.retain(|(_, piece)| has_content(piece));
    pieces
}

/// The line of `near` in a document: best where it is a key, else where it is mentioned at all.
pub(super) fn line_of(document: &str, first_line: u32, near: &str) -> Option<u32> {
    let is_key = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ").trim_start().trim_start_matches(['\'', '"']);
        line.strip_prefix(near).is_some_and(|rest| rest.trim_start_matches(['\'', '"']).starts_with(':'))
    };
    let lines = || document.lines().enumerate();
    let found =
        lines().find(|(_, line)| is_key(line)).or_else(|| lines().find(|(_, line)| line.contains(near)));
    found.map(|(index, _)| first_line + index as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(text: &str) -> Vec<(u32, String)> {
        let (documents, broken) = documents(text);
        assert!(broken.is_empty(), "{broken:?}");
        documents
            .iter()
            .map(|d| (d.line, d.node.get("title").and_then(Node::scalar).unwrap_or_default().to_owned()))
            .collect()
    }

    #[test]
    fn documents_are_told_apart_with_their_lines() {
        let text = "# head\ntitle: a\n---\ntitle: b\n---\n# nothing\n--- # c\ntitle: c\n";
        assert_eq!(titles(text), [(1, "a".to_owned()), (4, "b".to_owned()), (7, "c".to_owned())]);
        assert!(titles("").is_empty());
    }

    #[test]
    fn global_is_laid_under_what_follows_until_reset_and_repeat_repeats() {
        let text = "action: global\ntitle: g\nx: {a: 1}\n---\nx: {b: 2}\n---\naction: repeat\nx: {b: 3}\n---\n\
                    action: reset\n---\ntitle: own\n";
        let (documents, broken) = documents(text);
        assert!(broken.is_empty());
        let value =
            |index: usize, key: &str| documents[index].node.get("x")?.get(key)?.scalar().map(str::to_owned);
        assert_eq!(documents.len(), 3);
        assert_eq!((value(0, "a"), value(0, "b")), (Some("1".into()), Some("2".into())));
        assert_eq!((value(1, "a"), value(1, "b")), (Some("1".into()), Some("3".into())));
        assert_eq!(value(2, "a"), None);
    }

    #[test]
    fn a_broken_document_is_named_with_its_line_and_the_next_is_still_read() {
        let (documents, broken) = documents("title: a\n---\ntitle: b\n  bad: : x\n---\ntitle: c\n");
        assert_eq!(documents.len(), 2);
        assert!(matches!(&broken[..], [(3..=4, Error::Yaml(_))]), "{broken:?}");
        let (_, broken) = super::documents("action: repeat\n---\naction: burn\n---\n- list\n");
        assert_eq!(broken.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 5]);
    }

    #[test]
    fn copying_is_limited() {
        let keys: String = (0..1500).map(|i| format!("k{i}: 1\n")).collect();
        let text = format!("action: global\n{keys}{}", "---\nx: 1\n".repeat(1000));
        let (documents, broken) = documents(&text);
        assert!(documents.len() < 200);
        assert!(broken.iter().all(|(_, e)| matches!(e, Error::Limit { .. })));
        assert!(matches!(super::documents(&"x".repeat(MAX_FILE + 1)).1[..], [(1, Error::Limit { .. })]));
    }

    #[test]
    fn keys_are_found_before_mentions() {
        let document = "a: Image\nselection:\n  - 'Image|re': x\n";
        assert_eq!(line_of(document, 10, "Image|re"), Some(12));
        assert_eq!(line_of(document, 10, "Image"), Some(10));
        assert_eq!(line_of(document, 10, "absent"), None);
    }
}
