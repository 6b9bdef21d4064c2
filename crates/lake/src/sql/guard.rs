//! Which statements are run: one SELECT, or EXPLAIN of one.

use std::ops::ControlFlow;

use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr, Statement as Sql, visit_expressions};
use datafusion::sql::sqlparser::dialect::GenericDialect;

use crate::LakeError;

/// Bytes that a statement may have.
const LONGEST: usize = 16 * 1024;

/// How deep it may nest.
const DEEPEST: usize = 50;

/// How many expressions other than names and values it may have: planning takes time that grows with their square.
const MOST_EXPRESSIONS: usize = 2_500;

/// Reads a statement.
///
/// # Errors
/// It is no SQL, more than one statement, has too many expressions, or does more than read.
pub(crate) fn statement(sql: &str) -> Result<Statement, LakeError> {
    if sql.len() > LONGEST {
        return Err(LakeError::Refused(format!("it is longer than {LONGEST} bytes")));
    }
    let parsed = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(DEEPEST)
        .build()
        .and_then(|mut parser| parser.parse_statements());
    let mut statements = parsed.map_err(|error| LakeError::Refused(super::text(&error)))?;
    let statement = statements.pop_front().ok_or_else(|| LakeError::Refused("it is empty".to_owned()))?;
    if !statements.is_empty() {
        return Err(LakeError::Refused("it is more than one statement".to_owned()));
    }
    let Some(query) = query(&statement) else {
        let only = "only SELECT over the table events is answered, or EXPLAIN of it";
        return Err(LakeError::Refused(only.to_owned()));
    };
    if has_too_many_expressions(query) {
        return Err(LakeError::Refused(format!(
            "it has more than {MOST_EXPRESSIONS} expressions: many values of one column are quicker as \
             column IN ('a', 'b'), and many columns as several statements"
        )));
    }
    Ok(statement)
}

fn query(statement: &Statement) -> Option<&Sql> {
    match statement {
        Statement::Statement(statement) => matches!(**statement, Sql::Query(_)).then_some(statement),
        Statement::Explain(explain) => query(&explain.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => None,
    }
}

fn has_too_many_expressions(query: &Sql) -> bool {
    let mut count = 0;
    let visited = visit_expressions(query, |expression| {
        let is_plain = matches!(
            expression,
            Expr::Value(_) | Expr::TypedString(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_)
        );
        count += usize::from(!is_plain);
        if count > MOST_EXPRESSIONS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    visited.is_break()
}

/// Looks at what the statement was understood as.
///
/// # Errors
/// It does more than read.
pub(crate) fn plan(plan: &LogicalPlan) -> Result<(), LakeError> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(plan).map_err(|error| LakeError::Refused(super::text(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_let_through() {
        for sql in [
            "SELECT 1",
            "select * from events where device = 'pacs01';",
            "WITH a AS (SELECT * FROM events) SELECT count(*) FROM a UNION ALL SELECT 1",
            "(SELECT 1)",
            "VALUES (1)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT * FROM events",
        ] {
            assert!(statement(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn all_else_is_not() {
        for sql in [
            "",
            ";",
            "SELECT 1; SELECT 2",
            "INSERT INTO events VALUES (1)",
            "DELETE FROM events",
            "UPDATE events SET device = ''",
            "MERGE INTO events USING events AS b ON true WHEN MATCHED THEN DELETE",
            "TRUNCATE TABLE events",
            "DROP TABLE events",
            "CREATE TABLE a AS SELECT 1",
            "CREATE VIEW a AS SELECT 1",
            "CREATE EXTERNAL TABLE a STORED AS PARQUET LOCATION '/etc'",
            "CREATE FUNCTION a() RETURNS int RETURN 1",
            "COPY events TO '/tmp/x.parquet'",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "SET datafusion.catalog.information_schema = true",
            "RESET datafusion.catalog.information_schema",
            "SHOW TABLES",
            "SHOW ALL",
            "DESCRIBE events",
            "USE other",
            "PREPARE a AS SELECT 1",
            "EXECUTE a",
            "BEGIN",
            "EXPLAIN COPY events TO '/tmp/x.parquet'",
            "EXPLAIN ANALYZE INSERT INTO events VALUES (1)",
            "SELEKT",
        ] {
            assert!(matches!(statement(sql), Err(LakeError::Refused(_))), "{sql}");
        }
        let many = |count: usize| format!("SELECT 1 FROM events WHERE a = 1{}", " OR a=1".repeat(count));
        assert!(statement(&many(1_000)).is_ok());
        let told = statement(&many(2_000)).unwrap_err().to_string();
        assert!(told.contains("more than 2500 expressions") && told.contains("IN ('a', 'b')"), "{told}");
        let list = format!("SELECT 1 FROM events WHERE device IN ('a'{})", ", 'b'".repeat(3_000));
        assert!(statement(&list).is_ok(), "a list is one expression, however long");
        let deep = format!("SELECT {}1{}", "(".repeat(3_000), ")".repeat(3_000));
        assert!(matches!(statement(&deep), Err(LakeError::Refused(_))));
    }
}
