//! Answers to values that come again and again.
//!
//! Most processes of a sector are the same few programs: what a slot's questions say of
//! `C:\Windows\System32\svchost.exe` is worth keeping. A small table per slot, one place per hash; a slot
//! whose values seldom repeat gives its table up.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::texts::Bit;

/// The last values of a slot and their bits.
#[derive(Debug, Default)]
pub struct Answers {
    places: Vec<Place>,
    asked: u32,
    found: u32,
    given_up: bool,
}

#[derive(Debug, Default, Clone)]
struct Place {
    value: Vec<u8>,
    answer: Answer,
    filled: bool,
}

/// What is known of a value.
#[derive(Debug, Default, Clone)]
pub struct Answer {
    /// The bits that are true of it.
    pub bits: Vec<Bit>,
    /// Bits may have been left out.
    pub incomplete: bool,
}

/// Where an answer is kept, or is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct PlaceIndex(usize);

const PLACES: usize = 256;
/// Longer values are not kept: they seldom repeat and would fill the memory.
const LONGEST: usize = 300;
/// After so many questions a slot's table must have paid.
const TRIAL: u32 = 2048;

impl Answers {
    /// The answer to a value, if it is known; else, if the value is worth keeping, the place to put it.
    #[inline]
    pub fn get(&mut self, value: &[u8]) -> Result<&Answer, Option<PlaceIndex>> {
        if self.given_up || value.len() > LONGEST {
            return Err(None);
        }
        if self.places.is_empty() {
            self.places.resize(PLACES, Place::default());
        }
        self.asked += 1;
        if self.asked == TRIAL {
            self.review();
        }
        let index = FixedState::default().hash_one(value) as usize % PLACES;
        match self.places.get(index) {
            Some(place) if place.filled && place.value == value => {
                self.found += 1;
                Ok(&self.places[index].answer)
            }
            Some(_) => Err(Some(PlaceIndex(index))),
            None => Err(None),
        }
    }

    /// Makes room for the answer to a value at its place.
    pub fn put(&mut self, place: PlaceIndex, value: &[u8]) -> &mut Answer {
        let place = &mut self.places[place.0];
        place.filled = true;
        place.value.clear();
        place.value.extend_from_slice(value);
        place.answer.bits.clear();
        &mut place.answer
    }

    fn review(&mut self) {
        if self.found * 3 < self.asked {
            *self = Self { given_up: true, ..Self::default() };
        } else {
            self.asked = 0;
            self.found = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_answered_again_until_another_takes_its_place() {
        let mut answers = Answers::default();
        let place = answers.get(b"svchost.exe").unwrap_err().unwrap();
        answers.put(place, b"svchost.exe").bits.extend([3, 7]);
        assert_eq!(answers.get(b"svchost.exe").unwrap().bits, [3, 7]);
        answers.put(place, b"other");
        assert!(answers.get(b"svchost.exe").is_err());
        assert!(answers.get(&[b'x'; 1000]).unwrap_err().is_none());
    }

    #[test]
    fn a_slot_whose_values_never_repeat_gives_up() {
        let mut answers = Answers::default();
        for number in 0..TRIAL + 2 {
            let value = number.to_string();
            if let Err(Some(place)) = answers.get(value.as_bytes()) {
                answers.put(place, value.as_bytes());
            }
        }
        assert!(answers.given_up && answers.places.is_empty());
    }
}
