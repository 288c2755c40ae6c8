-- People who are being erased, and how far that is: `stage` says what the other columns mean.
CREATE TABLE erasures (
    user_id   TEXT PRIMARY KEY,
    began_at  INTEGER NOT NULL,
    stage     TEXT NOT NULL,
    thread_id BLOB,
    seq       INTEGER,
    other_id  TEXT,
    due_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_time ON erasures (due_at);

-- Every thread that somebody is or was in.
CREATE INDEX participants_by_person ON participants (user_id, thread_id);
-- What somebody reported, in the order of reports.
CREATE INDEX reports_by_reporter ON reports (reporter_id, id);
