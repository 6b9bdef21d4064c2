//! Breaking the glass: for whom, where, how long, and who sees it.

use ward_core::{Actor, Scope};
use ward_people::{Permission, Role};
use ward_store::auth::Shown;
use ward_store::people::glass::{self, NewGlass};
use ward_store::{StoreError, ledger};

use super::*;

const WHY: &str = "York's domain controller calls out, and nobody answers there";

async fn break_it(
    store: &Store,
    person: PersonId,
    at: &str,
    reason: &str,
    until: i64,
) -> Result<ward_store::GlassId, StoreError> {
    let powers = access_of(store, person, NOW).await.powers;
    let new = NewGlass { person, organisation: org(at), reason: reason.to_owned(), ends: later(until) };
    glass::break_it(store, &Actor::person(person.to_string()), NOW, &powers, &new).await
}

#[test]
fn whoever_breaks_the_glass_reaches_one_more_organisation_for_a_while() {
    on_each(|store| async move {
        sector(&store).await;
        let lead = person(&store, "Anna", Some("LEEDS"), &[(Role::RegionalLead, at("LEEDS"))]).await;
        let secret = sign_in(&store, lead, NOW).await;
        break_it(&store, lead, "YORK", WHY, HOUR).await.unwrap();
        let during = access(&store, &secret, later(20_000_000)).await.unwrap();
        assert_eq!(during.scope(Permission::Hunt), &Scope::of(["LEEDS", "LEEDS-1", "YORK"].map(org)));
        assert_eq!(during.scope(Permission::MakeExceptions), &Scope::of(["LEEDS", "LEEDS-1"].map(org)));
        let Shown::Session(present) = &during.shown else { panic!("a session") };
        assert_eq!(present.glass[0].glass.reason, WHY);
        let after = access_of(&store, lead, later(HOUR)).await;
        assert_eq!(after.scope(Permission::Hunt), &Scope::of(["LEEDS", "LEEDS-1"].map(org)));
    });
}

#[test]
fn who_is_concerned_sees_it_and_can_end_it() {
    on_each(|store| async move {
        sector(&store).await;
        let lead = person(&store, "Anna", Some("LEEDS"), &[(Role::RegionalLead, at("LEEDS"))]).await;
        let york = break_it(&store, lead, "YORK", WHY, HOUR).await.unwrap();
        let board = break_it(&store, lead, "QWO", WHY, HOUR).await.unwrap();
        let seen = async |scope: Scope| -> Vec<_> {
            glass::list(&store, &scope, NOW).await.unwrap().into_iter().map(|broken| broken.id).collect()
        };
        let mut both = [york, board];
        both.sort_unstable();
        assert_eq!(seen(only("YORK")).await, both, "what is above it concerns it too");
        assert_eq!(seen(only("LEEDS-1")).await, [board]);
        assert_eq!(seen(Scope::nothing()).await, []);
        assert_eq!(glass::list(&store, &all(), later(1)).await.unwrap(), []);
        let told = &glass::list(&store, &only("YORK"), NOW).await.unwrap()[0];
        assert_eq!(
            (told.name.as_str(), told.glass.reason.as_str(), told.glass.ends),
            ("Anna", WHY, later(HOUR))
        );

        let other = Actor::person("somebody");
        let hidden = glass::mend(&store, &other, later(1), &only("LEEDS"), york).await;
        assert!(matches!(hidden, Err(StoreError::NotFound(_))));
        glass::mend(&store, &other, later(1), &only("YORK"), york).await.unwrap();
        let own = Actor::person(lead.to_string());
        glass::mend(&store, &own, later(1), &Scope::nothing(), board).await.unwrap();
        assert!(glass::mend(&store, &own, later(2), &all(), york).await.is_err(), "it is mended");
        let access = access_of(&store, lead, later(2)).await;
        assert!(!access.scope(Permission::SeeAlerts).sees(&org("YORK")));
        let entries = ledger::entries(&store, &all(), 0, 100).await.unwrap();
        let of_york = |action: &str| {
            entries.iter().filter(|entry| entry.action == action && entry.subject == "YORK").count()
        };
        assert_eq!((of_york("glass.break"), of_york("glass.mend")), (1, 1));
    });
}

#[test]
fn it_takes_a_role_a_reason_an_organisation_and_an_end() {
    on_each(|store| async move {
        sector(&store).await;
        let lead = person(&store, "Anna", Some("LEEDS"), &[(Role::RegionalLead, at("LEEDS"))]).await;
        let member = person(&store, "Bert", Some("LEEDS"), &[(Role::OrganisationLead, at("LEEDS"))]).await;
        let why = |result: Result<_, StoreError>| result.unwrap_err().to_string();
        assert!(why(break_it(&store, member, "YORK", WHY, HOUR).await).contains("none of your roles"));
        assert!(why(break_it(&store, lead, "YORK", "incident", HOUR).await).contains("8 letters"));
        assert!(why(break_it(&store, lead, "YORK", WHY, 4 * HOUR + 1).await).contains("four hours"));
        assert!(why(break_it(&store, lead, "YORK", WHY, 0).await).contains("four hours"));
        assert!(why(break_it(&store, lead, "NOWHERE", WHY, HOUR).await).contains("no such organisation"));
        let new =
            NewGlass { person: member, organisation: org("YORK"), reason: WHY.to_owned(), ends: later(HOUR) };
        let by = Actor::person(lead.to_string());
        let other = glass::break_it(&store, &by, NOW, &access_of(&store, lead, NOW).await.powers, &new).await;
        assert!(other.unwrap_err().to_string().contains("somebody else"));
        assert_eq!(glass::list(&store, &all(), NOW).await.unwrap(), []);
    });
}
