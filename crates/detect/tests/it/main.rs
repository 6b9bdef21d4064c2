//! Detection as a whole: rules, telemetry and matcher together, on real data.

mod corpus;
mod linking;
mod loading;
mod pipelines;
mod regression;
mod scene;
