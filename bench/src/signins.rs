//! A made-up day of a national login, with attacks hidden in it.
//!
//! Every account signs in at least once, spread over the day; one in seven comes back. One sign-in in
//! sixteen is preceded by one to three failures. Half of the sources are shared gateways of hospitals
//! and mobile networks, some of them large. Events arrive up to two minutes late.
//!
//! Hidden: credential stuffing (one source tries many accounts once), password spraying (a few sources
//! of one network, slowly, through many accounts), brute force that succeeds, and take-over (sign-in,
//! new recovery address, export of the record). Beside them what looks like it and is not: people who
//! forget their password and give up, exports before a change of address.

use ward_detect::correlate::Fields;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A sign-in was refused.
    Failure,
    /// A sign-in succeeded.
    Success,
    /// The recovery address was changed.
    RecoveryChange,
    /// The care record was exported.
    RecordExport,
}

/// An event of the login's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn {
    /// Microseconds since the epoch.
    pub time: i64,
    /// Whose account.
    pub account: u32,
    /// IPv4 address it came from.
    pub source: u32,
    /// What happened.
    pub action: Action,
}

/// Attacks that were hidden, by what a finding about them is grouped by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planted {
    /// Addresses that stuffed credentials.
    pub stuffing: Vec<u32>,
    /// Networks (the first 24 bits of the addresses) that sprayed passwords.
    pub spraying: Vec<u32>,
    /// Accounts that were guessed.
    pub brute_force: Vec<u32>,
    /// Accounts that were taken over.
    pub takeover: Vec<u32>,
}

/// A day of sign-ins, in the order in which they arrive.
#[derive(Debug, Clone)]
pub struct Day {
    accounts: u32,
    next: u32,
    random: Random,
    /// Of the current step, last first.
    pending: Vec<SignIn>,
    /// Of the attacks, latest first.
    attacks: Vec<SignIn>,
    /// What was hidden.
    pub planted: Planted,
}

/// A field of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Whose account.
    Account,
    /// Address it came from.
    SourceIp,
    /// The /24 network of the address.
    SourceNet,
}

/// An event, with its fields numbered as a reducer numbers them.
#[derive(Debug, Clone, Copy)]
pub struct Numbered<'a> {
    /// The event.
    pub event: &'a SignIn,
    /// Which field each number is. `None`: the login does not log it.
    pub fields: &'a [Option<Field>],
}

/// When the day begins: 2026-11-02T00:00:00Z.
pub const START: i64 = 1_793_577_600_000_000;
const DAY: i64 = 86_400 * SECOND;
const SECOND: i64 = 1_000_000;
/// A prime above 2^32: in steps of it, each account is visited once.
const STRIDE: u64 = 4_294_967_311;

impl Day {
    /// A day of a login with this many accounts (at least 100,000).
    pub fn new(accounts: u32) -> Self {
        let accounts = accounts.max(100_000);
        let mut day = Self {
            accounts,
            next: 0,
            random: Random(0x5eed),
            pending: Vec::new(),
            attacks: Vec::new(),
            planted: Planted::default(),
        };
        (0..12).for_each(|_| day.stuff());
        (0..6).for_each(|i| day.spray(i));
        (0..40).for_each(|i| day.brute_force(i % 2 == 0));
        (0..50).for_each(|i| day.take_over(i % 2 == 0));
        day.attacks.sort_unstable_by_key(|e| std::cmp::Reverse((e.time, e.account, e.source)));
        day
    }

    /// Lays out one account's sign-in and what goes with it.
    fn step(&mut self) {
        let number = u64::from(self.next);
        let accounts = u64::from(self.accounts);
        let account = (number * (STRIDE % accounts) % accounts) as u32;
        let now = START + (DAY as i128 * i128::from(number) / i128::from(self.accounts)) as i64;
        self.next += 1;
        self.visit(account, now);
        if self.random.one_in(7) {
            let again = self.random.below(self.accounts);
            self.visit(again, now);
        }
    }

    fn visit(&mut self, account: u32, now: i64) {
        let late = if self.random.one_in(10) { i64::from(self.random.below(120)) * SECOND } else { 0 };
        let time = now - late + i64::from(self.random.below(1_000_000));
        let source = self.source(account);
        let event = |time, action| SignIn { time, account, source, action };
        // Two accounts in a thousand change their recovery address, two others export their record.
        match account.wrapping_mul(0x9e37_79b1) % 1000 {
            0 | 1 => self.pending.push(event(time + SECOND / 2, Action::RecoveryChange)),
            2 | 3 => self.pending.push(event(time + SECOND / 2, Action::RecordExport)),
            _ => {}
        }
        self.pending.push(event(time, Action::Success));
        if self.random.one_in(16) {
            for i in 1..=1 + i64::from(self.random.below(3)) {
                self.pending.push(event(time - 9 * i * SECOND, Action::Failure));
            }
        }
    }

    /// Where an account signs in from: half the time its home, else a shared gateway, one in four
    /// thousand of which is large.
    fn source(&mut self, account: u32) -> u32 {
        match self.random.below(4) {
            0 | 1 => 0x5000_0000 | account & 0x0fff_ffff,
            2 => 0x2000_0000 | self.random.below(self.accounts / 50) << 2,
            _ => 0x3000_0000 | self.random.below(self.accounts / 5_000 + 1) << 8,
        }
    }

    fn stuff(&mut self) {
        let source = 0xc600_0000 | self.random.below(1 << 16) << 8 | 7;
        let start = START + i64::from(self.random.below(80_000)) * SECOND;
        let tries = 400 + self.random.below(2_600);
        for i in 0..tries {
            let time = start + i64::from(i) * 400 * SECOND / i64::from(tries);
            let account = self.random.below(self.accounts);
            let action = if self.random.one_in(70) { Action::Success } else { Action::Failure };
            self.attacks.push(SignIn { time, account, source, action });
        }
        self.planted.stuffing.push(source);
    }

    fn spray(&mut self, number: u32) {
        let net = 0xcb_0000 | number << 8 | 113;
        for host in 0..8 {
            let mut time = START + i64::from(self.random.below(7_200)) * SECOND;
            let end = time + (30_000 + i64::from(self.random.below(40_000))) * SECOND;
            while time < end {
                let account = self.random.below(self.accounts);
                let action = if self.random.one_in(200) { Action::Success } else { Action::Failure };
                self.attacks.push(SignIn { time, account, source: net << 8 | (10 + host), action });
                time += i64::from(90 + self.random.below(90)) * SECOND;
            }
        }
        self.planted.spraying.push(net);
    }

    fn brute_force(&mut self, succeeds: bool) {
        let account = self.random.below(self.accounts);
        let source = 0x2e00_0000 | self.random.below(1 << 20);
        let mut time = START + (3_600 + i64::from(self.random.below(70_000))) * SECOND;
        for _ in 0..25 + self.random.below(200) {
            self.attacks.push(SignIn { time, account, source, action: Action::Failure });
            time += i64::from(1 + self.random.below(40)) * SECOND;
        }
        if succeeds {
            self.attacks.push(SignIn { time, account, source, action: Action::Success });
            self.planted.brute_force.push(account);
        }
    }

    /// The near miss exports before it changes the address.
    fn take_over(&mut self, real: bool) {
        let account = self.random.below(self.accounts);
        let source = 0x2f00_0000 | self.random.below(1 << 20);
        let mut time = START + i64::from(self.random.below(20_000)) * SECOND;
        let mut order = [Action::Success, Action::RecoveryChange, Action::RecordExport];
        if !real {
            order.swap(1, 2);
        }
        for action in order {
            self.attacks.push(SignIn { time, account, source, action });
            time += i64::from(600 + self.random.below(20_000)) * SECOND;
        }
        if real {
            self.planted.takeover.push(account);
        }
    }
}

impl Iterator for Day {
    type Item = SignIn;

    fn next(&mut self) -> Option<SignIn> {
        if self.pending.is_empty() && self.next < self.accounts {
            self.step();
        }
        let attack = self.attacks.last().map(|e| e.time);
        let normal = self.pending.last().map(|e| e.time);
        match (normal, attack) {
            (Some(normal), Some(attack)) if attack < normal => self.attacks.pop(),
            (Some(_), _) => self.pending.pop(),
            (None, _) => self.attacks.pop(),
        }
    }
}

impl Field {
    /// The field that rules call so.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "account" => Some(Self::Account),
            "source_ip" => Some(Self::SourceIp),
            "source_net" => Some(Self::SourceNet),
            _ => None,
        }
    }
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Failure, Self::Success, Self::RecoveryChange, Self::RecordExport];

    /// The value of a field that all events of this action share.
    pub fn constant(self, field: &str) -> Option<&'static str> {
        match (field, self) {
            ("action", Self::Failure | Self::Success) => Some("signin"),
            ("action", Self::RecoveryChange) => Some("recovery_change"),
            ("action", Self::RecordExport) => Some("record_export"),
            ("outcome", Self::Failure) => Some("failure"),
            ("outcome", Self::Success) => Some("success"),
            _ => None,
        }
    }
}

impl Fields for Numbered<'_> {
    fn read(&self, field: usize, text: &mut Vec<u8>) -> bool {
        match self.fields.get(field).copied().flatten() {
            Some(Field::Account) => push_number(text, b"acc-", self.event.account, 10),
            Some(Field::SourceIp) => push_address(text, self.event.source, 4),
            Some(Field::SourceNet) => push_address(text, self.event.source, 3),
            None => return false,
        }
        true
    }
}

/// The text of an account.
pub fn account_text(account: u32) -> String {
    let mut text = Vec::new();
    push_number(&mut text, b"acc-", account, 10);
    String::from_utf8_lossy(&text).into_owned()
}

/// The text of an address, or of its network if only the first three parts are wanted.
pub fn address_text(address: u32, parts: usize) -> String {
    let mut text = Vec::new();
    push_address(&mut text, address, parts);
    String::from_utf8_lossy(&text).into_owned()
}

fn push_number(text: &mut Vec<u8>, prefix: &[u8], mut number: u32, digits: usize) {
    text.extend_from_slice(prefix);
    let first = text.len();
    text.resize(first + digits, b'0');
    for place in text[first..].iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn push_address(text: &mut Vec<u8>, address: u32, parts: usize) {
    for (i, part) in address.to_be_bytes().into_iter().take(parts).enumerate() {
        if i > 0 {
            text.push(b'.');
        }
        if part >= 100 {
            text.push(b'0' + part / 100);
        }
        if part >= 10 {
            text.push(b'0' + part / 10 % 10);
        }
        text.push(b'0' + part % 10);
    }
}

/// SplitMix64: small, good enough, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u32) -> u32 {
        (((self.number() >> 32) * u64::from(limit)) >> 32) as u32
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.below(chances) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_signs_in_and_the_day_is_the_same_every_time() {
        let day: Vec<SignIn> = Day::new(100_000).collect();
        assert!(day.iter().copied().eq(Day::new(100_000)));
        let mut seen = vec![false; 100_000];
        let successes = day.iter().filter(|e| e.action == Action::Success);
        successes.for_each(|e| seen[e.account as usize] = true);
        assert!(seen.iter().all(|seen| *seen));
    }

    #[test]
    fn events_arrive_at_most_three_minutes_late() {
        let mut latest = 0;
        for event in Day::new(100_000) {
            latest = event.time.max(latest);
            assert!(latest - event.time < 180 * SECOND);
        }
    }

    #[test]
    fn fields_are_written_as_the_log_writes_them() {
        assert_eq!(account_text(42), "acc-0000000042");
        assert_eq!(address_text(0xcb00_710a, 4), "203.0.113.10");
        assert_eq!(address_text(0xcb00_710a, 3), "203.0.113");
    }
}
