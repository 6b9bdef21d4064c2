//! The one key of a hub's people, kept in a file beside the database and never in it. Whoever gets the database alone,
//! such as a dump, cannot make second factors of it.
//!
//! Invariant: each use has a key of its own, derived from the one that is kept.
//! Invariant: what is sealed for one person and use opens for no other: both are authenticated with it.

use std::fmt;

use ring::{aead, hmac};

use crate::PeopleError;
use crate::totp::TotpSecret;

/// Random bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Random bytes that sealing takes, new ones each time.
pub const NONCE_BYTES: usize = aead::NONCE_LEN;

/// The key of a hub's people.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY_BYTES]);

impl Key {
    /// One of these random bytes.
    pub const fn new(random: [u8; KEY_BYTES]) -> Self {
        Self(random)
    }

    /// As its file has it: 64 hexadecimal digits and the end of a line.
    pub fn text(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n"
    }

    /// The one that a file has. `None`: it has none.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.trim_ascii().as_bytes();
        if digits.len() != 2 * KEY_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut key = [0; KEY_BYTES];
        for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(key))
    }

    /// What is kept of a second factor: the nonce, and the secret as ChaCha20-Poly1305 seals it (RFC 8439).
    ///
    /// # Errors
    /// Never, with the lengths that are used.
    pub fn seal(
        &self,
        person: &str,
        secret: &TotpSecret,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, PeopleError> {
        let mut sealed = secret.bytes().to_vec();
        let unique = aead::Nonce::assume_unique_for_key(nonce);
        let key = self.sealing().ok_or(PeopleError::Sealing)?;
        let done = key.seal_in_place_append_tag(unique, aead::Aad::from(person), &mut sealed);
        done.map_err(|_| PeopleError::Sealing)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// The second factor of this person.
    ///
    /// # Errors
    /// It was sealed with another key or for another person, or was changed.
    pub fn open(&self, person: &str, sealed: &[u8]) -> Result<TotpSecret, PeopleError> {
        let open = || {
            let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
            let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut sealed = sealed.to_vec();
            let opened = self.sealing()?.open_in_place(nonce, aead::Aad::from(person), &mut sealed).ok()?;
            TotpSecret::from_bytes(opened)
        };
        open().ok_or(PeopleError::Sealed)
    }

    /// A key for one use: HMAC-SHA-256 over its name, which is a pseudorandom function.
    pub(crate) fn derived(&self, purpose: &str) -> [u8; KEY_BYTES] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), purpose.as_bytes());
        std::array::from_fn(|at| tag.as_ref()[at])
    }

    fn sealing(&self) -> Option<aead::LessSafeKey> {
        let key = self.derived("ward second factor 1");
        aead::UnboundKey::new(&aead::CHACHA20_POLY1305, &key).ok().map(aead::LessSafeKey::new)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_BYTES] = [5; NONCE_BYTES];

    fn secret() -> TotpSecret {
        TotpSecret::new(*b"12345678901234567890")
    }

    #[test]
    fn what_is_sealed_opens_for_the_person_it_was_sealed_for() {
        let key = Key::new([1; KEY_BYTES]);
        let sealed = key.seal("anna", &secret(), NONCE).unwrap();
        assert_eq!(key.open("anna", &sealed).unwrap(), secret());
        assert!(
            key.open("bert", &sealed).is_err() && Key::new([2; KEY_BYTES]).open("anna", &sealed).is_err()
        );
        for at in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[at] ^= 1;
            assert!(key.open("anna", &touched).is_err(), "{at}");
        }
        for short in 0..sealed.len() {
            assert!(key.open("anna", &sealed[..short]).is_err(), "{short}");
        }
        let text = sealed.windows(4).any(|window| window == b"1234");
        assert!(!text, "nothing of it is in the clear");
    }

    #[test]
    fn a_key_is_read_back_from_its_file_and_from_nothing_else() {
        let key = Key::new(std::array::from_fn(|at| at as u8 * 7));
        assert_eq!(Key::read(&key.text()), Some(key.clone()));
        assert_eq!(key.text().len(), 65);
        for wrong in
            ["", "00", &"0".repeat(63), &"g".repeat(64), &"0".repeat(66), &"é".repeat(32), &"+1".repeat(32)]
        {
            assert_eq!(Key::read(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{key:?}"), "Key(..)");
    }

    #[test]
    fn each_use_has_a_key_of_its_own() {
        let key = Key::new([1; KEY_BYTES]);
        assert_ne!(key.derived("one"), key.derived("other"));
        assert_ne!(key.derived("one"), [0; KEY_BYTES]);
        assert_ne!(key.derived("one"), Key::new([2; KEY_BYTES]).derived("one"));
    }
}
