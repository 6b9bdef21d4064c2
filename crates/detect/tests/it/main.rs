//! Detection as a whole: rules, telemetry and matcher together, on real data.

mod equality;
mod own_rules;
mod regression;
mod scene;
//! The crate as others use it.

mod corpus;
mod linking;
mod loading;
