//! Which role may do what: `tests/routes.txt` says, and this is what really happens.

use std::fmt::Write as _;

use ward_store::tokens::Role;
use ward_web::ROUTES;

use crate::kit::{Hub, Person, sample};

const WHO: [&str; 7] = ["nobody", "reader", "lead", "analyst", "operator", "reader*", "operator*"];

async fn person(hub: &Hub, who: &str) -> Person {
    let role = Role::named(who.trim_end_matches('*'));
    match role {
        None => hub.stranger(),
        Some(role) if who.ends_with('*') => hub.of_the_sector(role).await,
        Some(role) => hub.at_leeds(role).await,
    }
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_no_more() {
    let mut answers = vec![Vec::new(); ROUTES.len()];
    for who in WHO {
        // A hub each: what one did must not be seen by the next.
        let hub = Hub::start().await;
        let person = person(&hub, who).await;
        for (route, answers) in ROUTES.iter().zip(&mut answers) {
            let (path, body) = sample(route, &hub.leeds);
            answers.push(person.ask(route.method, &path, body).await.status.as_u16());
        }
    }
    let mut matrix = String::from(
        "# What each route answers to whom about things of Leeds: nobody, roles at Leeds, and roles of the whole\n\
         # sector (*). Made by crates/web/tests/it/roles.rs; a difference fails the test.\n",
    );
    let _ = writeln!(matrix, "{:<42} {}", "", WHO.map(|who| format!("{who:>9}")).concat());
    for (route, answers) in ROUTES.iter().zip(answers) {
        let answers: String = answers.iter().map(|status| format!("{status:>9}")).collect();
        let _ = writeln!(matrix, "{:<42} {answers}", format!("{route:?}"));
    }
    compare("tests/routes.txt", &matrix);
}

/// Compares with a file in this crate; with `WARD_WRITE_EXPECTED` set, writes it.
#[track_caller]
pub fn compare(file: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("WARD_WRITE_EXPECTED").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "{file} is not what really is; run with WARD_WRITE_EXPECTED=1 and look at the difference:\n{text}"
    );
}
