//! What every request for a page goes through.
//!
//! Invariant: a form is taken from our own pages alone ([`super::origin`]).
//! Invariant: a page takes no longer than it may.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use ward_people::Decision;
use ward_store::people::sessions;

use super::cookies::Cookie;
use super::form::Form;
use super::table::VIEWS;
use super::view::{Door, View};
use super::visit::{Face, Visit, escaped, sent_on};
use super::{origin, refused};
use crate::access;
use crate::ask::{Answer, Ask};
use crate::guard::{self, PATIENCE, Places};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::state::{Caller, Shared};

/// What a script of ours says when a page fetches itself anew: nobody did anything.
const BY_ITSELF: HeaderName = HeaderName::from_static("x-ward-by-itself");

/// All pages: [`VIEWS`], and what they are made with.
pub(crate) fn pages(shared: &Arc<Shared>) -> Router {
    let router = guard::router(shared, VIEWS.iter().map(|view| view.path), answer);
    router.merge(shared.console.assets())
}

/// A path that is served by nobody, for a browser.
pub(crate) async fn nowhere(shared: Arc<Shared>, number: Arc<str>, uri: Uri, headers: HeaderMap) -> Response {
    let mut face = Face { shared, access: None, number, headers, here: here(&uri) };
    face.access = signed_in(&face).await.ok().flatten();
    refused::answer(&face, Refusal::missing("page"), true)
}

async fn answer(shared: Arc<Shared>, path: &'static str, places: Places, request: Request) -> Response {
    let number = guard::number(&shared, request.headers());
    let head = request.method() == Method::HEAD;
    let method = if head { Method::GET } else { request.method().clone() };
    let here = || VIEWS.iter().filter(move |view| view.path == path);
    let (parts, body) = request.into_parts();
    let Some(view) = here().find(|view| view.method == method.as_str()) else {
        let allowed: Vec<&str> = here().map(|view| view.method).collect();
        let answer = (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, allowed.join(", "))]).into_response();
        return guard::complete(answer, &number);
    };
    let patience = if view.searches { PATIENCE + shared.state.hunt.time } else { PATIENCE };
    let mut face = Face {
        shared,
        access: None,
        number: Arc::clone(&number),
        headers: parts.headers.clone(),
        here: self::here(&parts.uri),
    };
    let looks = method == Method::GET;
    let answered = async {
        face.access = signed_in(&face).await?;
        let_in(view, face.clone(), places, parts, body).await
    };
    let answered = tokio::time::timeout(patience, answered).await;
    let answered = answered.unwrap_or_else(|_| Err(Refusal::busy("could not answer in time", 10)));
    let answer = answered.unwrap_or_else(|refusal| refused::answer(&face, refusal, looks));
    tracing::debug!(number = &*number, view = ?view, status = answer.status().as_u16(), "answered");
    let mut answer = if head { answer.map(|_| Body::empty()) } else { answer };
    guard::numbered(&mut answer, &number);
    answer
}

/// The access of the browser's session, if it has one that is good.
async fn signed_in(face: &Face) -> Result<Option<Arc<ward_store::auth::Access>>, Refusal> {
    match Cookie::Session.of(&face.headers, face.shared.state.secure) {
        Some(secret) if face.headers.contains_key(&BY_ITSELF) => {
            access::peek_session(&face.shared, secret).await
        }
        Some(secret) => access::of_session(&face.shared, secret).await,
        None => Ok(None),
    }
}

/// Finds out what is asked for and by whom, and lets the page answer.
async fn let_in(view: &'static View, face: Face, path: Places, parts: Parts, body: Body) -> Answer {
    let (shared, looks) = (Arc::clone(&face.shared), view.method == "GET");
    if !looks && !origin::is_ours(&parts.uri, &parts.headers) {
        return Ok(refused::foreign(&face));
    }
    let now = shared.now();
    let mut half = None;
    match view.door {
        Door::Open => {}
        Door::Half => {
            if face.access.is_some() && looks {
                return Ok(sent_on("/"));
            }
            let secret = Cookie::Session.of(&face.headers, shared.state.secure);
            let secret = secret.ok_or_else(Refusal::unknown)?;
            half = sessions::half(&shared.state.store, secret, now).await?;
            if half.is_none() {
                return Err(Refusal::unknown());
            }
        }
        Door::Known | Door::May(_) => {
            let access = face.access.as_deref().ok_or_else(Refusal::unknown)?;
            if let Door::May(permission) = view.door {
                match access.decide(permission, now) {
                    Decision::Yes => {}
                    Decision::ShowSecondFactor => return Ok(show_again(&face, looks)),
                    Decision::No => return Err(Refusal::missing("page")),
                }
            }
        }
    }
    let parameters = Parameters::read_form(view.parameters, parts.uri.query().unwrap_or_default())?;
    let body = guard::read(body).await?;
    let form = if looks { Form::default() } else { Form::read(&parts.headers, &body)? };
    let caller =
        parts.extensions.get::<Caller>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |caller| caller.0);
    let (access, number) = (face.access.clone(), Arc::clone(&face.number));
    let permission = view.door.permission();
    let ask = Ask { shared, access, permission, now, number, path, parameters, body };
    (view.serve)(Visit { ask, face, form, half, caller }).await
}

/// Asks for the second factor once more, and then leads back to where that was wanted.
fn show_again(face: &Face, looks: bool) -> Response {
    // A form is filled in once more, on the page that it was sent from.
    let from = face.headers.get(header::REFERER).and_then(|value| value.to_str().ok()?.parse::<Uri>().ok());
    let next =
        if looks { face.here.clone() } else { from.map_or_else(|| "/".to_owned(), |from| here(&from)) };
    sent_on(&format!("/again?next={}", escaped(&next)))
}

fn here(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}
