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
        let told = live.told.insert(who.clone(), position).unwrap_or_default();
        let is_small = live.thread.participant_count <= RECEIPTS_PARTICIPANTS_MAX as u64;
        if position.read_seq > told.read_seq {
            self.tell_receipt(from_server::READ, live, who, position.read_seq, is_small);
        }
        if is_small && position.delivered_seq > told.delivered_seq {
            self.tell_receipt(
                from_server::DELIVERED,
                live,
                who,
                position.delivered_seq,
                true,
            );
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
