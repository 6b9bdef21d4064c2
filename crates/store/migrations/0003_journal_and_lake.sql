-- Where the events of the journal are now: in which files of the lake, or set aside.

CREATE TABLE IF NOT EXISTS segments (
    first_batch BIGINT NOT NULL PRIMARY KEY,
    last_batch BIGINT NOT NULL,
    events BIGINT NOT NULL,
    findings BIGINT NOT NULL,
    undecodable BIGINT NOT NULL,
    done BIGINT NOT NULL
);

-- One row: every batch up to this one is done.
CREATE TABLE IF NOT EXISTS journal_floor (
    id BIGINT NOT NULL PRIMARY KEY,
    batch BIGINT NOT NULL
);
INSERT INTO journal_floor (id, batch) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;

-- state: live, replaced (by compaction), retired (by age). day: days since 1970-01-01.
CREATE TABLE IF NOT EXISTS lake_files (
    path TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    day BIGINT NOT NULL,
    rows BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    min_time BIGINT NOT NULL,
    max_time BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    filters BYTEA NOT NULL,
    segment BIGINT,
    created BIGINT NOT NULL,
    state TEXT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS lake_files_by_organisation ON lake_files (organisation, state, min_time, max_time);
CREATE INDEX IF NOT EXISTS lake_files_by_time ON lake_files (state, min_time, max_time);

CREATE TABLE IF NOT EXISTS checkpoints (
    name TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    written BIGINT NOT NULL,
    content BYTEA NOT NULL
);

CREATE TABLE IF NOT EXISTS dead_letters (
    batch BIGINT NOT NULL,
    place BIGINT NOT NULL,
    organisation TEXT NOT NULL,
    source TEXT NOT NULL,
    received BIGINT NOT NULL,
    format TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    content BYTEA NOT NULL,
    replayed BIGINT,
    PRIMARY KEY (batch, place)
);
CREATE INDEX IF NOT EXISTS dead_letters_by_reason ON dead_letters (organisation, reason);
