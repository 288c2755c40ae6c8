-- The same as in SQLite, where each table is explained. A test compares them.
CREATE TABLE erasures (
    user_id   TEXT COLLATE "C" PRIMARY KEY,
    began_at  BIGINT NOT NULL,
    stage     TEXT NOT NULL,
    thread_id BYTEA,
    seq       BIGINT,
    other_id  TEXT COLLATE "C",
    due_at    BIGINT NOT NULL
);
CREATE INDEX erasures_by_time ON erasures (due_at);

CREATE INDEX participants_by_person ON participants (user_id, thread_id);
CREATE INDEX reports_by_reporter ON reports (reporter_id, id);
