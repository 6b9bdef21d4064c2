//! A rule's value on its way to a pattern: text with wildcards and escapes, placeholders, encodings.
//!
//! Escapes (Sigma specification, "Escape Character"): a backslash before `*`, `?` or `\` makes it plain;
//! before anything else, and at the end, it is a plain backslash itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::rule::{Pattern, Piece};

/// Patterns that one value may expand to: five dashes at five places.
pub(super) const MAX_EXPANSIONS: usize = 3_125;

/// A piece of a value. Text is bytes, because encodings need not be UTF-8 on the way.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Bytes(Vec<u8>),
    Run,
    One,
}

/// A value in pieces.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Text(pub Vec<Part>);

impl Text {
    /// Reads wildcards and escapes.
    pub(super) fn parse(value: &str) -> Self {
        let mut text = Self::default();
        let mut plain = String::new();
        let mut letters = value.chars().peekable();
        while let Some(letter) = letters.next() {
            let wildcard = match letter {
                '\\' => {
                    plain.push(letters.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\'));
                    continue;
                }
                '*' => Part::Run,
                '?' => Part::One,
                other => {
                    plain.push(other);
                    continue;
                }
            };
            text.push_plain(&mut plain);
            text.0.push(wildcard);
        }
        text.push_plain(&mut plain);
        text
    }

    /// Text without wildcards.
    pub(super) fn plain(value: &str) -> Self {
        let mut text = Self::default();
        text.push_plain(&mut value.to_owned());
        text
    }

    fn push_plain(&mut self, plain: &mut String) {
        if !plain.is_empty() {
            self.0.push(Part::Bytes(std::mem::take(plain).into_bytes()));
        }
    }

    /// Lets anything come before.
    pub(super) fn open_start(mut self) -> Self {
        if self.0.first() != Some(&Part::Run) {
            self.0.insert(0, Part::Run);
        }
        self
    }

    /// Lets anything come after.
    pub(super) fn open_end(mut self) -> Self {
        if self.0.last() != Some(&Part::Run) {
            self.0.push(Part::Run);
        }
        self
    }

    /// Its bytes; `None` if it has wildcards.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => all.extend_from_slice(bytes),
                Part::Run | Part::One => return None,
            }
        }
        Some(all)
    }

    /// Every plain piece re-encoded as UTF-16; `None` if one is not text any more.
    pub(super) fn utf16(&self, order: ByteOrder) -> Option<Self> {
        let mut encoded = Vec::new();
        if order == ByteOrder::Marked {
            encoded.push(Part::Bytes(vec![0xff, 0xfe]));
        }
        for part in &self.0 {
            encoded.push(match part {
                Part::Bytes(bytes) => Part::Bytes(order.encode(std::str::from_utf8(bytes).ok()?)),
                wildcard => wildcard.clone(),
            });
        }
        Some(Self(encoded))
    }

    /// Base64 of its bytes; `None` if it has wildcards.
    pub(super) fn base64(&self) -> Option<Self> {
        Some(Self::plain(&STANDARD.encode(self.bytes()?)))
    }

    /// What of its base64 form stays the same whatever comes before and after it, for each of the three
    /// places it can have in a group of three bytes; `None` if it has wildcards.
    pub(super) fn base64_offsets(&self) -> Option<Vec<Self>> {
        let bytes = self.bytes()?;
        let at_offset = |offset: usize| {
            let mut shifted = vec![0; offset];
            shifted.extend_from_slice(&bytes);
            let encoded = STANDARD.encode(&shifted);
            // Letters that hold bits of a neighbour are cut: at the start by the offset, at the end by
            // how many bytes the last group has.
            let start = [0, 2, 3][offset];
            let cut = [0, 3, 2][shifted.len() % 3];
            Self::plain(encoded.get(start..encoded.len() - cut).unwrap_or_default())
        };
        Some((0..3).map(at_offset).filter(|text| !text.0.is_empty()).collect())
    }

    /// Every way to write the dashes that start a flag; `None` if there are too many.
    pub(super) fn windash(&self) -> Option<Vec<Self>> {
        let mut variants = vec![Self::default()];
        for part in &self.0 {
            let pieces = match part {
                Part::Bytes(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => flags(text),
                    Err(_) => vec![Flag::Other(bytes)],
                },
                Part::Run | Part::One => {
                    variants.iter_mut().for_each(|v| v.0.push(part.clone()));
                    continue;
                }
            };
            variants.iter_mut().for_each(|v| v.0.push(Part::Bytes(Vec::new())));
            for piece in pieces {
                variants = piece.append_to(variants)?;
            }
        }
        Some(variants)
    }

    /// The pattern; `None` if it is not UTF-8.
    pub(super) fn pattern(self) -> Option<Pattern> {
        let piece = |part| {
            Some(match part {
                Part::Bytes(bytes) => Piece::Literal(String::from_utf8(bytes).ok()?),
                Part::Run => Piece::Run,
                Part::One => Piece::One,
            })
        };
        Some(Pattern::new(self.0.into_iter().map(piece).collect::<Option<Vec<_>>>()?))
    }
}

/// How UTF-16 is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
    /// Little, after a byte order mark.
    Marked,
}

impl ByteOrder {
    fn encode(self, text: &str) -> Vec<u8> {
        let to_bytes = |unit: u16| if self == Self::Big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(to_bytes).collect()
    }
}

const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

enum Flag<'a> {
    Dash,
    Other(&'a [u8]),
}

impl Flag<'_> {
    fn append_to(&self, mut variants: Vec<Text>) -> Option<Vec<Text>> {
        let append = |text: &mut Text, more: &[u8]| {
            if let Some(Part::Bytes(bytes)) = text.0.last_mut() {
                bytes.extend_from_slice(more);
            }
        };
        match self {
            Self::Other(bytes) => variants.iter_mut().for_each(|v| append(v, bytes)),
            Self::Dash => {
                if variants.len() * DASHES.len() > MAX_EXPANSIONS {
                    return None;
                }
                let with = |variant: &Text, dash: char| {
                    let mut variant = variant.clone();
                    append(&mut variant, dash.encode_utf8(&mut [0; 4]).as_bytes());
                    variant
                };
                variants = variants.iter().flat_map(|v| DASHES.map(|dash| with(v, dash))).collect();
            }
        }
        Some(variants)
    }
}

/// Finds the dashes that start a flag: a word character follows and none comes before.
fn flags(text: &str) -> Vec<Flag<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let (mut done, mut before) = (0, None);
    for (at, letter) in text.char_indices() {
        let end = at + letter.len_utf8();
        let next = text[end..].chars().next();
        if DASHES.contains(&letter) && next.is_some_and(is_word) && !before.is_some_and(is_word) {
            found.push(Flag::Other(&text.as_bytes()[done..at]));
            found.push(Flag::Dash);
            done = end;
        }
        before = Some(letter);
    }
    found.push(Flag::Other(&text.as_bytes()[done..]));
    found
}

/// A value with `%name%` placeholders written out: one text per combination of their values.
pub(super) enum Expanded {
    /// All combinations.
    Texts(Vec<String>),
    /// This placeholder has no values.
    NoValues(String),
    /// There are more than [`MAX_EXPANSIONS`].
    TooMany,
}

/// Writes out placeholders. `\%` is a plain percent sign. What `adapt` makes of a placeholder's value is
/// put in its place.
pub(super) fn expand(
    value: &str,
    placeholders: &BTreeMap<String, Vec<String>>,
    adapt: impl Fn(&str) -> String,
) -> Expanded {
    let mut texts = vec![String::new()];
    let mut rest = value;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('\\') {
            texts.iter_mut().for_each(|t| t.extend([before, "%"]));
            rest = &from[1..];
            continue;
        }
        texts.iter_mut().for_each(|t| t.push_str(before));
        let name = from[1..].split('%').next().unwrap_or_default();
        let is_name = from[1..].len() > name.len()
            && !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if !is_name {
            texts.iter_mut().for_each(|t| t.push('%'));
            rest = &from[1..];
            continue;
        }
        let values = placeholders.get(name).map_or(&[][..], |v| v);
        if values.is_empty() {
            return Expanded::NoValues(name.to_owned());
        }
        if texts.len() * values.len() > MAX_EXPANSIONS {
            return Expanded::TooMany;
        }
        let with = |text: &String| values.iter().map(|v| text.clone() + &adapt(v)).collect::<Vec<_>>();
        texts = texts.iter().flat_map(with).collect();
        rest = &from[name.len() + 2..];
    }
    texts.iter_mut().for_each(|t| t.push_str(rest));
    Expanded::Texts(texts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(value: &str) -> String {
        format!("{:?}", Text::parse(value).pattern().unwrap().pieces)
    }

    fn plain(texts: Vec<Text>) -> Vec<String> {
        texts.iter().map(|t| String::from_utf8(t.bytes().unwrap()).unwrap()).collect()
    }

    #[test]
    fn wildcards_and_escapes_are_as_the_specification_tables_them() {
        for (value, pieces) in [
            (r"a\b", r#"[Literal("a\\b")]"#),
            (r"a\\b", r#"[Literal("a\\b")]"#),
            (r"a\*", r#"[Literal("a*")]"#),
            (r"a\?", r#"[Literal("a?")]"#),
            (r"a\\*", r#"[Literal("a\\"), Run]"#),
            (r"a\\\*", r#"[Literal("a\\*")]"#),
            (r"a\\\b", r#"[Literal("a\\\\b")]"#),
            (r"a\\\\b", r#"[Literal("a\\\\b")]"#),
            (r"prog?.exe", r#"[Literal("prog"), One, Literal(".exe")]"#),
            (r"**a", r#"[Run, Literal("a")]"#),
            (r"C:\Windows\", r#"[Literal("C:\\Windows\\")]"#),
            ("", "[]"),
        ] {
            assert_eq!(pattern(value), pieces, "{value}");
        }
    }

    #[test]
    fn encodings_give_what_the_specification_and_its_reference_give() {
        let encoded = |text: Option<Text>| plain(vec![text.unwrap()]).remove(0);
        assert_eq!(encoded(Text::parse("foobar").base64()), "Zm9vYmFy");
        assert_eq!(
            plain(Text::parse("foobar").base64_offsets().unwrap()),
            ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]
        );
        assert_eq!(Text::parse("cm").utf16(ByteOrder::Little).unwrap().bytes().unwrap(), b"c\0m\0");
        assert_eq!(Text::parse("cm").utf16(ByteOrder::Big).unwrap().bytes().unwrap(), b"\0c\0m");
        assert_eq!(Text::parse("c").utf16(ByteOrder::Marked).unwrap().bytes().unwrap(), b"\xff\xfec\0");
        assert_eq!(Text::parse("a*b").base64(), None);
        assert_eq!(Text::parse("é").utf16(ByteOrder::Little).unwrap().pattern(), None);
    }

    #[test]
    fn only_dashes_that_start_a_flag_are_varied() {
        let variants = |value: &str| plain(Text::parse(value).windash().unwrap());
        assert_eq!(variants("-f"), ["-f", "/f", "–f", "—f", "―f"]);
        assert_eq!(variants("/param-name a-b - /"), DASHES.map(|d| format!("{d}param-name a-b - /")));
        assert_eq!(variants(" -a -b").len(), 25);
        assert_eq!(variants("ab"), ["ab"]);
        assert_eq!(Text::parse("-a -b -c -d -e -f").windash(), None);
        assert_eq!(Text::parse("x*-f").windash().unwrap().len(), 5);
    }

    #[test]
    fn placeholders_are_written_out_in_all_combinations() {
        let values: BTreeMap<String, Vec<String>> =
            [("a".to_owned(), vec!["1".to_owned(), "2*".to_owned()]), ("b".to_owned(), vec!["x".to_owned()])]
                .into();
        let texts = |value: &str| match expand(value, &values, str::to_owned) {
            Expanded::Texts(texts) => texts,
            Expanded::NoValues(name) => vec![format!("no {name}")],
            Expanded::TooMany => vec!["too many".to_owned()],
        };
        assert_eq!(texts("<%a%-%b%>"), ["<1-x>", "<2*-x>"]);
        assert_eq!(texts(r"\%plain%b%"), ["%plainx"]);
        assert_eq!(texts("100% of 5%"), ["100% of 5%"]);
        assert_eq!(texts("%c%"), ["no c"]);
        assert_eq!(texts(&"%a%".repeat(20)), ["too many"]);
    }

    proptest! {
        #[test]
        fn a_pattern_written_as_sigma_is_read_back_as_itself(value in r"[a-c\\*?]{0,12}") {
            let pattern = Text::parse(&value).pattern().unwrap();
            prop_assert_eq!(Text::parse(&pattern.to_string()).pattern().unwrap(), pattern);
        }

        #[test]
        fn escaped_text_is_plain(value in ".{0,20}") {
            let escaped = value.replace('\\', r"\\").replace('*', r"\*").replace('?', r"\?");
            prop_assert_eq!(Text::parse(&escaped).bytes(), Some(value.into_bytes()));
        }

        #[test]
        fn base64_offsets_are_found_at_every_place(text in "[ -~]{3,12}", before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
            let encoded = STANDARD.encode(format!("{before}{text}{after}"));
            let offsets = plain(Text::plain(&text).base64_offsets().unwrap());
            prop_assert!(offsets.iter().any(|o| encoded.contains(o.as_str())));
        }
    }
}
