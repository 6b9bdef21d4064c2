//! `/`: what needs a person now, and how much of it there is. Every number leads to its list.

use serde::Serialize;
use ward_core::{Severity, Timestamp};
use ward_pages::chart::{Chart, Tile, TileMap, TimeHistogram};
use ward_pages::words;
use ward_people::Permission;
use ward_store::alerts::State;
use ward_store::organisations;

use super::overview::{self, HOUR, Overview, figures_scope};
use super::visit::Visit;
use crate::ask::Answer;

const TITLE: &str = "Now";

#[derive(Serialize)]
struct Shown {
    /// What whoever looks should do something about, worst first.
    due: Vec<Due>,
    levels: Vec<Level>,
    acknowledged: u64,
    hours: Chart,
    map: Option<Chart>,
    sees_alerts: bool,
    time: i64,
}

/// Something to do.
#[derive(Serialize)]
struct Due {
    text: String,
    href: Option<&'static str>,
    colour: &'static str,
    mark: &'static str,
}

/// How many open alerts have a level.
#[derive(Serialize)]
struct Level {
    name: &'static str,
    colour: &'static str,
    count: u64,
}

/// `GET /`
pub(crate) async fn get(visit: Visit) -> Answer {
    let access = visit.ask.access()?;
    let overview = overview::of(&visit.ask.shared, access).await?;
    let sees_alerts = visit.may(Permission::SeeAlerts);
    let refused = (visit.may(Permission::SeeRules)).then(|| (visit.ask.state().rules)().refused.len() as u64);
    let mut page = visit.page(TITLE).wide();
    if overview.alerts.is_empty() && figures_scope(access).organisations().is_some_and(|all| all.is_empty()) {
        page = page.notice(ward_pages::Notice::new(
            "You were not given anything to see yet. Whoever looks after people in your organisation gives you a role.",
        ));
    }
    let shown = Shown {
        due: due(&overview, refused, sees_alerts),
        levels: levels(&overview),
        acknowledged: overview.count(State::Acknowledged, Severity::Informational),
        hours: hours(&overview, sees_alerts),
        map: map(&visit, &overview).await?,
        sees_alerts,
        time: overview.time.micros(),
    };
    visit.show("now.jinja", &page, &shown)
}

/// The last day, hour by hour.
fn hours(overview: &Overview, sees_alerts: bool) -> Chart {
    let to_alerts = |from: Timestamp, to: Timestamp| {
        let (from, to) = (words::machine_time(from), words::machine_time(to));
        format!("/alerts?state=open&state=acknowledged&state=closed&opened_from={from}&opened_until={to}")
    };
    let hours = TimeHistogram {
        title: "Alerts opened, last 24 hours",
        unit: ["alert", "alerts"],
        from: overview.hours_from,
        span: HOUR,
        counts: &overview.hours,
        href: if sees_alerts { Some(&to_alerts) } else { None },
    };
    hours.chart()
}

fn due(overview: &Overview, refused: Option<u64>, sees_alerts: bool) -> Vec<Due> {
    let mut due = Vec::new();
    let mut add = |count: u64, [one, more]: [&str; 2], href: Option<&'static str>, colour, mark| {
        if count > 0 {
            due.push(Due { text: words::count(count, [one, more]), href, colour, mark });
        }
    };
    let alerts = |href: &'static str| sees_alerts.then_some(href);
    let critical = overview.exactly(State::Open, Severity::Critical);
    let high = overview.exactly(State::Open, Severity::High);
    add(
        critical,
        ["critical alert that nobody has looked at", "critical alerts that nobody has looked at"],
        alerts("/alerts?state=open&level=critical"),
        "red",
        "Critical",
    );
    add(
        high,
        ["high alert that nobody has looked at", "high alerts that nobody has looked at"],
        alerts("/alerts?state=open&exactly=high"),
        "orange",
        "High",
    );
    add(
        overview.silent.unwrap_or(0),
        ["source has fallen silent", "sources have fallen silent"],
        Some("/sources?silent=true"),
        "yellow",
        "Silent",
    );
    add(
        refused.unwrap_or(0),
        ["rule is not in force", "rules are not in force"],
        Some("/rules"),
        "yellow",
        "Rules",
    );
    add(
        overview.letters.unwrap_or(0),
        ["record could not be read", "records could not be read"],
        Some("/set-aside"),
        "grey",
        "Set aside",
    );
    add(
        overview.ending.unwrap_or(0),
        ["exception ends within a week", "exceptions end within a week"],
        Some("/exceptions"),
        "grey",
        "Exceptions",
    );
    due
}

fn levels(overview: &Overview) -> Vec<Level> {
    let level = |level: Severity| Level {
        name: level.as_str(),
        colour: colour(level),
        count: overview.exactly(State::Open, level),
    };
    let mut all: Vec<Severity> = Severity::ALL.to_vec();
    all.reverse();
    all.into_iter().map(level).collect()
}

/// The colour of a level's tag, which also says it in words.
pub(super) fn colour(level: Severity) -> &'static str {
    match level {
        Severity::Critical => "red",
        Severity::High => "orange",
        Severity::Medium => "yellow",
        Severity::Low => "blue",
        Severity::Informational => "grey",
    }
}

/// The care boards, where there is more than one to be seen.
async fn map(visit: &Visit, overview: &Overview) -> Result<Option<Chart>, crate::refusal::Refusal> {
    if overview.boards.len() < 2 {
        return Ok(None);
    }
    let (store, access) = (visit.ask.store(), visit.ask.access()?);
    let ids = overview.boards.keys().cloned().collect();
    let names = organisations::names(store, figures_scope(access), &ids).await?;
    let sees_alerts = access.may(Permission::SeeAlerts);
    let tile = |(code, count): (&ward_core::OrganisationId, &u64)| Tile {
        code: code.to_string(),
        name: names.get(code).cloned().unwrap_or_else(|| code.to_string()),
        count: *count,
        href: sees_alerts.then(|| format!("/alerts?organisation={code}")),
    };
    let mut tiles: Vec<Tile> = overview.boards.iter().map(tile).collect();
    if overview.elsewhere > 0 {
        tiles.push(Tile {
            code: "-".to_owned(),
            name: "of no care board".to_owned(),
            count: overview.elsewhere,
            href: None,
        });
    }
    let map = TileMap {
        title: "Alerts that are not closed, by care board",
        unit: ["alert", "alerts"],
        tiles: &tiles,
    };
    Ok(Some(map.chart()))
}
