//! Delimited tables whose header names the columns: CSV (RFC 4180, with `,` `;` tab or `|`), Zeek's
//! tab-separated logs (Zeek documentation, "Log Files") and W3C extended logs (W3C working draft
//! WD-logfile-960323), which IIS and proxies write.
//!
//! Names: the columns as the header has them. In Zeek logs `-` is no value, `(empty)` is an empty one, and
//! sets and vectors have many values. In W3C logs `-` is no value; a column such as `cs(User-Agent)` is
//! also `cs-user-agent`, and `date` with `time` also makes `timestamp`.

use super::Format;
use super::decode::MAX_HEAD;
use super::fields::Fields;
use crate::Error;
use std::borrow::Cow;

/// The header of a table: its columns and how its rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    format: Format,
    delimiter: char,
    names: Vec<String>,
    /// Zeek: which columns are sets or vectors.
    many: Vec<bool>,
    unset: String,
    empty: String,
    set_delimiter: String,
    /// The header line of a CSV table, to know it where tables were put together.
    line: String,
}

impl Columns {
    /// The state before any header line.
    pub fn none(format: Format) -> Self {
        Self {
            format,
            delimiter: if format == Format::W3c { ' ' } else { '\t' },
            names: Vec::new(),
            many: Vec::new(),
            unset: "-".to_owned(),
            empty: "(empty)".to_owned(),
            set_delimiter: ",".to_owned(),
            line: String::new(),
        }
    }

    /// The columns of a CSV header line.
    ///
    /// # Errors
    /// There are more than `limit` columns. Those up to the limit are given too.
    pub fn csv(header: &str, delimiter: char, limit: usize) -> (Self, Result<(), Error>) {
        let line = header.trim_end_matches(['\r', '\n']);
        let names = Cells { rest: Some(line), delimiter }.map(|name| name.trim().to_owned()).collect();
        let mut columns = Self {
            delimiter,
            unset: String::new(),
            empty: String::new(),
            line: line.to_owned(),
            ..Self::none(Format::Csv)
        };
        let result = columns.name(names, limit);
        (columns, result)
    }

    /// The columns that [`Columns::head`] speaks of.
    pub(super) fn of_head(format: Format, head: &[u8], limit: usize) -> Self {
        let text = String::from_utf8_lossy(head);
        if format == Format::Csv {
            return Self::csv(&text, csv_delimiter(&text).unwrap_or(','), limit).0;
        }
        let mut columns = Self::none(format);
        // Those beyond the limit are not read here either.
        text.lines().for_each(|line| drop(columns.directive(line, limit)));
        columns
    }

    /// Takes in a line that starts with `#`. Says whether it changed anything.
    ///
    /// # Errors
    /// The line names more than `limit` columns.
    pub fn directive(&mut self, line: &str, limit: usize) -> Result<bool, Error> {
        let line = line.trim_end_matches(['\r', '\n']);
        if self.format == Format::W3c {
            let Some(names) = line.strip_prefix("#Fields:") else { return Ok(false) };
            // Some proxies separate by tabs.
            self.delimiter = if names.contains('\t') { '\t' } else { ' ' };
            return self
                .name(names.split_ascii_whitespace().map(str::to_owned).collect(), limit)
                .map(|()| true);
        }
        let (key, value) = line.split_once([' ', self.delimiter]).unwrap_or((line, ""));
        match key {
            "#separator" => self.delimiter = separator(value).unwrap_or('\t'),
            "#set_separator" => self.set_delimiter = value.to_owned(),
            "#empty_field" => self.empty = value.to_owned(),
            "#unset_field" => self.unset = value.to_owned(),
            "#fields" => self.name(value.split(self.delimiter).map(str::to_owned).collect(), limit)?,
            "#types" => {
                let is_many = |kind: &str| kind.starts_with("set[") || kind.starts_with("vector[");
                self.many = value.split(self.delimiter).take(limit).map(is_many).collect();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn name(&mut self, mut names: Vec<String>, limit: usize) -> Result<(), Error> {
        let found = names.len();
        names.truncate(limit);
        self.names = names;
        self.many.clear();
        if found > limit { Err(Error::TooManyColumns { found, limit }) } else { Ok(()) }
    }

    /// Lines that, read before any row, give these columns again. None: no header has come.
    pub(super) fn head(&self) -> Vec<u8> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let tab = self.delimiter;
        let joined = |parts: &[String]| parts.join(&tab.to_string());
        let text = match self.format {
            Format::Csv => format!("{}\n", self.line),
            Format::W3c => format!("#Fields:{tab}{}\n", joined(&self.names)),
            _ => {
                let kinds: Vec<String> = self
                    .many
                    .iter()
                    .map(|many| if *many { "set[string]" } else { "string" }.to_owned())
                    .collect();
                let types =
                    if kinds.is_empty() { String::new() } else { format!("#types{tab}{}\n", joined(&kinds)) };
                format!(
                    "#separator \\x{:02x}\n#set_separator{tab}{}\n#empty_field{tab}{}\n#unset_field{tab}{}\n\
                     #fields{tab}{}\n{types}",
                    u32::from(tab),
                    self.set_delimiter,
                    self.empty,
                    self.unset,
                    joined(&self.names)
                )
            }
        };
        text.into_bytes()
    }

    /// [`Columns::head`], to stand before each row: nothing, if it has more than [`MAX_HEAD`] bytes, or cannot be told
    /// from the row.
    pub(super) fn short_head(&self) -> Vec<u8> {
        let names: usize = self.names.iter().map(String::len).sum();
        let is_split = |name: &String| self.format == Format::Zeek && name.contains(self.delimiter);
        if names > MAX_HEAD || self.line.contains('\n') || self.names.iter().any(is_split) {
            return Vec::new();
        }
        let head = self.head();
        if head.len() > MAX_HEAD { Vec::new() } else { head }
    }

    /// Takes a row apart.
    ///
    /// # Errors
    /// There was no header, or the row has more cells than the header has names: those are left out.
    pub fn decode_line(&self, row: &str, fields: &mut Fields<'_>) -> Result<(), &'static str> {
        if self.names.is_empty() {
            return Err("no header line came before it");
        }
        match self.format {
            Format::Csv => {
                let mut cells = Cells { rest: Some(row), delimiter: self.delimiter };
                for (name, cell) in self.names.iter().zip(&mut cells) {
                    fields.put(name, &cell);
                }
                if cells.next().is_some() {
                    Err("it has more cells than the header has names")
                } else {
                    Ok(())
                }
            }
            Format::W3c => self.w3c(row, fields),
            _ => {
                self.zeek(row, fields);
                Ok(())
            }
        }
    }

    /// Whether a header has come.
    pub(super) fn is_named(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether a row is the header once more.
    pub(super) fn is_header(&self, row: &str) -> bool {
        !self.line.is_empty() && row == self.line
    }

    fn zeek(&self, row: &str, fields: &mut Fields<'_>) {
        for (at, (name, cell)) in self.names.iter().zip(row.split(self.delimiter)).enumerate() {
            if cell == self.unset {
                continue;
            }
            if cell == self.empty {
                fields.put(name, "");
            } else if self.many.get(at) == Some(&true) && !self.set_delimiter.is_empty() {
                cell.split(self.set_delimiter.as_str()).for_each(|part| fields.put(name, part));
            } else {
                fields.put(name, cell);
            }
        }
    }

    fn w3c(&self, row: &str, fields: &mut Fields<'_>) -> Result<(), &'static str> {
        let (mut date, mut time) = ("", "");
        let mut cells = W3cCells { rest: row, delimiter: self.delimiter };
        for (name, cell) in self.names.iter().zip(&mut cells) {
            match name.as_str() {
                "date" => date = cell,
                "time" => time = cell,
                _ => {}
            }
            if cell == "-" {
                continue;
            }
            fields.put(name, cell);
            if let Some((side, header)) = name.strip_suffix(')').and_then(|n| n.split_once('(')) {
                fields.put(&format!("{side}-{}", header.to_ascii_lowercase()), cell);
            }
        }
        if !date.is_empty() && !time.is_empty() {
            fields.put("timestamp", &format!("{date} {time}"));
        }
        if cells.next().is_some() { Err("it has more cells than the header has names") } else { Ok(()) }
    }
}

/// `\x09` or the character itself. What the words of the header are written with separates nothing.
fn separator(text: &str) -> Option<char> {
    let separator = match text.trim().strip_prefix("\\x") {
        Some(code) => char::from_u32(u32::from_str_radix(code, 16).ok()?),
        None => text.chars().next(),
    };
    separator.filter(|c| !c.is_alphanumeric() && !matches!(c, '#' | '_' | '\n' | '\r'))
}

/// Splits a row from the lines of the header before it.
pub(super) fn apart(format: Format, bytes: &[u8]) -> (&[u8], &[u8]) {
    let line_end = |rest: &[u8]| memchr::memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
    let mut end = 0;
    match format {
        Format::Csv => end = line_end(bytes),
        Format::Zeek | Format::W3c => {
            while let Some(rest) = bytes.get(end..).filter(|rest| rest.starts_with(b"#")) {
                end += line_end(rest);
            }
        }
        _ => {}
    }
    bytes.split_at(end)
}

/// The delimiter that the first line of a CSV table speaks for: the one that makes most columns.
pub(super) fn csv_delimiter(header: &str) -> Option<char> {
    let columns = |delimiter| Cells { rest: Some(header), delimiter }.count();
    let best =
        [',', ';', '\t', '|'].into_iter().max_by_key(|&delimiter| (columns(delimiter), delimiter == ','))?;
    (columns(best) >= 2).then_some(best)
}

/// The cells of a CSV row, unquoted.
pub(super) struct Cells<'a> {
    /// What is left of the row; nothing after its last cell.
    pub rest: Option<&'a str>,
    /// What stands between cells.
    pub delimiter: char,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let text = self.rest.take()?;
        let Some(quoted) = text.strip_prefix('"') else {
            return Some(self.plain(text).into());
        };
        let mut cell = String::new();
        let mut rest = quoted;
        loop {
            let Some((part, after)) = rest.split_once('"') else {
                cell.push_str(rest);
                return Some(cell.into());
            };
            if let Some(after) = after.strip_prefix('"') {
                cell.push_str(part);
                cell.push('"');
                rest = after;
                continue;
            }
            let tail = self.plain(after); // nothing, unless the quoting is wrong
            if cell.is_empty() && tail.is_empty() {
                return Some(part.into());
            }
            cell.push_str(part);
            cell.push_str(tail);
            return Some(cell.into());
        }
    }
}

impl<'a> Cells<'a> {
    fn plain(&mut self, text: &'a str) -> &'a str {
        match text.split_once(self.delimiter) {
            Some((cell, rest)) => {
                self.rest = Some(rest);
                cell
            }
            None => text,
        }
    }
}

/// The cells of a W3C row: some proxies quote those that hold spaces.
struct W3cCells<'a> {
    rest: &'a str,
    delimiter: char,
}

impl<'a> Iterator for W3cCells<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start_matches(self.delimiter);
        if text.is_empty() {
            return None;
        }
        let (cell, rest) = match text.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => text.split_once(self.delimiter).unwrap_or((text, "")),
        };
        self.rest = rest;
        Some(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(row: &str, delimiter: char) -> Vec<String> {
        Cells { rest: Some(row), delimiter }.map(Cow::into_owned).collect()
    }

    #[test]
    fn cells_are_unquoted_as_rfc_4180_says() {
        assert_eq!(cells(r#"a,"b, ""c""",,"d"#, ','), ["a", r#"b, "c""#, "", "d"]);
        assert_eq!(cells("a;;", ';'), ["a", "", ""]);
        assert_eq!(cells(r#""a"b,5" disk,"open"#, ','), ["ab", "5\" disk", "open"]);
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_most_columns() {
        assert_eq!(csv_delimiter("a,b;c,d"), Some(','));
        assert_eq!(csv_delimiter("a;b;c,d"), Some(';'));
        assert_eq!(csv_delimiter("a\tb"), Some('\t'));
        assert_eq!(csv_delimiter("\"a,b\""), None);
    }

    #[test]
    fn too_many_columns_are_told_and_left_out() {
        let (columns, result) = Columns::csv("a,b,c", ',', 2);
        assert_eq!(columns.names, ["a", "b"]);
        assert!(matches!(result, Err(Error::TooManyColumns { found: 3, limit: 2 })));
    }
}
