//! Who may enter whom, give what, and take it away.

use ward_core::{Actor, Scope};
use ward_people::link::Purpose;
use ward_people::{Permission, Reach, Role};
use ward_store::people::persons::{self, Identity, NewPerson};
use ward_store::people::{grants, links, sessions};
use ward_store::{StoreError, ledger};

use super::*;

fn refused(result: Result<impl Sized, StoreError>) -> String {
    match result {
        Err(StoreError::Refused(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was done"),
    }
}

fn missing(result: Result<impl Sized, StoreError>) -> &'static str {
    match result {
        Err(StoreError::NotFound(what)) => what,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was done"),
    }
}

#[test]
fn a_person_may_do_what_he_was_given_where_he_was_given_it_for_as_long() {
    on_each(|store| async move {
        sector(&store).await;
        let roles = [(Role::OrganisationLead, at("LEEDS")), (Role::BoardMember, at("YORK"))];
        let anna = person(&store, "Anna", Some("LEEDS"), &roles).await;
        let access = access_of(&store, anna, NOW).await;
        assert_eq!(access.actor, Actor::person(anna.to_string()));
        assert_eq!(access.scope(Permission::JudgeAlerts), &Scope::of([org("LEEDS"), org("LEEDS-1")]));
        let overview = Scope::of(["LEEDS", "LEEDS-1", "YORK"].map(org));
        assert_eq!(access.scope(Permission::SeeOverview), &overview);
        assert!(!access.may(Permission::Sql));

        let until = later(HOUR);
        let short =
            NewGrant { person: anna, role: Role::Auditor, reach: Reach::WholeSector, expires: Some(until) };
        grants::give(&store, &root(), NOW, &machine(), &short).await.unwrap();
        assert_eq!(access_of(&store, anna, later(HOUR - 1)).await.scope(Permission::ReadLedger), &all());
        assert!(!access_of(&store, anna, later(HOUR)).await.may(Permission::ReadLedger));

        let all_of_them = grants::list(&store, &all(), Some(anna)).await.unwrap();
        let lead = all_of_them.iter().find(|grant| grant.role == Role::OrganisationLead).unwrap().id;
        grants::revoke(&store, &root(), later(1), &machine(), lead).await.unwrap();
        assert!(!access_of(&store, anna, later(2)).await.may(Permission::JudgeAlerts));
        assert_eq!(missing(grants::revoke(&store, &root(), later(3), &machine(), lead).await), "grant");
    });
}

#[test]
fn a_lead_manages_the_own_organisation_and_nobody_else_gets_more_that_way() {
    on_each(|store| async move {
        sector(&store).await;
        let lead = person(&store, "Anna", Some("LEEDS"), &[(Role::OrganisationLead, at("LEEDS"))]).await;
        let by = Actor::person(lead.to_string());
        let powers = access_of(&store, lead, NOW).await.powers;
        let bert = persons::add(&store, &by, NOW, &powers, &new("Bert", Some("LEEDS-1"))).await.unwrap();
        give(&store, &by, &powers, bert, Role::OrganisationMember, at("LEEDS-1")).await.unwrap();
        persons::enable(&store, &by, NOW, &powers, bert, false).await.unwrap();
        persons::enable(&store, &by, NOW, &powers, bert, true).await.unwrap();

        // Not where one does not manage, whether it is there or not.
        for home in [Some("YORK"), Some("NOWHERE"), None] {
            let add = persons::add(&store, &by, NOW, &powers, &new("Carl", home)).await;
            assert_eq!(missing(add), "organisation", "{home:?}");
        }
        for reach in [at("YORK"), at("NOWHERE")] {
            let give = give(&store, &by, &powers, bert, Role::OrganisationMember, reach).await;
            assert_eq!(missing(give), "organisation");
        }
        // Not what is not one's own to give, and nothing to oneself.
        for (role, reach) in [
            (Role::OrganisationLead, at("LEEDS")),
            (Role::Administrator, at("LEEDS")),
            (Role::OrganisationMember, Reach::WholeSector),
        ] {
            assert!(refused(give(&store, &by, &powers, bert, role, reach).await).contains("own to give"));
        }
        let own = give(&store, &by, &powers, lead, Role::BoardMember, at("LEEDS")).await;
        assert!(refused(own).contains("to oneself"));
        assert!(
            refused(give(&store, &root(), &machine(), bert, Role::Operator, at("LEEDS")).await)
                .contains("tokens")
        );

        // Who has more than that is not managed, though he works there: his password would be a way to it.
        let grand =
            person(&store, "Dora", Some("LEEDS"), &[(Role::NationalAnalyst, Reach::WholeSector)]).await;
        let secret = sign_in(&store, grand, NOW).await;
        let session = sessions::own(&store, grand).await.unwrap()[0].id;
        let link = links::make(&store, &by, NOW, &powers, grand, Purpose::Everything, later(HOUR)).await;
        assert_eq!(missing(link), "person");
        assert_eq!(missing(persons::enable(&store, &by, NOW, &powers, grand, false).await), "person");
        assert_eq!(missing(sessions::revoke(&store, &by, NOW, &powers, session).await), "session");
        let grant = grants::list(&store, &all(), Some(grand)).await.unwrap()[0].id;
        assert_eq!(missing(grants::revoke(&store, &by, NOW, &powers, grant).await), "grant");
        assert!(super::access(&store, &secret, NOW).await.is_some());
    });
}

#[test]
fn people_are_seen_where_they_work_and_where_they_were_given_something() {
    on_each(|store| async move {
        sector(&store).await;
        let anna = person(&store, "Anna", Some("LEEDS"), &[(Role::OrganisationLead, at("LEEDS"))]).await;
        let bert = person(&store, "Bert", Some("YORK"), &[(Role::BoardMember, at("LEEDS"))]).await;
        let carl = person(&store, "Carl", Some("YORK"), &[]).await;
        let dora = person(&store, "Dora", None, &[(Role::NationalLead, Reach::WholeSector)]).await;
        let names = |list: Vec<persons::Person>| -> Vec<String> {
            list.into_iter().map(|person| person.person.name).collect()
        };
        assert_eq!(names(persons::list(&store, &only("LEEDS")).await.unwrap()), ["Anna", "Bert"]);
        assert_eq!(names(persons::list(&store, &only("YORK")).await.unwrap()), ["Bert", "Carl"]);
        assert_eq!(names(persons::list(&store, &all()).await.unwrap()), ["Anna", "Bert", "Carl", "Dora"]);
        assert_eq!(names(persons::list(&store, &Scope::nothing()).await.unwrap()), Vec::<String>::new());
        for hidden in [carl, dora] {
            assert_eq!(missing(persons::get(&store, &only("LEEDS"), hidden).await), "person");
            sign_in(&store, hidden, NOW).await;
        }
        let by_email = persons::with_email(&store, &only("LEEDS"), " ANNA@ward-test.example").await.unwrap();
        assert_eq!((by_email.id, by_email.person), (anna, new("Anna", Some("LEEDS"))));
        assert_eq!(
            missing(persons::with_email(&store, &only("LEEDS"), "carl@ward-test.example").await),
            "person"
        );
        let grants = grants::list(&store, &only("LEEDS"), None).await.unwrap();
        assert_eq!(grants.iter().map(|grant| grant.person).collect::<Vec<_>>().len(), 2);
        assert!(grants.iter().all(|grant| [anna, bert].contains(&grant.person)));
        assert_eq!(sessions::list(&store, &only("LEEDS"), None).await.unwrap(), []);
        assert_eq!(sessions::list(&store, &only("YORK"), Some(carl)).await.unwrap().len(), 1);
    });
}

#[test]
fn the_last_administrator_stays_unless_the_machine_says_otherwise() {
    on_each(|store| async move {
        sector(&store).await;
        let whole = [(Role::Administrator, Reach::WholeSector)];
        let (anna, bert) =
            (person(&store, "Anna", None, &whole).await, person(&store, "Bert", None, &whole).await);
        let by = Actor::person(bert.to_string());
        let powers = access_of(&store, bert, NOW).await.powers;
        persons::enable(&store, &by, NOW, &powers, anna, false).await.unwrap();
        let own = grants::list(&store, &all(), Some(bert)).await.unwrap()[0].id;
        assert!(refused(grants::revoke(&store, &by, NOW, &powers, own).await).contains("last administrator"));
        let gone = persons::enable(&store, &by, NOW, &powers, bert, false).await;
        assert!(refused(gone).contains("last administrator"));
        assert!(grants::has_administrator(&store, NOW).await.unwrap());
        persons::enable(&store, &root(), NOW, &machine(), bert, false).await.unwrap();
        assert!(!grants::has_administrator(&store, NOW).await.unwrap());
    });
}

#[test]
fn who_is_disabled_is_out_at_once_and_comes_back_with_nothing_open() {
    on_each(|store| async move {
        sector(&store).await;
        let anna = person(&store, "Anna", Some("LEEDS"), &[(Role::OrganisationMember, at("LEEDS"))]).await;
        let secret = sign_in(&store, anna, NOW).await;
        let (_, link) = links::make(&store, &root(), NOW, &machine(), anna, Purpose::Password, later(HOUR))
            .await
            .unwrap();
        persons::enable(&store, &root(), later(1), &machine(), anna, false).await.unwrap();
        assert_eq!(access(&store, &secret, later(2)).await, None);
        assert_eq!(links::look(&store, link.expose(), later(2)).await.unwrap(), None);
        let begin = sessions::begin(&store, &root(), later(2), &session_of(anna, true)).await;
        assert_eq!(missing(begin), "person");
        let link =
            links::make(&store, &root(), later(2), &machine(), anna, Purpose::Password, later(HOUR)).await;
        assert!(refused(link).contains("disabled"));
        persons::enable(&store, &root(), later(3), &machine(), anna, true).await.unwrap();
        assert_eq!(access(&store, &secret, later(4)).await, None, "the session has ended");
        assert!(access_of(&store, anna, later(5)).await.may(Permission::SeeAlerts));
    });
}

#[test]
fn one_address_and_one_identity_are_one_account() {
    on_each(|store| async move {
        sector(&store).await;
        person(&store, "Anna", None, &[]).await;
        let add = async |new: NewPerson| persons::add(&store, &root(), NOW, &machine(), &new).await;
        let again = NewPerson { email: Some("ANNA@Ward-Test.example ".to_owned()), ..new("Other", None) };
        assert!(refused(add(again).await).contains("has an account"));
        let identity =
            |subject: &str| Identity { issuer: "https://id.example".to_owned(), subject: subject.to_owned() };
        let from =
            |subject: &str| NewPerson { email: None, identity: Some(identity(subject)), ..new("X", None) };
        let one = add(from("1")).await.unwrap();
        add(from("2")).await.unwrap();
        assert!(refused(add(from("1")).await).contains("identity has an account"));
        assert_eq!(persons::get(&store, &all(), one).await.unwrap().person, from("1"));
        assert!(refused(add(NewPerson { email: None, ..new("Y", None) }).await).contains("neither"));
        assert!(refused(add(NewPerson { name: "\n".to_owned(), ..new("Y", None) }).await).contains("name"));
        let link = links::make(&store, &root(), NOW, &machine(), one, Purpose::Invitation, later(HOUR)).await;
        assert!(refused(link).contains("no e-mail address"));
    });
}

#[test]
fn the_ledger_tells_who_gave_what_to_whom_by_id() {
    on_each(|store| async move {
        sector(&store).await;
        let before = ledger::head(&store).await.unwrap().number;
        let anna = person(&store, "Anna", Some("LEEDS"), &[(Role::OrganisationLead, at("LEEDS"))]).await;
        let entries = ledger::entries(&store, &all(), before, 10).await.unwrap();
        let told: Vec<_> = entries
            .iter()
            .map(|entry| (entry.action.as_str(), entry.subject.clone(), &entry.actor))
            .collect();
        let id = anna.to_string();
        assert_eq!(told, [("person.add", id.clone(), &root()), ("grant.give", id, &root())]);
        assert!(entries[1].detail.contains("organisation_lead") && entries[1].detail.contains("LEEDS"));
        assert!(entries.iter().all(|entry| !format!("{entry:?}").contains("nna")), "{entries:?}");
        sign_in(&store, anna, NOW).await;
        let last = ledger::entries(&store, &all(), before + 2, 10).await.unwrap().remove(0);
        assert_eq!((last.action.as_str(), last.actor), ("session.begin", Actor::person(anna.to_string())));
        assert!(ledger::verify(&store, &[]).await.unwrap().is_ok());
    });
}
