//! What a scan counted: one for each thread, added up at the end.
//!
//! Invariant: memory is bounded, whatever the events claim: hosts beyond [`MAX_HOSTS`] are counted
//! together.

use std::collections::HashMap;

use ward_core::{Severity, Timestamp};

use super::timeline::{ByLevel, Timeline};

/// Most hosts that are told apart.
pub const MAX_HOSTS: usize = 50_000;

/// Number of a rule or correlation among all that may fire: rules first, then correlations.
pub type Firer = u32;

/// Counts of a scan.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Events decoded.
    pub events: u64,
    /// Bytes of input, after decompression.
    pub bytes: u64,
    /// Events that no rule's log source fits.
    pub unfit: u64,
    /// Events left out because they are outside the time asked for.
    pub outside: u64,
    /// Events that say no time while only some time is asked for; they are not left out.
    pub undated: u64,
    /// Findings whose events say no time.
    pub untimed: u64,
    /// Matches that could not be correlated because their events say no time.
    pub uncorrelated: u64,
    /// What fired.
    pub fired: HashMap<Firer, Fired>,
    /// Findings by host.
    pub hosts: HashMap<String, ByLevel>,
    /// Findings on hosts beyond those told apart, or on none.
    pub other_hosts: ByLevel,
    /// When.
    pub timeline: Timeline,
}

/// How often and when a rule fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fired {
    /// How often.
    pub count: u64,
    /// Earliest event.
    pub first: Option<Timestamp>,
    /// Latest event.
    pub last: Option<Timestamp>,
}

impl Tally {
    /// Counts a finding.
    pub fn add(&mut self, firer: Firer, level: Severity, time: Option<Timestamp>, host: Option<&str>) {
        self.fired.entry(firer).or_default().merge(Fired { count: 1, first: time, last: time });
        match time {
            Some(time) => self.timeline.add(time, level),
            None => self.untimed += 1,
        }
        self.on_host(host)[level as usize] += 1;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.unfit += other.unfit;
        self.outside += other.outside;
        self.undated += other.undated;
        self.untimed += other.untimed;
        self.uncorrelated += other.uncorrelated;
        for (firer, fired) in other.fired {
            self.fired.entry(firer).or_default().merge(fired);
        }
        for (host, counts) in other.hosts {
            add(self.on_host(Some(&host)), &counts);
        }
        add(&mut self.other_hosts, &other.other_hosts);
        self.timeline.merge(other.timeline);
    }

    /// Findings in all.
    pub fn findings(&self) -> u64 {
        self.fired.values().map(|fired| fired.count).sum()
    }

    fn on_host(&mut self, host: Option<&str>) -> &mut ByLevel {
        match host {
            Some(host) if self.hosts.contains_key(host) || self.hosts.len() < MAX_HOSTS => {
                self.hosts.entry(host.to_owned()).or_default()
            }
            _ => &mut self.other_hosts,
        }
    }
}

impl Fired {
    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
    }
}

fn add(sum: &mut ByLevel, counts: &ByLevel) {
    sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_count_what_one_would() {
        let time = |s| Some(Timestamp::from_micros(s * 1_000_000));
        let (mut one, mut left, mut right) = (Tally::default(), Tally::default(), Tally::default());
        for n in 0..100 {
            let host = format!("host{}", n % 7);
            let time = if n % 10 == 0 { None } else { time(i64::from(n)) };
            for tally in [&mut one, if n % 2 == 0 { &mut left } else { &mut right }] {
                tally.add(n % 3, Severity::High, time, Some(&host));
            }
        }
        left.merge(right);
        assert_eq!(left.fired, one.fired);
        assert_eq!(left.hosts, one.hosts);
        assert_eq!((left.findings(), left.untimed), (100, 10));
        assert_eq!(left.timeline.rows(20), one.timeline.rows(20));
    }

    #[test]
    fn invented_hosts_are_counted_but_not_kept() {
        let mut tally = Tally::default();
        for n in 0..MAX_HOSTS + 10 {
            tally.add(0, Severity::Low, None, Some(&n.to_string()));
        }
        assert_eq!(tally.hosts.len(), MAX_HOSTS);
        assert_eq!(tally.other_hosts[Severity::Low as usize], 10);
    }
}
