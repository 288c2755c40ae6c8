//! What was missed because the store was away, from the store.

use std::{collections::HashMap, sync::Arc};

use semel_core::queries::{self, SeenEntry};
use semel_protocol::{
    Rev, ThreadId, UserId,
    limits::{PAGE_ENTRIES_MAX, PAGE_ROWS_DEFAULT},
    socket::{Heads, from_server},
};

use super::{Hub, task::Pending};
use crate::{convert, realtime::packet};

impl Hub {
    /// Compares every known thread with the store and delivers what is missing; then tells everybody the heads of their
    /// newest threads, for those that are not known here.
    pub(super) async fn catch_up_all(self: &Arc<Self>, pending: &mut Pending) {
        let ids = self.threads().ids();
        for id in ids {
            let roster = match self.roster(id).await {
                Ok(Some(roster)) => roster,
                Ok(None) => continue,
                Err(error) => {
                    // The store is away again, and will tell again when it is back.
                    tracing::warn!(%error, "failed to catch up");
                    return;
                }
            };
            let head = roster.head.last_rev;
            let delivered = self.threads().put(roster).delivered;
            let Some(delivered) = delivered.filter(|delivered| *delivered < head) else {
                continue;
            };
            self.catch_up(id, delivered + 1, head).await;
            if let Some(live) = self.threads().get(id) {
                live.delivered = Some(head);
                live.last_message = None;
            }
            pending.lists.insert(id);
            pending.moved.insert(id, head);
        }
        tokio::spawn(self.clone().tell_newest_heads());
    }

    /// Delivers entries `first..=last` of a thread from the store, as each person sees them.
    pub(super) async fn catch_up(&self, id: ThreadId, first: Rev, last: Rev) {
        let people: Vec<UserId> = {
            let mut threads = self.threads();
            let Some(live) = threads.get(id) else { return };
            let connected = live
                .people
                .keys()
                .filter(|who| self.people.is_connected(who));
            connected.cloned().collect()
        };
        let is_long = last - first >= PAGE_ENTRIES_MAX as u64;
        for who in people {
            if is_long {
                let heads = Heads {
                    heads: [(id, last)].into(),
                };
                self.people
                    .push(&who, &packet::event(from_server::HEADS, &heads));
                continue;
            }
            let (actor, limit) = (who.clone(), (last - first + 1) as usize);
            let asked = self.ask(move |rows| queries::entries(rows, &actor, id, first - 1, limit));
            match asked.await {
                Ok(Ok(view)) => {
                    for seen in view.entries {
                        if matches!(seen, SeenEntry::Seen(..)) {
                            let entry = convert::entry(&seen);
                            self.people
                                .push(&who, &packet::event(from_server::ENTRY, &entry));
                        }
                    }
                }
                // Not theirs to see any more.
                Ok(Err(_)) => {}
                Err(error) => tracing::warn!(%error, thread_id = %id, "failed to catch up"),
            }
        }
    }

    async fn tell_newest_heads(self: Arc<Self>) {
        let people: Vec<UserId> = self
            .people
            .read(|devices| devices.keys().cloned().collect());
        for who in people {
            let actor = who.clone();
            let asked =
                self.ask(move |rows| queries::threads(rows, &actor, None, PAGE_ROWS_DEFAULT));
            let Ok(Ok(threads)) = asked.await else {
                continue;
            };
            let heads = threads
                .iter()
                .map(|view| (view.thread.id, view.head.last_rev));
            let heads: HashMap<ThreadId, Rev> = heads.collect();
            let heads = Heads {
                heads: heads.into_iter().collect(),
            };
            self.people
                .push(&who, &packet::event(from_server::HEADS, &heads));
        }
    }
}
