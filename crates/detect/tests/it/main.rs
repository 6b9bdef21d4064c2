//! Detection as a whole: rules, telemetry and matcher together, on real data.

mod corpus;
mod equality;
mod linking;
mod loading;
mod regression;
mod scene;
