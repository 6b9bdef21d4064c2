//! MessagePack, value by value: nothing is built, and what is announced is not believed before it is there.
//!
//! Invariant: arrays and maps lie in one another [`DEPTH`] deep at most, and no stack grows with the input.

use rmp::Marker;

/// How deep arrays and maps may lie in one another.
pub const DEPTH: usize = 64;

/// What a value begins with: all of it, unless it is an array or a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Head<'a> {
    /// Nothing.
    Nil,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Unsigned(u64),
    /// A whole number below zero.
    Signed(i64),
    /// A number, in four bytes.
    Single(f32),
    /// A number, in eight bytes.
    Double(f64),
    /// Text, which need not be UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A type that the application knows.
    Extension(i8, &'a [u8]),
    /// So many values follow.
    Array(u32),
    /// So many pairs of values follow.
    Map(u32),
}

impl Head<'_> {
    /// How many values belong to it and follow.
    pub fn inside(&self) -> u64 {
        match self {
            Self::Array(items) => u64::from(*items),
            Self::Map(pairs) => 2 * u64::from(*pairs),
            _ => 0,
        }
    }
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// More bytes are needed.
    #[error("it breaks off")]
    More,
    /// It is none, or not what is asked for.
    #[error("it is not as it should be")]
    Broken,
    /// It is longer than the limit.
    #[error("it is too large")]
    TooLarge,
}

/// Reads values one after another.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// From the first of these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether all has been read.
    pub const fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Reads a head. Where there is none, it stays where it is.
    ///
    /// # Errors
    /// There is none.
    pub fn head(&mut self) -> Result<Head<'a>, NoValue> {
        let before = self.at;
        let head = self.read();
        if head.is_err() {
            self.at = before;
        }
        head
    }

    /// Passes over a value and gives its bytes.
    ///
    /// # Errors
    /// There is none.
    pub fn skip(&mut self) -> Result<&'a [u8], NoValue> {
        let (start, mut left) = (self.at, 1_u64);
        while left > 0 {
            left = (left - 1).saturating_add(self.head()?.inside());
        }
        Ok(self.bytes.get(start..self.at).unwrap_or_default())
    }

    fn read(&mut self) -> Result<Head<'a>, NoValue> {
        let [byte] = self.array::<1>()?;
        Ok(match Marker::from_u8(byte) {
            Marker::Null => Head::Nil,
            Marker::Reserved => return Err(NoValue::Broken),
            Marker::False => Head::Bool(false),
            Marker::True => Head::Bool(true),
            Marker::FixPos(number) => Head::Unsigned(number.into()),
            Marker::U8 => Head::Unsigned(self.number::<1>()?),
            Marker::U16 => Head::Unsigned(self.number::<2>()?),
            Marker::U32 => Head::Unsigned(self.number::<4>()?),
            Marker::U64 => Head::Unsigned(self.number::<8>()?),
            Marker::FixNeg(number) => Head::Signed(number.into()),
            Marker::I8 => signed(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => signed(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => signed(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Head::Single(f32::from_be_bytes(self.array()?)),
            Marker::F64 => Head::Double(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => Head::Text(self.take(length.into())?),
            Marker::Str8 => Head::Text(self.counted::<1>()?),
            Marker::Str16 => Head::Text(self.counted::<2>()?),
            Marker::Str32 => Head::Text(self.counted::<4>()?),
            Marker::Bin8 => Head::Bytes(self.counted::<1>()?),
            Marker::Bin16 => Head::Bytes(self.counted::<2>()?),
            Marker::Bin32 => Head::Bytes(self.counted::<4>()?),
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.long_extension::<1>()?,
            Marker::Ext16 => self.long_extension::<2>()?,
            Marker::Ext32 => self.long_extension::<4>()?,
            Marker::FixArray(items) => Head::Array(items.into()),
            Marker::Array16 => Head::Array(u16::from_be_bytes(self.array()?).into()),
            Marker::Array32 => Head::Array(u32::from_be_bytes(self.array()?)),
            Marker::FixMap(pairs) => Head::Map(pairs.into()),
            Marker::Map16 => Head::Map(u16::from_be_bytes(self.array()?).into()),
            Marker::Map32 => Head::Map(u32::from_be_bytes(self.array()?)),
        })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], NoValue> {
        let end = self.at.checked_add(length).ok_or(NoValue::Broken)?;
        let bytes = self.bytes.get(self.at..end).ok_or(NoValue::More)?;
        self.at = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NoValue> {
        self.take(N)?.try_into().map_err(|_| NoValue::Broken)
    }

    fn number<const N: usize>(&mut self) -> Result<u64, NoValue> {
        Ok(self.array::<N>()?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn counted<const N: usize>(&mut self) -> Result<&'a [u8], NoValue> {
        let length = self.number::<N>()?;
        self.take(usize::try_from(length).map_err(|_| NoValue::Broken)?)
    }

    fn extension(&mut self, length: usize) -> Result<Head<'a>, NoValue> {
        let kind = i8::from_be_bytes(self.array()?);
        Ok(Head::Extension(kind, self.take(length)?))
    }

    fn long_extension<const N: usize>(&mut self) -> Result<Head<'a>, NoValue> {
        let length = self.number::<N>()?;
        self.extension(usize::try_from(length).map_err(|_| NoValue::Broken)?)
    }
}

/// Whole numbers have one form, however they were written.
fn signed(number: i64) -> Head<'static> {
    u64::try_from(number).map_or(Head::Signed(number), Head::Unsigned)
}

/// Finds where values end in a stream. What it has looked at it does not look at again when more has come.
#[derive(Debug)]
pub struct Ends {
    longest: usize,
    at: usize,
    /// How many values are still to come, for each array and map that is open.
    open: Vec<u64>,
}

impl Ends {
    /// Of values that are not longer than this.
    pub const fn new(longest: usize) -> Self {
        Self { longest, at: 0, open: Vec::new() }
    }

    /// Where the value ends that `bytes` begin with. Until that is known, they must begin with the same value.
    ///
    /// # Errors
    /// There is none, or not yet.
    pub fn next(&mut self, bytes: &[u8]) -> Result<usize, NoValue> {
        let mut reader = Reader { bytes, at: self.at };
        loop {
            let head = match reader.head() {
                Err(NoValue::More) if bytes.len() > self.longest => return Err(NoValue::TooLarge),
                head => head?,
            };
            self.at = reader.at;
            let inside = head.inside();
            // each takes a byte at least
            if self.at as u64 + inside > self.longest as u64 {
                return Err(NoValue::TooLarge);
            }
            if inside > 0 {
                if self.open.len() >= DEPTH {
                    return Err(NoValue::Broken);
                }
                self.open.push(inside);
            } else if self.closes() {
                return Ok(std::mem::take(&mut self.at));
            }
        }
    }

    /// Counts a value that is whole. `true`: with it, all is.
    fn closes(&mut self) -> bool {
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_value_is_read_when_it_is_whole() {
        for (bytes, expected) in [
            (&b"\xc0"[..], Head::Nil),
            (b"\xc3", Head::Bool(true)),
            (b"\x7f", Head::Unsigned(127)),
            (b"\xcd\x01\x00", Head::Unsigned(256)),
            (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", Head::Unsigned(u64::MAX)),
            (b"\xff", Head::Signed(-1)),
            (b"\xd1\xff\x00", Head::Signed(-256)),
            (b"\xd0\x05", Head::Unsigned(5)),
            (b"\xca\x3f\xc0\x00\x00", Head::Single(1.5)),
            (b"\xcb\x3f\xf8\0\0\0\0\0\0", Head::Double(1.5)),
            (b"\xa2hi", Head::Text(b"hi")),
            (b"\xda\x00\x02hi", Head::Text(b"hi")),
            (b"\xc4\x02hi", Head::Bytes(b"hi")),
            (b"\xd7\x0012345678", Head::Extension(0, b"12345678")),
            (b"\xc7\x03\xffabc", Head::Extension(-1, b"abc")),
            (b"\x92", Head::Array(2)),
            (b"\xdf\0\x01\0\0", Head::Map(65536)),
        ] {
            assert_eq!(Reader::new(bytes).head(), Ok(expected), "{}", bytes.escape_ascii());
            for cut in 0..bytes.len() {
                assert_eq!(Reader::new(&bytes[..cut]).head(), Err(NoValue::More), "{expected:?}");
            }
        }
        assert_eq!(Reader::new(b"\xc1").head(), Err(NoValue::Broken));
    }

    #[test]
    fn the_end_is_found_however_the_bytes_come() {
        let value = b"\x93\xa1t\x92\x90\x80\x81\xa1k\x91\xc4\x03abc";
        let mut ends = Ends::new(100);
        for cut in 0..value.len() {
            assert_eq!(ends.next(&value[..cut]), Err(NoValue::More), "{cut}");
        }
        assert_eq!(ends.next(&[&value[..], b"\xc0\xc0"].concat()), Ok(value.len()));
        assert_eq!(ends.next(b"\xc0\xc0"), Ok(1));
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_told_before_it_is_held() {
        assert_eq!(Ends::new(100).next(b"\xdd\xff\xff\xff\xff"), Err(NoValue::TooLarge));
        assert_eq!(Ends::new(100).next(b"\xdf\xff\xff\xff\xff"), Err(NoValue::TooLarge));
        let announced = [&b"\xc6\x00\x00\x00\xff"[..], &[0; 100]].concat();
        assert_eq!(Ends::new(100).next(&announced), Err(NoValue::TooLarge));
        assert_eq!(Ends::new(1 << 20).next(&[0x91; DEPTH]), Err(NoValue::More));
        assert_eq!(Ends::new(1 << 20).next(&[0x91; DEPTH + 1]), Err(NoValue::Broken));
    }
}
