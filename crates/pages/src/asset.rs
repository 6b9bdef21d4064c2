//! Styles, scripts and pictures: what a page needs beside itself, served from the program.
//!
//! Invariant: the address of an asset holds the hash of its content, so whoever has it may keep it for good.
//! Invariant: an address with another hash answers with what is here now, to be asked for again next time: while
//! one of several hubs is already new, pages of either find their styles at both.

use std::borrow::Cow;

use twox_hash::XxHash64;

use crate::embedded::ASSETS;

/// A file that pages need.
#[derive(Debug, Clone)]
pub struct Asset {
    pub(crate) name: Cow<'static, str>,
    pub(crate) hash: Cow<'static, str>,
    pub(crate) bytes: Cow<'static, [u8]>,
    pub(crate) gzip: Option<&'static [u8]>,
}

impl Asset {
    /// One that is made while the program runs.
    pub(crate) fn new(name: String, bytes: Vec<u8>) -> Self {
        let hash = format!("{:016x}", XxHash64::oneshot(0, &bytes));
        Self { name: name.into(), hash: hash.into(), bytes: bytes.into(), gzip: None }
    }

    /// The one of this name that is in the program.
    pub fn named(name: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.name == name)
    }

    /// All that are in the program.
    pub fn all() -> &'static [Self] {
        ASSETS
    }

    /// Its name, such as `ward.css`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is served.
    pub fn url(&self) -> String {
        format!("/assets/{}/{}", self.hash, self.name)
    }

    /// Its content.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it is, by the ending of its name.
    pub fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, kind)| kind) {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("jpg") => "image/jpeg",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_has_a_media_type_and_an_address_of_its_own() {
        let mut addresses: Vec<String> = Asset::all().iter().map(Asset::url).collect();
        let count = addresses.len();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), count);
        for asset in Asset::all() {
            assert_ne!(asset.media_type(), "application/octet-stream", "{}", asset.name());
            assert!(!asset.bytes().is_empty(), "{}", asset.name());
        }
    }

    #[test]
    fn the_hash_follows_the_content() {
        for asset in Asset::all() {
            let again = Asset::new(asset.name().to_owned(), asset.bytes().to_vec());
            assert_eq!(again.url(), asset.url());
        }
        let other = Asset::new("ward.css".into(), b"a{}".to_vec());
        assert_ne!(Some(other.url()), Asset::named("ward.css").map(Asset::url));
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in Asset::all().iter().filter(|asset| asset.name().ends_with(".css")) {
            let text = std::str::from_utf8(asset.bytes()).unwrap();
            for word in ["@font-face", "@import", "url(http", "url(//", "url('http", "url(\"http"] {
                assert!(!text.contains(word), "{}: {word}", asset.name());
            }
        }
    }

    #[test]
    fn the_licences_of_what_the_pages_contain_go_with_them() {
        let licences = std::str::from_utf8(Asset::named("licences.txt").unwrap().bytes()).unwrap();
        for part in
            ["nhsuk-frontend ", "nhsuk-frontend-jinja ", "Copyright (c)", "Permission is hereby granted"]
        {
            assert!(licences.contains(part), "{part}");
        }
    }
}
