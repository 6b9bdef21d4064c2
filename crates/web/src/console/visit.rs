//! A request as the functions of the pages see it: known, let in, and read; and how it is answered.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use ward_core::Actor;
use ward_pages::{Page, headers, navigation};
use ward_people::Permission;
use ward_store::auth::{Access, Present, Shown};
use ward_store::people::sessions::Kept;

use super::form::Form;
use super::places::PLACES;
use crate::ask::{Answer, Ask};
use crate::refusal::Refusal;
use crate::state::Shared;

/// A request for a page, and all that may be used to answer it.
pub(crate) struct Visit {
    /// Who asks, and what for.
    pub ask: Ask,
    /// How the answer looks.
    pub face: Face,
    pub form: Form,
    /// The half session, where the door is for such.
    pub half: Option<Kept>,
    /// Where the request comes from.
    pub caller: IpAddr,
}

/// What is around every page that is answered to a request.
#[derive(Clone)]
pub(crate) struct Face {
    pub shared: Arc<Shared>,
    pub access: Option<Arc<Access>>,
    pub number: Arc<str>,
    /// What the browser sent.
    pub headers: HeaderMap,
    /// The path that was asked for, with its query.
    pub here: String,
}

impl Visit {
    /// Who is signed in.
    pub fn present(&self) -> Result<&Present, Refusal> {
        match self.ask.access.as_deref() {
            Some(Access { shown: Shown::Session(present), .. }) => Ok(present),
            _ => Err(Refusal::unknown()),
        }
    }

    /// Who has shown a password.
    pub fn half(&self) -> Result<&Kept, Refusal> {
        self.half.as_ref().ok_or_else(Refusal::unknown)
    }

    /// Whoever it is, for the ledger.
    pub fn actor(&self) -> Result<&Actor, Refusal> {
        Ok(&self.ask.access()?.actor)
    }

    /// Whether whoever is signed in may do this somewhere.
    pub fn may(&self, permission: Permission) -> bool {
        self.face.may(permission)
    }

    /// What the browser says it is.
    pub fn device(&self) -> String {
        let agent = self.face.headers.get(header::USER_AGENT);
        agent.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// Where people reach the console: as it is configured, else where this request says that it went.
    pub fn site(&self) -> String {
        let state = self.ask.state();
        let asked = || {
            let host = self.face.headers.get(header::HOST).and_then(|host| host.to_str().ok());
            format!("{}://{}", if state.secure { "https" } else { "http" }, host.unwrap_or("localhost"))
        };
        state.site.clone().unwrap_or_else(asked)
    }

    /// See [`Face::page`].
    pub fn page(&self, title: impl Into<String>) -> Page {
        self.face.page(title)
    }

    /// A page. If a form on it must be put right, its status says so.
    pub fn show(&self, template: &str, page: &Page, shown: &impl Serialize) -> Answer {
        self.face.show(status(page), template, page, shown)
    }

    /// A page that holds something secret: it is not packed, since how well it packs would tell of it.
    pub fn show_secret(&self, template: &str, page: &Page, shown: &impl Serialize) -> Answer {
        let face = Face { headers: HeaderMap::new(), ..self.face.clone() };
        face.show(status(page), template, page, shown)
    }
}

impl Face {
    /// A page with this title, and what belongs to whoever is signed in around it.
    pub fn page(&self, title: impl Into<String>) -> Page {
        let page = Page::new(title);
        let Some(Access { shown: Shown::Session(present), .. }) = self.access.as_deref() else { return page };
        let path = self.here.split('?').next().unwrap_or_default();
        page.navigation(navigation::of(PLACES, |takes| self.leads_to(*takes), path))
            .signed_in(&present.name, "/account")
            .button("Sign out", "/sign-out")
    }

    /// Whether there is anything to be seen with this: the record is one of the whole sector, or of nothing.
    fn leads_to(&self, permission: Permission) -> bool {
        let scope = self.access.as_ref().map(|access| access.scope(permission));
        let whole = scope.is_some_and(|scope| scope.organisations().is_none());
        self.may(permission) && (permission != Permission::ReadLedger || whole)
    }

    /// Whether whoever is signed in may do this somewhere.
    pub fn may(&self, permission: Permission) -> bool {
        self.access.as_ref().is_some_and(|access| access.may(permission))
    }

    /// A page with its status.
    pub fn show(&self, status: StatusCode, template: &str, page: &Page, shown: &impl Serialize) -> Answer {
        let html = self.shared.console.render(template, page, shown);
        let html = html.map_err(|error| Refusal::failed(&error))?;
        let mut answer = headers::page(status, html, &self.headers);
        if self.shared.state.secure {
            let (name, value) = headers::WITH_TLS;
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Ok(answer)
    }
}

fn status(page: &Page) -> StatusCode {
    if page.has_faults() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// Sends the browser on to a place of ours.
pub(super) fn sent_on(to: &str) -> Response {
    let mut answer = StatusCode::SEE_OTHER.into_response();
    // What cannot be said in a header is no place of ours.
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    answer.headers_mut().insert(header::LOCATION, to);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// An answer with a cookie set besides.
pub(super) fn with(mut answer: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// A text as a part of a query string.
pub(super) fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
