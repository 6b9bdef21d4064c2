//! The tables as they are written in TOML, read strictly: an unknown key, an empty condition or a log
//! source that is none is an error that names file, line and table.

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;
use ward_core::LogSource;

use super::observables::ObservableKind;

/// Why a taxonomy file was refused, or why the tables do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TaxonomyError {
    /// It is no TOML, or has a key that is not known.
    #[error("{origin}:{line}: {table}: could not read the file: {reason}")]
    Syntax {
        /// Name of the file as given.
        origin: String,
        /// Line, from 1.
        line: usize,
        /// The table it is in, as its header is written.
        table: String,
        /// What is wrong there.
        reason: String,
    },
    /// An entry says something that has no meaning.
    #[error("{origin}:{line}: {table}: {reason}")]
    Entry {
        /// Name of the file as given.
        origin: String,
        /// Line where the entry starts, from 1.
        line: usize,
        /// The table it is in, as its header is written.
        table: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error("{origin} has {bytes} bytes; a taxonomy file may have at most {MAX_FILE_BYTES}")]
    TooLarge {
        /// Name of the file as given.
        origin: String,
        /// Its size in bytes.
        bytes: usize,
    },
    /// More field names than can be numbered.
    #[error("could not number the field names: rules and tables name more than 65,535")]
    TooManyNames,
    /// More beginnings and ends of one field's values than can be told apart.
    #[error("the tables ask for more than 64 beginnings and ends of '{field}'")]
    TooManyAffixes {
        /// The field.
        field: String,
    },
    /// The field names were not made by this taxonomy's `field_names`.
    #[error("the field names were made without these tables: '{name}' is missing")]
    OtherNames {
        /// A field that the tables need.
        name: String,
    },
    /// More fields that decide on log sources than a class can be told apart by.
    #[error("the tables decide by {count} fields; at most 256 are possible")]
    TooManyDiscriminators {
        /// How many the tables name.
        count: usize,
    },
}

/// Largest taxonomy file, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// One taxonomy file, checked.
#[derive(Debug, Clone, Default)]
pub(super) struct File {
    pub sources: Vec<Source>,
    pub alternatives: Vec<Alternatives>,
    pub paths: Vec<(String, Vec<String>)>,
    pub envelopes: Vec<String>,
    pub flat_envelopes: Vec<String>,
    pub columns: Columns,
    pub identity: Identity,
    pub hints: Hints,
    pub observables: ObservableFields,
}

/// When all conditions hold, the event belongs to the log sources and its given fields are known.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub when: Vec<(String, Condition)>,
    pub is: Vec<LogSource>,
    pub gives: Vec<(String, String)>,
}

/// What is asked of one field. ASCII case does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// A value is one of these.
    In(Vec<String>),
    /// No value is one of these; a missing field satisfies it.
    NotIn(Vec<String>),
    /// A value starts with one of these.
    Prefix(Vec<String>),
    /// A value ends with one of these.
    Suffix(Vec<String>),
    /// The field is there, and not null.
    Present,
    /// The field is not there, or null.
    Missing,
}

/// Fields that rules for some log sources may also read from other fields.
#[derive(Debug, Clone)]
pub(super) struct Alternatives {
    /// Log sources as a rule names them; empty: all events.
    pub of: Vec<LogSource>,
    pub fields: Vec<(String, Vec<String>)>,
}

/// Fields that answer a responder's first questions, best first.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Columns {
    /// When it happened. `date+time` stands for two fields read as one.
    pub time: Vec<String>,
    pub host: Vec<String>,
    pub user: Vec<String>,
    pub record_id: Vec<String>,
}

/// Fields whose exact values tell classes apart, when one of `when_present` is there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Identity {
    pub fields: Vec<String>,
    pub when_present: Vec<String>,
    /// Alternatives of those fields that are believed before the fields themselves.
    pub headers: Vec<String>,
}

/// Fields in which an event names its own log source.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hints {
    pub product: Vec<String>,
    pub category: Vec<String>,
    pub service: Vec<String>,
}

/// Fields that hold observables, by kind, and those that hold prose in which any may stand.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ObservableFields {
    pub addresses: Vec<String>,
    pub hashes: Vec<String>,
    pub domains: Vec<String>,
    pub urls: Vec<String>,
    pub texts: Vec<String>,
}

impl ObservableFields {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        ObservableKind::ALL.into_iter().flat_map(|kind| self.of(kind)).chain(&self.texts)
    }

    pub fn of(&self, kind: ObservableKind) -> &[String] {
        match kind {
            ObservableKind::Address => &self.addresses,
            ObservableKind::Hash => &self.hashes,
            ObservableKind::Domain => &self.domains,
            ObservableKind::Url => &self.urls,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    source: Vec<Spanned<RawSource>>,
    #[serde(default)]
    alternatives: Vec<Spanned<RawAlternatives>>,
    #[serde(default)]
    paths: toml::Table,
    #[serde(default)]
    envelopes: RawEnvelopes,
    #[serde(default)]
    columns: Columns,
    #[serde(default)]
    identity: Identity,
    #[serde(default)]
    hints: Hints,
    #[serde(default)]
    observables: ObservableFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    when: toml::Table,
    #[serde(default)]
    is: Vec<String>,
    #[serde(default)]
    gives: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAlternatives {
    #[serde(default)]
    of: Vec<String>,
    fields: toml::Table,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawEnvelopes {
    paths: Vec<String>,
    flat: Vec<String>,
}

impl File {
    /// Reads one file. `origin` names it in errors.
    pub fn read(origin: &str, text: &str) -> Result<Self, TaxonomyError> {
        if text.len() > MAX_FILE_BYTES {
            return Err(TaxonomyError::TooLarge { origin: origin.to_owned(), bytes: text.len() });
        }
        let raw: RawFile = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            TaxonomyError::Syntax {
                origin: origin.to_owned(),
                line: line_of(text, at),
                table: table_of(text, at),
                reason: error.message().to_owned(),
            }
        })?;
        let refuse = |at: usize, reason: String| TaxonomyError::Entry {
            origin: origin.to_owned(),
            line: line_of(text, at),
            table: table_of(text, at),
            reason,
        };
        let mut file = Self {
            envelopes: raw.envelopes.paths.clone(),
            flat_envelopes: raw.envelopes.flat.clone(),
            columns: raw.columns,
            identity: raw.identity,
            hints: raw.hints,
            observables: raw.observables,
            ..Self::default()
        };
        for entry in raw.source {
            let at = entry.span().start;
            file.sources.push(source(entry.into_inner()).map_err(|reason| refuse(at, reason))?);
        }
        for entry in raw.alternatives {
            let at = entry.span().start;
            file.alternatives.push(alternatives(entry.into_inner()).map_err(|reason| refuse(at, reason))?);
        }
        if let Some(open) = raw.envelopes.paths.iter().find(|path| path.split('.').next() == Some("*")) {
            let at = text.find("[envelopes]").unwrap_or(0);
            return Err(refuse(at, format!("'{open}' would be an envelope around everything")));
        }
        let at = text.find("[paths]").unwrap_or(0);
        file.paths = name_lists(&raw.paths).map_err(|reason| refuse(at, reason))?;
        Ok(file)
    }
}

/// Reads `product/category/service`, with `*` for a part that is not known.
pub(super) fn log_source(text: &str) -> Result<LogSource, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let &[product, category, service] = parts.as_slice() else {
        return Err(format!("'{text}' is not product/category/service, with * for a part left open"));
    };
    if parts.iter().any(|part| part.is_empty() || part.trim() != *part) || parts.iter().all(|p| *p == "*") {
        return Err(format!("'{text}' leaves out every part, or writes one as nothing instead of *"));
    }
    let part = |text: &str| (text != "*").then(|| text.to_ascii_lowercase());
    Ok(LogSource { product: part(product), category: part(category), service: part(service) })
}

fn source(raw: RawSource) -> Result<Source, String> {
    if raw.when.is_empty() {
        return Err("'when' has no condition: it would hold for every event".to_owned());
    }
    if raw.is.is_empty() && raw.gives.is_empty() {
        return Err("an entry needs 'is', 'gives' or both".to_owned());
    }
    let mut when = Vec::new();
    for (field, value) in &raw.when {
        for condition in conditions(value).map_err(|reason| format!("when.{field}: {reason}"))? {
            when.push((field.clone(), condition));
        }
    }
    let is = raw.is.iter().map(|text| log_source(text)).collect::<Result<_, _>>()?;
    let gives = raw
        .gives
        .iter()
        .map(|(field, value)| match scalar(value) {
            Some(text) => Ok((field.clone(), text)),
            None => Err(format!("gives.{field}: not a text, number or flag")),
        })
        .collect::<Result<_, _>>()?;
    Ok(Source { when, is, gives })
}

fn conditions(value: &toml::Value) -> Result<Vec<Condition>, String> {
    let toml::Value::Table(table) = value else { return Ok(vec![Condition::In(scalars(value)?)]) };
    if table.is_empty() {
        return Err("an empty table asks nothing".to_owned());
    }
    table
        .iter()
        .map(|(key, value)| match (key.as_str(), value) {
            ("prefix", value) => Ok(Condition::Prefix(scalars(value)?)),
            ("suffix", value) => Ok(Condition::Suffix(scalars(value)?)),
            ("not", value) => Ok(Condition::NotIn(scalars(value)?)),
            ("present", toml::Value::Boolean(true)) => Ok(Condition::Present),
            ("present", toml::Value::Boolean(false)) => Ok(Condition::Missing),
            ("present", _) => Err("'present' is true or false".to_owned()),
            (other, _) => Err(format!("'{other}' is not one of prefix, suffix, not, present")),
        })
        .collect()
}

fn alternatives(raw: RawAlternatives) -> Result<Alternatives, String> {
    let of = raw.of.iter().map(|text| log_source(text)).collect::<Result<_, _>>()?;
    Ok(Alternatives { of, fields: name_lists(&raw.fields)? })
}

fn name_lists(table: &toml::Table) -> Result<Vec<(String, Vec<String>)>, String> {
    table
        .iter()
        .map(|(field, value)| {
            let names = value.as_array().filter(|names| !names.is_empty());
            let names = names.ok_or_else(|| format!("{field}: not a list of field names"))?;
            let text = |v: &toml::Value| v.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
            let names = names.iter().map(text).collect::<Option<Vec<_>>>();
            Ok((field.clone(), names.ok_or_else(|| format!("{field}: a field name is a text"))?))
        })
        .collect()
}

fn scalars(value: &toml::Value) -> Result<Vec<String>, String> {
    let texts = match value {
        toml::Value::Array(values) => values.iter().map(scalar).collect::<Option<Vec<_>>>(),
        value => scalar(value).map(|text| vec![text]),
    };
    let texts = texts.ok_or("not a text, number or flag, nor a list of them")?;
    if texts.is_empty() || texts.iter().any(|text| text.is_empty() || text.len() > MAX_VALUE_BYTES) {
        return Err(format!("a value has 1 to {MAX_VALUE_BYTES} bytes, and a list has one at least"));
    }
    Ok(texts)
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Longest value a condition may ask for, in bytes.
pub(super) const MAX_VALUE_BYTES: usize = 127;

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

fn table_of(text: &str, at: usize) -> String {
    let end = text.bytes().skip(at).position(|byte| byte == b'\n').map_or(text.len(), |to_end| at + to_end);
    let before = text.get(..end).unwrap_or(text);
    let header = before.lines().rev().find(|line| line.trim_start().starts_with('['));
    header.map_or("top level", |line| line.trim()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        File::read("own.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn an_entry_is_read_with_all_kinds_of_conditions() {
        let text = r#"
            [[source]]
            when = { Channel = "Security", EventID = [4688, "1"], A = { present = true }, B = { prefix = "X" } }
            is = ["Windows/process_creation/*"]
            gives = { Initiated = true }
        "#;
        let file = File::read("own.toml", text).unwrap();
        let source = &file.sources[0];
        let asked = |field: &str| source.when.iter().find(|(name, _)| name == field).unwrap().1.clone();
        assert_eq!(asked("Channel"), Condition::In(vec!["Security".to_owned()]));
        assert_eq!(asked("EventID"), Condition::In(vec!["4688".to_owned(), "1".to_owned()]));
        assert_eq!(asked("A"), Condition::Present);
        assert_eq!(asked("B"), Condition::Prefix(vec!["X".to_owned()]));
        assert_eq!(source.is[0].to_string(), "windows/process_creation/*");
        assert_eq!(source.gives, [("Initiated".to_owned(), "true".to_owned())]);
    }

    #[test]
    fn refusals_name_file_line_and_table() {
        let unknown = refusal("[identity]\nfields = []\n\n[[source]]\nwhen = { A = 1 }\nif = 2\n");
        assert!(unknown.starts_with("own.toml:6: [[source]]: "), "{unknown}");
        assert!(unknown.contains("unknown field `if`"), "{unknown}");
        let open = refusal("\n[[source]]\nwhen = { A = 1 }\nis = [\"windows/security\"]\n");
        assert!(open.starts_with("own.toml:2: [[source]]: 'windows/security' is not"), "{open}");
    }

    #[test]
    fn entries_without_meaning_are_refused() {
        for (text, reason) in [
            ("[[source]]\nwhen = {}\nis = [\"a/*/*\"]", "no condition"),
            ("[[source]]\nwhen = { A = 1 }", "'is', 'gives' or both"),
            ("[[source]]\nwhen = { A = [] }\nis = [\"a/*/*\"]", "when.A"),
            ("[[source]]\nwhen = { A = { like = 1 } }\nis = [\"a/*/*\"]", "'like' is not one of"),
            ("[[source]]\nwhen = { A = 1 }\nis = [\"*/*/*\"]", "leaves out every part"),
            ("[[alternatives]]\nfields = { A = \"B\" }", "A: not a list"),
            ("[columns]\nclock = []", "unknown field `clock`"),
            ("sauce = 1", "top level"),
            ("[envelopes]\npaths = [\"*.x\"]", "around everything"),
        ] {
            assert!(refusal(text).contains(reason), "{}", refusal(text));
        }
        let large = refusal(&" ".repeat(MAX_FILE_BYTES + 1));
        assert!(large.contains("at most 1048576"), "{large}");
    }
}
