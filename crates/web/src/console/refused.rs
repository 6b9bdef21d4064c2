//! Refusals as pages: what happened, and what to do next, in plain words.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::visit::{Face, escaped, sent_on};
use crate::refusal::Refusal;

#[derive(Serialize)]
struct Shown {
    paragraphs: Vec<String>,
    number: Option<String>,
}

/// The answer to a page that could not be shown. `looks`: it was only to be looked at.
pub(super) fn answer(face: &Face, refusal: Refusal, looks: bool) -> Response {
    let status = refusal.status();
    if status == StatusCode::UNAUTHORIZED {
        let next = if looks { face.here.as_str() } else { "/" };
        return sent_on(&format!("/sign-in?next={}", escaped(next)));
    }
    let told = refusal.told(&face.number);
    let title = match status {
        StatusCode::NOT_FOUND => "Page not found",
        StatusCode::FORBIDDEN => "You cannot do this",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "Not just now",
        status if status.is_server_error() => "Sorry, something failed in Ward",
        _ => "This could not be done",
    };
    let mut paragraphs = match status {
        StatusCode::NOT_FOUND => vec![
            "There is no such page, or it is about something that you were not given to see.".to_owned(),
            "If you typed or pasted the address, check that it is whole. You can go on from the start page."
                .to_owned(),
        ],
        status if status.is_server_error() && told.retry_after.is_none() => {
            vec!["Nothing that you did is lost unless this page says so. Try again in a minute.".to_owned()]
        }
        _ => vec![sentence(&told.message)],
    };
    if status != StatusCode::NOT_FOUND {
        paragraphs.extend(told.hint.as_deref().map(sentence));
    }
    let number = status.is_server_error().then(|| face.number.to_string());
    let page = face.page(title);
    let mut answer = face
        .show(status, "message.jinja", &page, &Shown { paragraphs, number })
        .unwrap_or_else(|refusal| refusal.answer(&face.number));
    if let Some(seconds) = told.retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// The answer to a form that was sent by another site, or by no browser.
pub(super) fn foreign(face: &Face) -> Response {
    let paragraphs = vec![
        "This form was not sent from a page of Ward, so nothing was changed.".to_owned(),
        "If you did send it from one, open the page anew and send it again.".to_owned(),
    ];
    let page = face.page("Nothing was changed");
    face.show(StatusCode::FORBIDDEN, "message.jinja", &page, &Shown { paragraphs, number: None })
        .unwrap_or_else(|_| StatusCode::FORBIDDEN.into_response())
}

/// What finishes "could not ..." or follows a colon, as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_for_programs_becomes_a_sentence() {
        assert_eq!(sentence("could not read 'from'"), "Could not read 'from'.");
        assert_eq!(sentence("é."), "É.");
        assert_eq!(sentence(""), ".");
    }
}
