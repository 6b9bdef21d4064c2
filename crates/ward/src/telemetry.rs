//! How telemetry is to be read, from what the command line says of it.

use std::sync::Arc;

use ward_core::{Event, FieldNames, Timestamp};
use ward_detect::Rule;
use ward_telemetry::input::Options;
use ward_telemetry::taxonomy::{Resolver, Taxonomy};

use crate::detect::args::TelemetryArgs;
use crate::error::Error;
use crate::rule_set;

/// The tables that come with Ward, with those that the arguments name on top.
///
/// # Errors
/// A file that cannot be read or is no such table.
pub fn taxonomy(args: &TelemetryArgs) -> Result<Taxonomy, Error> {
    let mut taxonomy = Taxonomy::builtin()?;
    for path in &args.taxonomy {
        taxonomy.extend(&path.to_string_lossy(), &rule_set::read(path)?)?;
    }
    Ok(taxonomy)
}

/// The field names that these rules and correlations read, and a resolver for their events.
///
/// # Errors
/// There are more names than can be told apart.
pub fn names(
    taxonomy: &Taxonomy,
    args: &TelemetryArgs,
    rules: &[Rule],
    correlated: &[String],
) -> Result<(Arc<FieldNames>, Resolver), Error> {
    let mut fields: Vec<&str> = correlated.iter().map(String::as_str).collect();
    for rule in rules {
        rule.condition.each_field(&mut |field| fields.push(field));
    }
    let names = Arc::new(taxonomy.field_names(fields)?);
    let resolver = taxonomy.resolver(&names)?;
    let resolver = match &args.logsource {
        Some(log_source) => resolver.with_fixed(log_source.clone()),
        None => resolver,
    };
    Ok((names, resolver))
}

/// How inputs are read; `now` dates what names no year and has no file.
pub fn options(args: &TelemetryArgs, now: Timestamp) -> Options {
    Options { format: args.input_format, received: Some(now), ..Options::default() }
}

/// The number a finding names its record by: the EventRecordID of an EVTX record, which an exported log
/// keeps while the file counts anew, else the place in the input.
pub fn record_number(resolver: &Resolver, event: &Event<'_>, counted: u64, is_evtx: bool) -> u64 {
    let own = is_evtx.then(|| resolver.record_id(event)).flatten();
    own.and_then(|number| number.parse().ok()).unwrap_or(counted)
}
