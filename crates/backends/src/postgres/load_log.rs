//! Lines of the log: heads, entries, messages.

use semel_core::{
    Rows,
    chain::Chain,
    row::{EntryRow, HeadRow, MessageRow},
};
use semel_protocol::{ClientId, MessageId, Seq, ThreadId, message::MessageKind};
use tokio_postgres::Row;

use super::codec::{Columns, Named, decode_fact, decode_reactions};
use crate::Error;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.thread_id, l.rev, l.epoch, l.seq, l.type, l.data, l.actor_id, l.created_at, l.content_hash,
                 l.chain, l.last_seq, l.message_count, l.message_id, l.message_rev, l.client_id, l.kind, l.content,
                 l.reply_to, l.reactions, l.edited_at, l.deleted_at ",
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

/// A line of the log.
pub(super) struct Line {
    /// What happened.
    pub(super) entry: EntryRow,
    /// The message that came with it, as it is now.
    pub(super) message: Option<MessageRow>,
    /// The thread's last message after it.
    pub(super) last_seq: Seq,
    /// Messages that count after it.
    pub(super) message_count: u64,
}

impl Line {
    /// Reads the columns of `select!`.
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let entry = EntryRow {
            thread_id: ThreadId(row.uuid(0)?),
            rev: row.number(1)?,
            epoch: row.number(2)?,
            seq: row.number_or_none(3)?,
            fact: decode_fact(row.text(4)?, row.text_or_none(5)?)?,
            actor_id: row.user(6)?,
            created_at: row.time(7)?,
            content_hash: row.array(8)?,
            chain: Chain(row.array(9)?),
        };
        let (last_seq, message_count) = (row.number(10)?, row.number(11)?);
        let message = match entry.seq {
            Some(seq) => Some(MessageRow {
                id: MessageId(row.uuid(12)?),
                thread_id: entry.thread_id,
                seq,
                first_rev: entry.rev,
                rev: row.number(13)?,
                count: message_count,
                sender_id: entry.actor_id.clone(),
                client_id: row.uuid_or_none(14)?.map(ClientId),
                kind: MessageKind::named(row.text(15)?)?,
                content: row.text(16)?.to_owned(),
                reply_to: row.uuid_or_none(17)?.map(MessageId),
                reactions: decode_reactions(row.text_or_none(18)?)?,
                created_at: entry.created_at,
                edited_at: row.time_or_none(19)?,
                deleted_at: row.time_or_none(20)?,
            }),
            None => None,
        };
        Ok(Self {
            entry,
            message,
            last_seq,
            message_count,
        })
    }

    /// The head of a thread whose last line it is.
    pub(super) fn head(&self) -> HeadRow {
        HeadRow {
            last_rev: self.entry.rev,
            last_seq: self.last_seq,
            message_count: self.message_count,
            chain: self.entry.chain,
            updated_at: self.entry.created_at,
        }
    }
}

/// Puts a message where it belongs, if there is one.
pub(super) fn found_message(message: Option<MessageRow>, rows: &mut Rows) {
    let Some(message) = message else { return };
    let (id, seq) = (message.thread_id, message.seq);
    rows.message_seqs.load((id, message.id), Some(seq));
    rows.messages.load((id, seq), Some(message));
}
