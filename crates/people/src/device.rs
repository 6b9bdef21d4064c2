//! The cookie by which a browser that has signed in before is told from strangers (OWASP, "Slow Down Online Guessing
//! Attacks with Device Cookies"). It opens nothing: it only says whose mistakes are counted together.
//!
//! `device.expires.tag`, all in base64url: 16 random bytes, seconds since 1970, and an HMAC-SHA-256 over both and the
//! account, so that a cookie is good for the account that it was made for and no other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use ward_core::Timestamp;

use crate::key::Key;
use crate::throttle::{Account, Device};

/// Seconds for which a browser is remembered after it signed in: 90 days.
pub const REMEMBERED: i64 = 90 * 86_400;

/// The cookie of a browser that has signed in to this account. `device` is random, or the one that it had.
pub fn cookie(key: &Key, account: &Account, device: Device, now: Timestamp) -> String {
    let expires = now.seconds().saturating_add(REMEMBERED);
    let tag = hmac::sign(&signing(key), &signed(account, &device, expires));
    let parts = [&device[..], &expires.to_be_bytes(), tag.as_ref()].map(|part| BASE64.encode(part));
    parts.join(".")
}

/// Which browser a cookie says that it is, if it was made for this account and is good still.
pub fn known(key: &Key, account: &Account, cookie: &str, now: Timestamp) -> Option<Device> {
    let mut parts = cookie.split('.').map(|part| BASE64.decode(part).ok());
    let (device, expires, tag) = (parts.next()??, parts.next()??, parts.next()??);
    let device: Device = device.try_into().ok()?;
    let expires = i64::from_be_bytes(expires.try_into().ok()?);
    hmac::verify(&signing(key), &signed(account, &device, expires), &tag).ok()?;
    (parts.next().is_none() && now.seconds() < expires).then_some(device)
}

fn signing(key: &Key) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &key.derived("ward device cookie 1"))
}

/// All parts have a fixed length.
fn signed(account: &Account, device: &Device, expires: i64) -> Vec<u8> {
    [&account[..], device, &expires.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const ANNA: Account = [1; 16];

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_micros(NOW.micros() + seconds * 1_000_000)
    }

    #[test]
    fn a_cookie_says_which_browser_it_is_until_it_is_forgotten() {
        let key = Key::new([3; 32]);
        let cookie = cookie(&key, &ANNA, [7; 16], NOW);
        assert_eq!(known(&key, &ANNA, &cookie, after(REMEMBERED - 1)), Some([7; 16]));
        assert_eq!(known(&key, &ANNA, &cookie, after(REMEMBERED)), None);
        assert!(cookie.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c)), "{cookie}");
    }

    #[test]
    fn a_cookie_of_another_account_key_or_make_says_nothing() {
        let key = Key::new([3; 32]);
        let good = cookie(&key, &ANNA, [7; 16], NOW);
        assert_eq!(known(&key, &[2; 16], &good, NOW), None);
        assert_eq!(known(&Key::new([4; 32]), &ANNA, &good, NOW), None);
        let other = cookie(&key, &ANNA, [8; 16], after(9));
        let (one, two): (Vec<_>, Vec<_>) = (good.split('.').collect(), other.split('.').collect());
        let mixed =
            [format!("{}.{}.{}", two[0], one[1], one[2]), format!("{}.{}.{}", one[0], two[1], one[2])];
        let cut = [&good[..good.len() - 1], &good[1..], "", "..", "a.b", &format!("{good}.AAAA"), "é.é.é"];
        for wrong in mixed.iter().map(String::as_str).chain(cut) {
            assert_eq!(known(&key, &ANNA, wrong, NOW), None, "{wrong}");
        }
    }
}
