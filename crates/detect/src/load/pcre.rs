//! Regular expressions as rules write them (PCRE) to what the regular expression engine reads. Both mean
//! the same nearly everywhere; this is the rest. What only backtracking can do is refused by name.

use regex::bytes::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take.
const MAX_COMPILED: usize = 4 << 20;
/// Bytes that an expression may have.
const MAX_PATTERN: usize = 16 << 10;

/// Flags that `i`, `m` and `s` set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
}

/// Compiles an expression; the error finishes "the regular expression ...".
pub(super) fn compile(pattern: &str, flags: Flags) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("is longer than {MAX_PATTERN} bytes"));
    }
    let mut letters: String = [(flags.ignore_case, 'i'), (flags.multi_line, 'm'), (flags.dot_all, 's')]
        .into_iter()
        .filter_map(|(set, letter)| set.then_some(letter))
        .collect();
    if !letters.is_empty() {
        letters = format!("(?{letters})");
    }
    let pattern = letters + &translated(pattern)?;
    RegexBuilder::new(&pattern).size_limit(MAX_COMPILED).nest_limit(64).build().map_err(|e| match e {
        regex::Error::CompiledTooBig(limit) => format!("needs more than {limit} bytes when compiled"),
        other => {
            // The engine draws its message over many lines; the last says what is wrong.
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("cannot be used: {}", last.trim_start_matches("error: "))
        }
    })
}

fn translated(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    // Inside `[...]`: how many letters have been read since the bracket (and its `^`).
    let mut class: Option<usize> = None;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        let mut used = letter.len_utf8();
        match (letter, class) {
            ('\\', _) => used = escape(after, class.is_some(), &mut out)? + 1,
            ('[', None) => {
                out.push('[');
                class = Some(0);
                if after.starts_with('^') {
                    out.push('^');
                    used += 1;
                }
            }
            ('(', None) => {
                refuse_group(after)?;
                out.push('(');
            }
            // A brace that starts no count is a letter.
            ('{', None) if !is_count(after) => out.push_str(r"\{"),
            (']', Some(read)) if read > 0 => {
                out.push(']');
                class = None;
            }
            ('[', Some(read)) => {
                // `[:alpha:]` is a class in a class; any other bracket in a class is a letter.
                match after.starts_with(':').then(|| after.find(":]")).flatten() {
                    Some(end) => {
                        out.push_str(&rest[..end + 3]);
                        used = end + 3;
                    }
                    None => out.push_str(r"\["),
                }
                class = Some(read + 1);
            }
            // `&&`, `~~` and `--` are set operations only to the engine.
            ('&' | '~', Some(read)) | (']', Some(read)) => {
                out.extend(['\\', letter]);
                class = Some(read + 1);
            }
            ('-', Some(read)) if after.starts_with('-') => {
                out.push_str(r"\-");
                class = Some(read + 1);
            }
            (other, _) => {
                out.push(other);
                class = class.map(|read| read + 1);
            }
        }
        if letter == '\\' {
            class = class.map(|read| read + 1);
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(out)
}

/// Translates what follows a backslash; says how many bytes of it were used.
fn escape(after: &str, in_class: bool, out: &mut String) -> Result<usize, String> {
    let Some(letter) = after.chars().next() else {
        return Err("ends in a backslash".to_owned());
    };
    match letter {
        '1'..='9' if !in_class => return Err("refers back to a group, which is not supported".to_owned()),
        'k' | 'g' => return Err("refers back to a group, which is not supported".to_owned()),
        'h' if in_class => out.push_str(r"\t\x20"),
        'h' => out.push_str(r"[\t\x20]"),
        'e' => out.push_str(r"\x1b"),
        'Z' if !in_class => out.push_str(r"\n?\z"),
        // To the engine these would be word boundaries.
        '<' | '>' => out.push(letter),
        'b' if in_class => out.push_str(r"\x08"),
        other if other.is_ascii_alphanumeric() || (other.is_ascii_punctuation() && other != '_') => {
            out.extend(['\\', other]);
        }
        other => out.push(other),
    }
    Ok(letter.len_utf8())
}

fn refuse_group(after: &str) -> Result<(), String> {
    let looks = [("?=", "ahead"), ("?!", "ahead"), ("?<=", "behind"), ("?<!", "behind")];
    if let Some((_, where_to)) = looks.iter().find(|(start, _)| after.starts_with(start)) {
        return Err(format!("looks {where_to}, which is not supported"));
    }
    if after.starts_with("?>") {
        return Err("has an atomic group, which is not supported".to_owned());
    }
    Ok(())
}

/// Whether `{` is followed by `n}`, `n,}` or `n,m}`.
fn is_count(after: &str) -> bool {
    let Some((count, _)) = after.split_once('}') else { return false };
    let (low, high) = count.split_once(',').unwrap_or((count, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern, Flags::default()).unwrap().is_match(text.as_bytes())
    }

    #[test]
    fn what_pcre_takes_as_letters_is_taken_as_letters() {
        assert!(matches(r"\$\{IFS}", "cat${IFS}x"));
        assert!(matches(r"a{,2}", "a{,2}"));
        assert!(matches(r"^a{2,3}$", "aaa"));
        assert!(matches(r"[[x]", "["));
        assert!(matches(r"^[]a]+$", "]a"));
        assert!(matches(r"^[^]]$", "a"));
        assert!(matches(r"[&&]", "&") && matches(r"[+--]", "-") && matches("[~~]", "~"));
        assert!(matches(r"^[[:digit:]x]+$", "1x"));
        assert!(matches(r"^\<a\>\/\_\é$", "<a>/_é"));
        assert!(matches(r"a\hb", "a b") && matches(r"[\h]", "\t"));
    }

    #[test]
    fn flags_apply_to_the_whole_expression() {
        let all = Flags { ignore_case: true, multi_line: true, dot_all: true };
        assert!(compile("^b.$|zz", all).unwrap().is_match(b"a\nB\n\n"));
        assert!(!matches("b", "B"));
    }

    #[test]
    fn what_needs_backtracking_or_too_much_memory_is_refused_by_name() {
        for (pattern, why) in [
            ("a(?=b)", "looks ahead"),
            ("(?<!a)b", "looks behind"),
            (r"(a)\1", "refers back"),
            ("(?>a)", "atomic"),
            ("a(", "cannot be used: unclosed group"),
            (r"\w{500}\w{500}\w{500}", "bytes when compiled"),
            ("a\\", "ends in a backslash"),
        ] {
            let error = compile(pattern, Flags::default()).unwrap_err();
            assert!(error.contains(why), "{pattern}: {error}");
        }
        assert!(compile(&"a".repeat(MAX_PATTERN + 1), Flags::default()).is_err());
    }
}
