//! Inputs made to hurt.
