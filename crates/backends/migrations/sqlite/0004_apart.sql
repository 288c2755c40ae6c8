-- What people choose for themselves, and whom they do not want to hear of.
ALTER TABLE contacts ADD COLUMN own_name TEXT;

-- `block` of a direct thread's two people follows from `blocks`.
ALTER TABLE participants ADD COLUMN is_removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE participants ADD COLUMN block TEXT;
ALTER TABLE participants ADD COLUMN muted_until INTEGER;
ALTER TABLE participants ADD COLUMN pinned_at INTEGER;
ALTER TABLE participants ADD COLUMN is_archived INTEGER NOT NULL DEFAULT 0;

-- Who has blocked whom.
CREATE TABLE blocks (
    user_id    TEXT NOT NULL,
    blocked_id TEXT NOT NULL,
    since      INTEGER NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX blocks_by_blocked ON blocks (blocked_id);
