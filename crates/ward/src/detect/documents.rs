//! What stands beside telemetry in folders and only describes, makes or depicts it, told by its name.

use std::path::Path;

/// Whether the name is that of something about telemetry rather than telemetry.
pub fn is_document(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    DOCUMENT_STEMS.contains(&stem) || DOCUMENT_EXTENSIONS.contains(&extension)
}

const DOCUMENT_STEMS: [&str; 6] = ["readme", "license", "licence", "changelog", "contributing", "makefile"];

const DOCUMENT_EXTENSIONS: [&str; 27] = [
    "md", "rst", "adoc", "html", "htm", "css", "js", "yml", "yaml", "toml", "ini", "py", "rs", "ps1", "psm1",
    "sh", "bat", "png", "jpg", "jpeg", "gif", "svg", "pdf", "doc", "docx", "xlsx", "lock",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_by_stem_or_ending_whatever_the_case() {
        for name in ["README", "Readme.txt", "notes.MD", "a/rule.yml", "picture.png"] {
            assert!(is_document(Path::new(name)), "{name}");
        }
        for name in ["security.evtx", "messages", "a.log.gz", "readings.csv", "md"] {
            assert!(!is_document(Path::new(name)), "{name}");
        }
    }
}
