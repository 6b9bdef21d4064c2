//! The headers that pages and assets go out with.
//!
//! Invariant: a page runs no script and takes no style but those of the hub itself, is framed by nobody, sends its
//! forms to nobody else, and is kept by nobody on the way.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::gzip;

/// What a page may do. No inline script or style is among it: write none.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What a page goes out with.
///
/// The referrer stays within the hub; with `no-referrer` a browser would send forms with `Origin: null`, and the
/// check of where they come from could not tell ours from others'.
pub const PAGE: [(HeaderName, &str); 9] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::VARY, "accept-encoding"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// What an asset goes out with, how long it may be kept aside. A picture that is opened by itself runs nothing.
pub const ASSET: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What pages add on a listener with TLS: from then on the browser comes by no other way.
pub const WITH_TLS: (HeaderName, &str) = (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");

/// A page as the answer to whoever asked with these headers.
///
/// It is packed for those who can undo that, so it must hold no secret beside what a stranger may have chosen: how
/// well both pack together would tell of the secret. Where a form comes from is told by its `Origin`, not by a token.
pub fn page(status: StatusCode, html: String, asked: &HeaderMap) -> Response {
    let packed = if gzip::is_taken(asked) { gzip::packed(&html) } else { None };
    let mut answer = match packed {
        Some(packed) => (status, [(header::CONTENT_ENCODING, "gzip")], Html(packed)).into_response(),
        None => (status, Html(html)).into_response(),
    };
    for (name, value) in PAGE {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_begins_with_nothing_and_permits_only_the_hub_itself() {
        let mut parts = CONTENT_SECURITY_POLICY.split("; ");
        assert_eq!(parts.next(), Some("default-src 'none'"));
        for part in parts {
            let (directive, sources) = part.split_once(' ').unwrap();
            assert!(matches!(sources, "'self'" | "'none'"), "{directive}: {sources}");
        }
        assert!(!CONTENT_SECURITY_POLICY.contains("  "), "one space between words");
    }

    #[test]
    fn a_page_carries_all_of_them() {
        let answer = page(StatusCode::NOT_FOUND, "<p>no".into(), &HeaderMap::new());
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        for (name, value) in PAGE {
            assert_eq!(answer.headers()[&name], value);
        }
    }
}
