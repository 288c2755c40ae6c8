-- What is true of the database as a whole.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- A thread, without what changes with every entry: that is in the last line of its log.
CREATE TABLE threads (
    id                 BLOB PRIMARY KEY CHECK (length(id) = 16),
    thread_type        TEXT NOT NULL,
    title              TEXT,
    title_is_automatic INTEGER NOT NULL,
    picture            TEXT,
    history            TEXT NOT NULL,
    posting            TEXT NOT NULL,
    participants_key   BLOB,
    is_separate        INTEGER NOT NULL,
    participant_count  INTEGER NOT NULL,
    epoch              INTEGER NOT NULL,
    created_by         TEXT NOT NULL,
    created_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every change of every thread, appended. A line of a message also holds the message as it is now, so that a send is one
-- row. Each line carries the counters after it, so that the last line of a thread is its head and no other row is
-- written for it. A message is found by its seq with these counters as well: an index for it would be a third page that a
-- send writes.
CREATE TABLE log (
    id            INTEGER PRIMARY KEY,
    thread_id     BLOB NOT NULL,
    rev           INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    seq           INTEGER,
    type          TEXT NOT NULL,
    data          TEXT,
    actor_id      TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    content_hash  BLOB NOT NULL,
    chain         BLOB NOT NULL,
    last_seq      INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    message_id    BLOB,
    message_rev   INTEGER,
    client_id     BLOB,
    kind          TEXT,
    content       TEXT,
    reply_to      BLOB,
    reactions     TEXT,
    edited_at     INTEGER,
    deleted_at    INTEGER,
    CHECK ((seq IS NULL) = (message_id IS NULL)),
    CHECK (seq IS NULL OR seq = last_seq)
) STRICT;
CREATE UNIQUE INDEX log_by_rev ON log (thread_id, rev);
CREATE UNIQUE INDEX log_by_message ON log (message_id) WHERE message_id IS NOT NULL;

-- What client ids were used for, for ever. The id comes first: time-ordered ones are appended.
CREATE TABLE client_ids (
    client_id    BLOB NOT NULL,
    sender_id    TEXT NOT NULL,
    thread_id    BLOB NOT NULL,
    seq          INTEGER,
    content_hash BLOB NOT NULL,
    PRIMARY KEY (client_id, sender_id)
) STRICT, WITHOUT ROWID;

-- People in threads, now or before.
CREATE TABLE participants (
    thread_id  BLOB NOT NULL REFERENCES threads (id),
    user_id    TEXT NOT NULL,
    role       TEXT NOT NULL,
    joined_rev INTEGER NOT NULL,
    periods    TEXT NOT NULL,
    hidden_seq INTEGER,
    is_active  INTEGER NOT NULL,
    PRIMARY KEY (thread_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX participants_by_user ON participants (user_id, hidden_seq) WHERE is_active = 1;
CREATE INDEX participants_by_standing ON participants (thread_id, joined_rev, user_id) WHERE is_active = 1;

-- How far people are.
CREATE TABLE positions (
    thread_id     BLOB NOT NULL,
    user_id       TEXT NOT NULL,
    read_seq      INTEGER NOT NULL,
    read_count    INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL,
    PRIMARY KEY (thread_id, user_id)
) STRICT, WITHOUT ROWID;

-- Which thread owns a set of people: one per set, and one set per thread.
CREATE TABLE participants_keys (
    participants_key BLOB PRIMARY KEY CHECK (length(participants_key) = 32),
    thread_id        BLOB NOT NULL UNIQUE REFERENCES threads (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id           TEXT PRIMARY KEY,
    display_name TEXT,
    about        TEXT,
    picture      TEXT,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
    user_id    TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    since      INTEGER NOT NULL,
    PRIMARY KEY (user_id, contact_id)
) STRICT, WITHOUT ROWID;

-- Ends of people's own logs.
CREATE TABLE person_heads (
    user_id  TEXT PRIMARY KEY,
    user_rev INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- People's own logs: the newest line of each subject. `subject_id` is a thread's 16 bytes or a person's id.
CREATE TABLE person_log (
    user_id    TEXT NOT NULL,
    subject    TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    user_rev   INTEGER NOT NULL,
    PRIMARY KEY (user_id, subject, subject_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX person_log_by_rev ON person_log (user_id, user_rev);

-- Stored answers. `message_ids` is the ids one after another, 16 bytes each.
CREATE TABLE answers (
    id          INTEGER PRIMARY KEY,
    user_id     TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status      INTEGER NOT NULL,
    body        BLOB NOT NULL,
    location    TEXT,
    created_at  INTEGER NOT NULL,
    message_ids BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX answers_by_key ON answers (user_id, key);
CREATE INDEX answers_by_time ON answers (created_at);

-- Which stored answers have a message's words: kept in step with `answers.message_ids`.
CREATE TABLE answer_messages (
    message_id BLOB NOT NULL,
    user_id    TEXT NOT NULL,
    key        TEXT NOT NULL,
    PRIMARY KEY (message_id, user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_messages_by_key ON answer_messages (user_id, key);
