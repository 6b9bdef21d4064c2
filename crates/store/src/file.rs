//! The files of an SQLite database belong to whoever runs Ward, and nobody else reads them.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

use crate::StoreError;

/// The URL of an SQLite file. What is special in it is written with percent signs.
pub(crate) fn url_of(path: &Path) -> String {
    let mut url = "sqlite:".to_owned();
    for letter in path.to_string_lossy().chars() {
        match letter {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            plain => url.push(plain),
        }
    }
    url
}

/// The file of an SQLite URL.
pub(crate) fn path_of(url: &str) -> Option<String> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let encoded = path.split('?').next()?.as_bytes();
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while let Some(&byte) = encoded.get(at) {
        let digits = encoded.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                at += 3;
            }
            _ => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Makes an empty file that only its owner may read or write. Tells whether it was there before, which it stays.
pub(crate) fn make_private(path: &Path) -> Result<bool, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(true),
        Err(source) => Err(StoreError::File { path: path.display().to_string(), source }),
    }
}

/// Whether there is nothing in it, or it is not there.
pub(crate) fn is_empty(path: &Path) -> bool {
    !std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_letters_of_urls_stays_that_path() {
        let path = "/a b/50%?#\u{e9}.db";
        assert_eq!(url_of(Path::new(path)), "sqlite:/a b/50%25%3F%23\u{e9}.db");
        assert_eq!(path_of(&url_of(Path::new(path))).unwrap(), path);
        assert_eq!(path_of("sqlite:///var/ward.db?mode=ro").unwrap(), "/var/ward.db");
        assert_eq!(path_of("sqlite:ward%2").unwrap(), "ward%2");
    }
}
