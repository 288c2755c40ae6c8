-- The same tables as in SQLite, where each of them is explained. A test compares them.

-- Which steps were taken, and from which text.
CREATE TABLE migrations (
    number   BIGINT PRIMARY KEY,
    checksum BYTEA NOT NULL
);

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- The lanes of all servers. A lane writes to its row in every transaction: who has lost it writes nothing.
CREATE TABLE leases (
    server_id UUID NOT NULL,
    lane      BIGINT NOT NULL,
    seen_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (server_id, lane)
) WITH (fillfactor = 50);

CREATE TABLE threads (
    id                 UUID PRIMARY KEY,
    thread_type        TEXT NOT NULL,
    title              TEXT,
    title_is_automatic BOOLEAN NOT NULL,
    picture            TEXT,
    history            TEXT NOT NULL,
    posting            TEXT NOT NULL,
    participants_key   BYTEA,
    is_separate        BOOLEAN NOT NULL,
    participant_count  BIGINT NOT NULL,
    epoch              BIGINT NOT NULL,
    created_by         TEXT COLLATE "C" NOT NULL,
    created_at         BIGINT NOT NULL
);

-- A thread's counters follow from its last line; the row of `threads` is locked while they are read and written.
CREATE TABLE log (
    thread_id     UUID NOT NULL,
    rev           BIGINT NOT NULL,
    epoch         BIGINT NOT NULL,
    seq           BIGINT,
    type          TEXT NOT NULL,
    data          TEXT,
    actor_id      TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    content_hash  BYTEA NOT NULL,
    chain         BYTEA NOT NULL,
    last_seq      BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    message_id    UUID,
    message_rev   BIGINT,
    client_id     UUID,
    kind          TEXT,
    content       TEXT,
    reply_to      UUID,
    reactions     TEXT,
    edited_at     BIGINT,
    deleted_at    BIGINT,
    PRIMARY KEY (thread_id, rev),
    CHECK ((seq IS NULL) = (message_id IS NULL)),
    CHECK (seq IS NULL OR seq = last_seq)
);
-- With several writers the database decides, and a search by halves would be as many round trips.
CREATE UNIQUE INDEX log_by_seq ON log (thread_id, seq) WHERE seq IS NOT NULL;
CREATE UNIQUE INDEX log_by_message ON log (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE client_ids (
    client_id    UUID NOT NULL,
    sender_id    TEXT COLLATE "C" NOT NULL,
    thread_id    UUID NOT NULL,
    seq          BIGINT,
    content_hash BYTEA NOT NULL,
    PRIMARY KEY (client_id, sender_id)
);

CREATE TABLE participants (
    thread_id  UUID NOT NULL REFERENCES threads (id),
    user_id    TEXT COLLATE "C" NOT NULL,
    role       TEXT NOT NULL,
    joined_rev BIGINT NOT NULL,
    periods    TEXT NOT NULL,
    hidden_seq BIGINT,
    is_active  BOOLEAN NOT NULL,
    PRIMARY KEY (thread_id, user_id)
);
CREATE INDEX participants_by_user ON participants (user_id, hidden_seq) WHERE is_active;
CREATE INDEX participants_by_standing ON participants (thread_id, joined_rev, user_id) WHERE is_active;

CREATE TABLE positions (
    thread_id     UUID NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    read_seq      BIGINT NOT NULL,
    read_count    BIGINT NOT NULL,
    delivered_seq BIGINT NOT NULL,
    PRIMARY KEY (thread_id, user_id)
) WITH (fillfactor = 70);

CREATE TABLE participants_keys (
    participants_key BYTEA PRIMARY KEY CHECK (length(participants_key) = 32),
    thread_id        UUID NOT NULL UNIQUE REFERENCES threads (id)
);

CREATE TABLE users (
    id           TEXT COLLATE "C" PRIMARY KEY,
    display_name TEXT,
    about        TEXT,
    picture      TEXT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);

CREATE TABLE contacts (
    user_id    TEXT COLLATE "C" NOT NULL,
    contact_id TEXT COLLATE "C" NOT NULL,
    since      BIGINT NOT NULL,
    PRIMARY KEY (user_id, contact_id)
);

CREATE TABLE person_heads (
    user_id  TEXT COLLATE "C" PRIMARY KEY,
    user_rev BIGINT NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE person_log (
    user_id    TEXT COLLATE "C" NOT NULL,
    subject    TEXT NOT NULL,
    subject_id BYTEA NOT NULL,
    user_rev   BIGINT NOT NULL,
    PRIMARY KEY (user_id, subject, subject_id)
);
CREATE UNIQUE INDEX person_log_by_rev ON person_log (user_id, user_rev);

CREATE TABLE answers (
    user_id     TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    status      BIGINT NOT NULL,
    body        BYTEA NOT NULL,
    location    TEXT,
    created_at  BIGINT NOT NULL,
    message_ids BYTEA NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX answers_by_time ON answers (created_at);

CREATE TABLE answer_messages (
    message_id UUID NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (message_id, user_id, key)
);
CREATE INDEX answer_messages_by_key ON answer_messages (user_id, key);
