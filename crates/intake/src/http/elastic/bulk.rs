//! `_bulk` bodies to records, and their answers.
//!
//! An action line, then (but for `delete`) a document on one line; the last newline may be missing, empty
//! lines do not count. `index` and `create` are taken; `update` and `delete` are answered with status 400
//! each, since what happened cannot be changed.
//!
//! Each document is answered with the `_id` of its action, or, as Elasticsearch makes one up, with its batch and its place
//! in it, such as `4711.3`.
//!
//! A document becomes a record as it is, after `_index` and `_id` of its action or URL where it has none of
//! its own: so a rule or a search sees where the shipper meant it to go.

use std::fmt::Write as _;
use std::ops::Range;

use ward_core::BatchId;

use crate::members::{Members, Object, one_line, string, text};

/// What a body holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The records, one a line.
    pub payload: Vec<u8>,
    /// How many they are.
    pub events: u64,
    /// Where the documents stand that are no JSON objects.
    pub broken: Vec<Range<usize>>,
    /// The items of the answer.
    items: String,
    /// Where in them the ids stand that only the batch can give, in the order of the records, and which record's each is.
    unnamed: Vec<(usize, u64)>,
    failed: bool,
}

/// A body whose documents cannot be told from its actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line that should be an action is none.
    #[error(
        "Malformed action/metadata line [{0}], expected an object with one of create, index, update, delete"
    )]
    Action(usize),
    /// The document of the last action is missing.
    #[error("the document of the action on line [{0}] is missing")]
    NoDocument(usize),
    /// Nothing at all.
    #[error("request body is required")]
    Empty,
    /// Its records, or the answer, would be more than the limit.
    #[error("the body would become more than the limit: send less at a time")]
    TooLarge,
}

/// Takes a body apart. `index`: where documents go that do not say. `most`: bytes that the records may have, and the
/// answer: what the URL says stands in both once for each document.
///
/// # Errors
/// An action line is none: where documents are is not known then. Or it is too large.
pub fn documents(body: &[u8], index: Option<&str>, most: usize) -> Result<Taken, Broken> {
    let mut taken = Taken { payload: Vec::with_capacity(body.len() + body.len() / 8), ..Taken::default() };
    let mut lines = Lines { body, at: 0, number: 0 };
    while let Some((number, place)) = lines.next() {
        if taken.payload.len() > most || taken.answer_length() > most {
            return Err(Broken::TooLarge);
        }
        let line = body.get(place).unwrap_or_default();
        let action = Action::of(line).ok_or(Broken::Action(number))?;
        if action.name == "delete" {
            taken.item(&action, index, Verdict::Unsupported);
            continue;
        }
        let (_, place) = lines.next().ok_or(Broken::NoDocument(number))?;
        if action.name == "update" {
            taken.item(&action, index, Verdict::Unsupported);
            continue;
        }
        let document = body.get(place.clone()).unwrap_or_default();
        let verdict = match std::str::from_utf8(document).ok().and_then(Members::of) {
            Some(members) => {
                taken.record(&action, index, &members, document);
                Verdict::Created
            }
            None => {
                taken.broken.push(place);
                Verdict::Broken
            }
        };
        taken.item(&action, index, verdict);
    }
    if taken.items.is_empty() { Err(Broken::Empty) } else { Ok(taken) }
}

#[derive(Debug, Clone, Copy)]
enum Verdict {
    Created,
    Broken,
    Unsupported,
}

impl Taken {
    /// The answer, once the records are on disk.
    pub(super) fn answer(&self, batch: Option<BatchId>) -> String {
        let mut answer = String::with_capacity(self.answer_length() + 64);
        let _ = write!(answer, "{{\"took\":1,\"errors\":{},\"items\":[", self.failed);
        let mut from = 0;
        for (at, record) in &self.unnamed {
            answer.push_str(self.items.get(from..*at).unwrap_or_default());
            if let Some(batch) = batch {
                let _ = write!(answer, "{}.{record}", batch.0);
            }
            from = *at;
        }
        answer.push_str(self.items.get(from..).unwrap_or_default());
        answer.push_str("]}");
        answer
    }

    /// Bytes that the answer may have.
    fn answer_length(&self) -> usize {
        self.items.len() + self.unnamed.len() * LONGEST_ID
    }

    fn record(&mut self, action: &Action<'_>, index: Option<&str>, members: &Members<'_>, document: &[u8]) {
        let inside = document.trim_ascii().get(1..).unwrap_or_default().trim_ascii_start();
        let mut added = Object::begin(&mut self.payload);
        let mut any = false;
        let index = action.index.as_deref().or(index);
        for (key, value) in [("_index", index), ("_id", action.id.as_deref())] {
            if let Some(value) = value.filter(|_| !members.has(key)) {
                added.text(key, value);
                any = true;
            }
        }
        if any && inside != b"}" {
            self.payload.push(b',');
        }
        one_line(inside, &mut self.payload);
        self.payload.push(b'\n');
        self.events += 1;
    }

    fn item(&mut self, action: &Action<'_>, index: Option<&str>, verdict: Verdict) {
        if !self.items.is_empty() {
            self.items.push(',');
        }
        let quoted = |text: &str| {
            let mut out = Vec::new();
            string(text, &mut out);
            String::from_utf8(out).unwrap_or_default()
        };
        let index = quoted(action.index.as_deref().or(index).unwrap_or_default());
        let id = match (action.id.as_deref(), verdict) {
            (Some(id), _) => quoted(id),
            (None, Verdict::Created) => "\"\"".to_owned(),
            // Nothing has it: it was not taken.
            (None, _) => "null".to_owned(),
        };
        let name = action.name;
        let rest = match verdict {
            Verdict::Created => {
                "\"_version\":1,\"result\":\"created\",\"_shards\":{\"total\":1,\"successful\":1,\"failed\":0},\"status\":201"
            }
            Verdict::Broken => {
                "\"status\":400,\"error\":{\"type\":\"document_parsing_exception\",\"reason\":\"the document is no JSON object\"}"
            }
            Verdict::Unsupported => {
                "\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\",\"reason\":\"only index and create are supported\"}"
            }
        };
        self.failed |= !matches!(verdict, Verdict::Created);
        // Writing to a String cannot fail.
        let _ = write!(self.items, "{{\"{name}\":{{\"_index\":{index},\"_id\":{id}");
        if action.id.is_none() && matches!(verdict, Verdict::Created) {
            self.unnamed.push((self.items.len() - 1, self.events.saturating_sub(1)));
        }
        let _ = write!(self.items, ",{rest}}}}}");
    }
}

/// Bytes of a batch's number, a dot and a place.
const LONGEST_ID: usize = 32;

struct Action<'a> {
    name: &'static str,
    index: Option<std::borrow::Cow<'a, str>>,
    id: Option<std::borrow::Cow<'a, str>>,
}

impl<'a> Action<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let members = Members::of(std::str::from_utf8(line).ok()?)?;
        let [(name, about)] = members.0.as_slice() else { return None };
        let name = ["index", "create", "update", "delete"].into_iter().find(|known| known == name)?;
        let about = Members::of(about.get())?;
        let member = |key| about.get(key).and_then(text);
        Some(Self { name, index: member("_index"), id: member("_id") })
    }
}

/// The lines that are not empty, as their number from 1 and place.
struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    number: usize,
}

impl Iterator for Lines<'_> {
    type Item = (usize, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.body.get(self.at..).filter(|rest| !rest.is_empty())?;
            let start = self.at;
            let end = memchr::memchr(b'\n', rest).map_or(self.body.len(), |end| start + end);
            self.at = end + 1;
            self.number += 1;
            if !self.body.get(start..end)?.trim_ascii().is_empty() {
                return Some((self.number, start..end));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(body: &str, index: Option<&str>) -> (String, serde_json::Value) {
        let taken = documents(body.as_bytes(), index, 10_000).unwrap();
        let payload = String::from_utf8(taken.payload.clone()).unwrap();
        assert_eq!(payload.lines().count() as u64, taken.events);
        (payload, serde_json::from_str(&taken.answer(Some(BatchId(4711)))).unwrap())
    }

    #[test]
    fn documents_are_kept_with_where_they_should_have_gone() {
        let body = "{\"create\":{\"_index\":\"logs-x\",\"_id\":\"7\"}}\n{\"a\":1.10}\n\n{ \"index\" : {} }\r\n{ \"b\": [1] }\r\n{\"index\":{}}\n{}";
        let (payload, answer) = taken(body, Some("logs"));
        let expected = "{\"_index\":\"logs-x\",\"_id\":\"7\",\"a\":1.10}\n{\"_index\":\"logs\",\"b\": [1] }\n{\"_index\":\"logs\"}\n";
        assert_eq!(payload, expected);
        assert_eq!((&answer["errors"], answer["items"].as_array().unwrap().len()), (&false.into(), 3));
        assert_eq!(answer["items"][0]["create"]["_index"], "logs-x");
        assert_eq!(answer["items"][1]["index"]["status"], 201);
    }

    #[test]
    fn each_document_is_answered_with_an_id_its_own_or_its_place() {
        let body = "{\"index\":{}}\n{\"a\":1}\n{\"index\":{\"_id\":\"x\\\"y\"}}\n{\"a\":2}\n{\"index\":{}}\nno\n\
                    {\"create\":{}}\n{\"a\":3}\n{\"delete\":{\"_id\":\"gone\"}}\n{\"delete\":{}}\n";
        let (_, answer) = taken(body, None);
        let id = |n: usize, op: &str| answer["items"][n][op]["_id"].clone();
        assert_eq!(
            [
                id(0, "index"),
                id(1, "index"),
                id(2, "index"),
                id(3, "create"),
                id(4, "delete"),
                id(5, "delete")
            ],
            [
                "4711.0".into(),
                "x\"y".into(),
                serde_json::Value::Null,
                "4711.2".into(),
                "gone".into(),
                serde_json::Value::Null
            ]
        );
    }

    #[test]
    fn what_the_document_says_itself_stays() {
        let (payload, _) = taken("{\"index\":{\"_index\":\"x\"}}\n{\"_index\":\"mine\"}\n", None);
        assert_eq!(payload, "{\"_index\":\"mine\"}\n");
        let (payload, _) = taken("{\"index\":{}}\n{\"a\":1}\n", None);
        assert_eq!(payload, "{\"a\":1}\n");
    }

    #[test]
    fn changes_and_broken_documents_fail_alone() {
        let body = "{\"delete\":{\"_id\":\"1\"}}\n{\"update\":{\"_id\":\"2\"}}\n{\"doc\":{}}\n{\"index\":{}}\nnot json\n{\"create\":{}}\n{\"a\":1}\n";
        let (payload, answer) = taken(body, None);
        assert_eq!((payload.as_str(), &answer["errors"]), ("{\"a\":1}\n", &true.into()));
        let status = |n: usize, op: &str| answer["items"][n][op]["status"].as_u64().unwrap();
        assert_eq!(
            [status(0, "delete"), status(1, "update"), status(2, "index"), status(3, "create")],
            [400, 400, 400, 201]
        );
        let broken = documents(body.as_bytes(), None, 10_000).unwrap().broken;
        assert_eq!(&body[broken[0].clone()], "not json");
    }

    #[test]
    fn what_the_url_says_is_not_repeated_without_end() {
        let (index, few, many) = ("x".repeat(100), "{\"index\":{}}\n{}\n", "{\"index\":{}}\n{}\n".repeat(50));
        assert!(documents(few.as_bytes(), Some(&index), 2000).is_ok());
        assert_eq!(documents(many.as_bytes(), Some(&index), 2000), Err(Broken::TooLarge));
        let many = "{\"delete\":{}}\n".repeat(50);
        assert_eq!(documents(many.as_bytes(), None, 2000), Err(Broken::TooLarge), "the answer counts too");
    }

    #[test]
    fn a_broken_action_breaks_the_body() {
        for (body, expected) in [
            ("", Broken::Empty),
            ("\n \n", Broken::Empty),
            ("{\"a\":1}\n{\"b\":2}\n", Broken::Action(1)),
            ("{\"index\":{}}\n{}\nhello\n", Broken::Action(3)),
            ("{\"index\":{},\"create\":{}}\n{}\n", Broken::Action(1)),
            ("{\"index\":1}\n{}\n", Broken::Action(1)),
            ("{\"index\":{}}\n", Broken::NoDocument(1)),
        ] {
            assert_eq!(documents(body.as_bytes(), None, 10_000), Err(expected), "{body:?}");
        }
    }
}
