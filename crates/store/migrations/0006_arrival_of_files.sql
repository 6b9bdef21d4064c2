-- Files that came on the same day are put together, and go when that is long enough ago.
DROP INDEX IF EXISTS lake_files_by_day;
CREATE INDEX IF NOT EXISTS lake_files_by_arrival ON lake_files (state, organisation, day, created, bytes, path);
