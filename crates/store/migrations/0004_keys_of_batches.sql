-- What senders called the batches of a segment that is done, for as long as they may send them again: 48 bytes
-- each. latest: when the last of them came.
CREATE TABLE IF NOT EXISTS segment_keys (
    first_batch BIGINT NOT NULL PRIMARY KEY,
    latest BIGINT NOT NULL,
    content BYTEA NOT NULL
);
CREATE INDEX IF NOT EXISTS segment_keys_by_time ON segment_keys (latest);

-- Numbers of batches need not adjoin, so nothing can be said of all up to one of them.
DROP TABLE journal_floor;

-- state of a file: live, replaced (by compaction), retired (by age), and from here on reserved: it may be in the
-- making, and is to be unlinked unless it becomes live.
