//! zstd (RFC 8878): frames one after another, undone on the fly; skippable ones are skipped.
//!
//! Invariant: what was decoded of a frame that turns out to be damaged is given before the damage is told.

use std::fmt;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Reads zstd frames one after another, to the end of their source.
pub struct Zstd<R> {
    source: R,
    frame: FrameDecoder,
    in_frame: bool,
    /// Told once what the frame held until then is given.
    failure: Option<io::Error>,
}

impl<R: BufRead> Zstd<R> {
    /// What is in the frames that `source` starts with; windows have at most so many bytes.
    pub fn new(source: R, window: u64) -> Self {
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

impl<R> fmt::Debug for Zstd<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("in_frame", &self.in_frame).finish_non_exhaustive()
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

    #[test]
    fn of_a_damaged_frame_all_that_was_decoded_is_given() {
        // A window of 8 MiB, a raw block of four bytes, a block of the reserved type.
        let frame =
            [&[0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3][..], &[4 << 3, 0, 0], b"seen", &[6, 0, 0]].concat();
        let mut out = Vec::new();
        let end = Zstd::new(&frame[..], 8 << 20).read_to_end(&mut out);
        assert_eq!(out, b"seen");
        assert!(end.is_err());
    }
}
