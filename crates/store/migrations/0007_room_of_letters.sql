-- What is kept of one source is bounded: the oldest letters go first. bytes: of the content. The index has all that
-- is asked for then, so that no content is read for it.
ALTER TABLE dead_letters ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;
UPDATE dead_letters SET bytes = LENGTH(content);
CREATE INDEX IF NOT EXISTS dead_letters_by_source ON dead_letters
    (source, received, batch, place, bytes, organisation);

-- How many letters of which source were dropped since it was entered, and when the last of them. why: age, quota.
CREATE TABLE IF NOT EXISTS dropped_letters (
    organisation TEXT NOT NULL,
    source TEXT NOT NULL,
    why TEXT NOT NULL,
    letters BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    latest BIGINT NOT NULL,
    PRIMARY KEY (organisation, source, why)
);
