//! The second factor: six digits of an app that change every half minute (RFC 6238).
//!
//! HMAC-SHA-1, six digits, 30 seconds: what every app takes; others ignore what a URI says of anything else. Nobody has
//! found a way to use the collisions of SHA-1 against HMAC.
//!
//! Invariant: a step opens once. Whoever looks over a shoulder comes too late with the same digits, and so does whoever
//! took the digits from a page that pretended to be Ward and has let the person in.

use std::fmt;

use ring::hmac;
use ward_core::Timestamp;

use crate::base32;
use crate::secret::same;

/// Bytes of a secret: RFC 4226, section 4, recommends 160 bits.
pub const SECRET_BYTES: usize = 20;

/// Seconds of a step.
pub const STEP: i64 = 30;

/// Steps before and after the present one that are taken too: for clocks of phones (RFC 6238, section 5.2).
const WINDOW: i64 = 1;

const DIGITS: u32 = 6;

/// A secret that an app and Ward share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    /// One of these random bytes.
    pub const fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self(random)
    }

    /// The one that was kept as these bytes. `None`: they are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, to be sealed.
    pub const fn bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// What a person types into an app that has no camera, in groups of four letters.
    pub fn text(&self) -> String {
        let letters = base32::encode(&self.0);
        let groups: Vec<&str> = (0..letters.len()).step_by(4).map(|at| &letters[at..at + 4]).collect();
        groups.join(" ")
    }

    /// What the QR code says, as apps expect it: `otpauth://totp/Issuer:account?secret=...`. `issuer` is the name of
    /// the console, `account` what the person signs in with.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (percent(issuer), percent(account));
        let secret = base32::encode(&self.0);
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}\
             &period={STEP}"
        )
    }

    /// The step that these digits are of, if they are good now: to be kept, so that it opens nothing again. `used` is
    /// the last that did. Spaces are no part of the digits.
    pub fn step_of(&self, digits: &str, now: Timestamp, used: Option<i64>) -> Option<i64> {
        let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
        let present = step(now);
        // All of them, whichever is right: how long it takes tells nothing.
        let steps = (present - WINDOW..=present + WINDOW).filter(|step| *step >= 0);
        let right = steps.fold(None, |right, step| {
            if same(self.digits(step).as_bytes(), digits.as_bytes()) { Some(step) } else { right }
        });
        right.filter(|step| used.is_none_or(|used| *step > used))
    }

    /// The digits of a step (RFC 4226, section 5.3).
    fn digits(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 15);
        let cut = tag[offset..].iter().take(4).fold(0_u32, |cut, byte| cut << 8 | u32::from(*byte));
        format!("{:0width$}", (cut & 0x7fff_ffff) % 10_u32.pow(DIGITS), width = DIGITS as usize)
    }

    /// The digits that are good now: what an app shows, for tests and the demonstration.
    pub fn now(&self, now: Timestamp) -> String {
        self.digits(step(now))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

fn step(now: Timestamp) -> i64 {
    now.seconds().div_euclid(STEP)
}

/// As a part of a URI (RFC 3986, section 2.3: unreserved letters stay).
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RFC: TotpSecret = TotpSecret(*b"12345678901234567890");

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// RFC 6238, appendix B, SHA-1: the last six of its eight digits.
    #[test]
    fn digits_are_those_of_the_rfc() {
        for (seconds, digits) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(RFC.now(at(seconds)), digits, "{seconds}");
        }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn digits_are_those_of_the_rfc_below_it() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, digits) in (0..).zip(expected) {
            assert_eq!(RFC.digits(step), digits);
        }
    }

    #[test]
    fn a_step_opens_once_and_so_does_none_before_it() {
        let now = at(1_000_000);
        let step = RFC.step_of(&RFC.now(now), now, None).unwrap();
        assert_eq!(RFC.step_of(&RFC.now(now), now, Some(step)), None);
        assert_eq!(RFC.step_of(&RFC.digits(step - 1), now, Some(step)), None, "one that was skipped");
        assert_eq!(RFC.step_of(&RFC.digits(step + 1), now, Some(step)), Some(step + 1));
        assert_eq!(RFC.step_of(&RFC.digits(step - 1), now, None), Some(step - 1));
        for wrong in [step - 2, step + 2] {
            assert_eq!(RFC.step_of(&RFC.digits(wrong), now, None), None);
        }
    }

    #[test]
    fn digits_may_be_typed_in_groups_and_nothing_else_may() {
        let now = at(59);
        assert!(RFC.step_of(" 287 082 ", now, None).is_some());
        for wrong in ["", "287083", "28708", "2870820", "287-082", "２８７０８２"] {
            assert_eq!(RFC.step_of(wrong, now, None), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_told_who_and_where() {
        assert_eq!(
            RFC.uri("Ward", "a.nurse+1@leeds.example"),
            "otpauth://totp/Ward:a.nurse%2B1%40leeds.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ward\
             &algorithm=SHA1&digits=6&period=30"
        );
        assert!(
            RFC.uri("Leeds & York: SOC", "x").starts_with("otpauth://totp/Leeds%20%26%20York%3A%20SOC:x?")
        );
        assert_eq!(RFC.text(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(format!("{RFC:?}"), "TotpSecret(..)");
    }

    proptest! {
        #[test]
        fn what_an_app_shows_is_taken_for_as_long_as_clocks_may_differ(
            secret: [u8; SECRET_BYTES], seconds in 60..4_000_000_000_i64, off in -200..200_i64,
        ) {
            let secret = TotpSecret::new(secret);
            let shown = secret.now(at(seconds + off));
            let steps = step(at(seconds + off)) - step(at(seconds));
            let taken = secret.step_of(&shown, at(seconds), None);
            if steps.abs() <= WINDOW {
                prop_assert!(taken.is_some());
            }
        }
    }
}
