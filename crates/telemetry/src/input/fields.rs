//! Where decoders of text formats put what they found.

use ward_core::{EventBuf, FieldNames, NodeId, ValueKind};

/// Takes named values and keeps those of known fields, or all.
pub struct Fields<'a>(To<'a>);

enum To<'a> {
    Known(&'a FieldNames, &'a mut EventBuf),
    All(&'a mut Pairs),
}

/// Names and values.
pub(super) type Pairs = Vec<(String, String)>;

/// Where a key leads.
pub(super) enum Place {
    Node(NodeId),
    /// Keys joined by dots.
    Path(String),
}

impl<'a> Fields<'a> {
    /// Values of the fields in `names` are appended to `event`.
    pub fn new(names: &'a FieldNames, event: &'a mut EventBuf) -> Self {
        Self(To::Known(names, event))
    }

    /// All values are appended to `pairs`.
    pub(super) fn all(pairs: &'a mut Pairs) -> Self {
        Self(To::All(pairs))
    }

    /// Adds a text value.
    pub fn put(&mut self, key: &str, value: &str) {
        self.put_as(key, ValueKind::Text, value);
    }

    /// Adds a value of any kind.
    #[inline]
    pub fn put_as(&mut self, key: &str, kind: ValueKind, value: &str) {
        match &mut self.0 {
            To::Known(names, event) => {
                if let Some(field) = node(names, NodeId::ROOT, key).and_then(|node| names.field(node)) {
                    event.push(field, kind, value.as_bytes());
                }
            }
            To::All(pairs) => pairs.push((key.to_owned(), value.to_owned())),
        }
    }

    /// Adds a value unless the field has one: what a payload says goes before what its envelope says.
    pub(super) fn put_absent(&mut self, key: &str, kind: ValueKind, value: &str) {
        match &mut self.0 {
            To::Known(names, event) => {
                let field = node(names, NodeId::ROOT, key).and_then(|node| names.field(node));
                if let Some(field) =
                    field.filter(|field| !event.fields.iter().any(|span| span.field == *field))
                {
                    event.push(field, kind, value.as_bytes());
                }
            }
            To::All(pairs) if pairs.iter().any(|(known, _)| known == key) => {}
            To::All(pairs) => pairs.push((key.to_owned(), value.to_owned())),
        }
    }

    /// Where keys at the top are looked up.
    pub(super) fn top(&self) -> Place {
        match self.0 {
            To::Known(..) => Place::Node(NodeId::ROOT),
            To::All(_) => Place::Path(String::new()),
        }
    }

    /// The place `key` leads to, if anybody asks for it.
    pub(super) fn place(&self, from: &Place, key: &str) -> Option<Place> {
        match (&self.0, from) {
            (To::Known(names, _), Place::Node(from)) => node(names, *from, key).map(Place::Node),
            (_, Place::Path(path)) if path.is_empty() => Some(Place::Path(key.to_owned())),
            (_, Place::Path(path)) => Some(Place::Path(format!("{path}.{key}"))),
            (To::All(_), Place::Node(_)) => None,
        }
    }

    /// Adds a value at a place, if that is a field.
    pub(super) fn put_at(&mut self, place: &Place, kind: ValueKind, value: &str) {
        match (&mut self.0, place) {
            (To::Known(names, event), Place::Node(node)) => {
                if let Some(field) = names.field(*node) {
                    event.push(field, kind, value.as_bytes());
                }
            }
            (To::All(pairs), Place::Path(path)) => pairs.push((path.clone(), value.to_owned())),
            _ => {}
        }
    }
}

/// The node `key` leads to: as it stands, else as a path of its dotted parts.
#[inline]
fn node(names: &FieldNames, from: NodeId, key: &str) -> Option<NodeId> {
    names.child(from, key.as_bytes()).or_else(|| {
        if !key.contains('.') {
            return None;
        }
        key.split('.').try_fold(from, |node, part| names.child(node, part.as_bytes()))
    })
}
