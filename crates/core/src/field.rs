//! Field names, interned: each known name or path is looked up once per key of an event, without
//! building the name.
//!
//! Names form a tree, because JSON nests: the key `process` under the root leads to a node, and the key
//! `executable` under that node to the field `process.executable`. Different paths may lead to the same
//! node or field: `Event.EventData` leads back to the root, so that what an EVTX record nests is the
//! same field as what a shipper writes flat.
//!
//! Invariant: looking up never allocates and takes time bounded by the key's length.

/// Number of a known field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u16);

/// A place in the tree of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// Where the top-level keys of an event are looked up.
    pub const ROOT: Self = Self(0);
}

/// All field names that rules and tables use.
#[derive(Debug, Clone)]
pub struct FieldNames {
    names: Vec<Box<str>>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    slots: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    field: Option<FieldId>,
    has_children: bool,
    any_child: Option<NodeId>,
}

#[derive(Debug, Clone)]
struct Edge {
    hash: u64,
    ends: Ends,
    parent: NodeId,
    key: Box<[u8]>,
    node: NodeId,
}

impl Default for FieldNames {
    fn default() -> Self {
        Self { names: Vec::new(), nodes: vec![Node::default()], edges: Vec::new(), slots: vec![EMPTY; 64] }
    }
}

impl FieldNames {
    /// Makes `name` known and gives its number. It is then found as a top-level key and, if it has dots,
    /// as the nested path it spells. There is room for 65,535 names; `None` says it is full.
    pub fn intern(&mut self, name: &str) -> Option<FieldId> {
        if let Some(field) = self.get(name) {
            return Some(field);
        }
        let field = FieldId(u16::try_from(self.names.len()).ok()?);
        self.names.push(name.into());
        self.alias(&[name], field);
        if name.contains('.') {
            let path: Vec<&str> = name.split('.').collect();
            self.alias(&path, field);
        }
        Some(field)
    }

    /// Lets a further path lead to `field`. A `*` stands for any key at its place. A path that leads to
    /// another field already keeps doing so.
    pub fn alias(&mut self, path: &[&str], field: FieldId) {
        let node = self.node_at(path);
        if let Some(node) = self.nodes.get_mut(node.0 as usize) {
            node.field.get_or_insert(field);
        }
    }

    /// Lets the keys below `path` be looked up as if they stood at the root: an envelope.
    pub fn envelope(&mut self, path: &[&str]) {
        let Some((last, parents)) = path.split_last() else { return };
        let parent = self.node_at(parents);
        self.insert(parent, last, NodeId::ROOT);
    }

    /// The number of a known name.
    pub fn get(&self, name: &str) -> Option<FieldId> {
        self.exact(NodeId::ROOT, name.as_bytes(), Ends::of(name.as_bytes())).and_then(|node| self.field(node))
    }

    /// The name of a field.
    pub fn name(&self, field: FieldId) -> &str {
        self.names.get(field.0 as usize).map_or("", |name| name)
    }

    /// How many names are known.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The node that `key` leads to from `parent`. Spaces in a key are ignored when it is not known with
    /// them, as Sigma's naming rule wants (`Threat Name` is `ThreatName`).
    #[inline]
    pub fn child(&self, parent: NodeId, key: &[u8]) -> Option<NodeId> {
        let ends = Ends::of(key);
        let exact = self.exact(parent, key, ends);
        if exact.is_none()
            && (ends.may_hold_space(key) || self.nodes.get(parent.0 as usize)?.any_child.is_some())
        {
            return self.inexact(parent, key);
        }
        exact
    }

    /// The field that a node stands for.
    #[inline]
    pub fn field(&self, node: NodeId) -> Option<FieldId> {
        self.nodes.get(node.0 as usize).and_then(|n| n.field)
    }

    /// Whether anything is known below a node.
    #[inline]
    pub fn has_children(&self, node: NodeId) -> bool {
        self.nodes.get(node.0 as usize).is_some_and(|n| n.has_children)
    }

    #[inline]
    fn exact(&self, parent: NodeId, key: &[u8], ends: Ends) -> Option<NodeId> {
        let hash = ends.hash(parent, key.len());
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = *self.slots.get(at)?;
            let edge = self.edges.get(slot as usize)?; // EMPTY is out of range
            let same = edge.hash == hash
                && edge.ends == ends
                && edge.parent == parent
                && edge.key.len() == key.len();
            // up to 16 bytes, the ends are the whole key
            if same && (key.len() <= 16 || *edge.key == *key) {
                return Some(edge.node);
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn inexact(&self, parent: NodeId, key: &[u8]) -> Option<NodeId> {
        let mut squeezed = [0u8; 64];
        if key.len() <= squeezed.len() && key.contains(&b' ') {
            let mut len = 0;
            for &byte in key.iter().filter(|&&b| b != b' ') {
                if let Some(place) = squeezed.get_mut(len) {
                    *place = byte;
                }
                len += 1;
            }
            if let Some(node) = squeezed.get(..len).and_then(|key| self.exact(parent, key, Ends::of(key))) {
                return Some(node);
            }
        }
        self.nodes.get(parent.0 as usize)?.any_child
    }

    fn node_at(&mut self, path: &[&str]) -> NodeId {
        let mut node = NodeId::ROOT;
        for key in path {
            node = self.step(node, key);
        }
        node
    }

    fn step(&mut self, parent: NodeId, key: &str) -> NodeId {
        let known = if key == "*" {
            self.nodes.get(parent.0 as usize).and_then(|n| n.any_child)
        } else {
            self.exact(parent, key.as_bytes(), Ends::of(key.as_bytes()))
        };
        known.unwrap_or_else(|| {
            let node = NodeId(self.nodes.len() as u32);
            self.nodes.push(Node::default());
            self.insert(parent, key, node);
            node
        })
    }

    fn insert(&mut self, parent: NodeId, key: &str, node: NodeId) {
        if let Some(parent) = self.nodes.get_mut(parent.0 as usize) {
            parent.has_children = true;
            if key == "*" {
                parent.any_child = Some(node);
                return;
            }
        }
        if let Some(edge) = self.edges.iter_mut().find(|e| e.parent == parent && *e.key == *key.as_bytes()) {
            edge.node = node;
            return;
        }
        let ends = Ends::of(key.as_bytes());
        let hash = ends.hash(parent, key.len());
        self.edges.push(Edge { hash, ends, parent, key: key.as_bytes().into(), node });
        if self.edges.len() * 3 > self.slots.len() {
            self.slots = vec![EMPTY; self.slots.len() * 2];
            for index in 0..self.edges.len() {
                self.place(index);
            }
        } else {
            self.place(self.edges.len() - 1);
        }
    }

    fn place(&mut self, index: usize) {
        let mask = self.slots.len() - 1;
        let mut at = self.edges[index].hash as usize & mask;
        while self.slots[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.slots[at] = index as u32;
    }
}

const EMPTY: u32 = u32::MAX;

/// The first and the last eight bytes of a key (of shorter keys: all of it), as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    head: u64,
    tail: u64,
}

impl Ends {
    #[inline]
    fn of(key: &[u8]) -> Self {
        let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |b| u64::from_le_bytes(*b));
        let half = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |b| u64::from(u32::from_le_bytes(*b)));
        if key.len() >= 8 {
            Self { head: word(key.first_chunk()), tail: word(key.last_chunk()) }
        } else if key.len() >= 4 {
            Self { head: half(key.first_chunk()), tail: half(key.last_chunk()) }
        } else {
            let byte = |at: usize| u64::from(key.get(at).copied().unwrap_or(0));
            Self { head: byte(0) | byte(1) << 8, tail: byte(2) }
        }
    }

    /// Mixes the ends of the key, its length and the parent. Keys equal in all of these collide and are
    /// told apart by comparison; names come from rules, not from events, so nobody can flood the table.
    #[inline]
    fn hash(self, parent: NodeId, length: usize) -> u64 {
        let seed = (u64::from(parent.0) << 32) ^ length as u64;
        let product = u128::from(self.head ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            * u128::from(self.tail ^ 0xa076_1d64_78bd_642f);
        (product as u64) ^ (product >> 64) as u64
    }

    /// `false` if the key surely holds no space.
    #[inline]
    fn may_hold_space(self, key: &[u8]) -> bool {
        const ONES: u64 = u64::MAX / 255;
        let has_space = |word: u64| {
            let zero_where_space = word ^ (ONES * 0x20);
            zero_where_space.wrapping_sub(ONES) & !zero_where_space & (ONES << 7) != 0
        };
        has_space(self.head)
            || has_space(self.tail)
            || key.len() > 16 && key[8..key.len() - 8].contains(&b' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(names: &FieldNames, path: &[&str]) -> Option<String> {
        let mut node = NodeId::ROOT;
        for key in path {
            node = names.child(node, key.as_bytes())?;
        }
        names.field(node).map(|f| names.name(f).to_owned())
    }

    #[test]
    fn flat_nested_spaced_and_enveloped_keys_lead_to_one_field() {
        let mut names = FieldNames::default();
        names.intern("process.executable").unwrap();
        names.intern("ThreatName").unwrap();
        names.envelope(&["Event", "EventData"]);
        names.envelope(&["Event", "UserData", "*"]);
        for path in [
            &["process.executable"][..],
            &["process", "executable"],
            &["Event", "EventData", "process.executable"],
        ] {
            assert_eq!(walk(&names, path).as_deref(), Some("process.executable"), "{path:?}");
        }
        for path in [&["ThreatName"][..], &["Threat Name"], &["Event", "UserData", "Xyz", "Threat Name"]] {
            assert_eq!(walk(&names, path).as_deref(), Some("ThreatName"), "{path:?}");
        }
        assert_eq!(walk(&names, &["process"]), None);
        assert_eq!(walk(&names, &["threatname"]), None);
    }

    #[test]
    fn thousands_of_names_stay_apart() {
        let mut names = FieldNames::default();
        let ids: Vec<_> =
            (0..5000).map(|i| names.intern(&format!("field_number_{i}_end")).unwrap()).collect();
        for (i, id) in ids.iter().enumerate() {
            assert_eq!(names.get(&format!("field_number_{i}_end")), Some(*id));
            assert_eq!(names.name(*id), format!("field_number_{i}_end"));
        }
        assert_eq!(names.get("field_number_5000_end"), None);
    }
}
