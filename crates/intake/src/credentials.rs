//! What clients show for who they are, as real ones send it in `Authorization`.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD};

/// The tokens that an `Authorization` header may mean, likeliest first. Empty: none that is understood.
///
/// - `Bearer t` and `Splunk t`: the token.
/// - `ApiKey v` (Elasticsearch): `v` whole; `id:key` in base64 or as it stands: that whole, or the key.
/// - `Basic v`: the password; `user:password` whole.
pub(crate) fn tokens(authorization: &str) -> Vec<String> {
    let Some((scheme, value)) = authorization.trim().split_once(' ') else { return Vec::new() };
    let value = value.trim();
    if value.is_empty() {
        return Vec::new();
    }
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "splunk" => vec![value.to_owned()],
        "apikey" => {
            let pair = if value.contains(':') { Some(value.to_owned()) } else { decoded(value) };
            let mut tokens = vec![value.to_owned()];
            if let Some((pair, (_, key))) = pair.as_ref().and_then(|pair| Some((pair, pair.split_once(':')?)))
            {
                tokens.extend([pair.clone(), key.to_owned()]);
            }
            tokens
        }
        "basic" => {
            let Some(pair) = decoded(value) else { return Vec::new() };
            let password = pair.split_once(':').map(|(_, password)| password.to_owned());
            password.into_iter().chain([pair]).filter(|token| !token.is_empty()).collect()
        }
        _ => Vec::new(),
    }
}

fn decoded(value: &str) -> Option<String> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let bytes = engine.decode(value).or_else(|_| STANDARD.decode(value)).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_gives_the_tokens_it_may_mean() {
        for (header, expected) in [
            ("Bearer abc", vec!["abc"]),
            ("bearer  abc ", vec!["abc"]),
            ("Splunk 0000-11", vec!["0000-11"]),
            ("ApiKey aWQ6a2V5", vec!["aWQ6a2V5", "id:key", "key"]),
            ("ApiKey id:key", vec!["id:key", "id:key", "key"]),
            ("ApiKey opaque!", vec!["opaque!"]),
            ("Basic YWRtaW46YWRtaW4=", vec!["admin", "admin:admin"]),
            ("Basic YWRtaW46YWRtaW4", vec!["admin", "admin:admin"]),
            ("Basic dXNlcjo=", vec!["user:"]),
        ] {
            assert_eq!(tokens(header), expected, "{header}");
        }
    }

    #[test]
    fn what_is_not_understood_means_nothing() {
        for header in ["", "abc", "Bearer ", "Basic !!!", "Basic /w==", "Digest username=x", "Negotiate YII="]
        {
            assert!(tokens(header).is_empty(), "{header}");
        }
    }
}
