//! Detection as a whole: rules, telemetry and matcher together, on real data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod corpus;
mod linking;
mod loading;
mod pipelines;
mod regression;
mod scene;
