//! Where a form comes from, and where one may be sent on to.

use axum::http::{HeaderMap, HeaderName, Uri, header};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether whoever sends this was on a page of ours, as the browser says. What says nothing of where it comes from was
/// sent by no browser that we could protect, and is not taken.
///
/// `Sec-Fetch-Site` (W3C Fetch Metadata) is set by browsers where they trust the transport, and by no page; else
/// `Origin` (RFC 6454, section 7) must name the host that was asked.
pub(super) fn is_ours(uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(&FETCH_SITE) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => {
            let asked = uri.authority().map(|it| it.as_str()).or_else(|| text(&header::HOST));
            let from = text(&header::ORIGIN).and_then(|origin| origin.split_once("://"));
            asked.zip(from).is_some_and(|(asked, (_, from))| asked.eq_ignore_ascii_case(from))
        }
    }
}

/// A place of ours to go on to, of what somebody else may have written. It never leads to another host.
pub(super) fn next(text: &str) -> &str {
    let fit = |c: char| c.is_ascii_graphic() && c != '\\';
    let mut letters = text.chars();
    let first = letters.next() == Some('/') && letters.next() != Some('/');
    if first && text.len() <= LONGEST && text.chars().all(fit) { text } else { "/" }
}

/// Longest place to go on to.
const LONGEST: usize = 2_000;

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn ours(uri: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        is_ours(&uri.parse().unwrap(), &headers.collect())
    }

    #[test]
    fn a_form_is_ours_if_the_browser_says_so() {
        assert!(ours("/", &[("sec-fetch-site", "same-origin")]));
        assert!(ours("/", &[("host", "ward.example"), ("origin", "https://ward.example")]));
        assert!(ours("/", &[("host", "127.0.0.1:8088"), ("origin", "http://127.0.0.1:8088")]));
        assert!(ours("https://ward.example/", &[("origin", "https://WARD.example")]));
        for wrong in [
            &[("sec-fetch-site", "cross-site"), ("host", "a.example"), ("origin", "https://a.example")]
                as &[_],
            &[("sec-fetch-site", "same-site")],
            &[("host", "ward.example"), ("origin", "https://evil.example")],
            &[("host", "ward.example"), ("origin", "https://ward.example.evil")],
            &[("host", "ward.example"), ("origin", "https://ward.example:444")],
            &[("host", "ward.example"), ("origin", "null")],
            &[("host", "ward.example")],
            &[("origin", "https://ward.example")],
            &[],
        ] {
            assert!(!ours("/", wrong), "{wrong:?}");
        }
    }

    #[test]
    fn one_is_sent_on_to_places_of_ours_alone() {
        for good in ["/", "/alerts/7?state=open&level=high#x", "/%0d%0a"] {
            assert_eq!(next(good), good);
        }
        let long = format!("/{}", "x".repeat(LONGEST));
        for wrong in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\/evil",
            "/a\r\nb",
            "/a b",
            "/é",
            &long,
        ] {
            assert_eq!(next(wrong), "/", "{wrong:?}");
        }
    }
}
