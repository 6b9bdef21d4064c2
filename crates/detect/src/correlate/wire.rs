//! Numbers and texts as a checkpoint writes them: little-endian base 128.

use super::CorrelateError;

/// Bytes being written.
#[derive(Debug, Default)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// Small for small numbers of either sign.
    pub fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63) as u64);
    }

    /// Eight bytes whatever the number.
    pub fn word(&mut self, word: u64) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// 0, or the number plus one.
    pub fn option(&mut self, number: Option<u64>) {
        self.number(number.map_or(0, |number| number.saturating_add(1)));
    }
}

/// Bytes being read. Never allocates more than the bytes that are left can fill.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Read<T> = Result<T, CorrelateError>;

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn damaged(&self, what: &'static str) -> CorrelateError {
        CorrelateError::Damaged { at: self.at, what }
    }

    pub fn take(&mut self, len: usize) -> Read<&'a [u8]> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err(self.damaged("it ends too early")) };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub fn number(&mut self) -> Read<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                break;
            }
            number |= part << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged("a number is too long"))
    }

    pub fn signed(&mut self) -> Read<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64, what: &'static str) -> Read<u64> {
        let at = self.at;
        match self.number()? {
            number if number < limit => Ok(number),
            _ => Err(CorrelateError::Damaged { at, what }),
        }
    }

    /// How many items of at least `size` bytes follow: no more than the bytes left can hold.
    pub fn count(&mut self, size: usize) -> Read<usize> {
        let at = self.at;
        let count = self.number()?;
        let most = (self.bytes.len() - self.at) / size.max(1);
        if count > most as u64 {
            return Err(CorrelateError::Damaged { at, what: "a length is beyond the end" });
        }
        Ok(count as usize)
    }

    pub fn word(&mut self) -> Read<u64> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }

    pub fn text(&mut self) -> Read<String> {
        let len = self.count(1)?;
        let bytes = self.take(len)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| self.damaged("a text is not UTF-8"))
    }

    pub fn option(&mut self) -> Read<Option<u64>> {
        Ok(self.number()?.checked_sub(1))
    }

    pub fn end(&self) -> Read<()> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.damaged("more follows than belongs")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        for number in [0, 1, 127, 128, u64::MAX] {
            writer.number(number);
            writer.signed(number as i64);
            writer.word(number);
        }
        writer.text("käse");
        writer.option(Some(4));
        let mut reader = Reader::new(&writer.0);
        for number in [0, 1, 127, 128, u64::MAX] {
            assert_eq!(reader.number(), Ok(number));
            assert_eq!(reader.signed(), Ok(number as i64));
            assert_eq!(reader.word(), Ok(number));
        }
        assert_eq!(reader.text().as_deref(), Ok("käse"));
        assert_eq!(reader.option(), Ok(Some(4)));
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn lengths_beyond_the_end_are_refused_before_anything_is_allocated() {
        let mut writer = Writer::default();
        writer.number(u64::MAX);
        writer.word(0);
        assert!(matches!(Reader::new(&writer.0).count(1), Err(CorrelateError::Damaged { at: 0, .. })));
        assert!(Reader::new(&[0xff; 20]).number().is_err());
    }
}
