//! The crate as others use it.

mod corpus;
mod linking;
mod loading;
