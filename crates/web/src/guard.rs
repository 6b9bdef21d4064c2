//! What every request goes through, whatever it asks for.
//!
//! Invariant: every answer carries the request's number and the headers in `headers`, refusals too.
//! Invariant: a request takes no longer than its route may: [`PATIENCE`], and for a search its own time more.

mod headers;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use ward_pages::PagesError;
use ward_people::Permission;

use crate::ask::{Answer, Ask};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::route::{Least, Route};
use crate::state::{Shared, State};
use crate::table::ROUTES;
use crate::{access, console};

pub(crate) use headers::{complete, number, numbered};

/// How long a request may take, a search's own time aside.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes that a body may have.
const LONGEST_BODY: usize = 256 << 10;

/// Everything that is served: [`ROUTES`], the pages of the console, and nothing else.
///
/// # Errors
/// The templates of the console cannot be understood.
pub fn routes(state: State) -> Result<Router, PagesError> {
    let shared = Arc::new(Shared::new(state)?);
    let router = router(&shared, ROUTES.iter().map(|route| route.path), answer);
    let router = router.merge(console::pages(&shared));
    Ok(router.fallback(move |request: Request| nowhere(Arc::clone(&shared), request)))
}

/// What stands in the parts of a path that vary, by their names.
pub(crate) type Places = Vec<(String, String)>;

/// Has each of these paths answered by this, whatever the method: with the path, and what stands in the parts of it that
/// vary.
pub(crate) fn router<F: Future<Output = Response> + Send + 'static>(
    shared: &Arc<Shared>,
    paths: impl Iterator<Item = &'static str>,
    answer: fn(Arc<Shared>, &'static str, Places, Request) -> F,
) -> Router {
    let paths: BTreeSet<&'static str> = paths.collect();
    paths.into_iter().fold(Router::new(), |router, path| {
        let shared = Arc::clone(shared);
        let answer = move |places: RawPathParams, request: Request| {
            let places = places.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            answer(Arc::clone(&shared), path, places, request)
        };
        router.route(path, any(answer))
    })
}

async fn answer(shared: Arc<Shared>, path: &'static str, places: Places, request: Request) -> Response {
    let number = headers::number(&shared, request.headers());
    let head = request.method() == Method::HEAD;
    let method = if head { Method::GET } else { request.method().clone() };
    let here = || ROUTES.iter().filter(move |route| route.path == path);
    let Some(route) = here().find(|route| route.method == method.as_str()) else {
        let allowed = here().map(|route| route.method);
        return headers::complete(elsewhere(allowed, &method, &number), &number);
    };
    let patience = if route.searches { PATIENCE + shared.state.hunt.time } else { PATIENCE };
    let answering = let_in(route, Arc::clone(&shared), Arc::clone(&number), places, request);
    let answered = tokio::time::timeout(patience, answering).await;
    let answered = answered.unwrap_or_else(|_| Err(Refusal::busy("could not answer in time", 10)));
    let answer = answered.unwrap_or_else(|refusal| refusal.answer(&number));
    tracing::debug!(number = &*number, route = ?route, status = answer.status().as_u16(), "answered");
    headers::complete(if head { answer.map(|_| Body::empty()) } else { answer }, &number)
}

/// Finds out who asks and what, and lets the route answer.
async fn let_in(
    route: &'static Route,
    shared: Arc<Shared>,
    number: Arc<str>,
    path: Places,
    request: Request,
) -> Answer {
    let (head, body) = request.into_parts();
    let open = match route.least {
        Least::Open => true,
        Least::Figures => shared.state.open_metrics,
        Least::Known | Least::May(_) => false,
    };
    // An open route answers everybody, and more to whom it may tell more.
    let access = match access::of(&shared, &head.headers).await {
        Ok(access) => Some(access),
        Err(_) if open => None,
        Err(refusal) => return Err(refusal),
    };
    if let Some(access) = &access {
        match route.least {
            Least::May(permission) => access::let_do(access, permission, shared.now())?,
            // Figures tell of all organisations.
            Least::Figures if !open && access.scope(Permission::SeeOverview).organisations().is_some() => {
                return Err(Refusal::missing("route"));
            }
            _ => {}
        }
    }
    let parameters = Parameters::read(route.parameters, head.uri.query().unwrap_or_default())?;
    let body = match route.body {
        Some(_) => read(body).await?,
        None => Bytes::new(),
    };
    let now = shared.now();
    let permission = route.least.permission();
    (route.serve)(Ask { shared, access, permission, now, number, path, parameters, body }).await
}

/// The whole body.
///
/// # Errors
/// 413: it is too large.
pub(crate) async fn read(body: Body) -> Result<Bytes, Refusal> {
    to_bytes(body, LONGEST_BODY).await.map_err(|_| {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "could not read the whole body")
            .hint(format!("the longest has {LONGEST_BODY} bytes"))
    })
}

/// A path that is served, but not by this method.
fn elsewhere(methods: impl Iterator<Item = &'static str>, asked: &Method, number: &str) -> Response {
    let mut allowed: Vec<&str> = methods.collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    allowed.push("OPTIONS");
    let allowed = allowed.join(", ");
    let answer = if *asked == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "could not do that here");
        refusal.hint(format!("this path has {allowed}")).answer(number)
    };
    ([(header::ALLOW, allowed)], answer).into_response()
}

/// Whether whoever asks shows what is answered to a person.
fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// A path that is not served.
async fn nowhere(shared: Arc<Shared>, request: Request) -> Response {
    let number = headers::number(&shared, request.headers());
    if takes_html(request.headers()) && !request.uri().path().starts_with("/api/") {
        let (parts, _) = request.into_parts();
        let mut answer = console::nowhere(shared, Arc::clone(&number), parts.uri, parts.headers).await;
        headers::numbered(&mut answer, &number);
        return answer;
    }
    let refusal = Refusal::missing("route").hint("GET /api/v1/openapi.json lists all there are");
    headers::complete(refusal.answer(&number), &number)
}
