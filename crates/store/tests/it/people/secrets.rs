//! Nothing that opens something is stored, told to the ledger or printed.

use ward_core::Actor;
use ward_people::link::Purpose;
use ward_store::people::second_factors::Shown;
use ward_store::people::{links, recovery_codes, second_factors};

use super::*;

#[test]
fn no_secret_and_no_name_is_where_it_does_not_belong() {
    on_each_place(async |place| {
        let store = place.open().await;
        sector(&store).await;
        let anna = person(&store, "Anna", Some("LEEDS"), &[(Role::OrganisationLead, at("LEEDS"))]).await;
        let by = Actor::person(anna.to_string());
        let factor = second_factors::propose(&store, &by, NOW, &key(), anna, Shown::NotYet).await.unwrap();
        let codes = recovery_codes::make(&store, &by, NOW, anna).await.unwrap();
        let session = sign_in(&store, anna, NOW).await;
        let (_, link) = links::make(&store, &root(), NOW, &machine(), anna, Purpose::Password, later(HOUR))
            .await
            .unwrap();
        let first = links::make_first(&store, &root(), NOW).await.unwrap().unwrap();
        let mut secrets = vec![session, link.expose().to_owned(), first.expose().to_owned()];
        secrets
            .extend(codes.iter().flat_map(|code| [code.expose().to_owned(), code.expose().replace('-', "")]));
        secrets.push(factor.text());
        secrets.push(factor.text().replace(' ', ""));
        let texts = everything(place).await;
        assert!(texts.len() > 15, "{texts:?}");
        for text in &texts {
            assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
        }
        let ledger = column(&place.url, "SELECT actor_name || subject || detail FROM ledger").await;
        for text in &ledger {
            assert!(!text.contains("nna") && !text.contains('@'), "{text}");
        }
        let bytes = *factor.bytes();
        let sealed = match place.kind {
            ward_store::Kind::Sqlite => "SELECT hex(sealed) FROM second_factors",
            ward_store::Kind::Postgres => "SELECT encode(sealed, 'hex') FROM second_factors",
        };
        let plain: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for sealed in column(&place.url, sealed).await {
            assert_eq!(sealed.len(), 2 * (12 + 20 + 16));
            assert!(!sealed.to_lowercase().contains(&plain));
        }
    });
}

#[test]
fn a_sealed_second_factor_is_no_use_in_another_persons_place() {
    on_each_place(async |place| {
        let store = place.open().await;
        let (anna, eve) = (person(&store, "Anna", None, &[]).await, person(&store, "Eve", None, &[]).await);
        for person in [anna, eve] {
            let by = Actor::person(person.to_string());
            let secret =
                second_factors::propose(&store, &by, NOW, &key(), person, Shown::NotYet).await.unwrap();
            let digits = secret.now(NOW);
            second_factors::confirm(&store, &by, NOW, &key(), person, Shown::NotYet, &digits).await.unwrap();
        }
        // Somebody who writes to the database, and has not the key.
        run(
            &place.url,
            &format!(
                "UPDATE second_factors SET sealed = (SELECT sealed FROM second_factors WHERE person = '{eve}') \
                 WHERE person = '{anna}'"
            ),
        )
        .await;
        let error = second_factors::check(&store, later(HOUR), &key(), anna, "123456").await.unwrap_err();
        assert_eq!(error.to_string(), "the stored second factor could not be understood");
    });
}
