//! gzip (RFC 1952): members one after another, undone on the fly.
//!
//! Invariant: what was decoded of a member that turns out to be damaged is given before the damage is told.
//! That is why the deflate decoder is driven here: readers made of it drop what they decoded in the very
//! call that fails, up to a window full.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use flate2::Crc;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Reads what members hold.
pub(super) struct Gzip<R> {
    source: R,
    inflate: Box<DecompressorOxide>,
    /// What was decoded last, written round and round; matches look back into it.
    window: Box<[u8]>,
    /// Where in the window the next byte goes.
    next: usize,
    /// The part of the window that is still to be given.
    waiting: Range<usize>,
    /// Of what the member held so far.
    crc: Crc,
    stage: Stage,
    failure: Option<io::Error>,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    FirstHeader,
    Body,
    Trailer,
    NextHeader,
    End,
}

/// Bytes of the window: a power of two, and at least the 32 KiB that a match may look back.
const WINDOW: usize = 64 << 10;

impl<R: BufRead> Gzip<R> {
    /// What is in the members that `source` starts with.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            inflate: Box::default(),
            window: vec![0; WINDOW].into_boxed_slice(),
            next: 0,
            waiting: 0..0,
            crc: Crc::new(),
            stage: Stage::FirstHeader,
            failure: None,
        }
    }

    fn step(&mut self) -> io::Result<()> {
        match self.stage {
            Stage::NextHeader if at_end(&mut self.source)? => self.stage = Stage::End,
            Stage::FirstHeader | Stage::NextHeader => {
                header(&mut self.source)?;
                self.begin();
            }
            Stage::Body => self.decode()?,
            Stage::Trailer => self.check()?,
            Stage::End => {}
        }
        Ok(())
    }

    fn begin(&mut self) {
        // A damaged member may look back behind its start: not into the one before it.
        let used = WINDOW.min(self.crc.amount() as usize);
        self.window.iter_mut().take(used).for_each(|byte| *byte = 0);
        (self.next, self.stage) = (0, Stage::Body);
        self.inflate.init();
        self.crc.reset();
    }

    fn decode(&mut self) -> io::Result<()> {
        let flags = if at_end(&mut self.source)? { 0 } else { TINFL_FLAG_HAS_MORE_INPUT };
        let input = self.source.fill_buf()?;
        let (status, taken, given) = decompress(&mut self.inflate, input, &mut self.window, self.next, flags);
        self.source.consume(taken);
        self.waiting = self.next..self.next + given;
        self.next = (self.next + given) % WINDOW;
        self.crc.update(self.window.get(self.waiting.clone()).unwrap_or_default());
        match status {
            TINFLStatus::Done => self.stage = Stage::Trailer,
            TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput if taken + given > 0 => {}
            TINFLStatus::FailedCannotMakeProgress => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => return Err(damaged("its deflate data is damaged")),
        }
        Ok(())
    }

    /// Section 2.3.1: the checksum, then the length modulo 2^32.
    fn check(&mut self) -> io::Result<()> {
        let mut trailer = [0; 8];
        self.source.read_exact(&mut trailer)?;
        let told = u64::from_le_bytes(trailer);
        let found = u64::from(self.crc.amount()) << 32 | u64::from(self.crc.sum());
        if told != found {
            return Err(damaged("the checksum of a member does not match"));
        }
        self.stage = Stage::NextHeader;
        Ok(())
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let waiting = self.window.get(self.waiting.clone()).unwrap_or_default();
            let given = waiting.len().min(out.len());
            if given > 0 || out.is_empty() {
                let (from, to) = (waiting.get(..given), out.get_mut(..given));
                to.zip(from).into_iter().for_each(|(to, from)| to.copy_from_slice(from));
                self.waiting.start += given;
                return Ok(given);
            }
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.stage == Stage::End {
                return Ok(0);
            }
            if let Err(error) = self.step() {
                (self.failure, self.stage) = (Some(error), Stage::End);
            }
        }
    }
}

/// Reads over a member's header (section 2.3).
fn header(source: &mut impl BufRead) -> io::Result<()> {
    let mut crc = Crc::new();
    let [id1, id2, method, flags, ..] = part::<10>(source, &mut crc)?;
    if [id1, id2, method] != [0x1f, 0x8b, DEFLATE] || flags & RESERVED != 0 {
        return Err(damaged("there is no header of a member where one should be"));
    }
    if flags & EXTRA != 0 {
        for _ in 0..u16::from_le_bytes(part(source, &mut crc)?) {
            part::<1>(source, &mut crc)?;
        }
    }
    for text in [NAME, COMMENT] {
        while flags & text != 0 && part(source, &mut crc)? != [0] {}
    }
    let sum = crc.sum() as u16;
    if flags & HEADER_CRC != 0 && u16::from_le_bytes(part(source, &mut crc)?) != sum {
        return Err(damaged("the checksum of a header does not match"));
    }
    Ok(())
}

const DEFLATE: u8 = 8;
/// Bits of the flags.
const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
/// Must be zero.
const RESERVED: u8 = 0b1110_0000;

fn part<const N: usize>(source: &mut impl BufRead, crc: &mut Crc) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    crc.update(&bytes);
    Ok(bytes)
}

/// Whether there is nothing more; else something is in the buffer.
fn at_end(source: &mut impl BufRead) -> io::Result<bool> {
    loop {
        match source.fill_buf() {
            Ok(rest) => return Ok(rest.is_empty()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;
    use std::io::Write;

    fn member(text: &[u8], builder: GzBuilder) -> Vec<u8> {
        let mut encoder = builder.write(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes out, read in pieces of that size, and how it ends.
    fn undone(packed: &[u8], piece: usize) -> (Vec<u8>, io::Result<()>) {
        let mut gzip = Gzip::new(io::BufReader::with_capacity(piece, packed));
        let (mut out, mut space) = (Vec::new(), vec![0; piece]);
        loop {
            match gzip.read(&mut space) {
                Ok(0) => return (out, Ok(())),
                Ok(read) => out.extend_from_slice(&space[..read]),
                Err(error) => return (out, Err(error)),
            }
        }
    }

    #[test]
    fn all_that_came_before_the_damage_is_given() {
        let stored = |text: &[u8], not: u16| {
            let len = text.len() as u16;
            [&[0][..], &len.to_le_bytes(), &(len ^ not).to_le_bytes(), text].concat()
        };
        let (sound, broken) = (stored(b"what was seen", 0xffff), stored(b"never", 0x1234));
        let packed = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &sound, &broken].concat();
        for piece in [1, 7, 1 << 20] {
            let (out, end) = undone(&packed, piece);
            assert_eq!(String::from_utf8(out).unwrap(), "what was seen");
            assert_eq!(end.unwrap_err().to_string(), "its deflate data is damaged");
        }
    }

    #[test]
    fn the_parts_of_a_header_are_read_over() {
        let builder = GzBuilder::new().filename("a.log").comment("night").extra(vec![1; 300]).mtime(7);
        let packed = [member(b"one ", builder), member(b"two", GzBuilder::new())].concat();
        assert_eq!(undone(&packed, 5).0, b"one two");
        let with_crc = |sum: [u8; 2]| {
            let start = [0x1f, 0x8b, 8, HEADER_CRC, 0, 0, 0, 0, 0, 3];
            [&start[..], &sum, &member(b"one", GzBuilder::new())[10..]].concat()
        };
        let mut crc = Crc::new();
        crc.update(&with_crc([0; 2])[..10]);
        assert_eq!(undone(&with_crc((crc.sum() as u16).to_le_bytes()), 5).0, b"one");
        assert!(undone(&with_crc([0; 2]), 5).1.is_err());
    }

    #[test]
    fn what_follows_a_member_and_is_none_is_told() {
        let (out, end) = undone(&[member(b"one", GzBuilder::new()), b"rest of it".to_vec()].concat(), 64);
        assert_eq!(out, b"one");
        assert_eq!(end.unwrap_err().to_string(), "there is no header of a member where one should be");
    }

    proptest! {
        #[test]
        fn however_it_is_read_a_cut_or_a_flipped_bit_costs_nothing_of_what_came_before(
            seed in 1u32..1000, place in any::<prop::sample::Index>(), piece in 1usize..100_000,
        ) {
            let text: Vec<u8> = (0..20_000u32).flat_map(|n| (n * seed % 977).to_string().into_bytes()).collect();
            let mut packed = member(&text, GzBuilder::new());
            prop_assert_eq!(&undone(&packed, piece).0, &text);
            let place = place.index(packed.len());
            let (out, end) = undone(&packed[..place], piece);
            prop_assert!(end.is_err() && text.starts_with(&out));
            // Byte by byte, nothing can be lost in the call that fails.
            prop_assert_eq!(out.len(), undone(&packed[..place], 1).0.len());
            packed[place] ^= 4;
            prop_assert_eq!(undone(&packed, piece).0, undone(&packed, 1).0);
        }
    }
}
