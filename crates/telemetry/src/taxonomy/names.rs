//! Which field names an event is searched for, and by which paths they are found.

use std::collections::BTreeSet;

use ward_core::FieldNames;

use super::columns::two_fields;
use super::file::{File, TaxonomyError};

/// Interns the fields of rules and tables, the alternatives of those, and every path that leads to them.
pub(super) fn field_names(files: &[File], rule_fields: BTreeSet<&str>) -> Result<FieldNames, TaxonomyError> {
    let mut names = FieldNames::default();
    let mut wanted = rule_fields;
    // A rule written for one shipper's envelope means the field inside.
    let inner: Vec<&str> = wanted.iter().filter_map(|name| inside_envelope(files, name)).collect();
    wanted.extend(inner);
    let mut intern = |name: &str| names.intern(name).ok_or(TaxonomyError::TooManyNames);
    for name in &wanted {
        intern(name)?;
    }
    for file in files {
        let conditions = file.sources.iter().flat_map(|s| s.when.iter().map(|(field, _)| field));
        let given = file.sources.iter().flat_map(|s| s.gives.iter().map(|(field, _)| field));
        let identity = file.identity.fields.iter().chain(&file.identity.when_present);
        let hints = file.hints.product.iter().chain(&file.hints.category).chain(&file.hints.service);
        for name in conditions.chain(given).chain(identity).chain(hints) {
            intern(name)?;
            wanted.insert(name);
        }
        let columns = &file.columns;
        for name in columns.time.iter().chain(&columns.host).chain(&columns.user).chain(&columns.record_id) {
            let (first, second) = two_fields(name);
            intern(first)?;
            second.map_or(Ok(None), |name| intern(name).map(Some))?;
        }
    }
    for (field, from) in files.iter().flat_map(|f| &f.alternatives).flat_map(|a| &a.fields) {
        if wanted.contains(field.as_str()) {
            from.iter().try_for_each(|name| intern(name).map(drop))?;
        }
    }
    add_paths(files, &mut names, &wanted);
    Ok(names)
}

/// The field that a name such as `winlog.event_data.Image` means inside its envelope.
pub(super) fn inside_envelope<'a>(files: &[File], name: &'a str) -> Option<&'a str> {
    let envelopes = files.iter().flat_map(|f| f.envelopes.iter().chain(&f.flat_envelopes));
    let inside = |envelope: &String| name.strip_prefix(envelope.as_str())?.strip_prefix('.');
    envelopes.filter_map(inside).filter(|inner| !inner.is_empty()).min_by_key(|inner| inner.len())
}

fn add_paths(files: &[File], names: &mut FieldNames, wanted: &BTreeSet<&str>) {
    for (field, paths) in files.iter().flat_map(|f| &f.paths) {
        if let Some(field) = names.get(field) {
            for path in paths {
                names.alias(&path.split('.').collect::<Vec<_>>(), field);
            }
        }
    }
    // The deeper first: an envelope leads to the top, so nothing may be hung below it.
    let mut envelopes: Vec<Vec<&str>> =
        files.iter().flat_map(|f| &f.envelopes).map(|path| path.split('.').collect()).collect();
    envelopes.sort_by_key(|path| std::cmp::Reverse(path.len()));
    envelopes.iter().for_each(|path| names.envelope(path));
    for envelope in files.iter().flat_map(|f| &f.flat_envelopes) {
        for name in wanted.iter().filter(|name| !name.contains('.')) {
            if let Some(field) = names.get(name) {
                names.alias(&[&format!("{envelope}.{name}")], field);
            }
        }
    }
}
