//! Recovery codes: what somebody prints and keeps at home, for the day on which the phone is lost.
//!
//! Each has 120 random bits, so that a plain digest of it can be kept (OWASP ASVS 5.0, 6.5.2, and NIST SP 800-63B ask
//! for salt and slowness below 112), and each opens once.

use crate::base32;
use crate::secret::Secret;

/// How many somebody gets at once.
pub const COUNT: usize = 10;

/// Random bytes of one.
pub const BYTES: usize = 15;

/// Codes of these random bytes, as they are shown: `ABCD-EFGH-...`, six groups of four letters and digits.
pub fn codes(random: [[u8; BYTES]; COUNT]) -> [Secret; COUNT] {
    random.map(|bytes| {
        let letters = base32::encode(&bytes);
        let groups: Vec<&str> = (0..letters.len()).step_by(4).map(|at| &letters[at..at + 4]).collect();
        Secret::new(groups.join("-"))
    })
}

/// What a digest is made of: the letters and digits that were typed, whatever stands between them, with `0`, `1` and
/// `8`, which no code has, taken for the letters that they look like. `None`: it is no code.
pub fn plain(typed: &str) -> Option<String> {
    let plain: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            c => c,
        })
        .collect();
    let good = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
    (plain.chars().count() == BYTES * 8 / 5 && plain.chars().all(good)).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_typed_exactly_is_read_as_it_was_meant() {
        let [first, ..] = codes([[0x55; BYTES]; COUNT]);
        let code = first.expose();
        assert_eq!(code, "KVKV-KVKV-KVKV-KVKV-KVKV-KVKV");
        let typed = format!("  {} ", code.to_lowercase().replace('-', " - "));
        assert_eq!(plain(&typed), plain(code));
        assert_eq!(plain("0123-4567-8ABC-DEFG-HIJK-LMNO"), plain("OI23-4567-BABC-DEFG-HIJK-LMNO"));
        for wrong in ["", "287082", "KVKV", "KVKV-KVKV-KVKV-KVKV-KVKV-KVK9", &format!("{code}A"), "é"] {
            assert_eq!(plain(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn each_code_is_read_back_and_is_no_other(random: [[u8; BYTES]; COUNT]) {
            let plains: Vec<_> = codes(random).iter().map(|code| plain(code.expose()).unwrap()).collect();
            for (at, one) in random.iter().enumerate() {
                for (to, other) in random.iter().enumerate() {
                    prop_assert_eq!(plains[at] == plains[to], one == other);
                }
            }
        }
    }
}
