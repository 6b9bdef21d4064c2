//! Detection as a whole: rules, telemetry and matcher together, on real data.

mod corpus;
mod equality;
mod linking;
mod loading;
mod own_rules;
mod pipelines;
mod regression;
mod scene;
