//! Where rows go: standard output or a new file, as columns or as bytes of an export.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use serde_json::Value;
use ward_lake::{Export, ExportFormat, FoundRow};

use super::{HuntFormat, row};
use crate::commands::listing::Listing;
use crate::error::Error;
use crate::terminal::{ColorChoice, Screen};

/// An open output.
pub struct Output {
    format: HuntFormat,
    screen: Screen,
    out: Box<dyn Write>,
    export: Option<Export>,
    /// An answer to SQL that is shown as a table once its columns are known.
    answer: Vec<u8>,
    begun: bool,
    gone: bool,
}

impl Output {
    /// Opens it. A file must not exist yet.
    ///
    /// # Errors
    /// The file cannot be made, or bytes would be written to a terminal.
    pub fn open(format: HuntFormat, file: Option<&Path>) -> Result<Self, Error> {
        if format == HuntFormat::Parquet && file.is_none() && io::stdout().is_terminal() {
            return Err(Error::Asked("write Parquet to a terminal: name an --output file".to_owned()));
        }
        let mut screen = Screen::stdout(ColorChoice::Auto);
        let out: Box<dyn Write> = match file {
            None => Box::new(io::stdout()),
            Some(path) => {
                screen = Screen { color: false, is_terminal: false, ..screen };
                let made = File::create_new(path);
                Box::new(made.map_err(|source| Error::WriteFile { path: path.to_owned(), source })?)
            }
        };
        // JSON is written row by row, so that the first are seen at once.
        let export = format.export().filter(|format| *format != ExportFormat::Ndjson);
        let export = export.map(Export::new).transpose()?;
        Ok(Self { format, screen, out, export, answer: Vec::new(), begun: false, gone: false })
    }

    /// Whether nobody reads any more.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Writes an event.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn row(&mut self, found: &FoundRow) -> Result<(), Error> {
        let bytes = match (&mut self.export, self.format) {
            (Some(export), _) => export.push(found)?,
            (None, HuntFormat::Table) => {
                let head = if self.begun { String::new() } else { format!("{}\n", row::head(&self.screen)) };
                format!("{head}{}\n", row::line(found, &self.screen)).into_bytes()
            }
            (None, _) => format!("{}\n", row::object(found)).into_bytes(),
        };
        self.begun = true;
        self.write(&bytes)
    }

    /// Writes a line of text, or an object for programs.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn hit(&mut self, line: &str, object: &Value) -> Result<(), Error> {
        match self.format {
            HuntFormat::Table => self.write(format!("{line}\n").as_bytes()),
            _ => self.write(format!("{object}\n").as_bytes()),
        }
    }

    /// The format in which SQL is to answer.
    pub fn sql_format(&self) -> ExportFormat {
        self.format.export().unwrap_or(ExportFormat::Ndjson)
    }

    /// Takes a piece of an answer to SQL.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn piece(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.export = None;
        if self.format == HuntFormat::Table {
            self.answer.extend_from_slice(piece);
            return Ok(());
        }
        self.write(piece)
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<(), Error> {
        let left = match self.export.take() {
            Some(export) => export.finish()?,
            None if self.answer.is_empty() => Vec::new(),
            None => listing(&self.answer).table(&self.screen).into_bytes(),
        };
        self.write(&left)?;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match self.out.write_all(bytes).and_then(|()| self.out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.gone = true,
            written => written.map_err(Error::Write)?,
        }
        Ok(())
    }
}

/// Objects as a list. A column that an object leaves out is empty.
fn listing(objects: &[u8]) -> Listing {
    let objects: Vec<serde_json::Map<String, Value>> =
        objects.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let mut heads: Vec<String> = Vec::new();
    for head in objects.iter().flat_map(|object| object.keys()) {
        if !heads.contains(head) {
            heads.push(head.clone());
        }
    }
    let mut listing = Listing::of(heads.clone());
    for object in &objects {
        listing.row(heads.iter().map(|head| object.get(head).cloned().unwrap_or(Value::Null)));
    }
    listing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_under_all_columns_that_any_row_has() {
        let screen = Screen { width: 80, color: false, is_terminal: false };
        let shown = listing(b"{\"a\":1}\n{\"a\":2,\"b\":\"x\"}\n").table(&screen);
        assert_eq!(shown, "a  b\n1  -\n2  x\n");
    }

    #[test]
    fn a_file_that_exists_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("found.csv");
        Output::open(HuntFormat::Csv, Some(&path)).unwrap().finish().unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("organisation,"));
        assert!(Output::open(HuntFormat::Csv, Some(&path)).is_err());
    }
}
