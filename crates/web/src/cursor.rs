//! Where a page ended, as something to hand back and not to look into.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::refusal::Refusal;

/// Longest cursor that is read; ours are far shorter.
const LONGEST: usize = 1_024;

/// A cursor of the named list.
pub(crate) fn shown(list: &str, place: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}\n{place}"))
}

/// The place in the named list that a cursor stands for.
///
/// # Errors
/// 400: it is no cursor of that list.
pub(crate) fn read<T>(
    list: &str,
    cursor: Option<&str>,
    place: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    let Some(cursor) = cursor else { return Ok(None) };
    let text = Some(cursor).filter(|cursor| cursor.len() <= LONGEST);
    let text = text.and_then(|cursor| URL_SAFE_NO_PAD.decode(cursor).ok());
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    let read = text.as_deref().and_then(|text| text.strip_prefix(list)?.strip_prefix('\n')).and_then(place);
    match read {
        Some(place) => Ok(Some(place)),
        None => Err(Refusal::unclear("could not read 'cursor'")
            .hint("hand back the 'next' of the page before, to the same list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_in_its_own_list_only() {
        let cursor = shown("alerts", "4.5.x");
        let read_as = |list, cursor| read(list, Some(cursor), |place| Some(place.to_owned()));
        assert_eq!(read_as("alerts", cursor.as_str()).unwrap(), Some("4.5.x".to_owned()));
        assert_eq!(read_as("findings", cursor.as_str()).unwrap_err().status(), 400);
        for wrong in ["", "!", "AAAA", &"A".repeat(5_000)] {
            assert_eq!(read_as("alerts", wrong).unwrap_err().status(), 400, "{wrong}");
        }
        assert_eq!(read("alerts", None, |_| Some(())).unwrap(), None);
    }
}
