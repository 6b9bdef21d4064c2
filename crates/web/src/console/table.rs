//! All pages. To add one: a row here, and its cells in `tests/views.txt`.

use ward_people::Permission::{self, *};

use super::view::{Door, View};
use super::{account, alerts, hunt, live, now, sign_in};
use crate::route::{Kind, Parameter};
use crate::table::{
    CURSOR, ESTIMATE, FORMAT, FROM, LAST, LEVEL, ORDER, ORGANISATION, Q, ROWS, RULE, STATE, TO, UNTIL,
};

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
    get("/", |visit| Box::pin(now::get(visit))),
    get("/live", |visit| Box::pin(live::get(visit))),
    View {
        door: may(SeeAlerts),
        scoped: true,
        parameters: &[STATE, LEVEL, EXACTLY, ORGANISATION, RULE, ENTITY, OWNER, VERDICT, FROM, UNTIL, CURSOR, DONE],
        ..get("/alerts", |visit| Box::pin(alerts::queue::get(visit)))
    },
    View {
        door: may(JudgeAlerts),
        scoped: true,
        ..post("/alerts", |visit| Box::pin(alerts::work::several(visit)))
    },
    View {
        door: may(SeeAlerts),
        scoped: true,
        parameters: &[CURSOR, DONE],
        ..get("/alerts/{id}", |visit| Box::pin(alerts::one::get(visit)))
    },
    View {
        door: may(JudgeAlerts),
        scoped: true,
        ..post("/alerts/{id}/verdict", |visit| Box::pin(alerts::work::verdict(visit)))
    },
    View {
        door: may(JudgeAlerts),
        scoped: true,
        ..post("/alerts/{id}/state", |visit| Box::pin(alerts::work::state(visit)))
    },
    View {
        door: may(AssignAlerts),
        scoped: true,
        ..post("/alerts/{id}/owner", |visit| Box::pin(alerts::work::owner(visit)))
    },
    View {
        door: may(Comment),
        scoped: true,
        ..post("/alerts/{id}/comment", |visit| Box::pin(alerts::work::comment(visit)))
    },
    View { door: may(SeeAlerts), ..post("/alerts/views", |visit| Box::pin(alerts::views::post(visit))) },
    View {
        door: may(SeeAlerts),
        scoped: true,
        searches: true,
        ..get("/findings/{id}", |visit| Box::pin(alerts::finding::get(visit)))
    },
    View {
        door: may(Hunt),
        scoped: true,
        searches: true,
        parameters: &[Q, LAST, FROM, TO, ORGANISATION, ALL],
        ..get("/hunt", |visit| Box::pin(hunt::search::get(visit)))
    },
    View {
        door: may(Hunt),
        scoped: true,
        searches: true,
        parameters: &[Q, LAST, FROM, TO, ORGANISATION, ROWS, FORMAT, ORDER, ESTIMATE],
        ..get("/hunt/export", |visit| Box::pin(hunt::event::export(visit)))
    },
    View {
        door: may(Hunt),
        scoped: true,
        searches: true,
        ..get("/events/{id}", |visit| Box::pin(hunt::event::get(visit)))
    },
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

const ALL: Parameter = Parameter { name: "all", kind: Kind::Flag, repeated: false, about: "search even without words" };
const EXACTLY: Parameter =
    Parameter { name: "exactly", kind: LEVEL.kind, repeated: false, about: "only this level" };
const ENTITY: Parameter = text("entity", "name of what the alert is about");
const OWNER: Parameter = text("owner", "me, nobody, or the id of a person");
const VERDICT: Parameter = Parameter {
    name: "verdict",
    kind: Kind::OneOf(&["undecided", "true_positive", "false_positive", "benign"]),
    repeated: false,
    about: "what people found it to be",
};
const NEXT: Parameter = text("next", "where to go on to");
const DONE: Parameter = text("done", "what was just done");
