-- The same tables as in SQLite, where each of them is explained. A test compares them.

CREATE TABLE identities (
    kind        TEXT COLLATE "C" NOT NULL,
    value       TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    label       TEXT NOT NULL,
    verified_at BIGINT,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (kind, value)
);
CREATE INDEX identities_by_user ON identities (user_id);

CREATE TABLE challenges (
    id          BYTEA PRIMARY KEY CHECK (length(id) = 16),
    kind        TEXT COLLATE "C" NOT NULL,
    value       TEXT COLLATE "C" NOT NULL,
    link_to     TEXT COLLATE "C",
    secret_hash BYTEA NOT NULL,
    sealed      BYTEA NOT NULL,
    tries       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,
    session_id  BYTEA
);
CREATE INDEX challenges_by_end ON challenges (expires_at);

CREATE TABLE sessions (
    id          BYTEA PRIMARY KEY CHECK (length(id) = 16),
    user_id     TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    device_id   TEXT,
    device_name TEXT,
    salt        BYTEA NOT NULL,
    generation  BIGINT NOT NULL,
    rotated_at  BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_by_revocation ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE signing_keys (
    name        TEXT COLLATE "C" PRIMARY KEY,
    public      BYTEA NOT NULL,
    sealed      BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    signs_until BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);

CREATE TABLE effects (
    id         BYTEA PRIMARY KEY CHECK (length(id) = 16),
    kind       TEXT COLLATE "C" NOT NULL,
    sealed     BYTEA NOT NULL,
    attempts   BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX effects_by_time ON effects (due_at);

CREATE TABLE budgets (
    name       TEXT COLLATE "C" PRIMARY KEY,
    count      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX budgets_by_end ON budgets (expires_at);

CREATE TABLE operators (
    user_id    TEXT COLLATE "C" PRIMARY KEY,
    created_at BIGINT NOT NULL
);
