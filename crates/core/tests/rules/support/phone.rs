//! A phone that syncs now and then, and must learn of exactly what moved.

use std::collections::BTreeSet;

use semel_core::queries::{self, SeenEntry, SyncAsk, SyncCursor, SyncThreadView};
use semel_protocol::{ThreadId, UserId};

use super::world::World;

/// One person's phone: its cursors.
pub(crate) struct Phone {
    who: UserId,
    ask: SyncAsk,
}

impl Phone {
    pub(crate) fn new(who: UserId) -> Self {
        let ask = SyncAsk {
            limit: 2,
            ..SyncAsk::default()
        };
        Self { who, ask }
    }

    /// Syncs page by page, and compares with what the store says has moved.
    pub(crate) fn sync(&mut self, world: &World) {
        let listed = self.listed(world);
        let mut told = BTreeSet::new();
        let mut ask = self.ask.clone();
        loop {
            let page = world
                .ask(|rows| queries::sync(rows, &self.who, &ask))
                .expect("anybody may");
            if ask.after.is_none() {
                let named = self.ask.threads.keys();
                let left = named.filter(|id| !listed.contains(id));
                assert!(left.eq(&page.left), "what {} left", self.who);
                self.ask.since = Some(page.since);
            }
            for missed in &page.threads {
                assert!(told.insert(missed.thread.thread.id), "told twice");
                self.learn(missed);
            }
            ask.after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        self.ask.threads.retain(|id, _| listed.contains(id));
        for id in &listed {
            let head = &world.store.heads[id];
            let cursor = self
                .ask
                .threads
                .get(id)
                .map(|cursor| (cursor.rev, cursor.chain));
            assert_eq!(
                cursor,
                Some((head.last_rev, Some(head.chain))),
                "{} in {id}",
                self.who
            );
        }
    }

    fn learn(&mut self, missed: &SyncThreadView) {
        let (id, head) = (missed.thread.thread.id, &missed.thread.head);
        assert!(!missed.log.too_old && !missed.log.more);
        if let Some(cursor) = self.ask.threads.get(&id) {
            let revs = missed.log.entries.iter().map(|entry| match entry {
                SeenEntry::Seen(entry, _) => entry.rev,
                SeenEntry::Hidden(_, rev, _) => *rev,
            });
            assert!(revs.eq(cursor.rev + 1..=head.last_rev), "a gap in {id}");
        }
        let cursor = SyncCursor {
            rev: head.last_rev,
            chain: Some(head.chain),
            epoch: Some(missed.log.epoch),
        };
        self.ask.threads.insert(id, cursor);
    }

    fn listed(&self, world: &World) -> BTreeSet<ThreadId> {
        let all = world.ask(|rows| queries::threads(rows, &self.who, None, 1_000));
        let all = all.expect("anybody may").into_iter();
        all.map(|view| view.thread.id).collect()
    }
}
