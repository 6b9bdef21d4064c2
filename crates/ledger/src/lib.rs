//! Append-only, hash-chained record of who did what: format and verification.
