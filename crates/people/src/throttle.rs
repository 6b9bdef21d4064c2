//! How guesses are slowed down without locking anybody out.
//!
//! A try is counted in up to three places, and waits for the slowest of them:
//!
//! | counted by | for | lets through at once | then at most |
//! |---|---|---|---|
//! | account and address | one who guesses at one account | 5 | one in 15 minutes |
//! | account, all strangers together | many addresses that guess at one account | 20 | one in 15 minutes |
//! | address, all accounts together | one address that tries many accounts | 50 | one a minute |
//! | browser that has signed in before ([`crate::device`]), with its account | its owner's mistakes | 10 | one in 15 minutes |
//!
//! A browser that has signed in to the account before is counted by itself and in none of the other places (OWASP, "Slow
//! Down Online Guessing Attacks with Device Cookies"). So whatever strangers do, from wherever they do it, people go on
//! signing in where they always do. Where they never did, a link from an administrator lets them in, which is not slowed
//! down: nobody guesses 256 bits.
//!
//! Invariant: there is no lock, only a time to wait, and it is never longer than [`LONGEST_WAIT`].
//! Invariant: a known browser waits for its own failures only.
//! Invariant: a try counts from when it is asked for, not from when it has failed, so that many at once gain nothing.
//! Invariant: success takes back its own try only, but for what the browser itself did: whoever has an account cannot
//! wipe out what he did to others' by signing in to it between.
//! Invariant: what is remembered is bounded; whoever fills it up makes it forget what counts least first.

use std::collections::HashMap;
use std::net::IpAddr;

use ward_core::Timestamp;

/// Microseconds that anybody waits at most.
pub const LONGEST_WAIT: i64 = 15 * MINUTE;

/// Counters that are remembered of each kind: 65,536, with about 100 bytes each.
pub const MOST: usize = 1 << 16;

/// Which account somebody tries to sign in to: a digest of what was typed, whether there is such an account or not.
pub type Account = [u8; 16];

/// Which browser it is, as its cookie says and was checked.
pub type Device = [u8; 16];

/// A try to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// To which account.
    pub account: Account,
    /// Where from.
    pub address: IpAddr,
    /// In which browser, if it has signed in to this account before.
    pub device: Option<Device>,
}

/// All that is remembered of tries.
#[derive(Debug, Default)]
pub struct Throttle {
    by_both: Counters<(Account, Network)>,
    by_account: Counters<Account>,
    by_address: Counters<Network>,
    by_device: Counters<(Account, Device)>,
}

/// The next time at which a try may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When.
    pub until: Timestamp,
}

/// An address as far as it tells who it is: of IPv6 the first 64 bits, of which everybody has many more.
type Network = [u8; 16];

#[derive(Debug)]
struct Counters<K>(HashMap<K, Counter>);

#[derive(Debug, Clone, Copy)]
struct Counter {
    /// Tries that count: each is forgotten some time later.
    tries: u32,
    /// Since when the next is being forgotten.
    since: Timestamp,
    /// When the last was let through.
    last: Timestamp,
}

/// How strict a place is.
#[derive(Debug, Clone, Copy)]
struct Strictness {
    /// Tries that do not wait.
    free: u32,
    /// Microseconds after which one is forgotten.
    forget: i64,
    /// Microseconds of the longest wait.
    longest: i64,
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const BOTH: Strictness = Strictness { free: 5, forget: 15 * MINUTE, longest: LONGEST_WAIT };
const ACCOUNT: Strictness = Strictness { free: 20, forget: 15 * MINUTE, longest: LONGEST_WAIT };
const ADDRESS: Strictness = Strictness { free: 50, forget: 30 * SECOND, longest: MINUTE };
const DEVICE: Strictness = Strictness { free: 10, forget: 15 * MINUTE, longest: LONGEST_WAIT };

impl Throttle {
    /// Whether this may be tried now. If so it counts as failed until [`Throttle::succeeded`] says otherwise.
    ///
    /// # Errors
    /// Not before then.
    pub fn ask(&mut self, attempt: &Attempt, now: Timestamp) -> Result<(), Wait> {
        let (account, network) = (attempt.account, network(attempt.address));
        if let Some(device) = attempt.device {
            self.by_device.wait((account, device), DEVICE, now)?;
            self.by_device.count((account, device), DEVICE, now);
            return Ok(());
        }
        self.by_both.wait((account, network), BOTH, now)?;
        self.by_account.wait(account, ACCOUNT, now)?;
        self.by_address.wait(network, ADDRESS, now)?;
        self.by_both.count((account, network), BOTH, now);
        self.by_account.count(account, ACCOUNT, now);
        self.by_address.count(network, ADDRESS, now);
        Ok(())
    }

    /// It did not fail.
    pub fn succeeded(&mut self, attempt: &Attempt) {
        let (account, network) = (attempt.account, network(attempt.address));
        if let Some(device) = attempt.device {
            self.by_device.0.remove(&(account, device));
        } else {
            self.by_both.0.remove(&(account, network));
            self.by_account.take_back(&account);
            self.by_address.take_back(&network);
        }
    }

    /// How many counters are remembered.
    pub fn len(&self) -> usize {
        self.by_both.0.len() + self.by_account.0.len() + self.by_address.0.len() + self.by_device.0.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Eq + std::hash::Hash + Copy> Counters<K> {
    fn wait(&mut self, key: K, how: Strictness, now: Timestamp) -> Result<(), Wait> {
        let Some(counter) = self.0.get_mut(&key) else { return Ok(()) };
        counter.forget(how, now);
        let until = Timestamp::from_micros(counter.last.micros().saturating_add(how.wait(counter.tries)));
        if now < until { Err(Wait { until }) } else { Ok(()) }
    }

    fn count(&mut self, key: K, how: Strictness, now: Timestamp) {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.make_room(how, now);
        }
        let counter = self.0.entry(key).or_insert(Counter { tries: 0, since: now, last: now });
        counter.tries = counter.tries.saturating_add(1);
        counter.last = now;
    }

    fn take_back(&mut self, key: &K) {
        if let Some(counter) = self.0.get_mut(key) {
            counter.tries = counter.tries.saturating_sub(1);
            if counter.tries == 0 {
                self.0.remove(key);
            }
        }
    }

    /// Forgets what counts no more, and if that is not a quarter, those with the fewest tries.
    fn make_room(&mut self, how: Strictness, now: Timestamp) {
        self.0.retain(|_, counter| {
            counter.forget(how, now);
            counter.tries > 0
        });
        let keep = MOST - MOST / 4;
        if self.0.len() <= keep {
            return;
        }
        let mut ranks: Vec<(u32, Timestamp)> = self.0.values().map(|it| (it.tries, it.last)).collect();
        let at = ranks.len() - keep;
        let (_, least, _) = ranks.select_nth_unstable(at);
        let least = *least;
        let mut left = keep;
        self.0.retain(|_, counter| {
            let stays = (counter.tries, counter.last) >= least && left > 0;
            left -= usize::from(stays);
            stays
        });
    }
}

impl Counter {
    /// Forgets what is long enough ago. A clock that went back makes it begin anew from there.
    fn forget(&mut self, how: Strictness, now: Timestamp) {
        if now < self.last {
            (self.since, self.last) = (now, now);
        }
        let gone = now.micros().saturating_sub(self.since.micros()).max(0) / how.forget;
        let gone = u32::try_from(gone).unwrap_or(u32::MAX);
        if gone >= self.tries {
            (self.tries, self.since) = (0, now);
        } else {
            self.tries -= gone;
            self.since = Timestamp::from_micros(self.since.micros() + i64::from(gone) * how.forget);
        }
    }
}

impl Strictness {
    /// Microseconds to wait after so many tries: a second, and twice as long with each further one.
    fn wait(self, tries: u32) -> i64 {
        match tries.checked_sub(self.free) {
            None => 0,
            Some(over) => {
                SECOND.checked_shl(over.min(32)).map_or(self.longest, |wait| wait.min(self.longest))
            }
        }
    }
}

impl<K> Default for Counters<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

fn network(address: IpAddr) -> Network {
    let mut network = match address.to_canonical() {
        IpAddr::V4(address) => return address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    };
    network[8..].fill(0);
    network
}

#[cfg(test)]
mod tests;
