//! Events as Parquet, by organisation and day, and the search over them.
