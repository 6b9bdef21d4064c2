-- Who did what, who is there, who may send and who may look.
-- Types: TEXT, BIGINT, BYTEA. Time: microseconds since 1970, UTC. Flag: 0 or 1. A hash: 64 hexadecimal digits.

CREATE TABLE IF NOT EXISTS ledger (
    number BIGINT NOT NULL PRIMARY KEY,
    time BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- One row: the end of the ledger. Whoever changes anything locks it first.
CREATE TABLE IF NOT EXISTS ledger_head (
    id BIGINT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO ledger_head (id, number, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000')
ON CONFLICT (id) DO NOTHING;

CREATE TABLE IF NOT EXISTS organisations (
    id TEXT NOT NULL PRIMARY KEY,
    parent TEXT REFERENCES organisations (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS organisations_by_parent ON organisations (parent, id);

CREATE TABLE IF NOT EXISTS sources (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    rate BIGINT,
    silent_after BIGINT,
    enabled BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS sources_by_organisation ON sources (organisation, id);

-- hash: SHA-256 of the secret, which itself is stored nowhere.
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT NOT NULL PRIMARY KEY,
    label TEXT NOT NULL,
    hash TEXT NOT NULL,
    source TEXT REFERENCES sources (id),
    role TEXT,
    whole_sector BIGINT NOT NULL,
    issued BIGINT NOT NULL,
    expires BIGINT,
    revoked BIGINT,
    last_used BIGINT
);
CREATE UNIQUE INDEX IF NOT EXISTS tokens_by_hash ON tokens (hash);

CREATE TABLE IF NOT EXISTS token_organisations (
    token TEXT NOT NULL REFERENCES tokens (id),
    organisation TEXT NOT NULL REFERENCES organisations (id),
    PRIMARY KEY (token, organisation)
);

-- fingerprint: SHA-256 of a client certificate's DER, as 64 hexadecimal digits.
CREATE TABLE IF NOT EXISTS certificates (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL REFERENCES sources (id),
    label TEXT NOT NULL,
    added BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS certificates_by_source ON certificates (source);
