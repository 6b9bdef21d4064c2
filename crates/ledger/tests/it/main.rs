//! A chain that was touched says where, whatever was done to it.

use proptest::prelude::*;
use ward_core::{Actor, Timestamp};
use ward_ledger::{Broken, Chain, Entry, Hash, Head, NewEntry, Why, verify, verify_to};

#[test]
fn an_untouched_chain_is_whole_and_so_is_an_empty_one() {
    let chain = chain(5);
    assert_eq!(verify(chain.clone(), Head::EMPTY), Ok(chain[4].head()));
    assert_eq!(verify(chain[2..].to_vec(), chain[1].head()), Ok(chain[4].head()));
    assert_eq!(verify([], Head::EMPTY), Ok(Head::EMPTY));
}

#[test]
fn the_first_bad_entry_is_named_with_what_happened_to_it() {
    let chain = chain(5);
    let mut altered = chain.clone();
    altered[2].subject.push('x');
    assert_eq!(verify(altered, Head::EMPTY), Err(Broken { number: 3, why: Why::Altered }));

    let mut shorter = chain.clone();
    shorter.remove(1);
    assert_eq!(verify(shorter, Head::EMPTY), Err(Broken { number: 2, why: Why::Missing { found: 3 } }));

    let mut rehashed = chain.clone();
    rehashed[2].subject.push('x');
    rehashed[2].hash = rehashed[2].computed_hash();
    assert_eq!(verify(rehashed, Head::EMPTY), Err(Broken { number: 4, why: Why::Unchained }));

    let cut = chain[..3].to_vec();
    assert_eq!(verify(cut.clone(), Head::EMPTY), Ok(chain[2].head()), "a chain cannot know its own end");
    assert_eq!(verify_to(cut, Head::EMPTY, chain[4].head()), Err(Broken { number: 4, why: Why::CutOff }));
}

/// Whoever can write the whole store can compute a new chain. A head noted elsewhere shows it.
#[test]
fn a_chain_written_anew_is_found_by_a_head_that_was_noted() {
    let old = chain(5);
    let mut head = old[1].head();
    let mut anew = old[..2].to_vec();
    for entry in &old[2..] {
        let mut entry = renewed(entry);
        entry.subject.push('x');
        anew.push(Chain::append(&head, entry));
        head = anew[anew.len() - 1].head();
    }
    assert_eq!(verify(anew.clone(), Head::EMPTY), Ok(head));
    let noted = old[3].head();
    assert_eq!(verify_to(anew, Head::EMPTY, noted), Err(Broken { number: 4, why: Why::Rewritten }));
    assert_eq!(verify_to(old.clone(), Head::EMPTY, noted), Ok(old[4].head()));
}

#[test]
fn what_is_broken_is_said_in_words() {
    let broken = Broken { number: 7, why: Why::Missing { found: 8 } };
    assert_eq!(
        broken.to_string(),
        "the ledger is broken at entry 7: it is missing, entry 8 stands in its place"
    );
}

proptest! {
    #[test]
    fn any_single_alteration_is_found_where_it_is(length in 1usize..20, at in any::<prop::sample::Index>(), how in alteration()) {
        let whole = chain(length);
        let at = at.index(length);
        let mut touched = whole.clone();
        how.apply(&mut touched, at);
        prop_assume!(touched != whole);
        let first = touched.iter().zip(&whole).position(|(a, b)| a != b).unwrap_or(touched.len().min(length));
        let broken = verify_to(touched, Head::EMPTY, whole[length - 1].head());
        // A recomputed hash shows at the next entry, or by the known head when there is none.
        let number = broken.expect_err("it was touched").number as usize;
        prop_assert!(number == first + 1 || number == first + 2, "{how:?} of {first}: named {number}");
    }
}

/// Something that can be done to one entry of a chain.
#[derive(Debug, Clone)]
enum Alteration {
    Time(i64),
    Name(String),
    Operator,
    Action(String),
    Subject(String),
    Detail(String),
    Previous([u8; 32]),
    Hash([u8; 32]),
    Number(u64),
    SubjectAndHash(String),
    Remove,
    Repeat,
    SwapWithNext,
    CutFrom,
}

impl Alteration {
    fn apply(&self, chain: &mut Vec<Entry>, at: usize) {
        let entry = &mut chain[at];
        match self {
            Self::Time(micros) => entry.time = Timestamp::from_micros(*micros),
            Self::Name(name) => entry.actor.name.clone_from(name),
            Self::Operator => entry.actor = Actor::operator(entry.actor.name.clone()),
            Self::Action(text) => entry.action.clone_from(text),
            Self::Subject(text) => entry.subject.clone_from(text),
            Self::Detail(text) => entry.detail.clone_from(text),
            Self::Previous(hash) => entry.previous = Hash(*hash),
            Self::Hash(hash) => entry.hash = Hash(*hash),
            Self::Number(number) => entry.number = *number,
            Self::SubjectAndHash(text) => {
                entry.subject.clone_from(text);
                entry.hash = entry.computed_hash();
            }
            Self::Remove => {
                chain.remove(at);
            }
            Self::Repeat => {
                let again = chain[at].clone();
                chain.insert(at, again);
            }
            Self::SwapWithNext => {
                let next = (at + 1) % chain.len();
                chain.swap(at, next);
            }
            Self::CutFrom => chain.truncate(at),
        }
    }
}

fn alteration() -> impl Strategy<Value = Alteration> {
    prop_oneof![
        any::<i64>().prop_map(Alteration::Time),
        ".{0,8}".prop_map(Alteration::Name),
        Just(Alteration::Operator),
        ".{0,8}".prop_map(Alteration::Action),
        ".{0,8}".prop_map(Alteration::Subject),
        ".{0,8}".prop_map(Alteration::Detail),
        any::<[u8; 32]>().prop_map(Alteration::Previous),
        any::<[u8; 32]>().prop_map(Alteration::Hash),
        any::<u64>().prop_map(Alteration::Number),
        ".{0,8}".prop_map(Alteration::SubjectAndHash),
        Just(Alteration::Remove),
        Just(Alteration::Repeat),
        Just(Alteration::SwapWithNext),
        Just(Alteration::CutFrom),
    ]
}

fn chain(length: usize) -> Vec<Entry> {
    let mut head = Head::EMPTY;
    let new = |at: usize| NewEntry {
        time: Timestamp::from_micros(1_700_000_000_000_000 + at as i64),
        actor: Actor::token("lead"),
        action: "alert.judge".to_owned(),
        subject: format!("alert {at}"),
        detail: format!("{{\"at\":{at}}}"),
    };
    let mut chain = Vec::new();
    for at in 0..length {
        let entry = Chain::append(&head, new(at));
        head = entry.head();
        chain.push(entry);
    }
    chain
}

fn renewed(entry: &Entry) -> NewEntry {
    let Entry { time, actor, action, subject, detail, .. } = entry.clone();
    NewEntry { time, actor, action, subject, detail }
}
