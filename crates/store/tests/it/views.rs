//! Saved views: one's own, and so many.

use ward_core::Actor;
use ward_people::Powers;
use ward_store::people::persons::{self, NewPerson};
use ward_store::views::{self, LONGEST_NAME, LONGEST_QUERY, MOST};
use ward_store::{PersonId, Store, StoreError, ViewId, ledger};

use crate::support::*;

async fn person(store: &Store, name: &str) -> PersonId {
    let email = Some(format!("{name}@ward-test.example"));
    let new = NewPerson { name: name.to_owned(), email, organisation: None, identity: None };
    persons::add(store, &root(), NOW, &Powers::everything(all()), &new).await.unwrap()
}

async fn save(store: &Store, person: PersonId, name: &str, query: &str) -> Result<ViewId, StoreError> {
    views::save(store, &Actor::person(person.to_string()), NOW, person, "alerts", name, query).await
}

async fn names(store: &Store, person: PersonId, page: &str) -> Vec<(String, String)> {
    let views = views::list(store, person, page).await.unwrap();
    views.into_iter().map(|view| (view.name, view.query)).collect()
}

fn named(name: &str, query: &str) -> (String, String) {
    (name.to_owned(), query.to_owned())
}

#[test]
fn a_view_is_listed_by_name_and_replaced_by_one_of_the_same_name() {
    on_each(|store| async move {
        let anna = person(&store, "anna").await;
        let night = save(&store, anna, "night", "state=open").await.unwrap();
        let mine = save(&store, anna, " mine ", "owner=me").await.unwrap();
        assert_eq!(save(&store, anna, "night", "state=open&level=high").await.unwrap(), night);
        let expected = [named("mine", "owner=me"), named("night", "state=open&level=high")];
        assert_eq!(names(&store, anna, "alerts").await, expected);
        let by = Actor::person(anna.to_string());
        views::save(&store, &by, later(1), anna, "events", "night", "").await.unwrap();
        views::remove(&store, &by, later(2), anna, mine).await.unwrap();
        assert_eq!(names(&store, anna, "alerts").await, expected[1..]);
        assert_eq!(names(&store, anna, "events").await, [named("night", "")]);
        let view = views::list(&store, anna, "events").await.unwrap().remove(0);
        assert_eq!((view.page.as_str(), view.made), ("events", later(1)));
        let entries = ledger::entries(&store, &all(), 0, 100).await.unwrap();
        let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).skip(1).collect();
        assert_eq!(actions, ["view.save", "view.save", "view.save", "view.save", "view.remove"]);
        assert!(entries.iter().all(|entry| !entry.detail.contains("mine")), "a name can be anybody's");
    });
}

#[test]
fn views_of_others_are_not_there() {
    on_each(|store| async move {
        let (anna, bert) = (person(&store, "anna").await, person(&store, "bert").await);
        let view = save(&store, anna, "night", "state=open").await.unwrap();
        assert_eq!(names(&store, bert, "alerts").await, []);
        let by = Actor::person(bert.to_string());
        for id in [view, ViewId([1; 16])] {
            let error = views::remove(&store, &by, NOW, bert, id).await.unwrap_err();
            assert!(matches!(error, StoreError::NotFound("saved view")), "{error}");
        }
        assert_ne!(save(&store, bert, "night", "").await.unwrap(), view);
        assert_eq!(names(&store, anna, "alerts").await, [named("night", "state=open")]);
        let nobody = save(&store, PersonId([1; 16]), "night", "").await.unwrap_err();
        assert!(matches!(nobody, StoreError::NotFound("person")), "{nobody}");
    });
}

#[test]
fn what_is_no_view_and_one_too_many_are_refused() {
    on_each(|store| async move {
        let anna = person(&store, "anna").await;
        let long = "n".repeat(LONGEST_NAME + 1);
        for name in ["", "  ", "a\nb", "a\0b", &long] {
            let error = save(&store, anna, name, "").await.unwrap_err();
            assert!(matches!(error, StoreError::Refused(_)), "{name:?}: {error}");
        }
        let query = "q".repeat(LONGEST_QUERY);
        assert!(save(&store, anna, "long", &format!("{query}q")).await.is_err());
        save(&store, anna, &"\u{e9}".repeat(LONGEST_NAME), &query).await.unwrap();
        for number in 1..MOST {
            save(&store, anna, &format!("view {number}"), "").await.unwrap();
        }
        let error = save(&store, anna, "one more", "").await.unwrap_err();
        assert_eq!(error.to_string(), "a view could not be saved: there are 50 already: remove one first");
        save(&store, anna, "view 7", "state=closed").await.unwrap();
        let by = Actor::person(anna.to_string());
        views::save(&store, &by, NOW, anna, "events", "one more", "").await.unwrap();
    });
}
