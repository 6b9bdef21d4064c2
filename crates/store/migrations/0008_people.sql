-- People: who they are, what they were given, how they show who they are, and when they did.
-- hash: SHA-256 of a secret, which itself is stored nowhere.

-- login: the address as it is compared. issuer, subject: who an OpenID provider says it is, instead of a password.
-- organisation: where somebody works. None: for the sector as a whole.
CREATE TABLE IF NOT EXISTS persons (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT,
    login TEXT,
    organisation TEXT REFERENCES organisations (id),
    issuer TEXT,
    subject TEXT,
    created BIGINT NOT NULL,
    disabled BIGINT
);
CREATE UNIQUE INDEX IF NOT EXISTS persons_by_login ON persons (login);
CREATE UNIQUE INDEX IF NOT EXISTS persons_by_subject ON persons (issuer, subject);
CREATE INDEX IF NOT EXISTS persons_by_organisation ON persons (organisation, id);

-- organisation: with everything below it. None: the whole sector.
CREATE TABLE IF NOT EXISTS person_grants (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (id),
    role TEXT NOT NULL,
    organisation TEXT REFERENCES organisations (id),
    given BIGINT NOT NULL,
    expires BIGINT,
    revoked BIGINT
);
CREATE INDEX IF NOT EXISTS person_grants_by_person ON person_grants (person, given, id);
CREATE INDEX IF NOT EXISTS person_grants_by_organisation ON person_grants (organisation, person);

-- kept: argon2id, as a PHC string.
CREATE TABLE IF NOT EXISTS passwords (
    person TEXT NOT NULL PRIMARY KEY REFERENCES persons (id),
    kept TEXT NOT NULL,
    chosen BIGINT NOT NULL
);

-- state: proposed, in_force. sealed: with a key that is not in the database. step: the last that opened something.
CREATE TABLE IF NOT EXISTS second_factors (
    person TEXT NOT NULL REFERENCES persons (id),
    state TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    made BIGINT NOT NULL,
    step BIGINT,
    PRIMARY KEY (person, state)
);

CREATE TABLE IF NOT EXISTS recovery_codes (
    person TEXT NOT NULL REFERENCES persons (id),
    hash TEXT NOT NULL,
    made BIGINT NOT NULL,
    used BIGINT,
    PRIMARY KEY (person, hash)
);

-- second_factor: when it was last shown. None: the session opens nothing yet. idle: microseconds.
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (id),
    hash TEXT NOT NULL,
    how TEXT NOT NULL,
    begun BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    idle BIGINT NOT NULL,
    second_factor BIGINT,
    ended BIGINT,
    device TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_by_hash ON sessions (hash);
CREATE INDEX IF NOT EXISTS sessions_by_person ON sessions (person, begun, id);
CREATE INDEX IF NOT EXISTS sessions_by_end ON sessions (ends);

-- person: none, where there is nobody yet. spent: used, or replaced by a newer one.
CREATE TABLE IF NOT EXISTS links (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    purpose TEXT NOT NULL,
    person TEXT REFERENCES persons (id),
    made BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    spent BIGINT
);
CREATE UNIQUE INDEX IF NOT EXISTS links_by_hash ON links (hash);
CREATE INDEX IF NOT EXISTS links_by_person ON links (person, made, id);

CREATE TABLE IF NOT EXISTS broken_glass (
    id TEXT NOT NULL PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (id),
    organisation TEXT NOT NULL REFERENCES organisations (id),
    reason TEXT NOT NULL,
    begun BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    ended BIGINT
);
CREATE INDEX IF NOT EXISTS broken_glass_by_person ON broken_glass (person, ends);
CREATE INDEX IF NOT EXISTS broken_glass_by_time ON broken_glass (begun, id);

-- person: none, where nobody has that login.
CREATE TABLE IF NOT EXISTS sign_ins (
    id TEXT NOT NULL PRIMARY KEY,
    time BIGINT NOT NULL,
    person TEXT,
    outcome TEXT NOT NULL,
    device TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sign_ins_by_person ON sign_ins (person, time, id);
CREATE INDEX IF NOT EXISTS sign_ins_by_time ON sign_ins (time);
