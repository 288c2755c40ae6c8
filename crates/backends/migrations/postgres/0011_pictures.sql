-- The same as in SQLite, where each table is explained. A test compares them. Ids are compared with parts of texts of people and
-- threads, so they have no order of their own.
CREATE TABLE pictures (
    id         TEXT PRIMARY KEY CHECK (length(id) = 36),
    owner_id   TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    uses       BIGINT NOT NULL CHECK (uses >= 0),
    expires_at BIGINT,
    CHECK ((uses = 0) = (expires_at IS NOT NULL))
);
CREATE INDEX pictures_by_end ON pictures (expires_at) WHERE expires_at IS NOT NULL;

-- Encoded pictures do not get smaller: no attempt is made.
CREATE TABLE picture_bytes (
    id    TEXT PRIMARY KEY CHECK (length(id) = 36),
    form  TEXT NOT NULL,
    bytes BYTEA NOT NULL
);
ALTER TABLE picture_bytes ALTER COLUMN bytes SET STORAGE EXTERNAL;
