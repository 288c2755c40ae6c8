-- Pictures of people and groups. `id` as it is in their addresses; `uses` counts the people and threads whose `picture` is that
-- address. What nobody has goes at `expires_at`.
CREATE TABLE pictures (
    id         TEXT PRIMARY KEY CHECK (length(id) = 36),
    owner_id   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    uses       INTEGER NOT NULL CHECK (uses >= 0),
    expires_at INTEGER,
    CHECK ((uses = 0) = (expires_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX pictures_by_end ON pictures (expires_at) WHERE expires_at IS NOT NULL;

-- What they show, apart, so that it is not written again when somebody takes one.
CREATE TABLE picture_bytes (
    id    TEXT PRIMARY KEY CHECK (length(id) = 36),
    form  TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
