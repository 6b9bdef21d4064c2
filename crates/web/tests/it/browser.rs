//! Somebody at a browser: keeps cookies, follows links, fills in forms.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use ward_core::{Actor, OrganisationId, Scope};
use ward_people::session::{How, Limits};
use ward_people::{Password, Powers, Reach, Role, TotpSecret};
use ward_store::PersonId;
use ward_store::people::second_factors::Shown;
use ward_store::people::sessions::{self, NewSession};
use ward_store::people::{credentials, grants, persons, second_factors};
use ward_web::Caller;

use crate::kit::{Hub, Told, cheap};

pub const SITE: &str = "ward.example";
pub const PASSWORD: &str = "violet tractor beneath noon";

/// A browser.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    pub address: IpAddr,
    /// Where forms say that they come from.
    pub origin: String,
}

/// A person who has an account.
pub struct Account {
    pub id: PersonId,
    pub email: String,
    pub secret: TotpSecret,
}

impl Hub {
    /// A browser that was never here.
    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            address: "192.0.2.7".parse().unwrap(),
            origin: format!("https://{SITE}"),
        }
    }

    /// Somebody with these roles, a password and a second factor.
    pub async fn person(&self, name: &str, roles: &[(Role, Reach)]) -> Account {
        let (by, powers, now) =
            (Actor::operator("test"), Powers::everything(Scope::whole_sector()), self.now());
        let email = format!("{name}@{SITE}");
        let new = persons::NewPerson {
            name: format!("{name} of the test"),
            email: Some(email.clone()),
            organisation: None,
            identity: None,
        };
        let id = persons::add(&self.store, &by, now, &powers, &new).await.unwrap();
        for (role, reach) in roles {
            let new = grants::NewGrant { person: id, role: *role, reach: reach.clone(), expires: None };
            grants::give(&self.store, &by, now, &powers, &new).await.unwrap();
        }
        let kept = cheap().hash(&Password::typed(PASSWORD), [1; 16]).unwrap();
        credentials::choose(&self.store, &by, now, id, &kept, None).await.unwrap();
        let key = &self.state.key;
        let secret = second_factors::propose(&self.store, &by, now, key, id, Shown::NotYet).await.unwrap();
        let digits = secret.now(now);
        let taken = second_factors::confirm(&self.store, &by, now, key, id, Shown::NotYet, &digits).await;
        assert!(taken.unwrap());
        // The step of these digits is used up.
        self.wait(60);
        Account { id, email, secret }
    }

    /// A browser in which somebody is signed in, without the way there.
    pub async fn signed_in(&self, account: &Account, second_factor: bool) -> Browser {
        let new = NewSession {
            person: account.id,
            how: How::Password,
            second_factor,
            limits: Limits::default(),
            device: "a test".into(),
            address: "192.0.2.7".into(),
            replaces: None,
        };
        let by = Actor::person(account.id.to_string());
        let (_, secret) = sessions::begin(&self.store, &by, self.now(), &new).await.unwrap();
        let mut browser = self.browser();
        browser.cookies.insert("__Host-ward-session".into(), secret.expose().to_owned());
        browser
    }
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Told {
        self.send("GET", path, None).await
    }

    /// Sends a form from a page of the same site.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Told {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.send("POST", path, Some(form.finish())).await
    }

    pub async fn send(&mut self, method: &str, path: &str, form: Option<String>) -> Told {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", SITE)
            .header("accept", "text/html")
            .header("origin", &self.origin)
            .extension(Caller(self.address));
        if !self.cookies.is_empty() {
            let all: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", all.join("; "));
        }
        if form.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let body = form.map_or_else(Body::empty, Body::from);
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        // A stream has no end.
        let streams = head.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if streams { bytes::Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
        // As it is read: templates escape the strokes of paths.
        let html = head.headers.get("content-type").is_some_and(|kind| kind == "text/html; charset=utf-8");
        let body = if html { String::from_utf8_lossy(&body).replace("&#x2f;", "/").into() } else { body };
        for cookie in head.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => drop(self.cookies.remove(name)),
                value => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        Told { status: head.status, headers: head.headers, body }
    }

    pub fn session(&self) -> Option<&str> {
        self.cookies.get("__Host-ward-session").map(String::as_str)
    }
}

impl Told {
    /// Where the browser is sent on to.
    #[track_caller]
    pub fn sent_on(&self) -> &str {
        assert_eq!(self.status.as_u16(), 303, "{}", self.text());
        self.header("location").unwrap()
    }
}

pub fn below(code: &str) -> Reach {
    Reach::Below(OrganisationId::new(code).unwrap())
}
