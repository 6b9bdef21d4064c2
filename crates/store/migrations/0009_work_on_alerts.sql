-- What people do with alerts, how many there are, and what they look at again and again.

-- What was done with an alert. id: number of its entry in the ledger, so that steps sort as they happened. state,
-- verdict: as decided then; none: not decided. owner: none with owner_decided 1: nobody. text: why, or what was said:
-- it can name people, and so is not in the ledger.
CREATE TABLE IF NOT EXISTS alert_steps (
    id BIGINT NOT NULL PRIMARY KEY,
    alert TEXT NOT NULL,
    time BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    state BIGINT,
    verdict TEXT,
    owner_decided BIGINT NOT NULL,
    owner TEXT,
    text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS alert_steps_by_alert ON alert_steps (alert, id);

-- How many alerts there are. Whatever opens one, or changes its state or level, changes this with it.
CREATE TABLE IF NOT EXISTS alert_tallies (
    organisation TEXT NOT NULL,
    state BIGINT NOT NULL,
    level BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (organisation, state, level)
);
INSERT INTO alert_tallies (organisation, state, level, count)
SELECT organisation, state, level, COUNT(*) FROM alerts WHERE 1 = 1 GROUP BY organisation, state, level
ON CONFLICT (organisation, state, level) DO UPDATE SET count = excluded.count;

-- The list of one entity's or one owner's alerts is read in its own order; and how many were opened when, without
-- reading the alerts.
CREATE INDEX IF NOT EXISTS alerts_by_entity ON alerts (entity, level, last_seen, id, state, organisation);
CREATE INDEX IF NOT EXISTS alerts_by_owner ON alerts (owner, level, last_seen, id, state, organisation);
CREATE INDEX IF NOT EXISTS alerts_by_opening ON alerts (opened, level, organisation);

-- What somebody looks at again and again: what is asked for on which page, under a name of his own.
CREATE TABLE IF NOT EXISTS saved_views (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (id),
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    made BIGINT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS saved_views_by_name ON saved_views (person, page, name);
