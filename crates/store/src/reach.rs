//! A [`Scope`] as a condition of a statement. The one place where it becomes SQL.

use ward_core::Scope;

use crate::database::Kind;
use crate::sql::Sql;

/// Up to so many organisations are named one by one: the planner of PostgreSQL sees them, and the statement is
/// found again in the cache. More go in as one JSON array.
const NAMED: usize = 16;

/// Larger scopes walk the order that is asked for and skip what they may not see; smaller ones gather and sort.
pub(crate) const SMALL: usize = 2_000;

/// As [`within`], for a statement that reads its rows in another index's order: only a small scope may choose the
/// index.
pub(crate) fn within_in_order(sql: &mut Sql, kind: Kind, column: &str, scope: &Scope) {
    if scope.organisations().is_some_and(|seen| seen.len() <= SMALL) {
        within(sql, kind, column, scope);
    } else {
        within(sql, kind, &kind.aside(column), scope);
    }
}

/// Adds ` AND column IN (what the scope sees)`, nothing when it sees all, and what is never true when it sees
/// nothing. `column` is a column of ours.
pub(crate) fn within(sql: &mut Sql, kind: Kind, column: &str, scope: &Scope) {
    let Some(seen) = scope.organisations() else { return };
    if seen.is_empty() {
        sql.push(" AND 1 = 0");
    } else if seen.len() <= NAMED {
        sql.push(" AND ").push(column).push(" IN ");
        sql.tuple(seen.iter().map(Into::into));
    } else {
        let codes: Vec<&str> = seen.iter().map(|organisation| organisation.as_str()).collect();
        sql.values.push(serde_json::Value::from(codes).to_string().into());
        let members = kind.members(sql.values.len());
        sql.push(" AND ").push(column).push(" IN (").push(&members).push(")");
    }
}

#[cfg(test)]
mod tests {
    use ward_core::OrganisationId;

    use super::*;

    fn condition(scope: &Scope, kind: Kind) -> Sql {
        let mut sql = Sql::new("SELECT 1 FROM t WHERE a = ");
        sql.bind(1_i64);
        within(&mut sql, kind, "organisation", scope);
        sql
    }

    #[test]
    fn a_large_scope_does_not_choose_the_index() {
        for (count, expected) in [(SMALL, " AND organisation IN"), (SMALL + 1, " AND +organisation IN")] {
            let mut sql = Sql::default();
            within_in_order(&mut sql, Kind::Sqlite, "organisation", &trusts(count));
            assert!(sql.text.starts_with(expected), "{}", sql.text);
        }
    }

    fn trusts(count: usize) -> Scope {
        Scope::of((0..count).map(|at| OrganisationId::new(&format!("R{at}")).unwrap()))
    }

    #[test]
    fn who_sees_nothing_gets_nothing_and_only_the_whole_sector_is_unbounded() {
        assert!(condition(&Scope::of([]), Kind::Sqlite).text.ends_with("a = $1 AND 1 = 0"));
        assert!(condition(&Scope::whole_sector(), Kind::Sqlite).text.ends_with("a = $1"));
    }

    #[test]
    fn a_scope_of_any_size_becomes_one_condition() {
        assert!(condition(&trusts(2), Kind::Postgres).text.ends_with(" AND organisation IN ($2, $3)"));
        for (kind, function) in [(Kind::Sqlite, "json_each($2)"), (Kind::Postgres, "$2::jsonb")] {
            let sql = condition(&trusts(40_000), kind);
            assert!(sql.text.contains(function), "{}", sql.text);
            assert_eq!(sql.values.len(), 2);
        }
    }
}
