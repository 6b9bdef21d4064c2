//! A field that conditions ask about, and what the tables know of its values.
//!
//! A value that no condition names is just "other": so fields of which every event has a new value
//! (paths, users, identifiers) do not make a new class of each event.

use std::collections::HashMap;

use ward_core::{FieldId, FieldSpan, ValueKind};

use super::file::MAX_VALUE_BYTES;

/// Number of a slot.
pub(super) type SlotId = u8;

/// Most slots.
pub(super) const MAX_SLOTS: usize = 256;

/// A set of slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct SlotSet([u64; 4]);

impl SlotSet {
    #[inline]
    pub fn has(&self, slot: SlotId) -> bool {
        self.0[slot as usize / 64] >> (slot % 64) & 1 != 0
    }

    #[inline]
    pub fn add(&mut self, slot: SlotId) {
        self.0[slot as usize / 64] |= 1 << (slot % 64);
    }

    #[inline]
    pub fn remove(&mut self, slot: SlotId) {
        self.0[slot as usize / 64] &= !(1 << (slot % 64));
    }

    pub fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    pub fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// The slots in it, ascending.
    pub fn iter(self) -> impl Iterator<Item = SlotId> {
        (0..=SlotId::MAX).filter(move |slot| self.has(*slot))
    }
}

impl FromIterator<SlotId> for SlotSet {
    fn from_iter<I: IntoIterator<Item = SlotId>>(slots: I) -> Self {
        let mut set = Self::default();
        slots.into_iter().for_each(|slot| set.add(slot));
        set
    }
}

/// A field that conditions ask about.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its own field.
    pub field: FieldId,
    /// Values that conditions name, in lower case, numbered.
    numbers: HashMap<Box<[u8]>, u16, foldhash::fast::RandomState>,
    /// The same values as the tables spell them, by number.
    spelled: Vec<Box<str>>,
    /// Beginnings (`true`) and ends that conditions name; their place is their bit.
    affixes: Vec<(bool, Box<[u8]>)>,
    /// Bit per length that a named value has: most other values are told by it.
    lengths: u128,
}

/// What the tables know of a value: enough to decide every condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    /// Number of the named value it equals, ignoring ASCII case; [`OTHER`] if none.
    pub value: u16,
    /// It has the case in which the tables spell it, too.
    pub exact: bool,
    /// Bits of the beginnings and ends it has.
    pub affixes: u64,
}

/// A value that no condition names.
pub(super) const OTHER: u16 = u16::MAX;

impl Slot {
    pub fn new(field: FieldId) -> Self {
        Self { field, numbers: HashMap::default(), spelled: Vec::new(), affixes: Vec::new(), lengths: 0 }
    }

    /// Makes a value known; gives its number.
    pub fn name_value(&mut self, text: &str) -> u16 {
        let next = self.spelled.len() as u16;
        let number = *self.numbers.entry(text.to_ascii_lowercase().into_bytes().into()).or_insert(next);
        if number == next {
            self.spelled.push(text.into());
            self.lengths |= 1u128.checked_shl(text.len() as u32).unwrap_or(0);
        }
        number
    }

    /// Makes a beginning or an end known; gives its bit. `None`: there are 64 already.
    pub fn name_affix(&mut self, beginning: bool, text: &str) -> Option<u64> {
        let affix = (beginning, text.as_bytes().into());
        let at = self.affixes.iter().position(|known| *known == affix).unwrap_or_else(|| {
            self.affixes.push(affix);
            self.affixes.len() - 1
        });
        1u64.checked_shl(at as u32)
    }

    /// The value of this number as the tables spell it.
    pub fn spelled(&self, number: u16) -> Option<&str> {
        self.spelled.get(number as usize).map(|text| &**text)
    }

    /// What the tables know of a value.
    #[inline]
    pub fn code(&self, value: &[u8]) -> Code {
        let mut code = Code { value: OTHER, exact: false, affixes: 0 };
        if value.len() <= MAX_VALUE_BYTES && self.lengths >> value.len() & 1 != 0 {
            self.look_up(value, &mut code);
        }
        if !self.affixes.is_empty() {
            code.affixes = self.affixes_of(value);
        }
        code
    }

    fn look_up(&self, value: &[u8], code: &mut Code) {
        let mut buffer = [0; MAX_VALUE_BYTES];
        let Some(lower) = buffer.get_mut(..value.len()) else { return };
        lower.copy_from_slice(value);
        lower.make_ascii_lowercase();
        if let Some(&number) = self.numbers.get(&*lower) {
            code.value = number;
            code.exact = self.spelled(number).is_some_and(|text| text.as_bytes() == value);
        }
    }

    fn affixes_of(&self, value: &[u8]) -> u64 {
        let has = |(beginning, text): &(bool, Box<[u8]>)| {
            let part = if *beginning {
                value.get(..text.len())
            } else {
                value.len().checked_sub(text.len()).and_then(|at| value.get(at..))
            };
            part.is_some_and(|part| part.eq_ignore_ascii_case(text))
        };
        self.affixes.iter().enumerate().fold(0, |bits, (at, affix)| bits | u64::from(has(affix)) << at)
    }
}

impl Code {
    /// Appends it to a key, always as eleven bytes.
    #[inline]
    pub fn push_to(self, key: &mut Vec<u8>) {
        let [a, b] = self.value.to_le_bytes();
        let [c, d, e, f, g, h, i, j] = self.affixes.to_le_bytes();
        key.extend_from_slice(&[a, b, self.exact.into(), c, d, e, f, g, h, i, j]);
    }
}

/// Whether a value can be compared: it is neither null nor a container.
#[inline]
pub(super) fn is_scalar(span: &FieldSpan) -> bool {
    matches!(span.kind, ValueKind::Text | ValueKind::Number | ValueKind::Bool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_known_whatever_their_case_and_the_case_is_told() {
        let mut slot = Slot::new(FieldId(0));
        let security = slot.name_value("Security");
        assert_eq!(slot.name_value("SECURITY"), security);
        assert_eq!(slot.code(b"Security"), Code { value: security, exact: true, affixes: 0 });
        assert_eq!(slot.code(b"security"), Code { value: security, exact: false, affixes: 0 });
        assert_eq!(slot.code(&[b'x'; 1000]).value, OTHER);
        assert_eq!(slot.spelled(security), Some("Security"));
    }

    #[test]
    fn a_set_holds_what_was_added() {
        let mut set: SlotSet = [0, 63, 64, 255].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 255]);
        set.remove(63);
        assert!(set.has(64) && !set.has(63) && !set.has(1));
        let other: SlotSet = [64, 1].into_iter().collect();
        assert_eq!(set.and(other).iter().collect::<Vec<_>>(), [64]);
        assert_eq!(set.or(other).iter().count(), 4);
        assert!(set.and(SlotSet::default()).is_empty());
    }

    #[test]
    fn beginnings_and_ends_are_bits() {
        let mut slot = Slot::new(FieldId(0));
        let start = slot.name_affix(true, "sshd").unwrap();
        let end = slot.name_affix(false, ".log").unwrap();
        assert_eq!(slot.name_affix(true, "sshd"), Some(start));
        assert_eq!(slot.code(b"SSHD-session").affixes, start);
        assert_eq!(slot.code(&[&b"sshd "[..], &[b'x'; 500], b".LOG"].concat()).affixes, start | end);
        assert_eq!(slot.code(b"ssh").affixes, 0);
        for number in 2..64 {
            assert!(slot.name_affix(true, &format!("{number} ")).is_some());
        }
        assert_eq!(slot.name_affix(true, "one too many"), None);
    }
}
