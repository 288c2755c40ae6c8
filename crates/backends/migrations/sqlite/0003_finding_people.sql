-- A person's handle, as their profile shows it.
ALTER TABLE users ADD COLUMN handle TEXT;

-- Whose handles are: one person each. One that was given up is kept from others until `expires_at`.
CREATE TABLE handles (
    handle     TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX handles_by_end ON handles (expires_at) WHERE expires_at IS NOT NULL;

-- By what, and by whom, people may be found, where they said so.
CREATE TABLE findability (
    user_id   TEXT PRIMARY KEY,
    by_handle TEXT NOT NULL,
    by_phone  TEXT NOT NULL,
    by_email  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
