//! Fewer bytes over the wire, to those who can undo it.

use std::io::Write;

use axum::http::{HeaderMap, header};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Packs a text that is made for one answer, quickly. `None`: it is not worth while.
pub(crate) fn packed(text: &str) -> Option<Vec<u8>> {
    if text.len() < LEAST {
        return None;
    }
    let mut packer = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    packer.write_all(text.as_bytes()).ok()?;
    packer.finish().ok()
}

/// Bytes that fit one packet anyway.
const LEAST: usize = 1_200;

/// Whether whoever asks can undo gzip (RFC 9110, section 12.5.3).
pub(crate) fn is_taken(asked: &HeaderMap) -> bool {
    let all = asked.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    let weights = all.flat_map(|list| list.split(',')).filter_map(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse().ok())?;
        Some((coding.trim(), weight))
    });
    let named =
        |name: &str, (coding, weight): (&str, f32)| coding.eq_ignore_ascii_case(name).then_some(weight);
    let weights: Vec<_> = weights.collect();
    let weight = |name: &str| weights.iter().find_map(|item| named(name, *item));
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn it_is_taken_by_those_who_say_so() {
        let taken = |accepted| {
            is_taken(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]))
        };
        for yes in ["gzip", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1"] {
            assert!(taken(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "x-gzip-not", "gzip;q=much"] {
            assert!(!taken(no), "{no}");
        }
        assert!(!is_taken(&HeaderMap::new()));
    }

    #[test]
    fn what_is_packed_can_be_unpacked_and_what_is_short_is_not_packed() {
        let text = "all of it ".repeat(1_000);
        let packed_text = packed(&text).unwrap();
        assert!(packed_text.len() < text.len() / 10);
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(packed_text.as_slice()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        assert_eq!(packed("short"), None);
    }
}
