//! `hashes_fields`: one field that holds several hashes (`SHA1=...,MD5=...`) to a field a kind of hash.

use rsigma_parser::SigmaValue;

use super::super::limits::Meter;
use super::super::text::Shown;
use super::super::tree::{Item, Node};
use super::super::yaml::Keys;
use super::Change;

/// Which hashes have a field, and how it is named.
#[derive(Debug)]
pub(crate) struct Hashes {
    kinds: Vec<String>,
    prefix: String,
    drop_kind: bool,
}

impl Hashes {
    /// The transformation from its keys.
    pub(super) fn parse(keys: &mut Keys) -> Result<Self, String> {
        let kinds = keys.need_texts("valid_hash_algos")?;
        let prefix = keys.text("field_prefix")?.unwrap_or_default();
        let drop_kind = keys.flag("drop_algo_prefix")?;
        if drop_kind && prefix.is_empty() {
            return Err(
                "with `drop_algo_prefix` and no `field_prefix` the field would have no name".to_owned()
            );
        }
        Ok(Self { kinds, prefix, drop_kind })
    }

    /// Asks each hash of the field for its kind. Values whose kind has no field, or that are no hash,
    /// stay with the old field, so nothing the rule looks for is lost.
    pub(super) fn change(&self, item: Item, meter: &mut Meter) -> Result<Change, String> {
        if item.values.is_empty() || !item.values.iter().all(|value| item.shown(value).is_some()) {
            return Ok(Change::None(item));
        }
        let mut groups: Vec<(String, Vec<SigmaValue>)> = Vec::new();
        let mut rest = Vec::new();
        for value in &item.values {
            let found = item.shown(value).and_then(|shown| self.field_and_hash(shown.text()));
            let Some((field, hash)) = found else {
                rest.push(value.clone());
                continue;
            };
            meter.spend(field.len() + hash.len())?;
            let hash = SigmaValue::String(Shown::parse(&hash).to_value());
            match groups.iter_mut().find(|(name, _)| *name == field) {
                Some((_, hashes)) => hashes.push(hash),
                None => groups.push((field, vec![hash])),
            }
        }
        if groups.is_empty() {
            return Ok(Change::None(item));
        }
        let mut parts: Vec<Node> = Vec::new();
        for (field, hashes) in groups {
            let mut part = item.with(item.modifiers_shown(), hashes);
            part.rename(&field);
            parts.push(Node::Item(part));
        }
        let all = item.links_all();
        if !rest.is_empty() {
            parts.push(Node::Item(item.with(item.spec.modifiers.clone(), rest)));
        }
        Ok(Change::To(match (parts.len(), all) {
            (1, _) => parts.remove(0),
            (_, true) => Node::All(parts),
            (_, false) => Node::Any(parts),
        }))
    }

    /// `*MD5=ABC*` as the field for MD5 and the hash; a hash alone is told by its length.
    fn field_and_hash(&self, text: &str) -> Option<(String, String)> {
        let sign = if text.contains('|') { '|' } else { '=' };
        let parts: Vec<&str> = text.split(sign).collect();
        let (kind, hash) = match parts[..] {
            [kind, hash] => (kind.trim_start_matches('*').to_uppercase(), hash),
            [hash] => (kind_by_length(hash.trim_matches('*'))?.to_owned(), hash.trim_start_matches('*')),
            _ => return None,
        };
        let known = self.kinds.iter().any(|known| known.eq_ignore_ascii_case(&kind));
        // The wildcard behind a whole hash stood for the hashes after it, which have fields of their own.
        let whole = hash.trim_end_matches('*');
        let hash = if kind_by_length(whole).is_some() { whole } else { hash };
        let field = format!("{}{}", self.prefix, if self.drop_kind { "" } else { &kind });
        known.then(|| (field, hash.to_owned()))
    }
}

fn kind_by_length(hash: &str) -> Option<&'static str> {
    if !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    match hash.len() {
        32 => Some("MD5"),
        40 => Some("SHA1"),
        64 => Some("SHA256"),
        128 => Some("SHA512"),
        _ => None,
    }
}
