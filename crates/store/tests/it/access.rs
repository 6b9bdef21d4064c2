//! Organisations, sources, tokens, and what they let one see.

use std::collections::BTreeSet;

use ward_core::{OrganisationKind, Scope, Source};
use ward_ledger::Hash;
use ward_people::Permission;
use ward_store::tokens::{Grant, NewToken, Role, TokenReach};
use ward_store::{Store, StoreError, auth, organisations, sources, tokens};

use crate::support::*;

fn lead_of(code: &str) -> NewToken {
    access(Role::Lead, TokenReach::Below(BTreeSet::from([org(code)])))
}

fn access(role: Role, reach: TokenReach) -> NewToken {
    let grant = Grant::Access { role, reach };
    NewToken { label: "lead".to_owned(), grant, expires: None, secret: None, weak_allowed: false }
}

fn ingest(source: &str) -> NewToken {
    let grant = Grant::Ingest(src(source));
    NewToken { label: "shipper".to_owned(), grant, expires: None, secret: None, weak_allowed: false }
}

async fn scope_of(store: &Store, new: NewToken) -> Scope {
    let (_, secret) = tokens::issue(store, &root(), NOW, new).await.unwrap();
    auth::authenticate(store, secret.expose(), NOW)
        .await
        .unwrap()
        .expect("a good token")
        .powers
        .reach()
        .clone()
}

#[test]
fn a_lead_sees_the_own_organisation_and_what_is_below_and_nothing_else() {
    on_each(|store| async move {
        sector(&store).await;
        assert_eq!(scope_of(&store, lead_of("LEEDS")).await, Scope::of([org("LEEDS"), org("LEEDS-1")]));
        let board = scope_of(&store, lead_of("QWO")).await;
        assert_eq!(board, Scope::of(["QWO", "LEEDS", "LEEDS-1", "YORK"].map(org)));
        let nation = access(Role::Analyst, TokenReach::WholeSector);
        assert_eq!(scope_of(&store, nation).await, Scope::whole_sector());
    });
}

#[test]
fn what_joins_an_organisation_later_is_seen_with_the_same_token() {
    on_each(|store| async move {
        sector(&store).await;
        let (_, secret) = tokens::issue(&store, &root(), NOW, lead_of("YORK")).await.unwrap();
        let site = organisation("YORK-9", Some("YORK"), OrganisationKind::Site);
        organisations::put(&store, &root(), NOW, &site).await.unwrap();
        let access = auth::authenticate(&store, secret.expose(), NOW).await.unwrap().unwrap();
        let scope = access.scope(Permission::SeeAlerts);
        assert!(scope.sees(&org("YORK-9")) && !scope.sees(&org("LEEDS")));
    });
}

#[test]
fn what_may_not_be_seen_answers_as_what_does_not_exist() {
    on_each(|store| async move {
        sector(&store).await;
        let leeds = only("LEEDS");
        for (hidden, absent) in [("YORK", "NOWHERE"), ("QWO", "NOWHERE")] {
            let one = organisations::get(&store, &leeds, &org(hidden)).await.unwrap_err().to_string();
            let other = organisations::get(&store, &leeds, &org(absent)).await.unwrap_err().to_string();
            assert_eq!(one, other);
            let one = organisations::list_under(&store, &leeds, Some(&org(hidden))).await.unwrap_err();
            assert!(matches!(one, StoreError::NotFound("organisation")));
            let one = organisations::descendants(&store, &leeds, &org(hidden)).await.unwrap_err();
            assert!(matches!(one, StoreError::NotFound("organisation")));
        }
        let one = sources::get(&store, &leeds, &src("york-dc")).await.unwrap_err().to_string();
        let other = sources::get(&store, &leeds, &src("none")).await.unwrap_err().to_string();
        assert_eq!(one, other);
        assert_eq!(organisations::list(&store, &leeds).await.unwrap().len(), 1);
        assert_eq!(sources::list(&store, &leeds).await.unwrap().len(), 1);
        assert_eq!(sources::list(&store, &Scope::of([])).await.unwrap(), []);
    });
}

#[test]
fn nobody_sees_tokens_and_certificates_of_others() {
    on_each(|store| async move {
        sector(&store).await;
        let all_of_them =
            [lead_of("LEEDS"), lead_of("YORK"), lead_of("QWO"), ingest("leeds-dc"), ingest("york-dc")];
        for (second, new) in all_of_them.into_iter().enumerate() {
            tokens::issue(&store, &root(), later(second as i64), new).await.unwrap();
        }
        for (name, number) in [("leeds-dc", 1), ("york-dc", 2)] {
            let print = Hash([number; 32]);
            sources::put_certificate(&store, &root(), NOW, print, &src(name), "pc").await.unwrap();
        }
        let leeds = tokens::list(&store, &only("LEEDS")).await.unwrap();
        let grants: Vec<_> = leeds.into_iter().map(|token| token.grant).collect();
        assert_eq!(grants, [lead_of("LEEDS").grant, ingest("leeds-dc").grant]);
        assert_eq!(tokens::list(&store, &all()).await.unwrap().len(), 5);
        let seen = sources::certificates(&store, &only("LEEDS")).await.unwrap();
        assert_eq!(seen.iter().map(|each| each.source.as_str()).collect::<Vec<_>>(), ["leeds-dc"]);
    });
}

#[test]
fn a_ring_of_organisations_is_refused() {
    on_each(|store| async move {
        sector(&store).await;
        for (code, parent) in [("QWO", "LEEDS-1"), ("QWO", "QWO"), ("NEW", "NEW"), ("NEW", "NOWHERE")] {
            let ring = organisation(code, Some(parent), OrganisationKind::CareBoard);
            let error = organisations::put(&store, &root(), NOW, &ring).await.unwrap_err();
            assert!(matches!(error, StoreError::Refused(_)), "{code} under {parent}: {error}");
        }
        let moved = organisation("LEEDS-1", Some("YORK"), OrganisationKind::Site);
        organisations::put(&store, &root(), NOW, &moved).await.unwrap();
        let york = organisations::descendants(&store, &all(), &org("YORK")).await.unwrap();
        assert_eq!(york, BTreeSet::from([org("YORK"), org("LEEDS-1")]));
        let under: Vec<_> = organisations::list_under(&store, &all(), None).await.unwrap();
        assert_eq!(under.iter().map(|each| each.id.as_str()).collect::<Vec<_>>(), ["ENG"]);
    });
}

#[test]
fn a_token_ends_when_it_expires_or_is_revoked() {
    on_each(|store| async move {
        sector(&store).await;
        let (_, short) =
            tokens::issue(&store, &root(), NOW, NewToken { expires: Some(later(10)), ..lead_of("LEEDS") })
                .await
                .unwrap();
        assert!(auth::authenticate(&store, short.expose(), later(9)).await.unwrap().is_some());
        assert_eq!(auth::authenticate(&store, short.expose(), later(10)).await.unwrap(), None);
        let (id, long) = tokens::issue(&store, &root(), NOW, lead_of("LEEDS")).await.unwrap();
        tokens::note_use(&store, &[(id.clone(), later(5)), (id.clone(), later(3))]).await.unwrap();
        tokens::revoke(&store, &root(), later(6), &id).await.unwrap();
        tokens::revoke(&store, &root(), later(7), &id).await.unwrap();
        assert_eq!(auth::authenticate(&store, long.expose(), later(8)).await.unwrap(), None);
        let token =
            tokens::list(&store, &all()).await.unwrap().into_iter().find(|token| token.id == id).unwrap();
        assert_eq!((token.last_used, token.revoked), (Some(later(5)), Some(later(6))));
    });
}

#[test]
fn tokens_for_sending_do_not_let_one_look_nor_the_other_way_round() {
    on_each(|store| async move {
        sector(&store).await;
        let (_, sender) = tokens::issue(&store, &root(), NOW, ingest("leeds-dc")).await.unwrap();
        let (_, lead) = tokens::issue(&store, &root(), NOW, lead_of("LEEDS")).await.unwrap();
        assert_eq!(auth::authenticate(&store, sender.expose(), NOW).await.unwrap(), None);
        assert_eq!(auth::authenticate(&store, "", NOW).await.unwrap(), None);
        let intake = auth::ingest_sources(&store, NOW).await.unwrap();
        assert_eq!(intake.by_secret(sender.expose(), NOW).unwrap().0.id, src("leeds-dc"));
        assert!(intake.by_secret(lead.expose(), NOW).is_none());
    });
}

#[test]
fn intake_knows_who_sends_by_token_certificate_or_name_until_a_source_is_disabled() {
    on_each(|store| async move {
        sector(&store).await;
        let new = NewToken { expires: Some(later(10)), ..ingest("york-dc") };
        let (_, secret) = tokens::issue(&store, &root(), NOW, new).await.unwrap();
        let print = Hash([7; 32]);
        sources::put_certificate(&store, &root(), NOW, print, &src("york-dc"), "pc").await.unwrap();
        let intake = auth::ingest_sources(&store, NOW).await.unwrap();
        assert_eq!(intake.by_certificate(&print).unwrap(), &source("york-dc", "YORK"));
        assert_eq!(intake.by_id(&src("york-dc")), intake.by_certificate(&print));
        assert!(intake.by_secret(secret.expose(), later(9)).is_some());
        assert!(intake.by_secret(secret.expose(), later(10)).is_none(), "it expires in memory too");
        assert_eq!(intake.iter().count(), 2);

        sources::enable(&store, &root(), NOW, &src("york-dc"), false).await.unwrap();
        let intake = auth::ingest_sources(&store, NOW).await.unwrap();
        assert!(intake.by_certificate(&print).is_none() && intake.by_id(&src("york-dc")).is_none());
        assert!(intake.by_secret(secret.expose(), NOW).is_none());
        sources::enable(&store, &root(), NOW, &src("york-dc"), true).await.unwrap();
        sources::remove_certificate(&store, &root(), NOW, print).await.unwrap();
        let intake = auth::ingest_sources(&store, NOW).await.unwrap();
        assert!(intake.by_certificate(&print).is_none() && intake.by_secret(secret.expose(), NOW).is_some());
    });
}

#[test]
fn only_the_hash_of_a_secret_is_stored_and_one_secret_is_one_token() {
    on_each_place(async |place| {
        let store = place.open().await;
        sector(&store).await;
        let own = NewToken { secret: Some("a secret of my own".to_owned()), ..ingest("leeds-dc") };
        tokens::issue(&store, &root(), NOW, own.clone()).await.unwrap();
        let error = tokens::issue(&store, &root(), NOW, own).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)));
        let (_, made) = tokens::issue(&store, &root(), NOW, ingest("leeds-dc")).await.unwrap();
        let rows = column(&place.url, "SELECT id || label || hash || COALESCE(source, '') FROM tokens").await;
        let ledger = column(&place.url, "SELECT subject || detail FROM ledger").await;
        assert_eq!(rows.len(), 2);
        for text in rows.iter().chain(&ledger) {
            assert!(!text.contains(made.expose()) && !text.contains("of my own"), "{text}");
        }
    });
}

#[test]
fn a_token_for_what_does_not_exist_is_not_issued() {
    on_each(|store| async move {
        sector(&store).await;
        let nowhere = access(Role::Lead, TokenReach::Below(BTreeSet::from([org("LEEDS"), org("NOWHERE")])));
        let nobody = access(Role::Lead, TokenReach::Below(BTreeSet::new()));
        let lets_in = access(Role::Administrator, TokenReach::WholeSector);
        for new in [nowhere, nobody, lets_in, ingest("none")] {
            assert!(tokens::issue(&store, &root(), NOW, new).await.is_err());
        }
        assert_eq!(tokens::list(&store, &all()).await.unwrap(), []);
        let orphan = source("orphan", "NOWHERE");
        assert!(sources::put(&store, &root(), NOW, &orphan).await.is_err());
    });
}

#[test]
fn the_largest_numbers_and_none_at_all_come_back_as_they_were() {
    on_each(|store| async move {
        sector(&store).await;
        for (rate, silent_after) in [
            (Some(u32::MAX), Some(i64::MAX)),
            (Some(0), Some(sources::SHORTEST_SILENCE)),
            (None, None),
            (Some(1), None),
        ] {
            let odd = Source { rate, silent_after, ..source("leeds-dc", "LEEDS") };
            sources::put(&store, &root(), NOW, &odd).await.unwrap();
            assert_eq!(sources::get(&store, &all(), &odd.id).await.unwrap().source, odd);
        }
    });
}
