-- Small files of an organisation and day, smallest first, are put together.
CREATE INDEX IF NOT EXISTS lake_files_by_day ON lake_files (state, organisation, day, bytes, path);
