//! Where decoders of text formats put what they found.

use ward_core::{EventBuf, FieldNames, NodeId, ValueKind};

/// Takes named values and keeps those of known fields.
pub struct Fields<'a> {
    names: &'a FieldNames,
    event: &'a mut EventBuf,
}

impl<'a> Fields<'a> {
    /// Values of the fields in `names` are appended to `event`.
    pub fn new(names: &'a FieldNames, event: &'a mut EventBuf) -> Self {
        Self { names, event }
    }

    /// Adds a text value.
    pub fn put(&mut self, key: &str, value: &str) {
        self.put_as(key, ValueKind::Text, value);
    }

    /// Adds a value of any kind.
    pub fn put_as(&mut self, key: &str, kind: ValueKind, value: &str) {
        if let Some(node) = self.node(NodeId::ROOT, key) {
            self.put_at(node, kind, value);
        }
    }

    /// Adds a value unless the field has one: what a payload says goes before what its envelope says.
    pub(super) fn put_absent(&mut self, key: &str, kind: ValueKind, value: &str) {
        let Some(node) = self.node(NodeId::ROOT, key) else { return };
        let field = self.names.field(node);
        if !self.event.fields.iter().any(|span| Some(span.field) == field) {
            self.put_at(node, kind, value);
        }
    }

    /// Adds a value at a node, if that is a field.
    pub(super) fn put_at(&mut self, node: NodeId, kind: ValueKind, value: &str) {
        if let Some(field) = self.names.field(node) {
            self.event.push(field, kind, value.as_bytes());
        }
    }

    /// The node `key` leads to: as it stands, else as a path of its dotted parts.
    pub(super) fn node(&self, from: NodeId, key: &str) -> Option<NodeId> {
        self.names.child(from, key.as_bytes()).or_else(|| {
            if !key.contains('.') {
                return None;
            }
            key.split('.').try_fold(from, |node, part| self.names.child(node, part.as_bytes()))
        })
    }
}
