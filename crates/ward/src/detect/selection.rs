//! Which of the loaded rules are asked for.
//!
//! Rules that are not stay in the list, so numbers keep their meaning, but with a condition that never
//! holds: they cost nothing when rules are compiled. What a correlation asked for refers to keeps working,
//! without reporting by itself.

use ward_core::Severity;
use ward_detect::rule::Expr;
use ward_detect::{RuleRef, RuleSet};

/// Silences all rules and correlations but those of at least this level and, if any are named, these ids or
/// names. Gives the first name that is not there.
pub fn select(set: &mut RuleSet, min_level: Option<Severity>, only: &[String]) -> Result<(), String> {
    for wanted in only {
        let is = |id: &str, name: &Option<String>| id == wanted || name.as_deref() == Some(wanted);
        let found = set.rules.iter().any(|rule| is(&rule.id, &rule.name))
            || set.correlations.iter().any(|correlation| is(&correlation.id, &correlation.name));
        if !found {
            return Err(wanted.clone());
        }
    }
    if min_level.is_none() && only.is_empty() {
        return Ok(());
    }
    let wanted = |level: Severity, id: &str, name: &Option<String>| {
        let named = only.iter().any(|only| only == id || name.as_ref() == Some(only));
        min_level.is_none_or(|least| level >= least) && (only.is_empty() || named)
    };
    let mut needed_rules = vec![false; set.rules.len()];
    let mut needed: Vec<bool> = set
        .correlations
        .iter_mut()
        .map(|correlation| {
            let wanted = wanted(correlation.level, &correlation.id, &correlation.name);
            correlation.reports &= wanted;
            wanted
        })
        .collect();
    // References never form a circle, so passing them on as often as there are correlations reaches all.
    for _ in 0..needed.len() {
        let before = needed.clone();
        for (correlation, _) in set.correlations.iter().zip(before).filter(|(_, needed)| *needed) {
            for reference in &correlation.refs {
                match *reference {
                    RuleRef::Rule(rule) => needed_rules.iter_mut().skip(rule).take(1).for_each(|n| *n = true),
                    RuleRef::Correlation(other) => {
                        needed.iter_mut().skip(other).take(1).for_each(|n| *n = true)
                    }
                }
            }
        }
    }
    for (rule, needed) in set.rules.iter_mut().zip(needed_rules) {
        let wanted = wanted(rule.level, &rule.id, &rule.name);
        // A rule that is asked for by name is to be seen, even if it usually only feeds correlations.
        rule.reports = wanted && (rule.reports || !only.is_empty());
        if !wanted && !needed {
            rule.condition = Expr::Const(false);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ward_detect::load::{self, LoadOptions};

    fn set() -> RuleSet {
        let text = "title: Base\nname: base\nlevel: low\nlogsource: {product: x}\n\
            detection: {a: {B: c}, condition: a}\n---\n\
            title: Other\nname: other\nlevel: high\nlogsource: {product: x}\n\
            detection: {a: {B: d}, condition: a}\n---\n\
            title: Many\nname: many\nlevel: critical\ncorrelation: {type: event_count, rules: [base], \
            group-by: [U], timespan: 5m, condition: {gte: 5}}\n";
        let set = load::load([("a.yml", text)], &LoadOptions::default());
        assert_eq!((set.rules.len(), set.correlations.len()), (2, 1), "{:?}", set.report);
        set
    }

    #[test]
    fn what_a_wanted_correlation_counts_keeps_working_in_silence() {
        let mut set = set();
        select(&mut set, Some(Severity::Critical), &[]).unwrap();
        assert!(set.correlations[0].reports);
        assert!(!set.rules[0].reports && set.rules[0].condition != Expr::Const(false));
        assert_eq!(set.rules[1].condition, Expr::Const(false));
    }

    #[test]
    fn one_rule_can_be_asked_for_by_name() {
        let mut set = set();
        select(&mut set, None, &["base".into()]).unwrap();
        assert!(set.rules[0].reports && !set.rules[1].reports && !set.correlations[0].reports);
        assert_eq!(select(&mut set, None, &["nobody".into()]), Err("nobody".to_owned()));
    }
}
