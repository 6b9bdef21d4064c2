//! What rules, correlations and filters say about themselves.

use ward_core::{LogSource, Severity};

use super::Reader;
use super::node::Node;
use crate::error::Error;
use crate::rule::Origin;

const STATUSES: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];

/// What a document says about itself.
#[derive(Debug, Clone)]
pub(super) struct Metadata {
    /// Its id; without one, its name; without either, its title.
    pub id: String,
    pub name: Option<String>,
    pub title: String,
    pub level: Option<Severity>,
    pub tags: Vec<String>,
    pub author: Option<String>,
    pub origin: Origin,
}

/// Reads it, with notes about what is not as Sigma wants it.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<Metadata, Error> {
    let node = &reader.document.node;
    let text = |key: &str| {
        node.get(key).and_then(Node::scalar).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    let (id, name) = (text("id"), text("name"));
    let Some(title) = text("title").or_else(|| name.clone()).or_else(|| id.clone()) else {
        return Err(Error::Missing("title"));
    };
    let mut notes = Vec::new();
    let mut ignored = |key: &str, why: String| notes.push(Error::Ignored { key: key.to_owned(), why });
    let level = text("level").and_then(|level| level.parse().map_err(|why| ignored("level", why)).ok());
    if let Some(status) = text("status").filter(|status| !STATUSES.contains(&status.as_str())) {
        ignored("status", format!("'{status}' is not one of {}", STATUSES.join(", ")));
    }
    if let Some(taxonomy) = text("taxonomy").filter(|taxonomy| taxonomy != "sigma") {
        ignored("taxonomy", format!("fields and values of '{taxonomy}' are taken as Sigma's own"));
    }
    let tags = match node.get("tags") {
        None | Some(Node::Null) => Vec::new(),
        Some(tags) => tags.scalars().unwrap_or_else(|| {
            ignored("tags", "it must be a list of texts".to_owned());
            Vec::new()
        }),
    };
    let metadata = Metadata {
        id: id.or_else(|| name.clone()).unwrap_or_else(|| title.clone()),
        tags: tags.into_iter().map(str::to_owned).collect(),
        author: text("author"),
        origin: Origin { path: reader.path.clone(), line: reader.document.line },
        name,
        title,
        level,
    };
    notes.into_iter().for_each(|note| reader.note(note));
    Ok(metadata)
}

/// Reads `logsource`; `None` if there is none or it names nothing.
pub(super) fn log_source(node: &Node) -> Result<Option<LogSource>, Error> {
    let source = match node.get("logsource") {
        None | Some(Node::Null) => return Ok(None),
        Some(source @ Node::Map(_)) => source,
        Some(_) => return Err(Error::Shape { what: "logsource".to_owned(), wanted: "a map" }),
    };
    let part = |key: &'static str| match source.get(key) {
        None | Some(Node::Null) => Ok(None),
        Some(value) => match value.scalar() {
            Some(text) => Ok(Some(text.trim().to_owned())),
            None => Err(Error::Shape { what: key.to_owned(), wanted: "text" }),
        },
    };
    let source =
        LogSource { product: part("product")?, category: part("category")?, service: part("service")? };
    Ok(Some(source).filter(|source| *source != LogSource::default()))
}
