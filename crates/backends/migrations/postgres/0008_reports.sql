-- The same as in SQLite, where each table is explained. A test compares them.
CREATE TABLE reports (
    id          BYTEA PRIMARY KEY CHECK (length(id) = 16),
    at          BIGINT NOT NULL,
    reporter_id TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    thread_id   BYTEA,
    message_id  BYTEA,
    seq         BIGINT,
    rev         BIGINT,
    content     TEXT,
    said_at     BIGINT,
    edited_at   BIGINT,
    reason      TEXT NOT NULL,
    details     TEXT,
    resolved_at BIGINT NOT NULL,
    resolved_by TEXT COLLATE "C",
    outcome     TEXT,
    expires_at  BIGINT
);
CREATE UNIQUE INDEX reports_by_subject ON reports (reporter_id, subject);
CREATE INDEX reports_by_resolution ON reports (resolved_at, id);
CREATE INDEX reports_by_end ON reports (expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE audit ADD COLUMN report_id BYTEA;
