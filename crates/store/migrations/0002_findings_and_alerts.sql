-- What the watch found, gathered into alerts, and what keeps it quiet.

CREATE TABLE IF NOT EXISTS findings (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL,
    source TEXT NOT NULL,
    events TEXT NOT NULL,
    rule TEXT NOT NULL,
    title TEXT NOT NULL,
    level BIGINT NOT NULL,
    tags TEXT NOT NULL,
    host TEXT,
    user_name TEXT,
    time BIGINT NOT NULL,
    received BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    matched TEXT NOT NULL,
    exception TEXT,
    alert TEXT
);
CREATE INDEX IF NOT EXISTS findings_by_alert ON findings (alert, time, id);
CREATE INDEX IF NOT EXISTS findings_by_organisation ON findings (organisation, time, id);
CREATE INDEX IF NOT EXISTS findings_by_time ON findings (time, id);

-- key: digest of organisation, rule and entity. state: 0 open, 1 acknowledged, 2 closed. level: 0 to 4.
CREATE TABLE IF NOT EXISTS alerts (
    id TEXT NOT NULL PRIMARY KEY,
    key TEXT NOT NULL,
    organisation TEXT NOT NULL,
    rule TEXT NOT NULL,
    title TEXT NOT NULL,
    tags TEXT NOT NULL,
    entity_kind TEXT NOT NULL,
    entity TEXT NOT NULL,
    level BIGINT NOT NULL,
    state BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    owner TEXT,
    note TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    count BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS alerts_by_key ON alerts (key, state);
CREATE INDEX IF NOT EXISTS alerts_in_order ON alerts (level, last_seen, id, state, organisation);
CREATE INDEX IF NOT EXISTS alerts_by_state ON alerts (state, level, last_seen, id, organisation);
CREATE INDEX IF NOT EXISTS alerts_by_organisation ON alerts (organisation, level, last_seen, id, state);
CREATE INDEX IF NOT EXISTS alerts_by_rule ON alerts (rule, level, last_seen, id, state, organisation);

-- A Sigma filter in force for an organisation until it expires.
CREATE TABLE IF NOT EXISTS exceptions (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    and_below BIGINT NOT NULL,
    filter_text TEXT NOT NULL,
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    removed BIGINT,
    muted BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS exceptions_by_organisation ON exceptions (organisation, id);

CREATE TABLE IF NOT EXISTS heartbeats (
    organisation TEXT NOT NULL,
    source TEXT NOT NULL,
    device TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (organisation, source, device)
);
CREATE INDEX IF NOT EXISTS heartbeats_by_source ON heartbeats (source, last_seen);
