-- The same as in SQLite, where the table is explained. A test compares them.
CREATE TABLE tellings (
    user_id   TEXT COLLATE "C" PRIMARY KEY,
    stage     TEXT NOT NULL,
    thread_id BYTEA,
    rev       BIGINT,
    other_id  TEXT COLLATE "C",
    due_at    BIGINT NOT NULL
);
CREATE INDEX tellings_by_time ON tellings (due_at);

-- What somebody did as an operator, for their export.
CREATE INDEX audit_by_actor ON audit (actor_id, id);
