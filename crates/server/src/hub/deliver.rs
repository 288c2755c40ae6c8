//! Entries to devices.

use semel_core::row::{EntryRow, MessageRow};
use semel_protocol::{Rev, ThreadId, socket::from_server};

use super::{
    Hub,
    live::{LiveThread, Place, changes_people},
    task::Pending,
};
use crate::{
    convert,
    realtime::packet::{self, Frame},
};

/// An entry, encoded once for all who see it whole and once for those who do not see what it is about.
struct Encoded<'a> {
    entry: &'a EntryRow,
    about: Option<&'a MessageRow>,
    whole: Option<Frame>,
    bare: Option<Frame>,
}

impl Encoded<'_> {
    fn frame(&mut self, sees_message: bool) -> Frame {
        let about = self.about.filter(|_| sees_message);
        let place = if sees_message {
            &mut self.whole
        } else {
            &mut self.bare
        };
        let encode = || {
            let entry = convert::entry_row(self.entry, about);
            packet::event(from_server::ENTRY, &entry)
        };
        place.get_or_insert_with(encode).clone()
    }
}

impl Hub {
    /// Gives an entry to everybody who is connected and may see it.
    pub(super) async fn deliver(
        &self,
        entry: &EntryRow,
        about: Option<&MessageRow>,
        pending: &mut Pending,
    ) {
        if !self.prepare(entry).await {
            return;
        }
        let gap = {
            let mut threads = self.threads();
            let Some(live) = threads.get(entry.thread_id) else {
                return;
            };
            match live.place(entry.rev) {
                Place::Old => return,
                Place::Next => None,
                Place::Gap(first) => Some(first),
            }
        };
        if let Some(first) = gap {
            self.fetch_gap(entry, first).await;
        }
        let mut threads = self.threads();
        let Some(live) = threads.get(entry.thread_id) else {
            return;
        };
        let count = self.fan_out(live, entry, about);
        live.note(entry, about);
        pending.lists.insert(entry.thread_id);
        let moved = if live.is_large() {
            &mut pending.moved_large
        } else {
            &mut pending.moved
        };
        moved.insert(entry.thread_id, entry.rev);
        drop(threads);
        metrics::counter!("semel_entries_delivered_total").increment(count);
        tracing::debug!(
            thread_id = %entry.thread_id,
            rev = entry.rev,
            message_id = about.map(|message| tracing::field::display(message.id)),
            devices = count,
            "delivered"
        );
    }

    /// Delivers the entries from `first` up to this one, which were not told.
    async fn fetch_gap(&self, entry: &EntryRow, first: Rev) {
        let id = entry.thread_id;
        tracing::info!(thread_id = %id, first, rev = entry.rev, "fetching entries that were not told");
        // The missing ones may have changed who is in the thread, and the last message.
        if let Ok(Some(roster)) = self.roster(id).await {
            self.threads().put(roster).last_message = None;
        }
        self.catch_up(id, first, entry.rev - 1).await;
    }

    /// Knows the thread and its people as of this entry or later. Whether that worked.
    async fn prepare(&self, entry: &EntryRow) -> bool {
        let id = entry.thread_id;
        let is_known = {
            let mut threads = self.threads();
            let epoch = threads.get(id).map(|live| live.thread.epoch);
            if epoch.is_some_and(|epoch| epoch != entry.epoch) {
                threads.remove(id);
            }
            epoch == Some(entry.epoch)
        };
        if is_known && !changes_people(&entry.fact) {
            return true;
        }
        match self.roster(id).await {
            Ok(Some(roster)) => {
                self.threads().put(roster);
                true
            }
            Ok(None) => false,
            Err(error) => {
                // Unknown people must not see it. The next entry finds the gap.
                tracing::warn!(%error, thread_id = %id, rev = entry.rev, "failed to load a roster");
                self.forget_unless_delivered(id);
                false
            }
        }
    }

    /// A thread with nothing delivered yet would take the next entry for the first: devices learn of this one from
    /// heads and sync.
    fn forget_unless_delivered(&self, id: ThreadId) {
        let mut threads = self.threads();
        if threads.get(id).is_some_and(|live| live.delivered.is_none()) {
            threads.remove(id);
        }
    }

    fn fan_out(&self, live: &LiveThread, entry: &EntryRow, about: Option<&MessageRow>) -> u64 {
        let mut encoded = Encoded {
            entry,
            about,
            whole: None,
            bare: None,
        };
        let is_large = live.is_large();
        let mut count = 0;
        self.people.read(|connected| {
            let present = live.people.iter().filter_map(|(who, row)| {
                Some((connected.get(who)?, row)).filter(|(_, row)| row.sees_rev(entry.rev))
            });
            for (devices, row) in present {
                let sees_message = about.is_none_or(|message| row.sees_seq(message.seq));
                for device in devices {
                    if is_large && !device.has_open(entry.thread_id) {
                        continue;
                    }
                    count += u64::from(device.push(encoded.frame(sees_message)));
                }
            }
        });
        count
    }
}
