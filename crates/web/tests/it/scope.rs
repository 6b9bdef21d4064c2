//! Nobody sees, changes or counts what is another organisation's, by any route.

use serde_json::{Value, json};
use ward_store::tokens::Role;
use ward_web::{ROUTES, Route};

use crate::kit::{Hub, LEEDS, OF_YORK, Person, Told, YORK};

/// How a route is asked for what is York's, and how for what does not exist.
struct Case {
    route: &'static str,
    theirs: (String, Option<Value>),
    nobodys: (String, Option<Value>),
}

/// One for each scoped route. A route without a case fails.
fn cases(hub: &Hub) -> Vec<Case> {
    let york = &hub.york;
    let case = |route, theirs: String, nobodys: &str| Case {
        route,
        theirs: (theirs, None),
        nobodys: (nobodys.to_owned(), None),
    };
    let no_id = "0".repeat(32);
    let of = |path: &str| (format!("{path}?organisation={YORK}"), format!("{path}?organisation=NOPE"));
    let list = |route: &'static str| {
        let (theirs, nobodys) = of(route.split_once(' ').unwrap().1);
        case(route, theirs, &nobodys)
    };
    let body = |mut case: Case, theirs: Value, nobodys: Value| {
        (case.theirs.1, case.nobodys.1) = (Some(theirs), Some(nobodys));
        case
    };
    let exception = |organisation: &str| json!({ "organisation": organisation, "filter": "filter: y", "reason": "r", "owner": "o", "expires": "2026-12-24" });
    let statement = |organisation: &str| json!({ "sql": "SELECT 1", "organisations": [organisation] });
    vec![
        list("GET /api/v1/alerts"),
        case(
            "GET /api/v1/alerts/{id}",
            format!("/api/v1/alerts/{}", york.alert),
            &format!("/api/v1/alerts/{no_id}"),
        ),
        body(
            case(
                "PATCH /api/v1/alerts/{id}",
                format!("/api/v1/alerts/{}", york.alert),
                &format!("/api/v1/alerts/{no_id}"),
            ),
            json!({ "state": "closed" }),
            json!({ "state": "closed" }),
        ),
        list("GET /api/v1/findings"),
        case(
            "GET /api/v1/findings/{id}",
            format!("/api/v1/findings/{}?evidence=true", york.finding),
            &format!("/api/v1/findings/{no_id}?evidence=true"),
        ),
        list("GET /api/v1/events"),
        case("GET /api/v1/events/{id}", format!("/api/v1/events/{}", york.event), "/api/v1/events/77.0"),
        body(
            case("POST /api/v1/sql", "/api/v1/sql".to_owned(), "/api/v1/sql"),
            statement(YORK),
            statement("NOPE"),
        ),
        // The list has no condition; a cursor that leads to York leads nowhere.
        case(
            "GET /api/v1/organisations",
            "/api/v1/organisations/RCB".to_owned(),
            "/api/v1/organisations/NOPE",
        ),
        case(
            "GET /api/v1/organisations/{id}",
            "/api/v1/organisations/QWO".to_owned(),
            "/api/v1/organisations/NOPE",
        ),
        list("GET /api/v1/sources"),
        case(
            "GET /api/v1/sources/{id}",
            format!("/api/v1/sources/{}", york.source),
            "/api/v1/sources/nothing",
        ),
        list("GET /api/v1/silent"),
        list("GET /api/v1/devices"),
        list("GET /api/v1/exceptions"),
        body(
            case("POST /api/v1/exceptions", "/api/v1/exceptions".to_owned(), "/api/v1/exceptions"),
            exception(YORK),
            exception("NOPE"),
        ),
        case(
            "DELETE /api/v1/exceptions/{id}",
            format!("/api/v1/exceptions/{}", york.exception),
            &format!("/api/v1/exceptions/{no_id}"),
        ),
        list("GET /api/v1/deadletters"),
        list("GET /api/v1/deadletters/counts"),
        case(
            "GET /api/v1/deadletters/{id}",
            format!("/api/v1/deadletters/{}", york.letter),
            "/api/v1/deadletters/77.0",
        ),
        case(
            "POST /api/v1/deadletters/{id}/replay",
            format!("/api/v1/deadletters/{}/replay", york.letter),
            "/api/v1/deadletters/77.0/replay",
        ),
        case(
            "DELETE /api/v1/deadletters",
            "/api/v1/deadletters?reason=at-york-dc".to_owned(),
            "/api/v1/deadletters?reason=at-nothing",
        ),
        case("GET /api/v1/ledger", "/api/v1/ledger".to_owned(), "/api/v1/ledger?cursor=bGVkZ2VyCjk5OTk5"),
        case("GET /api/v1/ledger/verify", "/api/v1/ledger/verify".to_owned(), ""),
    ]
}

/// What is seen of an answer, its time aside.
fn seen(told: &Told) -> (u16, String) {
    (told.status.as_u16(), told.text())
}

async fn ask(person: &Person, route: &Route, (path, body): &(String, Option<Value>)) -> Told {
    person.ask(route.method, path, body.clone()).await
}

#[tokio::test]
async fn what_is_anothers_answers_exactly_as_what_does_not_exist() {
    let hub = Hub::start().await;
    let (leeds, sector) = (hub.at_leeds(Role::Operator).await, hub.of_the_sector(Role::Operator).await);
    let cases = cases(&hub);
    // What is deleted cannot be asked for after.
    let (last, first): (Vec<_>, Vec<_>) =
        ROUTES.iter().filter(|route| route.scoped).partition(|route| route.method == "DELETE");
    for route in first.into_iter().chain(last) {
        let case = cases.iter().find(|case| case.route == format!("{route:?}"));
        let case = case.unwrap_or_else(|| panic!("{route:?} is scoped and has no case"));
        let theirs = ask(&leeds, route, &case.theirs).await;
        if case.nobodys.0.is_empty() {
            assert_eq!(theirs.status, 404, "{route:?}");
        } else {
            let nobodys = ask(&leeds, route, &case.nobodys).await;
            assert_eq!(seen(&theirs), seen(&nobodys), "{route:?}");
        }
        assert!(theirs.status != 200 || route.method == "DELETE", "{route:?}: {}", theirs.text());
        // The same question has an answer for whoever may ask it, so that the above says something.
        let told = ask(&sector, route, &case.theirs).await;
        assert!(told.status.is_success(), "{route:?}: {}", told.text());
        assert_ne!(seen(&theirs), seen(&told), "{route:?}");
    }
    let unknown: Vec<_> = cases
        .iter()
        .filter(|case| !ROUTES.iter().any(|route| format!("{route:?}") == case.route))
        .map(|case| case.route)
        .collect();
    assert!(unknown.is_empty(), "cases of routes that are gone: {unknown:?}");
}

#[tokio::test]
async fn no_list_shows_or_counts_what_is_anothers() {
    let hub = Hub::start().await;
    let (leeds, sector) = (hub.at_leeds(Role::Operator).await, hub.of_the_sector(Role::Operator).await);
    let lists: Vec<_> = ROUTES
        .iter()
        .filter(|route| {
            route.scoped
                && route.method == "GET"
                && !route.path.contains(['{'])
                && !route.path.contains("ledger")
        })
        .collect();
    assert!(lists.len() >= 9, "{lists:?}");
    for route in lists {
        let own = leeds.get(route.path).await.expect(200).text();
        let all = sector.get(route.path).await.expect(200).text();
        assert!(
            OF_YORK.iter().any(|name| all.contains(name)),
            "{route:?} shows nothing of York's to anybody: {all}"
        );
        for name in OF_YORK {
            assert!(!own.contains(name), "{route:?} shows {name} to Leeds: {own}");
        }
        assert!(
            own.contains(LEEDS) || own.contains("leeds"),
            "{route:?} shows Leeds nothing of its own: {own}"
        );
    }
    assert_eq!(leeds.get("/api/v1/alerts").await.json()["total"], 1);
    assert_eq!(leeds.get("/api/v1/organisations").await.json()["total"], 2);
}

#[tokio::test]
async fn no_query_reaches_anothers_events_and_nothing_of_them_is_counted() {
    let hub = Hub::start().await;
    let leeds = hub.at_leeds(Role::Analyst).await;
    for query in [
        "",
        "org:RCB",
        "NOT%20org:RR8",
        "org:RR8%20OR%20org:RCB",
        "org:*",
        "vssadmin.exe",
        "device:*york*",
        "id:2.0",
        "observable:*",
    ] {
        let told = leeds.get(&format!("/api/v1/events?q={query}")).await.expect(200);
        let answer = told.json();
        assert!(OF_YORK.iter().all(|name| !told.text().contains(name)), "{query}: {answer}");
        assert_eq!(answer["scanned"]["files"], 1, "{query}: {answer}");
        assert_eq!(
            leeds.get(&format!("/api/v1/events?estimate=true&q={query}")).await.json()["estimate"]["files"]
                .as_u64()
                .map(|files| files <= 1),
            Some(true)
        );
    }
    let told = leeds
        .ask(
            "POST",
            "/api/v1/sql",
            Some(json!({ "sql": "SELECT * FROM events WHERE organisation = 'RCB' OR 1 = 1" })),
        )
        .await
        .expect(200)
        .text();
    assert!(told.contains(LEEDS) && OF_YORK.iter().all(|name| !told.contains(name)), "{told}");
}

#[tokio::test]
async fn a_parent_that_may_not_be_seen_is_not_named() {
    let hub = Hub::start().await;
    let leeds = hub.at_leeds(Role::Reader).await.get("/api/v1/organisations/RR8").await.json();
    assert_eq!((&leeds["organisation"]["parent"], &leeds["below"][0]["id"]), (&Value::Null, &json!("RR801")));
    let sector = hub.of_the_sector(Role::Reader).await.get("/api/v1/organisations/RR8").await.json();
    assert_eq!(sector["organisation"]["parent"], "QWO");
}
