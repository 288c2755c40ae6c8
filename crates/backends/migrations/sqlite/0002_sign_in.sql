-- By what people are known: one person each.
CREATE TABLE identities (
    kind        TEXT NOT NULL,
    value       TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    label       TEXT NOT NULL,
    verified_at INTEGER,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_user ON identities (user_id);

-- Sign-ins that were begun. Codes are keyed hashes.
CREATE TABLE challenges (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    kind        TEXT NOT NULL,
    value       TEXT NOT NULL,
    link_to     TEXT,
    secret_hash BLOB NOT NULL,
    sealed      BLOB NOT NULL,
    tries       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER,
    session_id  BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_by_end ON challenges (expires_at);

-- Devices that are signed in. Refresh tokens follow from the salt, the generation and a key that is not in here.
CREATE TABLE sessions (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    user_id     TEXT NOT NULL,
    kind        TEXT NOT NULL,
    device_id   TEXT,
    device_name TEXT,
    salt        BLOB NOT NULL,
    generation  INTEGER NOT NULL,
    rotated_at  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_by_revocation ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Keys that sign access tokens. The private halves are sealed.
CREATE TABLE signing_keys (
    name        TEXT PRIMARY KEY,
    public      BLOB NOT NULL,
    sealed      BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    signs_until INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is to be done outside. Whoever takes a row moves `due_at`.
CREATE TABLE effects (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    kind       TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_by_time ON effects (due_at);

-- How often things happened.
CREATE TABLE budgets (
    name       TEXT PRIMARY KEY,
    count      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX budgets_by_end ON budgets (expires_at);

-- Who runs this server.
CREATE TABLE operators (
    user_id    TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
