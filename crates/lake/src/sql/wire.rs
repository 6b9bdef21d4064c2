//! What a statement's own process is asked, and how it answers, over its standard input and output.
//!
//! Asked: the length of a document in JSON (four bytes, big endian), the document, then the indexes of the files
//! one after another. Answered: pieces, each a kind (one byte), its length (four bytes, big endian) and its bytes;
//! the last says that it is the end, or what went wrong.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ward_core::{OrganisationId, Timestamp};

use crate::{ExportFormat, LakeError, LakeFile, Limits};

/// A statement, and the files that are the table.
#[derive(Debug)]
pub(super) struct Asked {
    pub root: PathBuf,
    pub sql: String,
    pub format: ExportFormat,
    pub limits: Limits,
    pub files: Vec<LakeFile>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    root: PathBuf,
    sql: String,
    format: String,
    memory: usize,
    milliseconds: u64,
    rows: usize,
    threads: usize,
    files: Vec<File>,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    path: String,
    organisation: String,
    day: String,
    rows: u64,
    bytes: u64,
    min_time: i64,
    max_time: i64,
    digest: u32,
    /// Length of its index.
    index: usize,
}

impl Asked {
    /// Asks.
    pub fn written(&self) -> io::Result<Vec<u8>> {
        let document = Document {
            root: self.root.clone(),
            sql: self.sql.clone(),
            format: self.format.name().to_owned(),
            memory: self.limits.memory,
            milliseconds: u64::try_from(self.limits.time.as_millis()).unwrap_or(u64::MAX),
            rows: self.limits.rows,
            threads: self.limits.threads,
            files: self.files.iter().map(File::of).collect(),
        };
        let document = serde_json::to_vec(&document)?;
        let length = u32::try_from(document.len()).map_err(io::Error::other)?;
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(document);
        bytes.extend(self.files.iter().flat_map(|file| &file.index));
        Ok(bytes)
    }

    /// Hears what is asked.
    pub fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        let mut document = vec![0; u32::from_be_bytes(length) as usize];
        input.read_exact(&mut document)?;
        let document: Document = serde_json::from_slice(&document)?;
        let format = ExportFormat::named(&document.format).ok_or(io::ErrorKind::InvalidData)?;
        let files = document.files.into_iter().map(|file| file.with_index(input));
        let files = files.collect::<io::Result<Vec<LakeFile>>>()?;
        let limits = Limits {
            memory: document.memory,
            time: Duration::from_millis(document.milliseconds),
            rows: document.rows,
            threads: document.threads,
            ..Limits::default()
        };
        Ok(Self { root: document.root, sql: document.sql, format, limits, files })
    }
}

impl File {
    fn of(file: &LakeFile) -> Self {
        Self {
            path: file.path.clone(),
            organisation: file.organisation.to_string(),
            day: file.day.to_string(),
            rows: file.rows,
            bytes: file.bytes,
            min_time: file.min_time.micros(),
            max_time: file.max_time.micros(),
            digest: file.digest,
            index: file.index.len(),
        }
    }

    fn with_index(self, input: &mut impl Read) -> io::Result<LakeFile> {
        let mut index = vec![0; self.index];
        input.read_exact(&mut index)?;
        Ok(LakeFile {
            path: self.path,
            organisation: OrganisationId::new(&self.organisation).map_err(io::Error::other)?,
            day: self.day.parse().map_err(|()| io::ErrorKind::InvalidData)?,
            rows: self.rows,
            bytes: self.bytes,
            min_time: Timestamp::from_micros(self.min_time),
            max_time: Timestamp::from_micros(self.max_time),
            digest: self.digest,
            index,
        })
    }
}

/// A piece of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Bytes = b'b',
    End = b'e',
    Failure = b'f',
}

impl Kind {
    pub fn of(byte: u8) -> Option<Self> {
        [Self::Bytes, Self::End, Self::Failure].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Writes a piece.
pub(super) fn put(output: &mut impl Write, kind: Kind, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    output.write_all(&[kind as u8])?;
    output.write_all(&length.to_be_bytes())?;
    output.write_all(bytes)
}

/// What went wrong, as far as who asked tells one thing from another.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failure {
    Refused(String),
    Failed(String),
    OutOfTime,
    OutOfMemory,
    Cancelled,
}

impl Failure {
    pub fn of(error: LakeError) -> Self {
        match error {
            LakeError::Refused(why) => Self::Refused(why),
            LakeError::Failed(why) => Self::Failed(why),
            LakeError::OutOfTime(_) => Self::OutOfTime,
            LakeError::OutOfMemory(_) => Self::OutOfMemory,
            LakeError::Cancelled => Self::Cancelled,
            other => Self::Failed(other.to_string()),
        }
    }

    pub fn told(self, limits: &Limits) -> LakeError {
        match self {
            Self::Refused(why) => LakeError::Refused(why),
            Self::Failed(why) => LakeError::Failed(why),
            Self::OutOfTime => LakeError::OutOfTime(limits.time),
            Self::OutOfMemory => LakeError::OutOfMemory(limits.memory),
            Self::Cancelled => LakeError::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_heard_as_it_was_meant() {
        let file = |path: &str, index: &[u8]| LakeFile {
            path: path.to_owned(),
            organisation: OrganisationId::new("RR8").unwrap(),
            day: "2026-11-26".parse().unwrap(),
            rows: 3,
            bytes: 400,
            min_time: Timestamp::from_micros(-5),
            max_time: Timestamp::from_micros(i64::MAX),
            digest: u32::MAX,
            index: index.to_vec(),
        };
        let asked = Asked {
            root: "/srv/lake".into(),
            sql: "SELECT 'é'".to_owned(),
            format: ExportFormat::Csv,
            limits: Limits { memory: 1, time: Duration::from_secs(2), rows: usize::MAX, ..Limits::default() },
            files: vec![file("a", b"\0\xff"), file("b", b""), file("c", b"xyz")],
        };
        let bytes = asked.written().unwrap();
        let heard = Asked::read(&mut &bytes[..]).unwrap();
        assert_eq!((heard.root, heard.sql, heard.format), (asked.root, asked.sql, asked.format));
        assert_eq!(heard.files, asked.files);
        let limits = |limits: &Limits| (limits.memory, limits.time, limits.rows, limits.threads);
        assert_eq!(limits(&heard.limits), limits(&asked.limits));
        for cut in 0..bytes.len() {
            assert!(Asked::read(&mut &bytes[..cut]).is_err(), "{cut}");
        }
    }
}
