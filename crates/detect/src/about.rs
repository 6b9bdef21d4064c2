//! What a rule says about itself to people: nothing that matching needs, so that it is read only when somebody looks.

use serde::Deserialize;

/// What a rule says about itself (Sigma specification 2.1). What it does not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct About {
    /// What it detects, in a few sentences.
    pub description: String,
    /// What else looks like it.
    pub falsepositives: Vec<String>,
    /// Where more is written about it.
    pub references: Vec<String>,
    /// Who wrote it.
    pub author: String,
    /// How far it was tried: stable, test, experimental.
    pub status: String,
}

/// Longest document that is read, in bytes.
const LONGEST: usize = 256 << 10;

/// The document that begins at this line, from 1, of a file of rules. `None`: there is no such line.
pub fn document(file: &str, line: u32) -> Option<&str> {
    let skipped = usize::try_from(line).ok()?.checked_sub(1)?;
    let start: usize = file.split_inclusive('\n').take(skipped).map(str::len).sum();
    let rest = file.get(start..).filter(|rest| !rest.is_empty())?;
    let end = rest.find("\n---").map_or(rest.len(), |at| at + 1);
    rest.get(..end)
}

/// What a document says about itself. One that cannot be read says nothing.
pub fn about(document: &str) -> About {
    if document.len() > LONGEST {
        return About::default();
    }
    yaml_serde::from_str(document).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "title: one\n---\ntitle: two\ndescription: What it finds\nfalsepositives:\n  - Backups\nauthor: A. Nurse\n---\n\
                        title: three\ndescription: [what, is, this]\n";

    #[test]
    fn a_document_is_found_by_its_first_line_and_tells_of_itself() {
        assert_eq!(document(FILE, 1), Some("title: one\n"));
        let two = about(document(FILE, 3).unwrap());
        assert_eq!((two.description.as_str(), two.author.as_str()), ("What it finds", "A. Nurse"));
        assert_eq!(two.falsepositives, ["Backups"]);
        assert_eq!(
            about(document(FILE, 9).unwrap()),
            About::default(),
            "what is written otherwise says nothing"
        );
        assert_eq!(document(FILE, 99), None);
        assert_eq!(document(FILE, 0), None);
    }
}
