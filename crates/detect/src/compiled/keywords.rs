//! Keywords: texts sought in every value of a record.
//!
//! Reading every value of every event would cost more than all else. So a short window of each keyword,
//! chosen to be rare and cheap, is sought in the raw record first, in both cases of its letters; only
//! where one is found are the values undone and searched in full.

use aho_corasick::packed;
use ward_core::{Event, RecordForm, json};

use super::fold::{HIDING_ASCII, fold_into};
use super::texts::{Bit, Texts, TextsBuilder};
use crate::rule::{Pattern, Piece, TextTest};

/// The keyword tests of a partition.
#[derive(Debug)]
pub struct Keywords {
    folded: Option<Texts>,
    cased: Option<Texts>,
    hints: Option<Vec<packed::Searcher>>,
}

/// Collects keyword tests.
#[derive(Debug, Default)]
pub struct KeywordsBuilder {
    folded: TextsBuilder,
    cased: TextsBuilder,
    windows: Option<Vec<Vec<u8>>>,
    some: bool,
}

impl KeywordsBuilder {
    /// Adds a test that sets `bit`.
    pub fn add(&mut self, test: &TextTest, bit: Bit) {
        if !std::mem::replace(&mut self.some, true) {
            self.windows = Some(Vec::new());
        }
        for pattern in &test.patterns {
            if test.cased {
                self.cased.add(pattern, false, bit);
            } else {
                self.folded.add(pattern, true, bit);
            }
            match (window_of(pattern, self.windows.as_deref().unwrap_or_default()), &mut self.windows) {
                (Some(window), Some(windows)) if !windows.contains(&window) => windows.push(window),
                (Some(_), _) => {}
                (None, windows) => *windows = None,
            }
        }
    }

    /// Compiles what was added; `None` if nothing was.
    pub fn build(self) -> Option<Keywords> {
        self.some.then(|| Keywords {
            folded: self.folded.build(),
            cased: self.cased.build(),
            hints: self.windows.and_then(|windows| searchers(&windows)),
        })
    }
}

impl Keywords {
    /// Calls `hit` with the bit of each test that some value of the event satisfies.
    pub fn find(&self, event: &Event<'_>, scratch: &mut Vec<u8>, hit: &mut impl FnMut(Bit)) {
        if let Some(hints) = &self.hints
            && !event.unicode_escapes
            && !hints.iter().any(|searcher| searcher.find(event.record).is_some())
        {
            return;
        }
        any_value(event, |value| {
            if let Some(texts) = &self.folded {
                scratch.clear();
                fold_into(value, scratch);
                texts.find(scratch, None, hit);
            }
            if let Some(texts) = &self.cased {
                texts.find(value, None, hit);
            }
            false
        });
    }

    /// Rough cost of a search in nanoseconds per byte of the record, to weigh it against field scans.
    pub fn cost_per_byte(&self) -> f32 {
        self.hints.as_ref().map_or(2.0, |hints| 0.1 * hints.len() as f32)
    }
}

/// Whether some value of the event satisfies `wanted`: of a JSON record each text, number and
/// boolean that is no key, of a text record the whole text.
pub fn any_value(event: &Event<'_>, mut wanted: impl FnMut(&[u8]) -> bool) -> bool {
    match event.form {
        RecordForm::Json => {
            let mut found = false;
            json::each_text(event.record, &mut |value| {
                found = wanted(value);
                !found
            });
            found
        }
        RecordForm::Text => wanted(event.record),
    }
}

/// Longest window.
const WINDOW: usize = 4;
/// Patterns that one vectorised searcher takes.
const PER_SEARCHER: usize = 64;
/// More searchers than this cost more than the full search.
const MOST_SEARCHERS: usize = 4;

/// The window of a pattern's literals that has the fewest spellings, one already used if possible.
/// Only plain ASCII that JSON never escapes will do. `None`: there is none.
fn window_of(pattern: &Pattern, used: &[Vec<u8>]) -> Option<Vec<u8>> {
    let literals = pattern.pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text.as_bytes()),
        _ => None,
    });
    let mut best: Option<(usize, Vec<u8>)> = None;
    for literal in literals {
        for length in (2..=WINDOW.min(literal.len())).rev() {
            for window in literal.windows(length).filter(|w| w.iter().all(|&b| is_plain(b))) {
                let window = window.to_ascii_lowercase();
                let letters = window.iter().filter(|b| b.is_ascii_alphabetic()).count();
                let reused = used.contains(&window);
                let cost = (WINDOW - length) * 8 + if reused { 0 } else { letters * 2 + 1 };
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, window));
                }
            }
        }
    }
    best.map(|(_, window)| window)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#""\/<>&'"#.contains(&byte) || byte == b' '
}

fn searchers(windows: &[Vec<u8>]) -> Option<Vec<packed::Searcher>> {
    let hiding = HIDING_ASCII.iter().map(|letter| letter.as_bytes().to_vec());
    let spellings: Vec<Vec<u8>> = windows.iter().flat_map(|window| spellings(window)).chain(hiding).collect();
    if spellings.len() > PER_SEARCHER * MOST_SEARCHERS {
        return None;
    }
    spellings
        .chunks(PER_SEARCHER)
        .map(|chunk| packed::Config::new().builder().extend(chunk).build())
        .collect()
}

/// A window in all mixtures of cases.
fn spellings(window: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for &byte in window {
        let forms =
            if byte.is_ascii_alphabetic() { vec![byte, byte.to_ascii_uppercase()] } else { vec![byte] };
        all = all
            .iter()
            .flat_map(|start: &Vec<u8>| forms.iter().map(move |&form| [start.as_slice(), &[form]].concat()))
            .collect();
    }
    all
}
