//! What an event has answered so far.

use super::plan::Plan;
use super::texts::Bit;

/// Bits found true so far, and the rules they call.
pub struct Truths<'a> {
    pub bits: &'a mut [u64],
    pub looked: &'a mut [u64],
    pub queue: &'a mut Vec<u32>,
    pub plan: &'a Plan,
}

impl Truths<'_> {
    /// Notes that a bit is true.
    #[inline]
    pub fn set(&mut self, bit: Bit) {
        if add(self.bits, bit) {
            for &rule in self.plan.called_by(bit) {
                if add(self.looked, rule) {
                    self.queue.push(rule);
                }
            }
        }
    }
}

/// Adds a member to a set; says whether it is new.
#[inline(always)]
fn add(set: &mut [u64], member: u32) -> bool {
    let word = &mut set[member as usize / 64];
    let mask = 1 << (member % 64);
    let new = *word & mask == 0;
    *word |= mask;
    new
}

#[cfg(test)]
mod tests {
    use super::add;

    #[test]
    fn a_member_is_new_once() {
        let mut set = [0; 2];
        assert!(add(&mut set, 70) && !add(&mut set, 70) && add(&mut set, 6));
        assert_eq!(set, [1 << 6, 1 << 6]);
    }
}
