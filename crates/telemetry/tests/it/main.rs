//! Inputs as they arrive, read to the end.

mod conformance;
mod corpus;
mod hostile;
mod properties;
mod reading;
