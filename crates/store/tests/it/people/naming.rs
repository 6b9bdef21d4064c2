//! Who may do something somewhere, and what people are called.

use std::collections::BTreeSet;

use ward_core::Scope;
use ward_people::{Permission, Reach, Role};
use ward_store::people::grants::{self, NewGrant};
use ward_store::people::persons;
use ward_store::{PersonId, StoreError};

use super::*;

#[test]
fn who_may_judge_somewhere_was_given_it_there_or_above_and_can_come_in() {
    on_each(|store| async move {
        sector(&store).await;
        let lead = Role::OrganisationLead;
        let people = [
            ("Zoe", lead, at("LEEDS")),
            ("Anna", Role::RegionalLead, at("QWO")),
            ("Bert", Role::NationalAnalyst, Reach::WholeSector),
            ("Carl", lead, at("YORK")),
            ("Dora", lead, at("LEEDS-1")),
            ("Emil", Role::BoardMember, at("LEEDS")),
            ("Fred", lead, at("LEEDS")),
            ("Gina", lead, at("LEEDS")),
        ];
        let mut ids = std::collections::BTreeMap::new();
        for (name, role, reach) in people {
            ids.insert(name, person(&store, name, None, &[(role, reach)]).await);
        }
        let hugo = person(&store, "Hugo", None, &[]).await;
        let until = Some(later(HOUR));
        let short = NewGrant { person: hugo, role: lead, reach: at("LEEDS"), expires: until };
        grants::give(&store, &root(), NOW, &machine(), &short).await.unwrap();
        persons::enable(&store, &root(), NOW, &machine(), ids["Fred"], false).await.unwrap();
        let grant = grants::list(&store, &all(), Some(ids["Gina"])).await.unwrap()[0].id;
        grants::revoke(&store, &root(), NOW, &machine(), grant).await.unwrap();
        // Twice the same is still one person.
        give(&store, &root(), &machine(), ids["Zoe"], Role::NationalLead, Reach::WholeSector).await.unwrap();

        let names = async |scope: &Scope, permission, of: &str, now| {
            let people = grants::who_may(&store, scope, permission, &org(of), now).await.unwrap();
            people.into_iter().map(|person| person.name).collect::<Vec<_>>()
        };
        let judge = Permission::JudgeAlerts;
        assert_eq!(names(&all(), judge, "LEEDS", NOW).await, ["Anna", "Bert", "Hugo", "Zoe"]);
        assert_eq!(names(&only("LEEDS"), judge, "LEEDS", later(HOUR)).await, ["Anna", "Bert", "Zoe"]);
        assert_eq!(names(&all(), judge, "LEEDS-1", NOW).await, ["Anna", "Bert", "Dora", "Hugo", "Zoe"]);
        assert_eq!(names(&all(), judge, "ENG", NOW).await, ["Bert", "Zoe"]);
        assert_eq!(names(&all(), Permission::ManageSettings, "LEEDS", NOW).await, Vec::<String>::new());
        for hidden in ["YORK", "NOWHERE"] {
            let asked = grants::who_may(&store, &only("LEEDS"), judge, &org(hidden), NOW).await;
            assert!(matches!(asked.unwrap_err(), StoreError::NotFound("organisation")), "{hidden}");
        }
    });
}

#[test]
fn whoever_has_done_something_has_a_name_also_when_he_is_disabled() {
    on_each(|store| async move {
        let (anna, bert) = (person(&store, "Anna", None, &[]).await, person(&store, "Bert", None, &[]).await);
        persons::enable(&store, &root(), NOW, &machine(), bert, false).await.unwrap();
        let nobody = (0..=255).map(|number| PersonId([number; 16]));
        let asked: BTreeSet<PersonId> = nobody.chain([anna, bert]).collect();
        let names = persons::names(&store, &asked).await.unwrap();
        assert_eq!(
            names.into_iter().collect::<BTreeSet<_>>(),
            [(anna, "Anna"), (bert, "Bert")].map(|(id, name)| (id, name.to_owned())).into()
        );
        assert!(persons::names(&store, &BTreeSet::new()).await.unwrap().is_empty());
    });
}
