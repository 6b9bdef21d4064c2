//! The pages: who is answered what, that nobody sees what is another's, and that each works as people use it.

use std::fmt::Write as _;

use ward_people::{Reach, Role};
use ward_web::console::{Door, VIEWS, View};

use crate::browser::{Account, Browser, below};
use crate::kit::{Hub, LEEDS, OF_YORK, Things};
use crate::roles::compare;

/// Somebody of each kind, at Leeds or (*) of the whole sector.
const WHO: [(&str, Option<Role>); 13] = [
    ("nobody", None),
    ("half", None),
    ("nothing", None),
    ("member", Some(Role::OrganisationMember)),
    ("lead", Some(Role::OrganisationLead)),
    ("board", Some(Role::BoardMember)),
    ("region", Some(Role::RegionalLead)),
    ("auditor", Some(Role::Auditor)),
    ("admin", Some(Role::Administrator)),
    ("analyst*", Some(Role::NationalAnalyst)),
    ("lead*", Some(Role::NationalLead)),
    ("office*", Some(Role::ProgrammeOffice)),
    ("admin*", Some(Role::Administrator)),
];

async fn account(hub: &Hub, who: &str, role: Option<Role>) -> Option<Account> {
    let reach = if who.ends_with('*') { Reach::WholeSector } else { below(LEEDS) };
    let roles: Vec<_> = role.map(|role| (role, reach)).into_iter().collect();
    let name: String = who.chars().filter(char::is_ascii_alphanumeric).collect();
    if who == "nobody" { None } else { Some(hub.person(&name, &roles).await) }
}

/// A request for a page that has an answer, about these things. A new page with a part that varies needs a line here.
fn sample(view: &View, things: &Things) -> (String, Vec<(&'static str, String)>) {
    let id = match view.path.split('/').nth(1) {
        Some("alerts") => things.alert.clone(),
        Some("findings") => things.finding.clone(),
        Some("events") => things.event.clone(),
        Some("organisations") => things.organisation.to_owned(),
        Some("sources") => things.source.to_owned(),
        Some("exceptions") => things.exception.clone(),
        Some("set-aside") => things.letter.clone(),
        Some("people") => things.person.clone(),
        Some("glass") => "0".repeat(32),
        Some("link") => "0".repeat(64),
        _ => String::new(),
    };
    let path = view.path.replace("{id}", &id).replace("{secret}", &id);
    assert!(!path.contains('{'), "{view:?} has no sample");
    let form = match (view.method, view.path) {
        ("POST", "/alerts") => vec![("alert", things.alert.clone()), ("do", "take".into())],
        ("POST", "/alerts/views") => vec![("name", "mine".into()), ("query", "owner=me".into())],
        ("POST", path) if path.ends_with("/verdict") => {
            vec![("verdict", "benign".into()), ("why", "A test".into())]
        }
        ("POST", path) if path.ends_with("/state") => vec![("state", "acknowledged".into())],
        ("POST", path) if path.ends_with("/owner") => vec![("owner", "me".into())],
        ("POST", "/sources/new") => {
            vec![("name", "new-dc".into()), ("organisation", things.organisation.into())]
        }
        ("POST", "/sources/{id}/revoke") => vec![("token", "0".repeat(16))],
        ("POST", "/people/new") => vec![("name", "New One".into()), ("email", "new@ward.example".into())],
        ("POST", "/people/{id}/link") => vec![("purpose", "password".into())],
        ("POST", "/people/{id}/roles") => {
            vec![("role", "organisation_member".into()), ("reach", things.organisation.into())]
        }
        ("POST", "/people/{id}/revoke") => vec![("grant", "0".repeat(32))],
        ("POST", "/people/{id}/state") => vec![("state", "enabled".into())],
        ("POST", "/people/{id}/sessions") => vec![("session", "0".repeat(32))],
        ("POST", "/glass") => {
            let why = "York's lead is ill and ransomware is spreading";
            vec![("organisation", "RCB".into()), ("reason", why.into()), ("hours", "1".into())]
        }
        ("POST", path) if path.ends_with("/exception") => {
            vec![("field", "Image".into()), ("reason", "planned".into()), ("do", "make".into())]
        }
        ("POST", path) if path.ends_with("/comment") => vec![("comment", "looks like a test".into())],
        _ => Vec::new(),
    };
    (path, form)
}

async fn ask(browser: &mut Browser, view: &View, things: &Things) -> crate::kit::Told {
    let (path, form) = sample(view, things);
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    match view.method {
        "POST" => browser.post(&path, &fields).await,
        _ => browser.get(&path).await,
    }
}

#[tokio::test]
async fn each_role_opens_what_the_table_says_and_no_more() {
    let mut answers = vec![Vec::new(); VIEWS.len()];
    for (who, role) in WHO {
        let hub = Hub::start().await;
        let account = account(&hub, who, role).await;
        for (view, answers) in VIEWS.iter().zip(&mut answers) {
            // A session each: some pages end it.
            let mut browser = match &account {
                Some(account) => hub.signed_in(account, who != "half").await,
                None => hub.browser(),
            };
            let told = ask(&mut browser, view, &hub.leeds).await;
            let answer = match told.header("location") {
                Some(to) if to.starts_with("/sign-in?next") => "sign-in".to_owned(),
                _ => told.status.as_u16().to_string(),
            };
            answers.push(answer);
        }
    }
    let mut matrix = String::from(
        "# What each page answers to whom about things of Leeds: nobody, half a session, somebody without a role, roles\n\
         # at Leeds, and roles of the whole sector (*). Made by crates/web/tests/it/views.rs; a difference fails the test.\n",
    );
    let _ = writeln!(matrix, "{:<34} {}", "", WHO.map(|(who, _)| format!("{who:>9}")).concat());
    for (view, answers) in VIEWS.iter().zip(answers) {
        let answers: String = answers.iter().map(|answer| format!("{answer:>9}")).collect();
        let _ = writeln!(matrix, "{:<34} {answers}", format!("{view:?}"));
    }
    compare("tests/views.txt", &matrix);
}

#[tokio::test]
async fn what_is_anothers_answers_as_what_does_not_exist() {
    let hub = Hub::start().await;
    let lead = hub.person("lead", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let nothing = Things {
        organisation: "NOPE",
        source: "nothing",
        alert: "0".repeat(32),
        finding: "0".repeat(32),
        exception: "0".repeat(32),
        event: "77.0".into(),
        letter: "77.0".into(),
        person: "0".repeat(32),
    };
    let scoped: Vec<_> = VIEWS.iter().filter(|view| view.scoped && view.path.contains("{id}")).collect();
    assert!(scoped.len() >= 5, "{scoped:?}");
    for view in scoped {
        let mut browser = hub.signed_in(&lead, true).await;
        let theirs = ask(&mut browser, view, &hub.york).await;
        let nobodys = ask(&mut browser, view, &nothing).await;
        assert_eq!(theirs.status, 404, "{view:?}");
        assert_eq!((theirs.status, theirs.text()), (nobodys.status, nobodys.text()), "{view:?}");
    }
}

#[tokio::test]
async fn no_page_shows_or_counts_what_is_anothers() {
    let hub = Hub::start().await;
    let lead = hub.person("lead", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let national = hub.person("national", &[(Role::NationalLead, Reach::WholeSector)]).await;
    let (mut own, mut all) = (hub.signed_in(&lead, true).await, hub.signed_in(&national, true).await);
    let lists = VIEWS.iter().filter(|view| view.scoped && view.method == "GET" && !view.path.contains('{'));
    for view in lists {
        let path = if view.path == "/hunt" { "/hunt?all=true" } else { view.path };
        let (own, all) = (own.get(path).await.expect(200).text(), all.get(path).await.expect(200).text());
        assert!(OF_YORK.iter().any(|name| all.contains(name)), "{view:?} shows nothing of York's to anybody");
        for name in OF_YORK {
            assert!(!own.contains(name), "{view:?} shows {name} to Leeds: {own}");
        }
    }
    let now = own.get("/").await.expect(200).text();
    assert!(now.contains("1 high alert") && all.get("/").await.text().contains("2 high alerts"), "{now}");
    let bulk = [("alert", hub.york.alert.as_str()), ("alert", hub.leeds.alert.as_str()), ("do", "take")];
    assert_eq!(own.post("/alerts", &bulk).await.sent_on(), "/alerts?done=judged-1");
    own.get("/alerts?organisation=RCB").await.expect(404);
    own.get("/alerts?organisation=NOPE").await.expect(404);
}

#[tokio::test]
async fn every_page_has_its_headers_and_what_a_page_takes_that_all_can_use() {
    let hub = Hub::start().await;
    let analyst = hub.person("analyst", &[(Role::NationalAnalyst, Reach::WholeSector)]).await;
    for view in VIEWS.iter().filter(|view| view.method == "GET" && view.path != "/live") {
        let mut browser = match view.door {
            Door::Half => hub.signed_in(&analyst, false).await,
            Door::Open => hub.browser(),
            _ => hub.signed_in(&analyst, true).await,
        };
        let told = ask(&mut browser, view, &hub.leeds).await;
        if told.status == 303 || told.header("content-disposition").is_some() {
            continue;
        }
        let policy = told.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{view:?}: {policy}");
        assert_eq!(told.header("cache-control"), Some("no-store"), "{view:?}");
        assert_eq!(told.header("x-frame-options"), Some("DENY"), "{view:?}");
        assert!(told.header("strict-transport-security").is_some(), "{view:?}");
        let html = told.text();
        assert_eq!(html.matches("<h1").count(), 1, "{view:?}");
        for word in [" style=", " onclick=", "<style", "javascript:", "src=\"http", "href=\"http:"] {
            assert!(!html.contains(word), "{view:?} has {word}");
        }
    }
    let mut browser = hub.browser();
    let told = browser.get("/nothing/here").await.expect(404);
    assert!(told.text().contains("Page not found"));
    assert_eq!(browser.send("PUT", "/sign-in", None).await.header("allow"), Some("GET, POST"));
}

#[tokio::test]
async fn an_alert_is_worked_on_from_the_queue_to_its_verdict() {
    let hub = Hub::start().await;
    let lead = hub.person("lead", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut browser = hub.signed_in(&lead, true).await;
    let alert = format!("/alerts/{}", hub.leeds.alert);
    let queue = browser.get("/alerts").await.expect(200).text();
    assert!(queue.contains(&format!("href=\"{alert}\"")) && queue.contains("1 alert"), "{queue}");
    let page = browser.get(&alert).await.expect(200).text();
    for part in [
        "Shadow copies deleted",
        "T1490",
        "takes the way back",
        "Backups that tidy up",
        "A. Nurse",
        "vssadmin.exe",
        "Nobody has it in hand",
        "Leeds",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let finding = browser.get(&format!("/findings/{}", hub.leeds.finding)).await.expect(200).text();
    assert!(
        finding.contains("<mark>vssadmin.exe</mark>") && finding.contains("1 event is not in the lake"),
        "{finding}"
    );

    let empty = browser.post(&format!("{alert}/verdict"), &[]).await.expect(422).text();
    assert!(empty.contains("Choose what it was") && empty.contains("Enter why"), "{empty}");
    browser.post(&format!("{alert}/state"), &[("state", "acknowledged")]).await.sent_on();
    let mine = browser.get("/alerts?owner=me").await.expect(200).text();
    assert!(mine.contains("In hand, mine"), "{mine}");
    let evil = "<script>alert(1)</script>";
    browser.post(&format!("{alert}/comment"), &[("comment", evil)]).await.sent_on();
    let fields = [("verdict", "false_positive"), ("why", "The rule is too broad"), ("reason", "backup job")];
    assert_eq!(
        browser.post(&format!("{alert}/verdict"), &fields).await.sent_on(),
        format!("{alert}?done=judged")
    );
    let page = browser.get(&alert).await.expect(200).text();
    for part in [
        "Took it in hand",
        "False: the rule was wrong",
        "The rule is too broad: backup job",
        "lead of the test",
        "&lt;script&gt;",
        "Open it again",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains(evil));
    let except = format!("{alert}/exception");
    assert!(browser.get(&except).await.expect(200).text().contains("vssadmin.exe"));
    let fields = [("field", "Image"), ("do", "preview")];
    let preview = browser.post(&except, &fields).await.expect(200).text();
    assert!(preview.contains("1 of the newest 1 findings") && preview.contains("not selection"), "{preview}");
    browser.post(&except, &[("do", "make")]).await.expect(422);
    let fields = [("field", "Image"), ("reason", "the backup job"), ("days", "7"), ("do", "make")];
    assert_eq!(browser.post(&except, &fields).await.sent_on(), "/exceptions?done=made");
    let all = browser.get("/exceptions").await.expect(200).text();
    assert!(all.contains("the backup job") && all.contains("lead of the test"), "{all}");
    let open = browser.get("/alerts").await.expect(200).text();
    assert!(open.contains("No alert is like that"), "{open}");
    let closed = browser.get("/alerts?state=closed").await.expect(200).text();
    assert!(closed.contains("Shadow copies deleted"), "{closed}");
}

#[tokio::test]
async fn a_source_is_entered_once_and_for_an_organisation_of_ones_own() {
    let hub = Hub::start().await;
    let lead = hub.person("lead", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut browser = hub.signed_in(&lead, true).await;
    let enter =
        |name: &'static str, code: &'static str| [("name", name), ("organisation", code), ("minutes", "30")];
    let theirs = browser.post("/sources/new", &enter("york-dc", LEEDS)).await.expect(422).text();
    assert!(theirs.contains("the name is taken"), "{theirs}");
    browser.post("/sources/new", &enter("new-dc", "RCB")).await.expect(422);
    assert_eq!(browser.post("/sources/new", &enter("new-dc", LEEDS)).await.sent_on(), "/sources/new-dc");
    let token = browser.post("/sources/new-dc/tokens", &[]).await.expect(200);
    assert_eq!(token.header("content-encoding"), None, "a secret is not packed");
    assert!(token.text().contains("Authorization: Bearer ward_"), "{}", token.text());
    let (all, york) = (ward_core::Scope::whole_sector(), ward_core::SourceId::new("york-dc").unwrap());
    let of_york = ward_store::sources::get(&hub.store, &all, &york).await.unwrap();
    assert_eq!(of_york.source.organisation.as_str(), "RCB");
}

#[tokio::test]
async fn a_view_is_kept_for_whoever_saved_it() {
    let hub = Hub::start().await;
    let lead = hub.person("lead", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let other = hub.person("other", &[(Role::OrganisationLead, below(LEEDS))]).await;
    let mut browser = hub.signed_in(&lead, true).await;
    let fields = [("name", "Mine, worst first"), ("query", "owner=me&level=high&evil=1")];
    let on = browser.post("/alerts/views", &fields).await;
    assert_eq!(on.sent_on(), "/alerts?done=saved&owner=me&level=high");
    let page = browser.get("/alerts").await.text();
    assert!(page.contains("Mine, worst first") && page.contains("/alerts?owner=me&amp;level=high"), "{page}");
    assert!(!hub.signed_in(&other, true).await.get("/alerts").await.text().contains("Mine, worst first"));
    let id = page.split("name=\"remove\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.post("/alerts/views", &[("remove", &id)]).await.sent_on();
    assert!(!browser.get("/alerts").await.text().contains("Mine, worst first"));
}

#[tokio::test]
async fn what_a_list_is_cut_to_is_told_and_taken_back() {
    let hub = Hub::start().await;
    let analyst = hub.person("analyst", &[(Role::NationalAnalyst, Reach::WholeSector)]).await;
    let mut browser = hub.signed_in(&analyst, true).await;
    let page = browser.get("/alerts?level=high&organisation=RR8&state=&owner=").await.expect(200).text();
    assert!(page.contains("high and above") && page.contains("href=\"/alerts?level=high\""), "{page}");
    let told = browser.get("/alerts?level=loud").await.expect(400).text();
    assert!(told.contains("Could not read &#x27;level&#x27;"), "{told}");
    browser.get("/alerts?evil=1").await.expect(400);
}
