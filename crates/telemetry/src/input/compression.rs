//! gzip (RFC 1952, any number of members) and zstd (RFC 8878, any number of frames), recognised by their
//! magic numbers and undone on the fly. What comes out is UTF-8 if its byte order mark says it was UTF-16.
//!
//! Invariant: what comes out is in proportion to what went in, or reading ends with [`Error::Bomb`].

use super::gzip::Gzip;
use super::options::Limits;
use super::utf16::{self, Utf16};
use crate::Error;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, BufReader, Read};
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

/// Reads zstd frames one after another.
struct Zstd<R> {
    source: R,
    frame: FrameDecoder,
    in_frame: bool,
    /// Told once what the frame held until then is given.
    failure: Option<io::Error>,
}

impl<R: BufRead> Zstd<R> {
    fn new(source: R, window: u64) -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(window);
        Self { source, frame, in_frame: false, failure: None }
    }

    /// Starts the next frame that holds data. `false`: there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.frame.reset(&mut self.source) {
                Ok(()) => {
                    self.in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                    if skipped < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(e) => return Err(io::Error::other(e)),
            }
        }
        Ok(false)
    }

    /// Makes the decoder give all it has, as if the damaged frame ended here: it keeps back a window full
    /// for blocks to come. What it reads is an empty last block (RFC 8878, section 3.1.1.2) and a checksum.
    fn give_up(&mut self, failure: FrameDecoderError) -> io::Result<()> {
        let last = [1, 0, 0, 0, 0, 0, 0];
        self.failure = Some(io::Error::other(failure));
        self.frame.decode_blocks(&last[..], BlockDecodingStrategy::All).map_err(io::Error::other)?;
        Ok(())
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        match (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum()) {
            (Some(told), Some(found)) if told != found => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum of a frame does not match"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame && !self.next_frame()? {
                return Ok(0);
            }
            while self.frame.can_collect() == 0 && !self.frame.is_finished() {
                let step = BlockDecodingStrategy::UptoBlocks(1);
                if let Err(failure) = self.frame.decode_blocks(&mut self.source, step) {
                    self.give_up(failure)?;
                }
            }
            let read = self.frame.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            self.end_frame()?;
        }
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
    fn of_a_damaged_zstd_frame_all_that_was_decoded_is_given() {
        // A window of 8 MiB, a raw block of four bytes, a block of the reserved type.
        let frame =
            [&[0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3][..], &[4 << 3, 0, 0], b"seen", &[6, 0, 0]].concat();
        let (out, end) = undone(frame, &Limits::default());
        assert_eq!(out, b"seen");
        assert!(matches!(end, Err(Error::Compressed { offset: 4, .. })), "{end:?}");
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
