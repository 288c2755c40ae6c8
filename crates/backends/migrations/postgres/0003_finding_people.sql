-- The same as in SQLite, where each table is explained. A test compares them.

ALTER TABLE users ADD COLUMN handle TEXT;

CREATE TABLE handles (
    handle     TEXT COLLATE "C" PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX handles_by_end ON handles (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE findability (
    user_id   TEXT COLLATE "C" PRIMARY KEY,
    by_handle TEXT NOT NULL,
    by_phone  TEXT NOT NULL,
    by_email  TEXT NOT NULL
);
