//! Which passwords are soon guessed: those that are put together of few pieces that everybody knows.
//!
//! A list of known passwords alone says little where twelve characters are asked for: it has `Password`, and people make
//! `Password2026!` of it. So a password is taken apart into as few pieces as it has (a common word or password, digits,
//! keys side by side, a row of the alphabet, the same letter many times, a letter by itself; signs between them do not
//! count), and three pieces are too few. Four words that do not belong together are always enough, whatever they are.
//!
//! `common.txt` has the first 32 bits of the SHA-256 of each word, since many are not fit to be read: the 3,000 commonest
//! of four letters and more of the list that comes with zxcvbn (Dropbox, MIT), and those of twelve and more of it and of the
//! one that comes with Django (BSD-3-Clause), in lower case; longer than 24 is none.

use std::collections::HashSet;
use std::sync::OnceLock;

use ring::digest::{SHA256, digest};
use unicode_normalization::UnicodeNormalization as _;

/// What of a password is guessed first, whatever it is in: letters as an attacker folds them.
pub(super) fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// With the letters that digits and signs stand for.
pub(super) fn undisguised(folded: &str) -> String {
    folded.chars().map(plain).collect()
}

fn plain(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        c => c,
    }
}

/// Whether a password, folded, is put together of so few pieces that it is soon guessed.
pub(super) fn is_guessable(folded: &str) -> bool {
    let letters: Vec<char> = folded.chars().collect();
    let once = (1..=letters.len() / 2).find(|unit| {
        letters.len().is_multiple_of(*unit) && letters.chunks(*unit).all(|chunk| chunk == &letters[..*unit])
    });
    // The same over again is one piece more.
    let over_again = once.map(|unit| pieces(&letters[..unit]) + 1);
    pieces(&letters).min(over_again.unwrap_or(u32::MAX)) <= TOO_FEW
}

/// Pieces that are too few.
const TOO_FEW: u32 = 3;
/// Digits of one piece: a date has eight.
const DIGITS: usize = 8;
/// Letters of the words in `common.txt`.
const WORDS: std::ops::RangeInclusive<usize> = 4..=24;

/// Of how few pieces the letters are. Signs between two pieces are none; a sign beside another is one.
fn pieces(letters: &[char]) -> u32 {
    // The least for each beginning of it.
    let mut least = vec![u32::MAX; letters.len() + 1];
    least[0] = 0;
    for from in 0..letters.len() {
        let rest = &letters[from..];
        let mut reach = |length: usize, counts: u32| {
            let so_far = least[from].saturating_add(counts);
            let to = &mut least[from + length];
            *to = so_far.min(*to);
        };
        let alike = run(rest, |one, next| one == next);
        let is_between = !rest[0].is_alphanumeric() && (from == 0 || letters[from - 1].is_alphanumeric());
        reach(1, 1);
        if is_between {
            reach(alike, 0);
        }
        let up = run(rest, |one, next| next as u32 == one as u32 + 1);
        let down = run(rest, |one, next| next as u32 + 1 == one as u32);
        let digits = rest.iter().take_while(|c| c.is_ascii_digit()).take(DIGITS).count();
        for length in [alike, up, down, walk(rest)].into_iter().filter(|length| *length >= 3) {
            reach(length, 1);
        }
        for length in 1..=digits {
            reach(length, 1);
        }
        for length in WORDS.take_while(|length| *length <= rest.len()) {
            if is_common(&rest[..length]) {
                reach(length, 1);
            }
        }
    }
    least[letters.len()]
}

/// How many letters follow each other in this way.
fn run(letters: &[char], follows: impl Fn(char, char) -> bool) -> usize {
    1 + letters.windows(2).take_while(|pair| follows(pair[0], pair[1])).count()
}

/// How many keys are pressed side by side.
fn walk(letters: &[char]) -> usize {
    let longest = |keys: &str| {
        let keys: Vec<char> = keys.chars().collect();
        let matches = |from: usize| keys[from..].iter().zip(letters).take_while(|(key, c)| key == c).count();
        (0..keys.len()).map(matches).max().unwrap_or(0)
    };
    let forth = KEYS.iter().map(|keys| longest(keys));
    let back = KEYS.iter().map(|keys| longest(&keys.chars().rev().collect::<String>()));
    forth.chain(back).max().unwrap_or(0)
}

/// Rows and zigzags of keyboards.
const KEYS: [&str; 12] = [
    "1234567890-=",
    "!\"£$%^&*()_+",
    "!@#$%^&*()_+",
    "qwertyuiop[]",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl;'#",
    "zxcvbnm,./",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "1qazxsw23edcvfr45tgbnhy6",
];

/// Whether it is a word that many take, disguised or not.
fn is_common(letters: &[char]) -> bool {
    let word: String = letters.iter().collect();
    let undisguised = undisguised(&word);
    let is_of_ours = |word: &str| OURS.contains(&word);
    is_listed(&word) || is_of_ours(&word) || is_listed(&undisguised) || is_of_ours(&undisguised)
}

/// What is tried first where people care for others, of four letters and more.
const OURS: [&str; 66] = [
    "admin",
    "administrator",
    "ambulance",
    "analyst",
    "april",
    "august",
    "autumn",
    "birmingham",
    "bristol",
    "care",
    "carehome",
    "changeme",
    "clinic",
    "covid",
    "cyber",
    "december",
    "default",
    "doctor",
    "emergency",
    "england",
    "february",
    "friday",
    "general",
    "guest",
    "health",
    "healthcare",
    "hello",
    "hospital",
    "january",
    "july",
    "june",
    "leeds",
    "liverpool",
    "login",
    "london",
    "manchester",
    "march",
    "matron",
    "monday",
    "november",
    "nurse",
    "october",
    "organisation",
    "passphrase",
    "password",
    "passwort",
    "patient",
    "pharmacy",
    "practice",
    "saturday",
    "secret",
    "security",
    "september",
    "service",
    "sheffield",
    "spring",
    "summer",
    "sunday",
    "surgery",
    "system",
    "teaching",
    "thursday",
    "trust",
    "tuesday",
    "welcome",
    "winter",
];

fn is_listed(word: &str) -> bool {
    static LISTED: OnceLock<HashSet<u32>> = OnceLock::new();
    let listed = LISTED.get_or_init(|| {
        let words = include_str!("common.txt").split_whitespace();
        words.filter_map(|digits| u32::from_str_radix(digits, 16).ok()).collect()
    });
    let digest = digest(&SHA256, word.as_bytes());
    let start = digest.as_ref().iter().take(4).fold(0, |start, byte| start << 8 | u32::from(*byte));
    listed.contains(&start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessable(text: &str) -> bool {
        is_guessable(&folded(text))
    }

    #[test]
    fn what_people_make_of_common_passwords_is_found() {
        for weak in [
            "passwordpassword",
            "Password1234!",
            "P@ssw0rd2026!!",
            "Welcome-2026-Welcome",
            "letmeinletmein",
            "Hospital2026!",
            "Summer-Winter-1",
            "qwertyuiopasdf",
            "1qaz2wsx3edc",
            "abcdefghijklmnop",
            "zyxwvutsrqpon",
            "aaaaaaaaaaaaaaa",
            "!!!!!!!!!!!!!!!",
            "31121999!!!!",
            "123456789012345678",
            "abcabcabcabcabc",
            "dragon monkey",
            "ｐａｓｓｗｏｒｄ１２３４",
            "counterstrike",
            "polniypizdec0211",
        ] {
            assert!(guessable(weak), "{weak}");
        }
    }

    #[test]
    fn what_has_more_in_it_is_not() {
        for strong in [
            "dragon monkey shadow master",
            "correct horse battery staple",
            "zygote-plinth-41",
            "tz4kqm8vw2xr",
            "x7Kq9mx7Kq9m",
            "#$k^&v!@p<>?",
            "Password1234!tz4k",
        ] {
            assert!(!guessable(strong), "{strong}");
        }
    }

    #[test]
    fn the_list_is_whole_and_ours_can_be_searched() {
        let words = include_str!("common.txt").split_whitespace();
        let (good, all) = words.fold((0, 0), |(good, all), word| {
            (good + u32::from(word.len() == 8 && u32::from_str_radix(word, 16).is_ok()), all + 1)
        });
        assert!(good == all && all > 3_000, "{good} of {all}");
        for word in ["password", "letmein", "sunshine", "trustno1", "qwerty123456"] {
            assert!(is_listed(word), "{word}");
        }
        assert!(!is_listed("zygote") && OURS.is_sorted());
        assert!(OURS.iter().all(|word| WORDS.contains(&word.chars().count())));
    }
}
