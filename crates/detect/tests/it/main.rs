//! Detection as a whole: rules, telemetry and matcher together, on real data.

mod pipelines;
mod regression;
mod scene;
