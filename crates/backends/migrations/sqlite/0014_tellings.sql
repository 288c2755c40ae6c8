-- People whose changed profile is being told to those who share a thread with them, and how far that is: `stage` says what the other
-- columns mean.
CREATE TABLE tellings (
    user_id   TEXT PRIMARY KEY,
    stage     TEXT NOT NULL,
    thread_id BLOB,
    rev       INTEGER,
    other_id  TEXT,
    due_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tellings_by_time ON tellings (due_at);

-- What somebody did as an operator, for their export.
CREATE INDEX audit_by_actor ON audit (actor_id, id);
