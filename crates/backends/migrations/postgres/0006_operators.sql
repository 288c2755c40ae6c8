-- The same tables and columns as in SQLite, where each of them is explained. A test compares them.
ALTER TABLE users ADD COLUMN standing TEXT;
ALTER TABLE users ADD COLUMN standing_at BIGINT;
CREATE INDEX users_by_standing ON users (standing_at) WHERE standing_at IS NOT NULL;

ALTER TABLE log ADD COLUMN is_removed BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE audit (
    id         BYTEA PRIMARY KEY CHECK (length(id) = 16),
    at         BIGINT NOT NULL,
    actor_id   TEXT COLLATE "C" NOT NULL,
    deed       TEXT NOT NULL,
    user_id    TEXT COLLATE "C",
    thread_id  BYTEA,
    message_id BYTEA,
    reason     TEXT NOT NULL
);
