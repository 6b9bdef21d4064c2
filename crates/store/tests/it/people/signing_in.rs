//! From the first link to a session, and to its end.

use ward_core::Actor;
use ward_people::link::Purpose;
use ward_people::session::{HALF, Limits};
use ward_people::{Decision, Permission, Role};
use ward_store::auth::Shown;
use ward_store::people::second_factors::Shown as Factor;
use ward_store::people::sessions::Which;
use ward_store::people::sign_ins::{self, Outcome, SignIn};
use ward_store::people::{credentials, links, recovery_codes, second_factors, tidy};
use ward_store::{SessionId, StoreError};

use super::*;

const MINUTE: i64 = 60_000_000;

/// Somebody who has chosen a second factor, and its secret.
async fn with_second_factor(store: &Store, name: &str) -> (PersonId, ward_people::TotpSecret) {
    let anna = person(store, name, Some("LEEDS"), &[(Role::OrganisationLead, at("LEEDS"))]).await;
    let by = Actor::person(anna.to_string());
    let secret = second_factors::propose(store, &by, NOW, &key(), anna, Factor::NotYet).await.unwrap();
    assert!(!second_factors::has(store, anna).await.unwrap());
    let digits = secret.now(NOW);
    assert!(second_factors::confirm(store, &by, NOW, &key(), anna, Factor::NotYet, &digits).await.unwrap());
    (anna, secret)
}

#[test]
fn the_first_link_makes_an_administrator_once() {
    on_each(|store| async move {
        let by = Actor::ward("serve");
        let first = links::make_first(&store, &by, NOW).await.unwrap().unwrap();
        let second = links::make_first(&store, &by, later(1)).await.unwrap().unwrap();
        assert_eq!(
            links::look(&store, first.expose(), later(2)).await.unwrap(),
            None,
            "a new start replaces it"
        );
        let shown = links::look(&store, second.expose(), later(2)).await.unwrap().unwrap();
        assert_eq!((shown.purpose, shown.person), (Purpose::FirstAdministrator, None));
        assert_eq!(shown.expires, later(1 + 24 * HOUR));
        let anna = new("Anna", None);
        let wrong = links::accept(&store, second.expose(), later(2), &KEPT).await;
        assert!(matches!(wrong, Err(StoreError::NotFound("link"))));
        let person = links::accept_first(&store, second.expose(), later(2), &anna, &KEPT).await.unwrap();
        let again = links::accept_first(&store, second.expose(), later(3), &new("Eve", None), &KEPT).await;
        assert!(matches!(again, Err(StoreError::NotFound("link"))));
        assert_eq!(links::make_first(&store, &by, later(4)).await.unwrap(), None);
        assert_eq!(access_of(&store, person, later(4)).await.scope(Permission::ManageSettings), &all());
        let kept = credentials::of_login(&store, "anna@ward-test.example").await.unwrap().unwrap();
        assert_eq!((kept.person, kept.kept.as_deref(), kept.enabled), (person, Some(KEPT.as_str()), true));
    });
}

#[test]
fn the_first_link_is_good_for_a_day_and_only_while_nobody_administers() {
    on_each(|store| async move {
        sector(&store).await;
        let secret = links::make_first(&store, &root(), NOW).await.unwrap().unwrap();
        let late =
            links::accept_first(&store, secret.expose(), later(24 * HOUR), &new("A", None), &KEPT).await;
        assert!(matches!(late, Err(StoreError::NotFound("link"))));
        person(&store, "Anna", None, &[(Role::Administrator, Reach::WholeSector)]).await;
        let taken = links::accept_first(&store, secret.expose(), later(1), &new("B", None), &KEPT).await;
        assert!(matches!(taken, Err(StoreError::NotFound("link"))), "there is one by now");
    });
}

#[test]
fn a_link_of_a_person_is_good_once_and_a_new_one_replaces_it() {
    on_each(|store| async move {
        sector(&store).await;
        let (anna, _) = with_second_factor(&store, "Anna").await;
        let make =
            async |purpose, until| links::make(&store, &root(), NOW, &machine(), anna, purpose, until).await;
        let (_, older) = make(Purpose::Invitation, later(HOUR)).await.unwrap();
        let (_, link) = make(Purpose::Password, later(HOUR)).await.unwrap();
        assert_eq!(links::look(&store, older.expose(), NOW).await.unwrap(), None);
        let shown = links::look(&store, link.expose(), NOW).await.unwrap().unwrap();
        assert_eq!((shown.person, shown.name.as_deref()), (Some(anna), Some("Anna")));
        assert_eq!(links::look(&store, link.expose(), later(HOUR)).await.unwrap(), None);

        let session = sign_in(&store, anna, NOW).await;
        assert_eq!(links::accept(&store, link.expose(), later(1), &KEPT).await.unwrap(), anna);
        assert!(links::accept(&store, link.expose(), later(2), &KEPT).await.is_err());
        assert_eq!(access(&store, &session, later(2)).await, None, "whoever was in is out");
        assert!(second_factors::has(&store, anna).await.unwrap());
        let (_, everything) = make(Purpose::Everything, later(HOUR)).await.unwrap();
        links::accept(&store, everything.expose(), later(3), &KEPT).await.unwrap();
        assert!(!second_factors::has(&store, anna).await.unwrap());
        for (purpose, until) in [
            (Purpose::Password, later(24 * HOUR + 1)),
            (Purpose::Password, NOW),
            (Purpose::FirstAdministrator, later(1)),
        ] {
            assert!(matches!(make(purpose, until).await, Err(StoreError::Refused(_))), "{purpose:?}");
        }
    });
}

#[test]
fn half_a_session_opens_nothing_until_the_second_factor_was_shown() {
    on_each(|store| async move {
        sector(&store).await;
        let (anna, secret) = with_second_factor(&store, "Anna").await;
        let by = Actor::person(anna.to_string());
        let (half, cookie) = sessions::begin(&store, &by, NOW, &session_of(anna, false)).await.unwrap();
        assert_eq!(access(&store, cookie.expose(), NOW).await, None);
        let kept = sessions::half(&store, cookie.expose(), later(1)).await.unwrap().unwrap();
        assert_eq!((kept.id, kept.person, kept.device.as_str()), (half, anna, "Firefox on Linux"));
        assert_eq!(sessions::half(&store, cookie.expose(), later(HALF)).await.unwrap(), None);

        let now = later(MINUTE);
        let digits = secret.now(now);
        assert!(
            !second_factors::check(&store, now, &key(), anna, "000000").await.unwrap() || digits == "000000"
        );
        assert!(second_factors::check(&store, now, &key(), anna, &digits).await.unwrap());
        assert!(!second_factors::check(&store, now, &key(), anna, &digits).await.unwrap(), "once");
        let whole = NewSession { replaces: Some(half), ..session_of(anna, true) };
        let (_, session) = sessions::begin(&store, &by, now, &whole).await.unwrap();
        assert_ne!(session, cookie);
        let access = access(&store, session.expose(), now).await.unwrap();
        let Shown::Session(present) = &access.shown else { panic!("a session") };
        assert_eq!((present.person, present.name.as_str(), present.second_factor), (anna, "Anna", now));
        assert_eq!(present.roles, [(Role::OrganisationLead, at("LEEDS"))]);
        assert_eq!(sessions::half(&store, cookie.expose(), now).await.unwrap(), None, "it has ended");
        assert_eq!(sessions::half(&store, session.expose(), now).await.unwrap(), None, "it is whole");
    });
}

#[test]
fn who_has_a_second_factor_adds_no_other_without_showing_it() {
    on_each(|store| async move {
        sector(&store).await;
        let (anna, old) = with_second_factor(&store, "Anna").await;
        let by = Actor::person(anna.to_string());
        let propose = async |now, shown| second_factors::propose(&store, &by, now, &key(), anna, shown).await;
        assert!(matches!(propose(later(1), Factor::NotYet).await, Err(StoreError::Refused(_))));
        let new = propose(later(2), Factor::JustNow).await.unwrap();
        assert_eq!(
            second_factors::proposed(&store, &key(), anna, Factor::JustNow).await.unwrap(),
            Some(new.clone())
        );
        assert!(second_factors::proposed(&store, &key(), anna, Factor::NotYet).await.is_err());
        let now = later(MINUTE);
        let confirm = async |shown, digits: &str| {
            second_factors::confirm(&store, &by, now, &key(), anna, shown, digits).await
        };
        assert!(confirm(Factor::NotYet, &new.now(now)).await.is_err());
        assert!(!confirm(Factor::JustNow, &old.now(now)).await.unwrap() || old.now(now) == new.now(now));
        assert!(
            second_factors::check(&store, now, &key(), anna, &old.now(now)).await.unwrap(),
            "it is in force still"
        );
        assert!(confirm(Factor::JustNow, &new.now(now)).await.unwrap());
        let then = later(3 * MINUTE);
        assert!(!second_factors::check(&store, then, &key(), anna, &old.now(then)).await.unwrap());
        assert!(second_factors::check(&store, then, &key(), anna, &new.now(then)).await.unwrap());
        let other = Key::new([8; 32]);
        assert!(second_factors::check(&store, later(9 * MINUTE), &other, anna, "123456").await.is_err());
    });
}

#[test]
fn a_recovery_code_opens_once_and_new_ones_replace_the_old() {
    on_each(|store| async move {
        sector(&store).await;
        let anna = person(&store, "Anna", None, &[]).await;
        let bert = person(&store, "Bert", None, &[]).await;
        let by = Actor::person(anna.to_string());
        let codes = recovery_codes::make(&store, &by, NOW, anna).await.unwrap();
        let spend = async |person, code: &str| {
            recovery_codes::spend(&store, &by, later(1), person, code).await.unwrap()
        };
        assert!(!spend(bert, codes[0].expose()).await);
        assert!(spend(anna, &codes[0].expose().to_lowercase().replace('-', " ")).await);
        assert!(!spend(anna, codes[0].expose()).await);
        assert!(!spend(anna, "ABCD-EFGH-IJKL-MNOP-QRST-UVWX").await && !spend(anna, "").await);
        assert_eq!(recovery_codes::left(&store, anna).await.unwrap(), 9);
        recovery_codes::make(&store, &by, later(2), anna).await.unwrap();
        assert!(!spend(anna, codes[1].expose()).await);
        assert_eq!(recovery_codes::left(&store, anna).await.unwrap(), 10);
    });
}

#[test]
fn a_session_ends_by_silence_at_its_end_and_when_somebody_ends_it() {
    on_each(|store| async move {
        sector(&store).await;
        let anna = person(&store, "Anna", Some("LEEDS"), &[(Role::OrganisationMember, at("LEEDS"))]).await;
        let by = Actor::person(anna.to_string());
        let secret = sign_in(&store, anna, NOW).await;
        let id = sessions::own(&store, anna).await.unwrap()[0].id;
        assert!(access(&store, &secret, later(30 * MINUTE - 1)).await.is_some());
        assert_eq!(access(&store, &secret, later(30 * MINUTE)).await, None);
        sessions::note_seen(&store, &[(id, later(20 * MINUTE)), (id, later(10 * MINUTE))]).await.unwrap();
        assert!(access(&store, &secret, later(50 * MINUTE - 1)).await.is_some());
        for hour in 1..=12 {
            sessions::note_seen(&store, &[(id, later(hour * HOUR))]).await.unwrap();
        }
        assert!(access(&store, &secret, later(12 * HOUR - 1)).await.is_some());
        assert_eq!(access(&store, &secret, later(12 * HOUR)).await, None);

        let others = [sign_in(&store, anna, NOW).await, sign_in(&store, anna, later(1)).await];
        let all_of_them = sessions::own(&store, anna).await.unwrap();
        let newest: SessionId = all_of_them[0].id;
        let ended = sessions::end_own(&store, &by, later(2), anna, Which::AllBut(newest)).await.unwrap();
        assert_eq!(ended, 2);
        assert_eq!(access(&store, &others[0], later(3)).await, None);
        assert!(access(&store, &others[1], later(3)).await.is_some());
        let bert = person(&store, "Bert", None, &[]).await;
        let stranger = sessions::end_own(&store, &by, later(3), bert, Which::Only(newest)).await.unwrap();
        assert_eq!(stranger, 0, "not one's own");
        sessions::revoke(&store, &root(), later(4), &machine(), newest).await.unwrap();
        assert_eq!(access(&store, &others[1], later(5)).await, None);
    });
}

#[test]
fn things_of_great_effect_take_the_second_factor_again_and_another_cookie() {
    on_each(|store| async move {
        sector(&store).await;
        let lead = person(&store, "Anna", Some("LEEDS"), &[(Role::OrganisationLead, at("LEEDS"))]).await;
        let by = Actor::person(lead.to_string());
        let secret = sign_in(&store, lead, NOW).await;
        let now = later(6 * MINUTE);
        let before = access(&store, &secret, now).await.unwrap();
        assert_eq!(before.decide(Permission::ManagePeople, now), Decision::ShowSecondFactor);
        assert_eq!(before.decide(Permission::JudgeAlerts, now), Decision::Yes);
        assert_eq!(before.decide(Permission::ManageSettings, now), Decision::No);
        let id = sessions::own(&store, lead).await.unwrap()[0].id;
        let fresh = sessions::step_up(&store, &by, now, id).await.unwrap();
        assert_eq!(access(&store, &secret, now).await, None, "the cookie of before is good for nothing");
        let after = access(&store, fresh.expose(), now).await.unwrap();
        assert_eq!(after.decide(Permission::ManagePeople, now), Decision::Yes);
        let (half, _) = sessions::begin(&store, &by, now, &session_of(lead, false)).await.unwrap();
        assert!(
            sessions::step_up(&store, &by, now, half).await.is_err(),
            "half a session is not made whole so"
        );
        assert!(sessions::step_up(&store, &by, later(HOUR), id).await.is_err(), "it has ended");
    });
}

#[test]
fn a_changed_password_ends_the_other_sessions() {
    on_each(|store| async move {
        sector(&store).await;
        let anna = person(&store, "Anna", None, &[]).await;
        let by = Actor::person(anna.to_string());
        let (here, there) = (sign_in(&store, anna, NOW).await, sign_in(&store, anna, later(1)).await);
        let first = sessions::own(&store, anna).await.unwrap().last().unwrap().id;
        credentials::choose(&store, &by, later(2), anna, &KEPT, Some(first)).await.unwrap();
        assert!(
            access(&store, &here, later(3)).await.is_some()
                && access(&store, &there, later(3)).await.is_none()
        );
        assert_eq!(credentials::of_person(&store, anna).await.unwrap().as_deref(), Some(KEPT.as_str()));
        credentials::rehash(&store, later(4), anna, "something else", "new").await.unwrap();
        assert_eq!(credentials::of_person(&store, anna).await.unwrap().as_deref(), Some(KEPT.as_str()));
        credentials::rehash(&store, later(4), anna, &KEPT, "new").await.unwrap();
        assert_eq!(credentials::of_person(&store, anna).await.unwrap().as_deref(), Some("new"));
        assert_eq!(credentials::of_login(&store, "nobody@ward-test.example").await.unwrap(), None);
    });
}

#[test]
fn tries_are_kept_for_who_may_see_them_and_within_bounds() {
    on_each(|store| async move {
        sector(&store).await;
        let anna = person(&store, "Anna", Some("LEEDS"), &[]).await;
        let tried = |person, outcome, at| SignIn {
            time: later(at),
            person,
            outcome,
            device: "curl".to_owned(),
            address: "192.0.2.9".to_owned(),
        };
        let tries = [tried(Some(anna), Outcome::WrongPassword, 1), tried(None, Outcome::NoAccount, 2)];
        sign_ins::note(&store, &tries).await.unwrap();
        assert_eq!(sign_ins::list(&store, &only("LEEDS"), None, 9).await.unwrap(), tries[..1]);
        assert_eq!(sign_ins::list(&store, &only("YORK"), None, 9).await.unwrap(), []);
        assert_eq!(sign_ins::list(&store, &all(), None, 9).await.unwrap().len(), 2);
        assert_eq!(sign_ins::own(&store, anna, 9).await.unwrap(), tries[..1]);
        let many: Vec<_> =
            (0..sign_ins::MOST_OF_ONE + 50).map(|at| tried(Some(anna), Outcome::TooSoon, 10 + at)).collect();
        sign_ins::note(&store, &many).await.unwrap();
        let kept = sign_ins::own(&store, anna, 5_000).await.unwrap();
        assert_eq!(kept.len(), sign_ins::MOST_OF_ONE as usize);
        assert_eq!(kept[0].time, many.last().unwrap().time);
        let session = sign_in(&store, anna, NOW).await;
        tidy(&store, later(89 * 24 * HOUR)).await.unwrap();
        assert_eq!(sessions::own(&store, anna).await.unwrap().len(), 1);
        tidy(&store, later(92 * 24 * HOUR)).await.unwrap();
        assert_eq!(sessions::own(&store, anna).await.unwrap(), []);
        assert_eq!(sign_ins::list(&store, &all(), None, 9).await.unwrap(), []);
        assert_eq!(access(&store, &session, later(1)).await, None);
    });
}

#[test]
fn a_session_is_never_longer_than_it_was_to_be() {
    on_each(|store| async move {
        sector(&store).await;
        let anna = person(&store, "Anna", None, &[]).await;
        let by = Actor::person(anna.to_string());
        let limits = Limits { idle: MINUTE, absolute: 2 * MINUTE };
        let new = NewSession { limits, ..session_of(anna, true) };
        let (id, secret) = sessions::begin(&store, &by, NOW, &new).await.unwrap();
        assert_eq!(access(&store, secret.expose(), later(MINUTE)).await, None);
        sessions::note_seen(&store, &[(id, later(MINUTE + 1))]).await.unwrap();
        assert!(access(&store, secret.expose(), later(2 * MINUTE - 1)).await.is_some());
        assert_eq!(access(&store, secret.expose(), later(2 * MINUTE)).await, None);
    });
}
