//! The tree of organisations: which care board each belongs to, and what they are called.

use std::collections::{BTreeMap, BTreeSet};

use ward_core::{Organisation, OrganisationId, OrganisationKind, Scope};
use ward_store::organisations;

use crate::support::*;

#[test]
fn each_organisation_has_the_care_board_that_is_nearest_above_it() {
    on_each(|store| async move {
        sector(&store).await;
        let more = [
            organisation("QXX", Some("ENG"), OrganisationKind::CareBoard),
            organisation("HULL", Some("QXX"), OrganisationKind::Organisation),
            organisation("QXX-E", Some("QXX"), OrganisationKind::CareBoard),
            organisation("GOOLE", Some("QXX-E"), OrganisationKind::Organisation),
            organisation("SUPPLIER", None, OrganisationKind::Organisation),
        ];
        organisations::put_all(&store, &root(), NOW, &more).await.unwrap();
        let pairs = async |scope: Scope| {
            let boards = organisations::care_boards(&store, &scope).await.unwrap();
            boards.iter().map(|(one, board)| format!("{one} {board}")).collect::<Vec<_>>()
        };
        let expected = [
            "GOOLE QXX-E",
            "HULL QXX",
            "LEEDS QWO",
            "LEEDS-1 QWO",
            "QWO QWO",
            "QXX QXX",
            "QXX-E QXX-E",
            "YORK QWO",
        ];
        assert_eq!(pairs(all()).await, expected);
        assert_eq!(pairs(Scope::of(["LEEDS-1", "ENG", "HULL"].map(org))).await, ["HULL QXX", "LEEDS-1 QWO"]);
        assert_eq!(pairs(Scope::nothing()).await, Vec::<String>::new());
    });
}

/// A nation with 40 care boards of 99 organisations.
fn large() -> Vec<Organisation> {
    let mut tree = vec![organisation("ENG", None, OrganisationKind::Nation)];
    for board in 0..40 {
        let above = format!("Q{board}");
        tree.push(organisation(&above, Some("ENG"), OrganisationKind::CareBoard));
        for number in 0..99 {
            // Every third is a site of the one before.
            let code = |number: usize| format!("T{board}-{number}");
            let kind = if number % 3 == 2 { OrganisationKind::Site } else { OrganisationKind::Organisation };
            let parent = if number % 3 == 2 { code(number - 1) } else { above.clone() };
            tree.push(organisation(&code(number), Some(&parent), kind));
        }
    }
    tree
}

#[test]
fn care_boards_and_names_of_thousands_are_found_at_once() {
    on_each(|store| async move {
        let tree = large();
        organisations::put_all(&store, &root(), NOW, &tree).await.unwrap();
        let boards = organisations::care_boards(&store, &all()).await.unwrap();
        assert_eq!(boards.len(), 4_000);
        for (organisation, board) in &boards {
            let number: String =
                organisation.as_str()[1..].chars().take_while(char::is_ascii_digit).collect();
            assert_eq!(board.as_str(), format!("Q{number}"), "{organisation}");
        }
        let many: BTreeSet<OrganisationId> = tree.iter().map(|each| each.id.clone()).skip(1).collect();
        assert_eq!(organisations::care_boards(&store, &Scope::of(many.clone())).await.unwrap(), boards);
        let names = organisations::names(&store, &all(), &many).await.unwrap();
        assert!(names.len() == 4_000 && names[&org("T7-3")] == "The T7-3");
    });
}

#[test]
fn only_what_may_be_seen_has_a_name() {
    on_each(|store| async move {
        sector(&store).await;
        let asked = BTreeSet::from(["LEEDS", "YORK", "NOWHERE"].map(org));
        let names = async |scope: Scope| organisations::names(&store, &scope, &asked).await.unwrap();
        let leeds = BTreeMap::from([(org("LEEDS"), "The LEEDS".to_owned())]);
        assert_eq!(names(only("LEEDS")).await, leeds);
        assert_eq!(names(all()).await.len(), 2);
        assert_eq!(names(Scope::nothing()).await, BTreeMap::new());
        let none = organisations::names(&store, &all(), &BTreeSet::new()).await.unwrap();
        assert_eq!(none, BTreeMap::new());
    });
}
