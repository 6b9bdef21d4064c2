//! Prose to observables: what is told is in one form, within its limits, and stands in the text.

use std::net::IpAddr;

use ward_core::{EventBuf, ValueKind};
use ward_telemetry::taxonomy::{ObservableKind, Observables};

use crate::input::TABLES;

/// Looks through any text, as the message of an event.
pub fn observables(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut found = Observables::default();
    TABLES.with_borrow_mut(|(names, resolver)| {
        let Some(field) = names.get("message") else { panic!("the tables name no message") };
        let mut event = EventBuf::default();
        event.push(field, ValueKind::Text, text.as_bytes());
        resolver.observables(&event.text_event(text.as_bytes()), &mut found);
    });
    // Capital sigma becomes another letter at the end of a word.
    if text.contains('\u{3a3}') {
        return;
    }
    let without_brackets = |text: &str| text.replace(['[', ']', '(', ')'], "");
    let meant = without_brackets(&text.to_lowercase());
    let stands = |value: &str| meant.contains(&without_brackets(value));
    for kind in ObservableKind::ALL {
        for value in found.of(kind) {
            assert_eq!(value.to_lowercase(), value, "{kind:?} in lower case");
            let is_good = match kind {
                ObservableKind::Address => value.parse::<IpAddr>().is_ok_and(|ip| ip.to_string() == value),
                ObservableKind::Hash => value.len() >= 32 && stands(value),
                ObservableKind::Domain => value.contains('.') && stands(value),
                ObservableKind::Url => value.split_once("://").is_some_and(|(_, rest)| stands(rest)),
            };
            assert!(is_good, "{kind:?} {value} of {text:?}");
        }
        assert!(found.of(kind).count() <= 64);
    }
}
