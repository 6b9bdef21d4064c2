//! All pages. To add one: a row here, and its cells in `tests/views.txt`.

use ward_people::Permission::{self, *};

use super::view::{Door, View};
use super::{
    account, alerts, connect, hunt, letters, live, now, organisations, people, record, rules, sign_in,
    sources,
};
use crate::route::{Kind, Parameter};
use crate::table::{
    CURSOR, ESTIMATE, FORMAT, FROM, LAST, LEVEL, ORDER, ORGANISATION, Q, REASON, ROWS, RULE, SOURCE, STATE,
    TO, UNTIL,
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
        parameters: &[
            STATE,
            LEVEL,
            EXACTLY,
            ORGANISATION,
            RULE,
            ENTITY,
            OWNER,
            VERDICT,
            FROM,
            UNTIL,
            OPENED_FROM,
            OPENED_UNTIL,
            CURSOR,
            DONE,
        ],
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
    View {
        door: may(MakeExceptions),
        scoped: true,
        ..get("/alerts/{id}/exception", |visit| Box::pin(alerts::exception::get(visit)))
    },
    View {
        door: may(MakeExceptions),
        scoped: true,
        ..post("/alerts/{id}/exception", |visit| Box::pin(alerts::exception::post(visit)))
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
    View {
        door: may(SeeOverview),
        scoped: true,
        parameters: &[NAMED, CURSOR],
        ..get("/organisations", |visit| Box::pin(organisations::list(visit)))
    },
    View {
        door: may(SeeOverview),
        scoped: true,
        ..get("/organisations/{id}", |visit| Box::pin(organisations::get(visit)))
    },
    View {
        door: may(SeeSources),
        scoped: true,
        parameters: &[ORGANISATION, SILENT, CURSOR],
        ..get("/sources", |visit| Box::pin(sources::list(visit)))
    },
    View { door: may(ManageSources), ..get("/sources/new", |visit| Box::pin(connect::get_new(visit))) },
    View { door: may(ManageSources), ..post("/sources/new", |visit| Box::pin(connect::post_new(visit))) },
    View {
        door: may(SeeSources),
        scoped: true,
        parameters: &[DONE],
        ..get("/sources/{id}", |visit| Box::pin(sources::get(visit)))
    },
    View {
        door: may(SeeSources),
        scoped: true,
        ..get("/sources/{id}/connect", |visit| Box::pin(connect::get(visit)))
    },
    View {
        door: may(ManageTokens),
        scoped: true,
        ..post("/sources/{id}/tokens", |visit| Box::pin(connect::issue(visit)))
    },
    View {
        door: may(ManageTokens),
        scoped: true,
        ..post("/sources/{id}/revoke", |visit| Box::pin(connect::revoke(visit)))
    },
    View {
        door: may(SeeSources),
        scoped: true,
        parameters: &[ORGANISATION, CURSOR],
        ..get("/devices", |visit| Box::pin(sources::devices(visit)))
    },
    View { door: may(SeeRules), ..get("/rules", |visit| Box::pin(rules::get(visit))) },
    View {
        door: may(SeeExceptions),
        scoped: true,
        parameters: &[ORGANISATION, DONE],
        ..get("/exceptions", |visit| Box::pin(rules::list(visit)))
    },
    View {
        door: may(EndExceptions),
        scoped: true,
        ..post("/exceptions/{id}/end", |visit| Box::pin(rules::end(visit)))
    },
    View {
        door: may(SeeLetters),
        scoped: true,
        parameters: &[REASON, SOURCE, ORGANISATION, CURSOR, DONE],
        ..get("/set-aside", |visit| Box::pin(letters::list(visit)))
    },
    View {
        door: may(SeeLetters),
        scoped: true,
        parameters: &[DONE],
        ..get("/set-aside/{id}", |visit| Box::pin(letters::get(visit)))
    },
    View {
        door: may(ReplayLetters),
        scoped: true,
        ..post("/set-aside/{id}/replay", |visit| Box::pin(letters::replay(visit)))
    },
    View {
        door: may(ReadLedger),
        parameters: &[NUMBER],
        ..get("/record", |visit| Box::pin(record::get(visit)))
    },
    View {
        door: may(VerifyLedger),
        searches: true,
        ..get("/record/check", |visit| Box::pin(record::check(visit)))
    },
    View {
        door: may(SeePeople),
        scoped: true,
        parameters: &[NAMED],
        ..get("/people", |visit| Box::pin(people::list(visit)))
    },
    View { door: may(ManagePeople), ..get("/people/new", |visit| Box::pin(people::change::get_new(visit))) },
    View {
        door: may(ManagePeople),
        ..post("/people/new", |visit| Box::pin(people::change::post_new(visit)))
    },
    View {
        door: may(SeePeople),
        scoped: true,
        parameters: &[DONE],
        ..get("/people/{id}", |visit| Box::pin(people::one::get(visit)))
    },
    View {
        door: may(ManagePeople),
        scoped: true,
        ..post("/people/{id}/link", |visit| Box::pin(people::change::link(visit)))
    },
    View {
        door: may(ManagePeople),
        scoped: true,
        ..post("/people/{id}/roles", |visit| Box::pin(people::change::give(visit)))
    },
    View {
        door: may(ManagePeople),
        scoped: true,
        ..post("/people/{id}/revoke", |visit| Box::pin(people::change::revoke(visit)))
    },
    View {
        door: may(ManagePeople),
        scoped: true,
        ..post("/people/{id}/state", |visit| Box::pin(people::change::state(visit)))
    },
    View {
        door: may(ManagePeople),
        scoped: true,
        ..post("/people/{id}/sessions", |visit| Box::pin(people::change::end_session(visit)))
    },
    View { parameters: &[DONE], ..get("/glass", |visit| Box::pin(people::glass::get(visit))) },
    View { door: may(BreakGlass), ..post("/glass", |visit| Box::pin(people::glass::post(visit))) },
    post("/glass/{id}/end", |visit| Box::pin(people::glass::end(visit))),
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

const ALL: Parameter =
    Parameter { name: "all", kind: Kind::Flag, repeated: false, about: "search even without words" };
const EXACTLY: Parameter =
    Parameter { name: "exactly", kind: LEVEL.kind, repeated: false, about: "only this level" };
const ENTITY: Parameter = text("entity", "name of what the alert is about");
const OPENED_FROM: Parameter =
    Parameter { name: "opened_from", kind: Kind::Time, repeated: false, about: "opened at or after" };
const OPENED_UNTIL: Parameter =
    Parameter { name: "opened_until", kind: Kind::Time, repeated: false, about: "opened before" };
const OWNER: Parameter = text("owner", "me, nobody, or the id of a person");
const VERDICT: Parameter = Parameter {
    name: "verdict",
    kind: Kind::OneOf(&["undecided", "true_positive", "false_positive", "benign"]),
    repeated: false,
    about: "what people found it to be",
};
const NAMED: Parameter = text("q", "a part of the name");
const NUMBER: Parameter = text("until", "number of the newest entry that is shown");
const SILENT: Parameter = Parameter {
    name: "silent",
    kind: Kind::Flag,
    repeated: false,
    about: "only those that should have sent something",
};
const NEXT: Parameter = text("next", "where to go on to");
const DONE: Parameter = text("done", "what was just done");
