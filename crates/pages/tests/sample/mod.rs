//! A small console that shows what the ground of the pages can do: for the tests, and to be looked at
//! (`cargo run --example sample`).

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use ward_core::Timestamp;
use ward_pages::chart::boards::CARE_BOARDS;
use ward_pages::chart::{Chart, Sparkline, Tile, TileMap, TimeHistogram};
use ward_pages::navigation::{self, Item, Place};
use ward_pages::table::{Cell, Table};
use ward_pages::{Brand, Console, Fault, Link, Notice, Page, headers};

/// Who may be looking at it.
#[derive(PartialEq)]
pub enum Role {
    /// Works through the queue.
    Analyst,
    /// Answers for one organisation.
    Lead,
}

const PLACES: [Place<Role>; 5] = [
    Place { text: "Now", href: "/", takes: None },
    Place { text: "Alerts", href: "/alerts", takes: None },
    Place { text: "Hunt", href: "/hunt", takes: Some(Role::Analyst) },
    Place { text: "Organisations", href: "/organisations", takes: Some(Role::Analyst) },
    Place { text: "Tasks", href: "/tasks", takes: Some(Role::Lead) },
];

/// What the template shows.
#[derive(Serialize)]
struct Shown {
    open: u64,
    seen: i64,
    alerts: Table,
    rate: Chart,
    hours: Chart,
    map: Chart,
}

/// All of it.
pub fn router(brand: Brand) -> Router {
    let mut console = Console::new(brand).expect("the templates are good");
    console.add_template("sample.jinja", include_str!("sample.jinja")).expect("a good template");
    console.add_template("form.jinja", include_str!("form.jinja")).expect("a good template");
    let assets = console.assets();
    let console = Arc::new(console);
    let [now, wide, form, none] = [&console; 4].map(Arc::clone);
    Router::new()
        .route(
            "/",
            get(async move |asked: HeaderMap| {
                answer(&now, "sample.jinja", &page(Role::Analyst, "/"), &shown(), &asked)
            }),
        )
        .route(
            "/wide",
            get(async move |asked: HeaderMap| {
                answer(&wide, "sample.jinja", &page(Role::Lead, "/").wide(), &shown(), &asked)
            }),
        )
        .route(
            "/alerts/7",
            get(async move |asked: HeaderMap| answer(&form, "form.jinja", &faulty(), &(), &asked)),
        )
        .merge(assets)
        .fallback(async move |asked: HeaderMap| {
            let page = Page::new("Page not found").navigation(places(Role::Lead, ""));
            let paragraphs =
                ["If you typed the address, check it is correct.", "You can go on from the start page."];
            let shown = std::collections::BTreeMap::from([("paragraphs", paragraphs)]);
            let html = none.render("message.jinja", &page, &shown).expect("it can be filled");
            headers::page(StatusCode::NOT_FOUND, html, &asked)
        })
}

fn answer(
    console: &Console,
    template: &str,
    page: &Page,
    shown: &impl Serialize,
    asked: &HeaderMap,
) -> Response {
    let html = console.render(template, page, shown).expect("it can be filled");
    headers::page(StatusCode::OK, html, asked)
}

fn places(role: Role, here: &str) -> Vec<Item> {
    navigation::of(&PLACES, |takes| *takes == role, here)
}

/// The page around it, as this role is shown it.
pub fn page(role: Role, here: &str) -> Page {
    Page::new("Now")
        .navigation(places(role, here))
        .signed_in("Sam Okafor", "/account")
        .button("Sign out", "/sign-out")
        .notice(
            Notice::new("3 sources have been silent for more than 30 minutes.")
                .link(Link::new("Look at them", "/sources")),
        )
}

fn faulty() -> Page {
    Page::new("Judge this alert")
        .navigation(places(Role::Analyst, "/alerts/7"))
        .below([Link::new("Now", "/"), Link::new("Alerts", "/alerts")])
        .faults([Fault::new("reason", "Enter a reason for your verdict")])
}

fn shown() -> Shown {
    let from = Timestamp::from_micros(1_773_705_600_000_000);
    let counts: Vec<u64> =
        (0..48).map(|hour: u64| (hour * hour * 7 + hour * 13) % 41 / (1 + hour % 3)).collect();
    let href = |from: Timestamp, to: Timestamp| format!("/alerts?from={from}&to={to}");
    let points: Vec<_> = (0..60)
        .map(|ago: u64| (format!("{} minutes ago", 60 - ago), 180_000 + ago * 7_919 % 9_000))
        .collect();
    // one has no data, and one place is on no map
    let mut tiles: Vec<Tile> = CARE_BOARDS
        .iter()
        .enumerate()
        .skip(1)
        .map(|(nth, board)| Tile {
            code: board.code.to_owned(),
            name: board.name.to_owned(),
            count: (nth as u64 * nth as u64 * 11) % 1_300 / (1 + nth as u64 % 5 * 9),
            href: Some(format!("/alerts?organisation={}", board.code)),
        })
        .collect();
    tiles.push(Tile { code: "X26".into(), name: "NHS England".into(), count: 4, href: None });
    let mut alerts = Table::new("Worst first").column("Alert").column("Organisation").numbers("Findings");
    for (title, organisation, findings) in [
        ("Many files renamed over SMB by one computer", "Riverside General Hospital", 1_204),
        ("Recovery taken away by several means on one host", "Riverside General Hospital", 3),
        ("<script>alert(1)</script> & a title of somebody's", "Meadow View Care Home", 1),
    ] {
        alerts.push([
            Cell::text(title).to(Some("/alerts/7")),
            Cell::text(organisation),
            Cell::number(findings).to(Some("/alerts/7#findings")),
        ]);
    }
    Shown {
        open: 1_208,
        seen: from.micros(),
        alerts,
        rate: Sparkline {
            title: "Events a second",
            unit: ["event a second", "events a second"],
            points: &points,
        }
        .chart(),
        hours: TimeHistogram {
            title: "Alerts by hour",
            unit: ["alert", "alerts"],
            from,
            span: 3_600_000_000,
            counts: &counts,
            href: Some(&href),
        }
        .chart(),
        map: TileMap { title: "Open alerts by care board", unit: ["alert", "alerts"], tiles: &tiles }.chart(),
    }
}
