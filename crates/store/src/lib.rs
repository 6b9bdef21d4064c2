//! Relational state on SQLite or PostgreSQL, scope and ledger applied.
