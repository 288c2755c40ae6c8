-- Whether somebody may use this server: nothing, or 'suspended' since `standing_at`.
ALTER TABLE users ADD COLUMN standing TEXT;
ALTER TABLE users ADD COLUMN standing_at INTEGER;
CREATE INDEX users_by_standing ON users (standing_at) WHERE standing_at IS NOT NULL;

-- Of a tombstone: whether an operator made it.
ALTER TABLE log ADD COLUMN is_removed INTEGER NOT NULL DEFAULT 0;

-- What operators did, to whom, and why. Only ever added to.
CREATE TABLE audit (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    at         INTEGER NOT NULL,
    actor_id   TEXT NOT NULL,
    deed       TEXT NOT NULL,
    user_id    TEXT,
    thread_id  BLOB,
    message_id BLOB,
    reason     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
