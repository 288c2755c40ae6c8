-- The same tables and columns as in SQLite, where each of them is explained. A test compares them.
ALTER TABLE contacts ADD COLUMN own_name TEXT;

ALTER TABLE participants ADD COLUMN is_removed BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE participants ADD COLUMN block TEXT;
ALTER TABLE participants ADD COLUMN muted_until BIGINT;
ALTER TABLE participants ADD COLUMN pinned_at BIGINT;
ALTER TABLE participants ADD COLUMN is_archived BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE blocks (
    user_id    TEXT COLLATE "C" NOT NULL,
    blocked_id TEXT COLLATE "C" NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
);
CREATE INDEX blocks_by_blocked ON blocks (blocked_id);
