//! gzip (RFC 1952, any number of members) and zstd (RFC 8878, any number of frames), recognised by their
//! magic numbers and undone on the fly. What comes out is UTF-8 if its byte order mark says it was UTF-16.
//!
//! Invariant: what comes out is in proportion to what went in, or reading ends with [`Error::Bomb`].

use super::gzip::Gzip;
use super::options::Limits;
use super::utf16::{self, Utf16};
use super::zstd::Zstd;
use crate::Error;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Where bytes come from: a file, standard input, memory.
pub type Source = Box<dyn Read + Send>;

/// A source with its compression undone.
pub struct Plain {
    source: Source,
    kind: Option<&'static str>,
    taken: Arc<AtomicU64>,
    given: u64,
    ended: bool,
    failure: Option<Error>,
    limits: Limits,
}

impl Plain {
    /// Looks at the first bytes of `source` and undoes gzip or zstd.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn open(source: Source, limits: &Limits) -> Result<Self, Error> {
        let taken = Arc::new(AtomicU64::new(0));
        let mut counted = Counted { source, taken: Arc::clone(&taken) };
        let mut magic = Vec::with_capacity(4);
        let read = Read::by_ref(&mut counted).take(4).read_to_end(&mut magic);
        read.map_err(|source| Error::Read { offset: 0, source })?;
        let kind = kind_of(&magic);
        let source: Source = match kind {
            None => text(magic, Box::new(counted)),
            Some(kind) => {
                let whole = BufReader::with_capacity(BUFFER, io::Cursor::new(magic).chain(counted));
                let mut plain: Source = match kind {
                    GZIP => Box::new(Gzip::new(whole)),
                    _ => Box::new(Zstd::new(whole, limits.zstd_window)),
                };
                let mut mark = Vec::with_capacity(2);
                match (&mut plain).take(2).read_to_end(&mut mark) {
                    Ok(_) => text(mark, plain),
                    Err(error) => text(mark, Box::new(Failing(Some(error)))),
                }
            }
        };
        Ok(Self { source, kind, taken, given: 0, ended: false, failure: None, limits: limits.clone() })
    }

    /// Bytes taken from the source, for progress.
    pub fn taken(&self) -> &Arc<AtomicU64> {
        &self.taken
    }

    /// Fills `space` from its start and gives the bytes read; 0 is the end. It reads until `space` is
    /// full or the end is reached or, if `once`, until anything came.
    ///
    /// # Errors
    /// The source cannot be read on, is damaged or a bomb: told once, after what was read before.
    pub fn fill(&mut self, space: &mut [u8], once: bool) -> Result<usize, Error> {
        if self.ended {
            return self.failure.take().map_or(Ok(0), Err);
        }
        let mut read = 0;
        while let Some(rest) = space.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.source.read(rest) {
                Ok(0) => self.ended = true,
                Ok(more) => read += more,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => self.fail(read, source),
            }
            if self.ended || once {
                break;
            }
        }
        self.given += read as u64;
        self.keep_in_proportion();
        if read > 0 { Ok(read) } else { self.failure.take().map_or(Ok(0), Err) }
    }

    fn fail(&mut self, read: usize, source: io::Error) {
        let offset = self.given + read as u64;
        self.ended = true;
        self.failure = Some(match self.kind {
            Some(kind) => Error::Compressed { kind, offset, source },
            None => Error::Read { offset, source },
        });
    }

    fn keep_in_proportion(&mut self) {
        if self.kind.is_none() || self.ended {
            return;
        }
        let (limits, compressed) = (&self.limits, self.taken.load(Relaxed));
        let bloated = self.given > limits.ratio_from && self.given / limits.ratio.max(1) > compressed;
        if bloated || self.given > limits.decompressed {
            self.ended = true;
            self.failure = Some(Error::Bomb { compressed, decompressed: self.given });
        }
    }
}

const GZIP: &str = "gzip";
const ZSTD: &str = "zstd";
const BUFFER: usize = 64 << 10;

/// The compression that a magic number stands for. A zstd file may start with a skippable frame.
pub(super) fn kind_of(start: &[u8]) -> Option<&'static str> {
    match start {
        [0x1f, 0x8b, ..] => Some(GZIP),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(ZSTD),
        _ => None,
    }
}

/// The text that starts with `mark` and goes on with `rest`, as UTF-8 if it says that it is UTF-16.
fn text(mark: Vec<u8>, rest: Source) -> Source {
    match utf16::detect(&mark) {
        Some(big_endian) => {
            let left = mark.get(2..).unwrap_or_default().to_vec();
            Box::new(Utf16::new(Box::new(io::Cursor::new(left).chain(rest)), big_endian))
        }
        None => Box::new(io::Cursor::new(mark).chain(rest)),
    }
}

/// Fails, then ends.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Counts what is read.
struct Counted {
    source: Source,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(out)?;
        self.taken.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn undone(bytes: Vec<u8>, limits: &Limits) -> (Vec<u8>, Result<usize, Error>) {
        let mut plain = Plain::open(Box::new(io::Cursor::new(bytes)), limits).unwrap();
        let mut out = Vec::new();
        let result = loop {
            let mut space = [0; 1000];
            match plain.fill(&mut space, false) {
                Ok(read @ 1..) => out.extend_from_slice(&space[..read]),
                end => break end,
            }
        };
        (out, result)
    }

    #[test]
    fn plain_bytes_members_and_frames_all_come_out() {
        let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        for input in [
            b"one two".to_vec(),
            [gzip(b"one "), gzip(b"two")].concat(),
            [skippable, zstd(b"one "), zstd(b"two")].concat(),
        ] {
            let (out, end) = undone(input, &Limits::default());
            assert_eq!((out.as_slice(), end.unwrap()), (&b"one two"[..], 0));
        }
        for short in [&b""[..], b"a", b"\n"] {
            assert_eq!(undone(short.to_vec(), &Limits::default()).0, short);
        }
    }

    #[test]
    fn what_comes_before_a_cut_is_kept_and_the_cut_is_told() {
        let text: Vec<u8> = (0..200_000u32).flat_map(|i| format!("{}\n", i * 7919).into_bytes()).collect();
        for packed in [gzip(&text), zstd(&text)] {
            let (out, end) = undone(packed[..packed.len() / 2].to_vec(), &Limits::default());
            assert!(matches!(end, Err(Error::Compressed { .. })), "{end:?}");
            assert!(text.starts_with(&out) && out.len() > 1000, "{}", out.len());
        }
    }

    #[test]
    fn a_wrong_checksum_is_told() {
        for packed in [gzip(b"some text"), zstd(b"some text")] {
            let mut packed = packed;
            let at = packed.len() - if packed[0] == 0x1f { 6 } else { 2 };
            packed[at] ^= 1;
            assert!(matches!(undone(packed, &Limits::default()).1, Err(Error::Compressed { .. })));
        }
    }

    #[test]
    fn a_bomb_ends_the_reading() {
        let zeros = vec![0; 4 << 20];
        let ratio = Limits { ratio_from: 1 << 20, ..Limits::default() };
        let total = Limits { decompressed: 1 << 20, ..Limits::default() };
        for (bomb, limits) in [(gzip(&zeros), &ratio), (zstd(&zeros), &ratio), (gzip(&zeros), &total)] {
            let (out, end) = undone(bomb, limits);
            assert!(matches!(end, Err(Error::Bomb { .. })), "{end:?}");
            assert!(out.len() < 2 << 20);
        }
    }
}
