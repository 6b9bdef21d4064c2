//! `systemd-journal-upload`: `POST /upload`, the journal's export format, in one request that goes on as long
//! as there are entries.
//!
//! Entries are handed over in batches while the request goes on; the answer, and with it the client's leave
//! to forget, comes after the last of them is on disk. A request that breaks off is begun again by the client
//! where it was last answered, so what had come of it comes twice.

pub mod export;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use tokio::time::timeout;

use self::export::{Exported, Lines};
use super::HttpState;
use super::arrival::{content_type, sender};
use super::trouble::Trouble;
use crate::counters::Reason;
use crate::pipe::Pipe;

/// Takes an upload.
pub(crate) async fn take(State(state): State<HttpState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    state.door().figures.requests.add(1);
    let sender = match sender(&state, &parts, None) {
        Ok(sender) => sender,
        Err(trouble) => return troubled(trouble),
    };
    if content_type(&parts) != "application/vnd.fdo.journal" {
        state.door().figures.refuse(Reason::Format, 1);
        let text = "Content-Type: application/vnd.fdo.journal is required.\n";
        return said(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    }
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        state.door().figures.refuse(Reason::Encoding, 1);
        return troubled(Trouble::Encoding);
    }
    let mut pipe = Pipe::new(state.door().clone(), sender, Lines::default());
    let read = read(&state, body, &mut pipe).await;
    let all_arrived = pipe.finish().await;
    match read {
        Ok(()) if all_arrived => said(StatusCode::ACCEPTED, "OK.\n"),
        Ok(()) => troubled(Trouble::Refused(crate::Refusal::Closed)),
        Err(Stopped::Trouble(trouble)) => troubled(trouble),
        Err(Stopped::NoExport) => {
            said(StatusCode::BAD_REQUEST, "The rest is not in journal export format.\n")
        }
    }
}

enum Stopped {
    Trouble(Trouble),
    NoExport,
}

async fn read(state: &HttpState, mut body: Body, pipe: &mut Pipe<Lines>) -> Result<(), Stopped> {
    let door = state.door();
    let refuse = |reason, trouble| {
        door.figures.refuse(reason, 1);
        Err(Stopped::Trouble(trouble))
    };
    let mut buffer = BytesMut::new();
    let mut looked = Looked::default();
    loop {
        if !pipe.hold(buffer.len()).await {
            return Err(Stopped::Trouble(Trouble::Memory));
        }
        // Between entries a journal may be quiet for as long as it likes.
        let wait = if buffer.is_empty() { door.limits.idle() } else { door.limits.read() };
        let frame = tokio::select! {
            frame = timeout(wait, body.frame()) => frame,
            () = pipe.ready() => {
                if !pipe.send().await {
                    return Err(Stopped::Trouble(Trouble::Refused(crate::Refusal::Closed)));
                }
                continue;
            }
        };
        let ended = match frame {
            Err(_) => return refuse(Reason::Slow, Trouble::Slow),
            Ok(Some(Err(_))) => return refuse(Reason::BrokenOff, Trouble::BrokenOff),
            Ok(Some(Ok(frame))) => {
                buffer.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                false
            }
            Ok(None) => true,
        };
        if !ended && !looked.is_worth_it(&buffer) {
            continue;
        }
        let mut at = 0;
        loop {
            if pipe.full() && !pipe.send().await {
                return Err(Stopped::Trouble(Trouble::Refused(crate::Refusal::Closed)));
            }
            let rest = buffer.get(at..).unwrap_or_default();
            match export::entry(rest, ended, door.limits.message_bytes, &mut pipe.filling) {
                Exported::Entry { next } => at += next,
                Exported::More { needs } => {
                    looked = Looked { bytes: rest.len(), needs };
                    break;
                }
                Exported::Broken => {
                    let rest = rest.to_vec();
                    return match door.set_aside(pipe.sender(), Reason::JournalExport, rest).await {
                        Ok(()) => Err(Stopped::NoExport),
                        Err(refusal) => Err(Stopped::Trouble(refusal.into())),
                    };
                }
            }
        }
        buffer.advance(at);
        pipe.touched();
        if ended {
            return Ok(());
        }
        if buffer.len() > door.limits.body_bytes {
            return refuse(Reason::TooLarge, Trouble::TooLarge(door.limits.body_bytes));
        }
    }
}

/// What is known of the entry at hand, so that it is not read from its start with each byte that comes.
#[derive(Debug, Default)]
struct Looked {
    /// Bytes of it that were looked at.
    bytes: usize,
    /// It does not end before there are so many.
    needs: usize,
}

impl Looked {
    fn is_worth_it(&self, buffer: &[u8]) -> bool {
        let new = buffer.get(self.bytes..).unwrap_or_default();
        buffer.len() >= self.needs && (memchr::memchr(b'\n', new).is_some() || new.len() >= MUCH)
    }
}

/// So many bytes without a newline may be more than a field may have.
const MUCH: usize = 64 << 10;

fn said(status: StatusCode, text: &'static str) -> Response {
    (status, text).into_response()
}

fn troubled(trouble: Trouble) -> Response {
    trouble.answer("text/plain; charset=utf-8", format!("{trouble}\n"))
}
