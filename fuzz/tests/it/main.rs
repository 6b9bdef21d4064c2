//! The seeds of the fuzz targets, and the promise that no parser is without one.

mod coverage;
mod replay;
