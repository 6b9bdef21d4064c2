//! What a rule's tags say of MITRE ATT&CK: techniques by number, tactics by number and name.
//!
//! Names of techniques are not shipped; a technique's number is its name everywhere.

/// A tactic of ATT&CK for Enterprise, version 19.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tactic {
    /// Its number, such as `TA0001`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// The techniques of the tags, such as `T1059.001`, in the order written, each once.
pub fn techniques(tags: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for tag in tags {
        if let Some(name) = attack_name(tag)
            && is_technique(&name)
        {
            let technique = name.to_ascii_uppercase();
            if !found.contains(&technique) {
                found.push(technique);
            }
        }
    }
    found
}

/// The tactics of the tags, in the order written, each once.
pub fn tactics(tags: &[String]) -> Vec<Tactic> {
    let mut found: Vec<Tactic> = Vec::new();
    for tag in tags {
        let Some(name) = attack_name(tag).map(|name| name.replace('_', "-")) else { continue };
        let known =
            TACTICS.iter().find(|(tag, tactic)| *tag == name || tactic.id.eq_ignore_ascii_case(&name));
        if let Some((_, tactic)) = known
            && !found.contains(tactic)
        {
            found.push(*tactic);
        }
    }
    found
}

fn attack_name(tag: &str) -> Option<String> {
    let tag = tag.to_ascii_lowercase();
    tag.strip_prefix("attack.").map(str::to_owned)
}

/// `t1059` or `t1059.001`.
fn is_technique(name: &str) -> bool {
    let Some(digits) = name.strip_prefix('t') else { return false };
    let (main, sub) = digits.split_once('.').unwrap_or((digits, "000"));
    let all_digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    all_digits(main, 4) && all_digits(sub, 3)
}

/// Sigma's tag for each tactic. `defense-evasion` is what rules older than version 19 say for `TA0005`.
const TACTICS: [(&str, Tactic); 16] = [
    ("reconnaissance", Tactic { id: "TA0043", name: "Reconnaissance" }),
    ("resource-development", Tactic { id: "TA0042", name: "Resource Development" }),
    ("initial-access", Tactic { id: "TA0001", name: "Initial Access" }),
    ("execution", Tactic { id: "TA0002", name: "Execution" }),
    ("persistence", Tactic { id: "TA0003", name: "Persistence" }),
    ("privilege-escalation", Tactic { id: "TA0004", name: "Privilege Escalation" }),
    ("stealth", Tactic { id: "TA0005", name: "Stealth" }),
    ("defense-evasion", Tactic { id: "TA0005", name: "Stealth" }),
    ("defense-impairment", Tactic { id: "TA0112", name: "Defense Impairment" }),
    ("credential-access", Tactic { id: "TA0006", name: "Credential Access" }),
    ("discovery", Tactic { id: "TA0007", name: "Discovery" }),
    ("lateral-movement", Tactic { id: "TA0008", name: "Lateral Movement" }),
    ("collection", Tactic { id: "TA0009", name: "Collection" }),
    ("command-and-control", Tactic { id: "TA0011", name: "Command and Control" }),
    ("exfiltration", Tactic { id: "TA0010", name: "Exfiltration" }),
    ("impact", Tactic { id: "TA0040", name: "Impact" }),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[&str]) -> Vec<String> {
        list.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn tags_tell_techniques_and_tactics_apart_from_the_rest() {
        let tags = tags(&[
            "attack.t1059.001",
            "attack.T1003",
            "attack.g0007",
            "attack.execution",
            "attack.credential_access",
            "attack.defense-evasion",
            "attack.stealth",
            "cve.2021-44228",
            "attack.t1059.001",
        ]);
        assert_eq!(techniques(&tags), ["T1059.001", "T1003"]);
        let names: Vec<_> = super::tactics(&tags).iter().map(|t| t.name).collect();
        assert_eq!(names, ["Execution", "Credential Access", "Stealth"]);
    }
}
