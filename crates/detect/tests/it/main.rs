//! Detection as a whole: rules, telemetry and matcher together, on real data.

mod equality;
mod regression;
mod scene;
