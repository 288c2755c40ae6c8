-- What people reported: one of each person about each subject, which is `message:` or `person:` and an id. `content` and what
-- is beside it is the message as it was then. `resolved_at` is 0 while it is open, so that one index has the open ones first.
CREATE TABLE reports (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    at          INTEGER NOT NULL,
    reporter_id TEXT NOT NULL,
    subject     TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    thread_id   BLOB,
    message_id  BLOB,
    seq         INTEGER,
    rev         INTEGER,
    content     TEXT,
    said_at     INTEGER,
    edited_at   INTEGER,
    reason      TEXT NOT NULL,
    details     TEXT,
    resolved_at INTEGER NOT NULL,
    resolved_by TEXT,
    outcome     TEXT,
    expires_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX reports_by_subject ON reports (reporter_id, subject);
CREATE INDEX reports_by_resolution ON reports (resolved_at, id);
CREATE INDEX reports_by_end ON reports (expires_at) WHERE expires_at IS NOT NULL;

-- Of a deed that a report led to.
ALTER TABLE audit ADD COLUMN report_id BLOB;
