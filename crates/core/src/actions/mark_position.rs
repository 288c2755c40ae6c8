//! Read and delivered positions.

use semel_protocol::{Seq, ThreadId, UserId};
use semel_sabotage::{Defect, is_on};

use super::{Outcome, Scope};
use crate::{
    Key, Rows, Stop, access,
    row::{PositionRow, Subject},
    view,
};

/// Moves the own positions in a thread forward. They never go back, and never pass the last message. What was read was
/// delivered.
#[derive(Clone, Debug)]
pub struct MarkPosition {
    /// Where.
    pub thread_id: ThreadId,
    /// Read up to here.
    pub read_seq: Option<Seq>,
    /// Delivered up to here.
    pub delivered_seq: Option<Seq>,
}

impl MarkPosition {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.push(Key::PersonHead(actor.clone()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        access::thread(rows, scope.actor, id)?;
        let head = rows.head(id)?.clone();
        let before = rows.position(id, scope.actor)?;
        let mut after = before;
        let read_seq = self.read_seq.unwrap_or(0).min(head.last_seq);
        if read_seq > before.read_seq || (read_seq > 0 && is_on(Defect::PositionsGoBack)) {
            let is_all = read_seq == head.last_seq;
            let read_count = if is_all {
                head.message_count
            } else {
                let message = rows.message(id, read_seq)?;
                message.map_or(before.read_count, |message| message.count)
            };
            after = PositionRow {
                read_seq,
                read_count,
                ..after
            };
        }
        let delivered = self.delivered_seq.unwrap_or(0).min(head.last_seq);
        after.delivered_seq = before.delivered_seq.max(delivered).max(after.read_seq);
        if after != before {
            rows.positions.put((id, scope.actor.clone()), Some(after));
        }
        if after.read_seq != before.read_seq {
            rows.tell_person(scope.actor, Subject::Read(id))?;
        }
        Ok(Outcome::Position {
            thread_id: id,
            read_seq: after.read_seq,
            unread_count: view::unread_count(&head, after),
        })
    }
}
