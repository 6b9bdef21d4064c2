//! Inputs cut into requests that are each complete in themselves.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use ring::digest::{Context, SHA256};
use ward_telemetry::Error as InputError;
use ward_telemetry::input::{Format, Input, Limits, Options, Source, Stream};

use crate::detect::inputs::Named;
use crate::detect::problems::chain;

/// Longest request in bytes, unless a single record is longer.
pub const MOST: usize = 4 << 20;

/// What comes of reading.
#[derive(Debug)]
pub enum Piece {
    /// Something to send.
    Request(Request),
    /// Something that cannot be read, told with its place.
    Trouble(String),
}

/// Events to send.
#[derive(Debug)]
pub struct Request {
    /// The input, as it was named.
    pub shown: String,
    /// Where in the decompressed input it begins.
    pub offset: u64,
    /// The format of the bytes.
    pub format: Format,
    /// The bytes: a complete stream of this format.
    pub bytes: Vec<u8>,
    /// How many events, as far as that is seen without decoding.
    pub events: u64,
    /// The key under which it is known: the same whenever the same input is read.
    pub key: String,
    /// Bytes of all inputs read so far, as they are on disk.
    pub read: u64,
}

/// Reads the inputs in their order. `take` says whether more is wanted.
pub fn read(inputs: &[Named], format: Option<Format>, take: &mut dyn FnMut(Piece) -> bool) {
    let mut before = 0;
    for named in inputs {
        match read_one(named, format, before, take) {
            Ok(true) => {}
            Ok(false) => return,
            Err(reason) => {
                if !take(Piece::Trouble(format!("{} could not be read: {reason}", named.shown))) {
                    return;
                }
            }
        }
        before += named.size.unwrap_or(0);
    }
}

fn read_one(
    named: &Named,
    format: Option<Format>,
    before: u64,
    take: &mut dyn FnMut(Piece) -> bool,
) -> Result<bool, String> {
    let source: Source = match &named.path {
        None => Box::new(io::stdin()),
        Some(path) => Box::new(File::open(path).map_err(|error| chain(&error))?),
    };
    // Whole blocks also of a pipe: what is cut where depends on the bytes alone.
    let limits = Limits { block: MOST, ..Limits::default() };
    let options = Options { format, limits, ..Options::default() };
    let mut input = match Input::open(source, &options) {
        Ok(input) => input,
        Err(InputError::UnknownContent { .. }) if !named.by_name => return Ok(true),
        Err(error) => return Err(chain(&error)),
    };
    let taken = input.taken();
    let place = place(named);
    let mut memory = Vec::new();
    loop {
        let block = match input.next_block(memory) {
            Ok(Some(block)) => block,
            Ok(None) => return Ok(true),
            Err(error) => return Err(chain(&error)),
        };
        let read = before + taken.load(Ordering::Relaxed);
        for (record, offset, error) in block.faults() {
            let at = format!("{}: record {record} at byte {offset}", named.shown);
            if !take(Piece::Trouble(format!("{at} could not be read: {}", chain(error)))) {
                return Ok(false);
            }
        }
        let mut wanted = true;
        block.streams(MOST, &mut |stream| {
            wanted = wanted && take(Piece::Request(request(named, &place, read, stream)));
        });
        if !wanted {
            return Ok(false);
        }
        memory = block.into_memory();
    }
}

fn request(named: &Named, place: &str, read: u64, stream: Stream) -> Request {
    let Stream { format, bytes, records, offset } = stream;
    let key = key(place, offset, format, &bytes);
    Request { shown: named.shown.clone(), offset, format, bytes, events: records, key, read }
}

/// The input by a name that does not depend on where the command is run.
fn place(named: &Named) -> String {
    let whole =
        named.path.as_deref().map(|path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    whole.map_or_else(|| "-".to_owned(), |path| path.to_string_lossy().into_owned())
}

fn key(place: &str, offset: u64, format: Format, bytes: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    for part in [place.as_bytes(), &offset.to_le_bytes(), format.as_str().as_bytes(), bytes] {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::inputs::Inputs;

    fn pieces(path: &Path) -> Vec<Piece> {
        let mut pieces = Vec::new();
        read(&Inputs::find(&[path.to_owned()]).list, None, &mut |piece| {
            pieces.push(piece);
            true
        });
        pieces
    }

    fn requests(path: &Path) -> Vec<Request> {
        let only = |piece| match piece {
            Piece::Request(request) => request,
            Piece::Trouble(text) => panic!("{text}"),
        };
        pieces(path).into_iter().map(only).collect()
    }

    #[test]
    fn the_same_input_makes_the_same_requests_and_none_is_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1_000));
        std::fs::write(&path, line.repeat(10_000)).unwrap();
        let (first, second) = (requests(&path), requests(&path));
        assert!(first.len() > 2 && first.iter().all(|request| request.bytes.len() <= MOST));
        assert_eq!(first.iter().map(|request| request.events).sum::<u64>(), 10_000);
        let keys = |all: &[Request]| all.iter().map(|request| request.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&first), keys(&second));
        let different: std::collections::HashSet<_> = keys(&first).into_iter().collect();
        assert_eq!(different.len(), first.len(), "the same bytes elsewhere are another request");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{\"a\":1}\n").unwrap();
        std::fs::write(folder.path().join("c.bin"), [0, 1, 2, 3]).unwrap();
        let whole = Inputs::find(&[folder.path().to_owned(), folder.path().join("absent")]);
        let (mut sent, mut told) = (0, 0);
        read(&whole.list, None, &mut |piece| {
            match piece {
                Piece::Request(_) => sent += 1,
                Piece::Trouble(_) => told += 1,
            }
            true
        });
        assert_eq!((sent, told), (1, 1), "what is no telemetry in a folder is passed over");
    }

    #[test]
    fn reading_ends_when_nothing_more_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.json", "b.json"] {
            std::fs::write(folder.path().join(name), "{\"a\":1}\n").unwrap();
        }
        let mut taken = 0;
        read(&Inputs::find(&[folder.path().to_owned()]).list, None, &mut |_| {
            taken += 1;
            false
        });
        assert_eq!(taken, 1);
    }
}
