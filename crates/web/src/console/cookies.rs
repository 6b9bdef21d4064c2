//! The two cookies: the session's secret, and which browser it is ([`ward_people::device`]).
//!
//! Over TLS their names begin with `__Host-`, by which a browser takes them from this host alone, with `Secure`, and
//! for all paths (RFC 6265bis, section 4.1.3). Over plain text, which is for loopback, browsers would not keep such.

use axum::http::{HeaderMap, HeaderValue, header};

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The session's secret. Gone with the browser.
    Session,
    /// Which browser it is.
    Device,
}

/// Longest value that is read.
const LONGEST: usize = 512;

impl Cookie {
    const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-ward-session",
            (Self::Session, false) => "ward-session",
            (Self::Device, true) => "__Host-ward-browser",
            (Self::Device, false) => "ward-browser",
        }
    }

    /// Its value, if there is exactly one.
    pub fn of(self, headers: &HeaderMap, secure: bool) -> Option<&str> {
        let name = self.name(secure);
        let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut values = all.flat_map(|all| all.split(';')).filter_map(|cookie| {
            let (known, value) = cookie.trim().split_once('=')?;
            (known == name).then_some(value)
        });
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        (!value.is_empty() && value.len() <= LONGEST).then_some(value)
    }

    /// Sets it: for so many seconds, or until the browser is closed. The value is of letters that need no quotes.
    pub fn set(self, value: &str, seconds: Option<i64>, secure: bool) -> Option<HeaderValue> {
        let name = self.name(secure);
        let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        let only = if secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{only}")).ok()
    }

    /// Takes it away.
    pub fn unset(self, secure: bool) -> Option<HeaderValue> {
        self.set("", Some(0), secure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_is_read_if_there_is_exactly_one_of_its_name() {
        let session = |cookies: &[&str]| Cookie::Session.of(&sent(cookies), true).map(str::to_owned);
        assert_eq!(session(&["a=1; __Host-ward-session=xyz; b=2"]).as_deref(), Some("xyz"));
        assert_eq!(session(&["a=1", "__Host-ward-session=xyz"]).as_deref(), Some("xyz"));
        let long = format!("__Host-ward-session={}", "x".repeat(LONGEST + 1));
        for wrong in [
            &["ward-session=xyz"] as &[&str],
            &["__Host-ward-session=a; __Host-ward-session=b"],
            &["__Host-ward-session=a", "__Host-ward-session=a"],
            &["__Host-ward-session="],
            &["__Host-ward-session"],
            &[&long],
            &[],
        ] {
            assert_eq!(session(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn over_tls_a_cookie_is_for_this_host_alone() {
        let set = Cookie::Session.set("abc", None, true).unwrap();
        assert_eq!(set, "__Host-ward-session=abc; Path=/; HttpOnly; SameSite=Lax; Secure");
        let plain = Cookie::Device.set("abc", Some(9), false).unwrap();
        assert_eq!(plain, "ward-browser=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=9");
        let gone = Cookie::Session.unset(true).unwrap();
        assert_eq!(gone, "__Host-ward-session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure");
        assert!(Cookie::Session.set("a\r\nb", None, true).is_none());
    }
}
