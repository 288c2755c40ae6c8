//! What lists show: the newest line of threads, and their heads.

use std::collections::{BTreeMap, BTreeSet};

use semel_core::{Key, Stop, row::MessageRow};
use semel_protocol::{
    Rev, Seq, ThreadId, UserId,
    socket::{Heads, from_server},
};

use super::Hub;
use crate::{convert, realtime::packet};

impl Hub {
    /// Tells the newest line of threads to everybody who is in them.
    pub(super) async fn tell_lists(&self, ids: BTreeSet<ThreadId>) {
        for id in ids {
            let missing = self.threads().get_sure(id).and_then(|live| {
                let known = live.last_message.as_ref().map_or(0, |message| message.seq);
                (known < live.head.last_seq).then_some(live.head.last_seq)
            });
            let loaded = match missing {
                Some(seq) => self.message(id, seq).await,
                None => None,
            };
            let mut threads = self.threads();
            let Some(live) = threads.get_sure(id).filter(|live| !live.is_large()) else {
                continue;
            };
            if loaded.is_some() {
                live.last_message = loaded;
            }
            let last = live
                .last_message
                .as_ref()
                .filter(|last| last.seq == live.head.last_seq);
            let summary = convert::summary(&live.thread, &live.head, last);
            let frame = packet::event(from_server::CONVERSATION_UPDATED, &summary);
            for who in live.active() {
                self.people.push(who, &frame);
            }
        }
    }

    async fn message(&self, id: ThreadId, seq: Seq) -> Option<MessageRow> {
        let found = self.ask_first(move |rows| match rows.messages.get(&(id, seq)) {
            None => Err(Stop::NotLoaded(Key::Message(id, seq))),
            Some(row) => Ok(row.cloned()),
        });
        // Without it the line shows no message, which is allowed.
        found.await.ok()?.ok()?
    }

    /// Tells everybody how far the threads are that they are in, so that a lost last entry is noticed.
    pub(super) fn tell_heads(&self, moved: BTreeMap<ThreadId, Rev>) {
        let mut heads: BTreeMap<UserId, BTreeMap<ThreadId, Rev>> = BTreeMap::new();
        {
            let mut threads = self.threads();
            for (id, rev) in moved {
                let Some(live) = threads.get_sure(id) else {
                    continue;
                };
                for who in live.active().filter(|who| self.people.is_connected(who)) {
                    heads.entry(who.clone()).or_default().insert(id, rev);
                }
            }
        }
        for (who, heads) in heads {
            self.people
                .push(&who, &packet::event(from_server::HEADS, &Heads { heads }));
        }
    }
}
