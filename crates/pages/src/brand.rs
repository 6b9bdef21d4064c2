//! Whose console it is: its name and its mark.
//!
//! The mark of the NHS belongs to the NHS and is shown by those who may: they set it as their logo.

use thiserror::Error;

use crate::asset::Asset;

/// Name and mark of the console.
#[derive(Debug, Clone)]
pub struct Brand {
    name: String,
    logo: Option<Asset>,
}

/// Why a name or logo cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadBrand {
    /// It is empty, too long or has control characters.
    #[error("a name has 1 to {LONGEST_NAME} letters, and no control characters")]
    Name,
    /// It is too large.
    #[error("a logo has at most {LARGEST_LOGO} bytes, not {0}")]
    TooLarge(usize),
    /// It is no picture that browsers show.
    #[error("a logo is a picture in SVG, PNG or JPEG")]
    Unknown,
}

const LONGEST_NAME: usize = 60;
const LARGEST_LOGO: usize = 256 << 10;

impl Default for Brand {
    /// `Ward`, with its shield.
    fn default() -> Self {
        Self { name: "Ward".to_owned(), logo: None }
    }
}

impl Brand {
    /// A console of this name.
    ///
    /// # Errors
    /// It is no name.
    pub fn named(name: &str) -> Result<Self, BadBrand> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(BadBrand::Name);
        }
        Ok(Self { name: name.to_owned(), logo: None })
    }

    /// With this picture in place of the shield. Which format it has is told from its first bytes.
    ///
    /// # Errors
    /// It is too large, or no picture.
    pub fn with_logo(self, picture: Vec<u8>) -> Result<Self, BadBrand> {
        if picture.len() > LARGEST_LOGO {
            return Err(BadBrand::TooLarge(picture.len()));
        }
        let kind = kind(&picture).ok_or(BadBrand::Unknown)?;
        Ok(Self { logo: Some(Asset::new(format!("brand/logo.{kind}"), picture)), ..self })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The picture, if it is not the shield.
    pub fn logo(&self) -> Option<&Asset> {
        self.logo.as_ref()
    }
}

fn kind(picture: &[u8]) -> Option<&'static str> {
    if picture.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("png");
    }
    if picture.starts_with(b"\xff\xd8\xff") {
        return Some("jpg");
    }
    let begin = std::str::from_utf8(picture).ok()?.trim_start_matches('\u{feff}').trim_start();
    let drawn = begin.starts_with("<svg") || (begin.starts_with("<?xml") && begin.contains("<svg"));
    drawn.then_some("svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_fits_the_header() {
        assert_eq!(Brand::default().name(), "Ward");
        assert_eq!(Brand::named(" South Yorkshire SOC ").unwrap().name(), "South Yorkshire SOC");
        for bad in ["", "  ", "a\nb", &"x".repeat(61)] {
            assert_eq!(Brand::named(bad).unwrap_err(), BadBrand::Name, "{bad:?}");
        }
    }

    #[test]
    fn a_logo_is_known_by_its_first_bytes() {
        let logo = |bytes: &[u8]| {
            Brand::default().with_logo(bytes.to_vec()).map(|brand| brand.logo().unwrap().media_type())
        };
        assert_eq!(logo(b"<svg xmlns='x'/>"), Ok("image/svg+xml"));
        assert_eq!(logo(b"\xef\xbb\xbf<?xml version='1.0'?><svg/>"), Ok("image/svg+xml"));
        assert_eq!(logo(b"\x89PNG\r\n\x1a\n..."), Ok("image/png"));
        assert_eq!(logo(b"\xff\xd8\xff\xe0"), Ok("image/jpeg"));
        for bad in [&b"<html><svg>"[..], b"GIF89a", b"", b"\xff\xfe"] {
            assert_eq!(logo(bad), Err(BadBrand::Unknown));
        }
        let large = vec![b' '; LARGEST_LOGO + 1];
        assert_eq!(logo(&large), Err(BadBrand::TooLarge(LARGEST_LOGO + 1)));
    }
}
