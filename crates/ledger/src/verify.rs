//! Walking a chain and naming the first entry that is not what it was.

use std::fmt;

use crate::{Entry, Head};

/// The first place at which a chain is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger is broken at entry {number}: {why}")]
pub struct Broken {
    /// Number of the first bad entry: the one that should have stood here.
    pub number: u64,
    /// What is wrong with it.
    pub why: Why,
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Another entry stands in its place: it is missing, or entries were moved.
    Missing {
        /// Number of the entry that stands there.
        found: u64,
    },
    /// Its content does not belong to its hash.
    Altered,
    /// It does not follow the entry before it: one of the two was replaced or put in.
    Unchained,
    /// The chain ends before it, though it is known to have been written.
    CutOff,
    /// It was put after the end that the ledger itself has noted.
    Beyond,
    /// It is whole and in its place, but not the entry that is known from elsewhere.
    Rewritten,
}

/// Checks entries one after another, as they are read.
#[derive(Debug, Clone)]
pub struct Verifier {
    head: Head,
    known: Vec<Head>,
}

impl Verifier {
    /// Starts after `from`, whose entry is trusted.
    pub fn after(from: Head) -> Self {
        Self { head: from, known: Vec::new() }
    }

    /// The chain must also have had this head at some time.
    #[must_use]
    pub fn knowing(mut self, head: Head) -> Self {
        self.known.push(head);
        self
    }

    /// Number of the entry that should come next.
    pub fn due(&self) -> u64 {
        self.head.number.saturating_add(1)
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// It is not the one that should follow.
    pub fn check(&mut self, entry: &Entry) -> Result<(), Broken> {
        let number = self.due();
        let broken = |why| Err(Broken { number, why });
        if entry.number != number {
            return broken(Why::Missing { found: entry.number });
        }
        if entry.hash != entry.computed_hash() {
            return broken(Why::Altered);
        }
        if entry.previous != self.head.hash {
            return broken(Why::Unchained);
        }
        if self.known.iter().any(|known| known.number == number && known.hash != entry.hash) {
            return broken(Why::Rewritten);
        }
        self.head = entry.head();
        Ok(())
    }

    /// Where the chain ends, when there are no more entries.
    ///
    /// # Errors
    /// It is known to have been longer.
    pub fn finish(self) -> Result<Head, Broken> {
        if self.known.iter().any(|known| known.number > self.head.number) {
            return Err(Broken { number: self.due(), why: Why::CutOff });
        }
        Ok(self.head)
    }
}

/// Checks that these entries follow `from` one after another. Tells where the chain ends.
///
/// # Errors
/// The first entry that is altered, missing, moved or put in.
pub fn verify(entries: impl IntoIterator<Item = Entry>, from: Head) -> Result<Head, Broken> {
    run(entries, Verifier::after(from))
}

/// As [`verify()`], and that the chain has had the head `known`, so that a cut end is found too.
///
/// # Errors
/// The first bad entry.
pub fn verify_to(entries: impl IntoIterator<Item = Entry>, from: Head, known: Head) -> Result<Head, Broken> {
    run(entries, Verifier::after(from).knowing(known))
}

fn run(entries: impl IntoIterator<Item = Entry>, mut verifier: Verifier) -> Result<Head, Broken> {
    for entry in entries {
        verifier.check(&entry)?;
    }
    verifier.finish()
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { found } => write!(f, "it is missing, entry {found} stands in its place"),
            Self::Altered => f.write_str("its content does not belong to its hash"),
            Self::Unchained => f.write_str("it does not follow the entry before it"),
            Self::CutOff => f.write_str("it was written, but the ledger ends before it"),
            Self::Beyond => f.write_str("it was put after the end that the ledger has noted"),
            Self::Rewritten => f.write_str("it is not the entry that is known from elsewhere"),
        }
    }
}
