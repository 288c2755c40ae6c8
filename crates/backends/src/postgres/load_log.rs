//! Lines of the log: heads, entries, messages.

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.thread_id, l.rev, l.epoch, l.seq, l.type, l.data, l.actor_id, l.created_at, l.content_hash,
                 l.chain, l.last_seq, l.message_count, l.message_id, l.message_rev, l.client_id, l.kind, l.content,
                 l.reply_to, l.reactions, l.edited_at, l.deleted_at, l.is_removed ",
            $rest
        )
    };
}
/// The last lines of threads.
pub(super) const ENDS: &str = select!(
    "FROM unnest($1::uuid[]) AS k (id)
     CROSS JOIN LATERAL (SELECT * FROM log WHERE thread_id = k.id ORDER BY rev DESC LIMIT 1) l"
);
/// The last messages of threads.
pub(super) const LAST_MESSAGES: &str = select!(
    "FROM unnest($1::uuid[]) AS k (id)
     CROSS JOIN LATERAL (
         SELECT * FROM log WHERE thread_id = k.id AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1
     ) l"
);
pub(super) const MESSAGES: &str = select!(
    "FROM unnest($1::uuid[], $2::bigint[]) AS k (id, seq)
     JOIN log l ON l.thread_id = k.id AND l.seq = k.seq AND l.seq IS NOT NULL"
);
pub(super) const MESSAGE_IDS: &str = select!(
    "FROM unnest($1::uuid[], $2::uuid[]) AS k (id, message_id)
     JOIN log l ON l.message_id = k.message_id AND l.thread_id = k.id AND l.message_id IS NOT NULL"
);
pub(super) const INTERVAL: &str =
    select!("FROM log l WHERE l.thread_id = $1 AND l.seq BETWEEN $2 AND $3 AND l.seq IS NOT NULL");
pub(super) const ENTRIES: &str =
    select!("FROM log l WHERE l.thread_id = $1 AND l.rev > $2 ORDER BY l.rev LIMIT $3");
/// All lines of some threads, each thread's in order.
pub(super) const OF_THREADS: &str =
    select!("FROM log l WHERE l.thread_id = ANY($1) ORDER BY l.thread_id, l.rev");
