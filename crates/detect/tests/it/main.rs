//! Detection as a whole: rules, telemetry and matcher together, on real data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod corpus;
mod equality;
mod linking;
mod loading;
mod own_rules;
mod pipelines;
mod regression;
mod scene;
mod threads;
