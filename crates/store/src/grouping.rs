//! Which findings make one alert. Pure: the same findings in the same order always give the same alerts.
//!
//! A finding joins the alert of its [`Key`] that is not closed and whose time is within 24 hours of it;
//! otherwise it opens one. A closed alert never grows: what comes after opens a new one.
//! Invariant: an alert's count is the number of its findings; a finding is placed once.

use std::collections::BTreeMap;

use ward_core::{OrganisationId, Severity, Timestamp};
use ward_ledger::Hash;

use crate::alerts::State;
use crate::findings::Finding;
use crate::ids::AlertId;

/// The longest pause within one alert, in microseconds.
pub const LONGEST_PAUSE: i64 = 24 * 3600 * 1_000_000;

/// Who or what an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// A computer, by the name it gives itself.
    Host(String),
    /// An account, when no computer is known.
    User(String),
    /// The source itself, when neither is known.
    Source(String),
}

/// What the findings of an alert have in common: a digest of organisation, rule and entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Hash);

/// As much of an alert as grouping needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The alert.
    pub id: AlertId,
    /// Time of its first finding.
    pub first_seen: Timestamp,
    /// Time of its last finding.
    pub last_seen: Timestamp,
    /// How many findings it has.
    pub count: u64,
    /// The most severe level of them.
    pub level: Severity,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where an alert that findings are placed in comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was opened here, by the finding of this number.
    Opened(usize),
    /// It was there before.
    Before {
        /// Whose it is.
        organisation: OrganisationId,
        /// How far people are with it.
        state: State,
        /// How severe it was.
        level: Severity,
    },
}

/// The alerts that are not closed, and where findings go.
#[derive(Debug, Clone, Default)]
pub struct Grouping {
    groups: BTreeMap<Key, Vec<(Group, bool)>>,
}

impl Grouping {
    /// Takes in an alert that is not closed.
    pub fn add(&mut self, key: Key, group: Group) {
        self.groups.entry(key).or_default().push((group, false));
    }

    /// The alert that this finding belongs to, which it may open. `at` is the finding's own number.
    pub fn place(&mut self, finding: &Finding, at: usize) -> AlertId {
        let key = Key::of(finding);
        let groups = self.groups.entry(key).or_default();
        let near = groups.iter_mut().filter(|(group, _)| group.covers(finding.time));
        let (group, changed) = match near.max_by_key(|(group, _)| group.last_seen) {
            Some(found) => found,
            None => {
                groups.push((Group::opened_by(&key, finding, at), false));
                let last = groups.len() - 1;
                &mut groups[last]
            }
        };
        group.count += 1;
        group.first_seen = group.first_seen.min(finding.time);
        group.last_seen = group.last_seen.max(finding.time);
        group.level = group.level.max(finding.level);
        *changed = true;
        group.id
    }

    /// The alerts that findings were placed in, by key.
    pub fn changed(&self) -> impl Iterator<Item = (&Key, &Group)> {
        let all = self.groups.iter().flat_map(|(key, groups)| groups.iter().map(move |group| (key, group)));
        all.filter(|(_, (_, changed))| *changed).map(|(key, (group, _))| (key, group))
    }
}

impl Group {
    fn opened_by(key: &Key, finding: &Finding, at: usize) -> Self {
        let mut named = b"alert".to_vec();
        named.extend_from_slice(&key.0.0);
        named.extend_from_slice(&finding.id.0);
        let mut id = [0; 16];
        id.copy_from_slice(&Hash::of(&named).0[..16]);
        Self {
            id: AlertId(id),
            first_seen: finding.time,
            last_seen: finding.time,
            count: 0,
            level: finding.level,
            origin: Origin::Opened(at),
        }
    }

    fn covers(&self, time: Timestamp) -> bool {
        let from = self.first_seen.micros().saturating_sub(LONGEST_PAUSE);
        let to = self.last_seen.micros().saturating_add(LONGEST_PAUSE);
        (from..=to).contains(&time.micros())
    }
}

impl Key {
    /// What this finding has in common with others of its alert.
    pub fn of(finding: &Finding) -> Self {
        Self::new(&finding.organisation, &finding.rule.id, &finding.entity())
    }

    /// The key of these three. Names of hosts and users are the same in upper and lower case.
    pub fn new(organisation: &OrganisationId, rule: &str, entity: &Entity) -> Self {
        let mut bytes = Vec::with_capacity(128);
        let name = entity.name().to_lowercase();
        for part in [organisation.as_str(), rule, entity.kind(), &name] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(Hash::of(&bytes))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Hash> for Key {
    fn from(hash: Hash) -> Self {
        Self(hash)
    }
}

impl Entity {
    /// What it is, as it is stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Host(_) => "host",
            Self::User(_) => "user",
            Self::Source(_) => "source",
        }
    }

    /// Which one.
    pub fn name(&self) -> &str {
        match self {
            Self::Host(name) | Self::User(name) | Self::Source(name) => name,
        }
    }

    /// The entity of this kind and name.
    pub fn of(kind: &str, name: String) -> Option<Self> {
        match kind {
            "host" => Some(Self::Host(name)),
            "user" => Some(Self::User(name)),
            "source" => Some(Self::Source(name)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::finding;

    const HOUR: i64 = 3600 * 1_000_000;

    fn at(hours: i64, number: u8) -> Finding {
        let mut finding = finding(number);
        finding.time = Timestamp::from_micros(hours * HOUR);
        finding
    }

    fn placed(findings: &[Finding]) -> (Vec<AlertId>, Grouping) {
        let mut grouping = Grouping::default();
        let ids = findings.iter().enumerate().map(|(at, each)| grouping.place(each, at)).collect();
        (ids, grouping)
    }

    #[test]
    fn findings_of_one_rule_at_one_host_are_one_alert_until_it_was_quiet_for_a_day() {
        let (ids, grouping) = placed(&[at(0, 1), at(20, 2), at(44, 3), at(69, 4)]);
        assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3]);
        let counts: Vec<u64> = grouping.changed().map(|(_, group)| group.count).collect();
        assert_eq!(counts, [3, 1]);
    }

    #[test]
    fn another_organisation_rule_or_host_is_another_alert() {
        let first = at(0, 1);
        let mut others = [at(0, 2), at(0, 3), at(0, 4), at(0, 5)];
        others[0].organisation = OrganisationId::new("RCB").unwrap();
        others[1].rule.id = "other".to_owned();
        others[2].host = Some("pc2".to_owned());
        others[3].host = None;
        let mut all = vec![first];
        all.extend(others);
        let (mut ids, _) = placed(&all);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 5);
    }

    #[test]
    fn a_host_is_the_same_in_capital_letters() {
        let (mut small, mut large) = (at(0, 1), at(1, 2));
        (small.host, large.host) = (Some("pc1".to_owned()), Some("PC1".to_owned()));
        let (ids, _) = placed(&[small, large]);
        assert_eq!(ids[0], ids[1]);
    }

    #[test]
    fn what_comes_late_joins_the_alert_it_belongs_to() {
        let (ids, grouping) = placed(&[at(30, 1), at(10, 2), at(40, 3)]);
        assert!(ids[0] == ids[1] && ids[1] == ids[2]);
        let (_, group) = grouping.changed().next().unwrap();
        assert_eq!((group.first_seen.micros(), group.last_seen.micros()), (10 * HOUR, 40 * HOUR));
    }

    #[test]
    fn an_alert_is_as_severe_as_its_worst_finding() {
        let (mut mild, mut grave) = (at(0, 1), at(1, 2));
        (mild.level, grave.level) = (Severity::Low, Severity::Critical);
        let (_, grouping) = placed(&[grave, mild]);
        assert_eq!(grouping.changed().next().unwrap().1.level, Severity::Critical);
    }

    #[test]
    fn an_alert_that_nothing_was_placed_in_is_left_alone() {
        let (_, before) = placed(&[at(0, 1)]);
        let (key, group) = before.changed().next().unwrap();
        let mut grouping = Grouping::default();
        grouping.add(*key, group.clone());
        assert_eq!(grouping.changed().count(), 0);
        assert_eq!(grouping.place(&at(1, 2), 0), group.id);
        assert_eq!(grouping.changed().next().unwrap().1.count, 2);
    }

    proptest! {
        /// However findings are cut into calls, the alerts and counts are the same.
        #[test]
        fn cutting_findings_into_calls_changes_nothing(hours in prop::collection::vec(0i64..200, 1..30), cut in any::<prop::sample::Index>()) {
            let findings: Vec<Finding> = hours.iter().zip(0u8..).map(|(hour, number)| at(*hour, number)).collect();
            let (all, _) = placed(&findings);
            let cut = cut.index(findings.len());
            let (mut ids, before) = placed(&findings[..cut]);
            let mut after = Grouping::default();
            for (key, group) in before.changed() {
                after.add(*key, group.clone());
            }
            ids.extend(findings[cut..].iter().enumerate().map(|(at, each)| after.place(each, at)));
            prop_assert_eq!(all, ids);
        }
    }
}
