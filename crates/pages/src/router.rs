//! The answer to whoever asks for an asset.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::asset::Asset;
use crate::gzip;
use crate::headers::ASSET;

/// Serves the assets in the program, and these others, below `/assets/`.
pub fn assets(others: Vec<Asset>) -> Router {
    let others: Arc<[Asset]> = others.into();
    let serve = move |Path(path): Path<String>, headers: HeaderMap| {
        let others = Arc::clone(&others);
        async move { answer(&path, &headers, &others) }
    };
    Router::new().route("/assets/{*path}", get(serve))
}

/// What is at `HASH/NAME`.
fn answer(path: &str, asked: &HeaderMap, others: &[Asset]) -> Response {
    let found = path.split_once('/').and_then(|(hash, name)| {
        let other = others.iter().find(|asset| asset.name() == name);
        Some((hash, other.or_else(|| Asset::named(name))?))
    });
    let Some((hash, asset)) = found else {
        return (StatusCode::NOT_FOUND, ASSET, "could not find it: there is no such asset\n").into_response();
    };
    let keep = if asset.hash == hash { "public, max-age=31536000, immutable" } else { "no-cache" };
    let packed = asset.gzip.filter(|_| gzip::is_taken(asked));
    // As bytes differ, so must their tags.
    let tag = format!("\"{}{}\"", asset.hash, if packed.is_some() { "-gzip" } else { "" });
    let mut headers =
        HeaderMap::from_iter(ASSET.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if has(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type()));
    if packed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let body = packed.map_or_else(|| Body::from(asset.bytes.clone()), Body::from);
    (headers, body).into_response()
}

/// Whether whoever asks has just this (RFC 9110, section 13.1.2).
fn has(asked: &HeaderMap, tag: &str) -> bool {
    let all = asked.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut tags = all.flat_map(|list| list.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    tags.any(|known| known == tag || known == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn get(path: &str, headers: &[(header::HeaderName, &'static str)]) -> Response {
        let logo = Asset::new("brand/logo.svg".into(), b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec());
        answer(path.trim_start_matches("/assets/"), &asked(headers), &[logo])
    }

    fn told(answer: &Response, name: header::HeaderName) -> Option<&str> {
        answer.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn what_has_its_hash_in_its_address_may_be_kept_for_good() {
        for asset in Asset::all() {
            let answer = get(&asset.url(), &[]);
            assert_eq!(answer.status(), StatusCode::OK);
            let keep = told(&answer, header::CACHE_CONTROL);
            assert_eq!(keep, Some("public, max-age=31536000, immutable"), "{}", asset.name());
            assert_eq!(told(&answer, header::CONTENT_TYPE), Some(asset.media_type()));
            assert_eq!(told(&answer, header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"));
        }
    }

    #[test]
    fn under_another_hash_it_is_served_too_but_to_be_asked_for_again() {
        let answer = get("/assets/0123456789abcdef/ward.css", &[]);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(told(&answer, header::CACHE_CONTROL), Some("no-cache"));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for path in ["ward.css", "x/none.css", "x/", "", "x/../ward.css", "x/ward.css/"] {
            assert_eq!(get(path, &[]).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn other_assets_are_served_beside_those_of_the_program() {
        let answer = get("/assets/x/brand/logo.svg", &[]);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(told(&answer, header::CONTENT_TYPE), Some("image/svg+xml"));
    }

    #[test]
    fn compressed_only_to_those_who_can_undo_it() {
        let url = Asset::named("nhsuk-frontend.css").unwrap().url();
        let plain = get(&url, &[]);
        assert!(told(&plain, header::CONTENT_ENCODING).is_none());
        assert_eq!(told(&plain, header::VARY), Some("accept-encoding"));
        let packed = get(&url, &[(header::ACCEPT_ENCODING, "br, gzip")]);
        assert_eq!(told(&packed, header::CONTENT_ENCODING), Some("gzip"));
    }

    #[test]
    fn who_has_it_already_is_told_so() {
        let url = Asset::named("nhsuk-frontend.css").unwrap().url();
        let gzip = (header::ACCEPT_ENCODING, "gzip");
        let first = get(&url, std::slice::from_ref(&gzip));
        let tag: &'static str = Box::leak(told(&first, header::ETAG).unwrap().to_owned().into_boxed_str());
        let again = get(&url, &[gzip, (header::IF_NONE_MATCH, tag)]);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(told(&again, header::ETAG), Some(tag));
        assert_eq!(get(&url, &[(header::IF_NONE_MATCH, tag)]).status(), StatusCode::OK, "other bytes");
    }
}
