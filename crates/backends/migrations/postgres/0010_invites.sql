-- The same tables and columns as in SQLite, where each of them is explained. A test compares them.
CREATE TABLE invites (
    id         BYTEA PRIMARY KEY CHECK (length(id) = 16),
    thread_id  BYTEA NOT NULL CHECK (length(thread_id) = 16),
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    uses_max   BIGINT,
    uses       BIGINT NOT NULL CHECK (uses_max IS NULL OR uses <= uses_max)
);
CREATE INDEX invites_by_thread ON invites (thread_id, id);
CREATE INDEX invites_by_end ON invites (expires_at) WHERE expires_at IS NOT NULL;
