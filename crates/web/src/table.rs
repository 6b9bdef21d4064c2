//! All that is served. To add a route: a row here, and its cases in `tests/it`.

use ward_people::Permission::{self, *};

use crate::events::{Format, MOST_ROWS};
use crate::route::{Kind, Least, Parameter, Route};
use crate::{
    alerts, dead_letters, devices, events, exceptions, findings, health, ledger, me, openapi, organisations,
    rules, sources, sql,
};

/// Everything that is served.
pub const ROUTES: &[Route] = &[
    Route {
        least: Least::Open,
        scoped: false,
        ..get("/healthz", "Alive", "Whether Ward lives", |ask| Box::pin(health::alive(ask)))
    },
    Route {
        least: Least::Open,
        scoped: false,
        ..get("/readyz", "Ready", "Whether Ward is ready; 503 when it is not", |ask| {
            Box::pin(health::ready(ask))
        })
    },
    Route {
        least: Least::Figures,
        scoped: false,
        ..get("/metrics", "text/plain", "Figures, as Prometheus reads them", |ask| {
            Box::pin(health::metrics(ask))
        })
    },
    Route {
        least: Least::Known,
        scoped: false,
        ..get("/api/v1/me", "Me", "Who is asking, and how far that reaches", |ask| Box::pin(me::get(ask)))
    },
    Route {
        least: may(SeeAlerts),
        parameters: &[STATE, LEVEL, ORGANISATION, RULE, FROM, UNTIL, CURSOR, LIMIT],
        ..get("/api/v1/alerts", "Alerts", "Alerts, worst and newest first", |ask| Box::pin(alerts::list(ask)))
    },
    Route {
        least: may(SeeAlerts),
        parameters: &[CURSOR, LIMIT],
        ..get("/api/v1/alerts/{id}", "AlertWithFindings", "An alert and its findings, newest first", |ask| {
            Box::pin(alerts::get(ask))
        })
    },
    Route {
        least: may(JudgeAlerts),
        method: "PATCH",
        body: Some("Decision"),
        ..get("/api/v1/alerts/{id}", "Alert", "Decides something about an alert", |ask| {
            Box::pin(alerts::judge(ask))
        })
    },
    Route {
        least: may(SeeAlerts),
        parameters: &[ORGANISATION, CURSOR, LIMIT],
        ..get("/api/v1/findings", "Findings", "Findings, newest first, muted ones too", |ask| {
            Box::pin(findings::list(ask))
        })
    },
    Route {
        least: may(SeeAlerts),
        parameters: &[EVIDENCE],
        searches: true,
        ..get(
            "/api/v1/findings/{id}",
            "FindingWithEvidence",
            "A finding, and the events it was found in",
            |ask| Box::pin(findings::get(ask)),
        )
    },
    Route {
        least: may(Hunt),
        parameters: &[Q, FROM, TO, LAST, ORGANISATION, ROWS, FORMAT, ORDER, ESTIMATE],
        searches: true,
        ..get("/api/v1/events", "Events", "Searches events, newest first, as a stream", |ask| {
            Box::pin(events::search(ask))
        })
    },
    Route {
        least: may(Hunt),
        searches: true,
        ..get("/api/v1/events/{id}", "OneEvent", "An event", |ask| Box::pin(events::get(ask)))
    },
    Route {
        least: may(Sql),
        method: "POST",
        parameters: &[SQL_FORMAT],
        body: Some("Statement"),
        searches: true,
        ..get(
            "/api/v1/sql",
            "application/x-ndjson",
            "Runs a reading statement of SQL over events, as a stream",
            |ask| Box::pin(sql::run(ask)),
        )
    },
    Route {
        least: may(SeeOverview),
        parameters: &[CURSOR, LIMIT],
        ..get("/api/v1/organisations", "Organisations", "Organisations, by code", |ask| {
            Box::pin(organisations::list(ask))
        })
    },
    Route {
        least: may(SeeOverview),
        ..get(
            "/api/v1/organisations/{id}",
            "OrganisationWithBelow",
            "An organisation and what is directly below it",
            |ask| Box::pin(organisations::get(ask)),
        )
    },
    Route {
        least: may(SeeSources),
        parameters: &[ORGANISATION, CURSOR, LIMIT],
        ..get("/api/v1/sources", "Sources", "Sources of telemetry, by name", |ask| {
            Box::pin(sources::list(ask))
        })
    },
    Route {
        least: may(SeeSources),
        ..get("/api/v1/sources/{id}", "OneSource", "A source of telemetry", |ask| Box::pin(sources::get(ask)))
    },
    Route {
        least: may(SeeSources),
        parameters: &[ORGANISATION],
        ..get("/api/v1/silent", "SilentSources", "Sources that should have sent something", |ask| {
            Box::pin(sources::silent(ask))
        })
    },
    Route {
        least: may(SeeSources),
        parameters: &[ORGANISATION, CURSOR, LIMIT],
        ..get("/api/v1/devices", "Devices", "Devices, and when each was last heard of", |ask| {
            Box::pin(devices::list(ask))
        })
    },
    Route {
        least: may(SeeExceptions),
        parameters: &[ORGANISATION],
        ..get("/api/v1/exceptions", "Exceptions", "Exceptions, ended ones too, newest first", |ask| {
            Box::pin(exceptions::list(ask))
        })
    },
    Route {
        least: may(MakeExceptions),
        method: "POST",
        body: Some("NewException"),
        ..get("/api/v1/exceptions", "Made", "Makes an exception", |ask| Box::pin(exceptions::add(ask)))
    },
    Route {
        least: may(EndExceptions),
        method: "DELETE",
        ..get("/api/v1/exceptions/{id}", "", "Ends an exception now", |ask| Box::pin(exceptions::remove(ask)))
    },
    Route {
        least: may(SeeLetters),
        parameters: &[REASON, SOURCE, WAITING, ORGANISATION, CURSOR, LIMIT],
        ..get("/api/v1/deadletters", "DeadLetters", "Records that could not be decoded", |ask| {
            Box::pin(dead_letters::list(ask))
        })
    },
    Route {
        least: may(DiscardLetters),
        method: "DELETE",
        parameters: &[REASON, SOURCE, WAITING, ORGANISATION],
        ..get("/api/v1/deadletters", "Discarded", "Throws away the records of a reason or source", |ask| {
            Box::pin(dead_letters::discard(ask))
        })
    },
    Route {
        least: may(SeeLetters),
        parameters: &[ORGANISATION],
        ..get("/api/v1/deadletters/counts", "DeadLetterCounts", "How many there are for each reason", |ask| {
            Box::pin(dead_letters::counts(ask))
        })
    },
    Route {
        least: may(SeeLetters),
        ..get(
            "/api/v1/deadletters/{id}",
            "OneDeadLetter",
            "A record that could not be decoded, with its bytes",
            |ask| Box::pin(dead_letters::get(ask)),
        )
    },
    Route {
        least: may(ReplayLetters),
        method: "POST",
        ..get(
            "/api/v1/deadletters/{id}/replay",
            "Replayed",
            "Puts a record into the journal once more",
            |ask| Box::pin(dead_letters::replay(ask)),
        )
    },
    Route {
        least: may(SeeRules),
        scoped: false,
        ..get("/api/v1/rules", "RulesReport", "Which rules are in force, and which are refused", |ask| {
            Box::pin(rules::report(ask))
        })
    },
    Route {
        least: may(ReadLedger),
        parameters: &[CURSOR, LIMIT],
        ..get("/api/v1/ledger", "Ledger", "Who did what, oldest first; for the whole sector only", |ask| {
            Box::pin(ledger::list(ask))
        })
    },
    Route {
        least: may(VerifyLedger),
        searches: true,
        ..get("/api/v1/ledger/verify", "Verified", "Checks the ledger; for the whole sector only", |ask| {
            Box::pin(ledger::verify(ask))
        })
    },
    Route {
        least: Least::Known,
        scoped: false,
        ..get("/api/v1/openapi.json", "Description", "This description", |ask| Box::pin(openapi::get(ask)))
    },
];

const fn get(
    path: &'static str,
    answer: &'static str,
    summary: &'static str,
    serve: fn(crate::ask::Ask) -> futures::future::BoxFuture<'static, crate::ask::Answer>,
) -> Route {
    Route {
        method: "GET",
        path,
        least: Least::Known,
        scoped: true,
        summary,
        parameters: &[],
        body: None,
        answer,
        searches: false,
        serve,
    }
}

const fn may(permission: Permission) -> Least {
    Least::May(permission)
}

const fn parameter(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, repeated: false, about }
}

pub(crate) const CURSOR: Parameter = parameter("cursor", Kind::Text, "the 'next' of the page before");
const LIMIT: Parameter = parameter("limit", Kind::Number(500), "how many a page has; 50 unless told");
pub(crate) const FROM: Parameter = parameter("from", Kind::Time, "the first moment");
pub(crate) const TO: Parameter = parameter("to", Kind::Time, "the first moment after");
pub(crate) const UNTIL: Parameter = parameter("until", Kind::Time, "the first moment after");
pub(crate) const LAST: Parameter =
    parameter("last", Kind::Span, "how far back from 'to', or from now; not with 'from'");
pub(crate) const RULE: Parameter = parameter("rule", Kind::Text, "id of a rule");
pub(crate) const Q: Parameter =
    parameter("q", Kind::Text, "the query, as docs/hunt.md describes it; everything unless told");
pub(crate) const ROWS: Parameter = parameter(
    "limit",
    Kind::Number(MOST_ROWS),
    "how many rows; unless told 100, and of CSV and Parquet all; 'more' in the answer says that there may be more",
);
pub(crate) const ESTIMATE: Parameter = parameter("estimate", Kind::Flag, "tell only what would be looked at");
const EVIDENCE: Parameter = parameter("evidence", Kind::Flag, "with the events, as far as the lake has them");
const WAITING: Parameter = parameter("waiting", Kind::Flag, "only those that were never replayed");
pub(crate) const REASON: Parameter = parameter("reason", Kind::Text, "only with this reason");
pub(crate) const SOURCE: Parameter = parameter("source", Kind::Text, "only of this source");
pub(crate) const ORDER: Parameter =
    parameter("order", Kind::OneOf(&["newest"]), "newest first is the only one");
pub(crate) const FORMAT: Parameter =
    parameter("format", Kind::OneOf(&Format::NAMES), "how rows are written; json unless told");
const SQL_FORMAT: Parameter = parameter(
    "format",
    Kind::OneOf(&["ndjson", "csv", "parquet"]),
    "how rows are written; ndjson unless told",
);
pub(crate) const LEVEL: Parameter = parameter(
    "level",
    Kind::OneOf(&["informational", "low", "medium", "high", "critical"]),
    "only this level and above",
);
pub(crate) const STATE: Parameter = Parameter {
    repeated: true,
    ..parameter("state", Kind::OneOf(&["open", "acknowledged", "closed"]), "only in one of these states")
};
pub(crate) const ORGANISATION: Parameter = Parameter {
    repeated: true,
    ..parameter("organisation", Kind::Code, "only of these organisations and those below them")
};
