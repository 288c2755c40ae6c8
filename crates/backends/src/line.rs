//! A line of the log, as every engine reads it.

use semel_core::{
    Rows,
    chain::Chain,
    row::{EntryRow, HeadRow, MessageRow},
};
use semel_protocol::{ClientId, MessageId, Seq, ThreadId, message::MessageKind};

use crate::{
    Error,
    codec::{Named, decode_fact, decode_reactions},
    columns::Columns,
};

/// A line of the log.
pub(crate) struct Line {
    /// What happened.
    pub(crate) entry: EntryRow,
    /// The message that came with it, as it is now.
    pub(crate) message: Option<MessageRow>,
    /// The thread's last message after it.
    pub(crate) last_seq: Seq,
    /// Messages that count after it.
    pub(crate) message_count: u64,
}

impl Line {
    /// Reads the columns `thread_id, rev, epoch, seq, type, data, actor_id, created_at, content_hash, chain, last_seq,
    /// message_count, message_id, message_rev, client_id, kind, content, reply_to, reactions, edited_at, deleted_at,
    /// is_removed`.
    pub(crate) fn read(row: &impl Columns) -> Result<Self, Error> {
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
                is_removed: row.flag(21)?,
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
    pub(crate) fn head(&self) -> HeadRow {
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
pub(crate) fn found_message(message: impl Into<Option<MessageRow>>, rows: &mut Rows) {
    let Some(message) = message.into() else {
        return;
    };
    let (id, seq) = (message.thread_id, message.seq);
    rows.message_seqs.load((id, message.id), Some(seq));
    rows.messages.load((id, seq), Some(message));
}
