//! How far people are, to those who share a thread with them.

use std::collections::BTreeMap;

use semel_core::row::PositionRow;
use semel_protocol::{
    ThreadId, UserId,
    limits::RECEIPTS_PARTICIPANTS_MAX,
    socket::{Receipt, from_server},
};

use super::{Hub, live::LiveThread};
use crate::realtime::packet;

/// Somebody's position by what is known of it. What was read from the store may be older than what a commit told meanwhile:
/// positions only grow.
pub(super) fn furthest(known: PositionRow, heard: PositionRow) -> PositionRow {
    let by_read = if heard.read_seq > known.read_seq {
        heard
    } else {
        known
    };
    PositionRow {
        delivered_seq: known.delivered_seq.max(heard.delivered_seq),
        ..by_read
    }
}

impl Hub {
    /// Tells positions that moved.
    pub(super) async fn tell_positions(
        &self,
        positions: BTreeMap<(ThreadId, UserId), PositionRow>,
    ) {
        for ((id, who), position) in positions {
            let is_known = self.threads().get_sure(id).is_some();
            if !is_known {
                match self.refresh(id).await {
                    Ok(true) => {}
                    Ok(false) => continue,
                    // The next position of the same person makes up for it.
                    Err(error) => {
                        tracing::warn!(%error, thread_id = %id, "failed to load a roster");
                        continue;
                    }
                }
            }
            if let Some(live) = self.threads().get_sure(id) {
                self.tell_position(live, &who, position);
            }
        }
    }

    fn tell_position(&self, live: &mut LiveThread, who: &UserId, position: PositionRow) {
        if !live.has_active(who) {
            return;
        }
        let told = live.told.entry(who.clone()).or_default();
        let (before, after) = (*told, furthest(*told, position));
        *told = after;
        let is_small = live.thread.participant_count <= RECEIPTS_PARTICIPANTS_MAX as u64;
        if after.read_seq > before.read_seq {
            self.tell_receipt(from_server::READ, live, who, after.read_seq, is_small);
        }
        if is_small && after.delivered_seq > before.delivered_seq {
            let seq = after.delivered_seq;
            self.tell_receipt(from_server::DELIVERED, live, who, seq, true);
        }
    }

    fn tell_receipt(&self, name: &str, live: &LiveThread, who: &UserId, seq: u64, to_all: bool) {
        let receipt = Receipt {
            thread_id: live.thread.id,
            user_id: who.clone(),
            seq,
        };
        let frame = packet::event(name, &receipt);
        if !to_all {
            self.people.push(who, &frame);
            return;
        }
        for other in live.active() {
            self.people.push(other, &frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::task::Pending;

    fn position(read_seq: u64, delivered_seq: u64) -> PositionRow {
        PositionRow {
            read_seq,
            read_count: read_seq,
            delivered_seq,
        }
    }

    #[test]
    fn p_read_1_what_is_heard_late_takes_nothing_back() {
        let cases = [
            (position(88, 90), position(56, 60), position(88, 90)),
            (position(56, 60), position(88, 90), position(88, 90)),
            (position(56, 90), position(88, 60), position(88, 90)),
        ];
        for (known, heard, expected) in cases {
            assert_eq!(furthest(known, heard), expected);
        }
    }

    #[test]
    fn p_read_1_what_waits_to_be_told_does_not_go_back_either() {
        let (id, who) = (ThreadId(uuid::Uuid::nil()), UserId::parse("ann").unwrap());
        let mut pending = Pending::default();
        pending.note_position(id, who.clone(), position(88, 90));
        pending.note_position(id, who.clone(), position(56, 91));
        assert_eq!(pending.positions[&(id, who)], position(88, 91));
    }
}
