//! All pages. To add one: a row here, and its cells in `tests/views.txt`.

use ward_people::Permission::{self, *};

use super::view::{Door, View};
use super::{account, sign_in};
use crate::route::{Kind, Parameter};

/// All pages, and the forms that are sent to them.
pub const VIEWS: &[View] = &[
    View {
        door: Door::Open,
        parameters: &[NEXT, DONE],
        ..get("/sign-in", |visit| Box::pin(sign_in::password::get(visit)))
    },
    View { door: Door::Open, ..post("/sign-in", |visit| Box::pin(sign_in::password::post(visit))) },
    View {
        door: Door::Half,
        parameters: &[NEXT],
        ..get("/sign-in/second-factor", |visit| Box::pin(sign_in::second_factor::get(visit)))
    },
    View {
        door: Door::Half,
        ..post("/sign-in/second-factor", |visit| Box::pin(sign_in::second_factor::post(visit)))
    },
    View {
        door: Door::Half,
        parameters: &[NEXT],
        ..get("/sign-in/recovery", |visit| Box::pin(sign_in::second_factor::get_recovery(visit)))
    },
    View {
        door: Door::Half,
        ..post("/sign-in/recovery", |visit| Box::pin(sign_in::second_factor::post_recovery(visit)))
    },
    View {
        door: Door::Half,
        parameters: &[NEXT],
        ..get("/sign-in/set-up", |visit| Box::pin(sign_in::set_up::get(visit)))
    },
    View { door: Door::Half, ..post("/sign-in/set-up", |visit| Box::pin(sign_in::set_up::post(visit))) },
    View { door: Door::Open, ..get("/link/{secret}", |visit| Box::pin(sign_in::link::get(visit))) },
    View { door: Door::Open, ..post("/link/{secret}", |visit| Box::pin(sign_in::link::post(visit))) },
    View { parameters: &[NEXT], ..get("/again", |visit| Box::pin(sign_in::again::get(visit))) },
    post("/again", |visit| Box::pin(sign_in::again::post(visit))),
    post("/sign-out", |visit| Box::pin(sign_in::again::sign_out(visit))),
    View { parameters: &[NEXT, DONE], ..get("/account", |visit| Box::pin(account::get(visit))) },
    post("/account/sessions", |visit| Box::pin(account::end_sessions(visit))),
    get("/account/password", |visit| Box::pin(account::get_password(visit))),
    post("/account/password", |visit| Box::pin(account::post_password(visit))),
    get("/account/second-factor", |visit| Box::pin(account::get_second_factor(visit))),
    post("/account/second-factor", |visit| Box::pin(account::post_second_factor(visit))),
    get("/account/recovery-codes", |visit| Box::pin(account::get_codes(visit))),
    post("/account/recovery-codes", |visit| Box::pin(account::post_codes(visit))),
];

type Serve = fn(super::visit::Visit) -> futures::future::BoxFuture<'static, crate::ask::Answer>;

const fn get(path: &'static str, serve: Serve) -> View {
    View { method: "GET", path, door: Door::Known, scoped: false, searches: false, parameters: &[], serve }
}

const fn post(path: &'static str, serve: Serve) -> View {
    View { method: "POST", ..get(path, serve) }
}

const fn may(permission: Permission) -> Door {
    Door::May(permission)
}

const fn text(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Text, repeated: false, about }
}

const NEXT: Parameter = text("next", "where to go on to");
const DONE: Parameter = text("done", "what was just done");
