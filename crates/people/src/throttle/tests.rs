//! Strangers are slowed down, and nobody is locked out.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const ANNA: Account = [1; 16];
const DESK: Device = [9; 16];

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + micros)
}

fn stranger(account: u8, host: u32) -> Attempt {
    let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host));
    Attempt { account: [account; 16], address, device: None }
}

fn at_the_desk() -> Attempt {
    Attempt { device: Some(DESK), ..stranger(1, 1) }
}

/// Tries again and again, as soon as it may, for this long. Tells how many were let through.
fn tries(throttle: &mut Throttle, attempt: impl Fn(u32) -> Attempt, from: i64, micros: i64) -> u32 {
    let (mut let_through, mut now, mut number) = (0, from, 0);
    while now < from + micros {
        match throttle.ask(&attempt(number), at(now)) {
            Ok(()) => let_through += 1,
            Err(wait) => now = (wait.until.micros() - at(0).micros()).max(now + 1),
        }
        number += 1;
    }
    let_through
}

#[test]
fn one_who_guesses_at_one_account_soon_waits() {
    let mut throttle = Throttle::default();
    for _ in 0..5 {
        assert_eq!(throttle.ask(&stranger(1, 1), at(0)), Ok(()));
    }
    assert_eq!(throttle.ask(&stranger(1, 1), at(0)), Err(Wait { until: at(SECOND) }));
    assert_eq!(throttle.ask(&stranger(1, 1), at(SECOND)), Ok(()));
    assert_eq!(throttle.ask(&stranger(1, 1), at(SECOND)), Err(Wait { until: at(3 * SECOND) }));
    assert_eq!(throttle.ask(&stranger(2, 1), at(0)), Ok(()), "another account");
    let day = tries(&mut Throttle::default(), |_| stranger(1, 1), 0, 24 * 60 * MINUTE);
    assert!((90..130).contains(&day), "{day}");
}

#[test]
fn many_addresses_are_no_more_than_one_against_one_account() {
    let day = tries(&mut Throttle::default(), |number| stranger(1, number), 0, 24 * 60 * MINUTE);
    assert!((90..140).contains(&day), "{day}");
}

#[test]
fn one_address_that_tries_many_accounts_is_slowed_down() {
    let spray = |number: u32| Attempt { account: u128::from(number).to_be_bytes(), ..stranger(0, 1) };
    let hour = tries(&mut Throttle::default(), spray, 0, 60 * MINUTE);
    assert!((100..240).contains(&hour), "{hour}");
}

#[test]
fn a_browser_that_signed_in_before_waits_for_nobody_else() {
    let mut throttle = Throttle::default();
    tries(&mut throttle, |number| stranger(1, number % 3), 0, 60 * MINUTE);
    let now = 60 * MINUTE;
    assert!(throttle.ask(&stranger(1, 1), at(now)).is_err());
    assert_eq!(throttle.ask(&at_the_desk(), at(now)), Ok(()));
    for _ in 0..9 {
        assert_eq!(throttle.ask(&at_the_desk(), at(now)), Ok(()));
    }
    assert!(throttle.ask(&at_the_desk(), at(now)).is_err(), "it may be a thief's");
}

#[test]
fn signing_in_wipes_out_ones_own_mistakes_and_not_what_one_did_to_others() {
    let mut throttle = Throttle::default();
    let mut now = 0;
    for victim in 0..50_u8 {
        now += 1;
        assert_eq!(throttle.ask(&stranger(100 + victim, 1), at(now)), Ok(()));
        if throttle.ask(&stranger(7, 1), at(now)).is_ok() {
            throttle.succeeded(&stranger(7, 1));
        }
    }
    assert!(throttle.ask(&stranger(200, 1), at(now)).is_err(), "its address has tried fifty");
    let mut throttle = Throttle::default();
    for _ in 0..9 {
        assert_eq!(throttle.ask(&at_the_desk(), at(0)), Ok(()));
    }
    throttle.succeeded(&at_the_desk());
    for _ in 0..10 {
        assert_eq!(throttle.ask(&at_the_desk(), at(0)), Ok(()));
    }
}

#[test]
fn addresses_of_one_network_are_one() {
    let v6 = |low: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 7, low, low, 1, low));
    assert_eq!(network(v6(1)), network(v6(2)));
    assert_ne!(network(v6(1)), network(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 8, 0, 0, 0, 1))));
    let v4 = Ipv4Addr::new(10, 0, 0, 1);
    assert_eq!(network(IpAddr::V4(v4)), network(IpAddr::V6(v4.to_ipv6_mapped())));
    assert_ne!(network(IpAddr::V4(v4)), network(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2))));
}

#[test]
fn a_flood_makes_it_forget_what_counts_least() {
    let mut throttle = Throttle::default();
    for _ in 0..20 {
        let _ = throttle.ask(&stranger(1, 1), at(0));
    }
    for number in 0..200_000_u32 {
        let flood = Attempt { account: u128::from(number + 1_000).to_le_bytes(), ..stranger(0, number + 10) };
        let _ = throttle.ask(&flood, at(i64::from(number)));
    }
    assert!(throttle.len() <= 4 * MOST);
    assert!(throttle.ask(&stranger(1, 1), at(200_000)).is_err(), "who tried often is remembered");
}

#[test]
fn a_clock_that_goes_back_makes_nobody_wait_longer() {
    let mut throttle = Throttle::default();
    for _ in 0..5 {
        let _ = throttle.ask(&stranger(1, 1), at(1_000 * MINUTE));
    }
    let wait = throttle.ask(&stranger(1, 1), at(0)).unwrap_err();
    assert_eq!(wait.until, at(SECOND));
}

fn attempts() -> impl Strategy<Value = Vec<(u8, u32, Option<u8>, bool, i64)>> {
    let device = prop::option::of(0..2_u8);
    prop::collection::vec((0..3_u8, 0..4_u32, device, any::<bool>(), 0..20 * MINUTE), 0..200)
}

proptest! {
    #[test]
    fn there_is_no_lock_only_a_time_to_wait(attempts in attempts()) {
        let (mut throttle, mut now) = (Throttle::default(), 0);
        for (account, host, device, good, pause) in attempts {
            now += pause / if account == 0 { 1_000 } else { 1 };
            let device = device.map(|device| [device; 16]);
            let attempt = Attempt { device, ..stranger(account, host) };
            match throttle.ask(&attempt, at(now)) {
                Ok(()) if good => throttle.succeeded(&attempt),
                Ok(()) => {}
                Err(Wait { until }) => {
                    prop_assert!(until > at(now) && until.micros() - at(now).micros() <= LONGEST_WAIT);
                    now = until.micros() - at(0).micros();
                    // Whatever kept it waiting is over; another place may have its own time, and no more than three do.
                    let again = (0..3).any(|_| match throttle.ask(&attempt, at(now)) {
                        Ok(()) => true,
                        Err(wait) => {
                            now = wait.until.micros() - at(0).micros();
                            false
                        }
                    });
                    prop_assert!(again);
                }
            }
        }
    }

    #[test]
    fn whatever_strangers_do_a_known_browser_is_let_through(attempts in attempts()) {
        let (mut throttle, mut now) = (Throttle::default(), 0);
        for (account, host, _, _, pause) in attempts {
            now += pause / 100;
            let _ = throttle.ask(&stranger(account, host), at(now));
        }
        prop_assert_eq!(throttle.ask(&Attempt { account: ANNA, ..at_the_desk() }, at(now)), Ok(()));
    }

    #[test]
    fn guesses_at_an_account_are_few_whatever_the_pattern(attempts in attempts(), known in 0..3_u8) {
        let (mut throttle, mut now, mut let_through) = (Throttle::default(), 0, 0_u32);
        for (_, host, _, _, pause) in attempts {
            now += pause / 50;
            let_through += u32::from(throttle.ask(&stranger(known, host), at(now)).is_ok());
        }
        let quarters = u32::try_from(now / (15 * MINUTE)).unwrap();
        prop_assert!(let_through <= 20 + 10 + 2 * (quarters + 1), "{let_through} in {quarters} quarters");
    }
}
