-- Links that invite into groups. The secret of a link follows from its id and the server's secret, which is not here.
CREATE TABLE invites (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    thread_id  BLOB NOT NULL CHECK (length(thread_id) = 16),
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    uses_max   INTEGER,
    uses       INTEGER NOT NULL CHECK (uses_max IS NULL OR uses <= uses_max)
) STRICT, WITHOUT ROWID;
CREATE INDEX invites_by_thread ON invites (thread_id, id);
CREATE INDEX invites_by_end ON invites (expires_at) WHERE expires_at IS NOT NULL;
