//! Entries to devices.
//!
//! Invariant: of a thread whose people could not be loaded after an entry that changed them, nothing is told.

use semel_core::{
    ports::{LedgerError, News},
    queries::Roster,
    row::{EntryRow, MessageRow},
};
use semel_protocol::{ThreadId, limits::PAGE_ENTRIES_MAX, socket::from_server};
use semel_sabotage::{Defect, is_on};

use super::{
    Hub,
    follow::{Begin, Reached},
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
        let id = entry.thread_id;
        match self.make_ready(entry).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                // Unknown people must not see it, nor what comes after it.
                tracing::warn!(%error, thread_id = %id, rev = entry.rev, "failed to load what delivery needs");
                return self.doubt(id, pending);
            }
        }
        let mut threads = self.threads();
        let Some(live) = threads.get(id) else {
            return;
        };
        self.tell(live, entry, about);
        pending.lists.insert(id);
        let moved = if live.is_large() {
            &mut pending.moved_large
        } else {
            &mut pending.moved
        };
        moved.insert(id, entry.rev);
    }

    /// Tells an entry and notes that.
    pub(super) fn tell(&self, live: &mut LiveThread, entry: &EntryRow, about: Option<&MessageRow>) {
        let count = self.fan_out(live, entry, about);
        live.note(entry, about);
        self.note_told(
            live.thread.id,
            Reached {
                epoch: live.thread.epoch,
                rev: entry.rev,
            },
        );
        metrics::counter!("semel_entries_delivered_total").increment(count);
        tracing::debug!(
            thread_id = %entry.thread_id,
            rev = entry.rev,
            message_id = about.map(|message| tracing::field::display(message.id)),
            devices = count,
            "delivered"
        );
    }

    /// Knows the thread and its people as of this entry or later, and has delivered what comes before it. Whether there is
    /// still something to deliver.
    async fn make_ready(&self, entry: &EntryRow) -> Result<bool, LedgerError> {
        let id = entry.thread_id;
        if self.needs_roster(entry) && !self.refresh(id).await? {
            return Ok(false);
        }
        let place = self.threads().get(id).map(|live| live.place(entry.rev));
        match place {
            None | Some(Place::Old) => Ok(false),
            Some(Place::Next) => Ok(true),
            Some(Place::Gap(first)) => {
                tracing::info!(thread_id = %id, first, rev = entry.rev, "fetching entries that were not told");
                // The missing ones may have changed who is in the thread.
                if !self.refresh(id).await? {
                    return Ok(false);
                }
                self.catch_up(id, first, entry.rev - 1, PAGE_ENTRIES_MAX)
                    .await?;
                Ok(true)
            }
        }
    }

    fn needs_roster(&self, entry: &EntryRow) -> bool {
        let id = entry.thread_id;
        let mut threads = self.threads();
        let known = threads
            .get(id)
            .map(|live| (live.thread.epoch, live.is_in_doubt));
        match known {
            Some((epoch, is_in_doubt)) if epoch == entry.epoch => {
                is_in_doubt || changes_people(&entry.fact)
            }
            Some(_) => {
                threads.remove(id);
                true
            }
            None => true,
        }
    }

    /// Loads who is in a thread. Whether there is such a thread.
    pub(super) async fn refresh(&self, id: ThreadId) -> Result<bool, LedgerError> {
        let roster = self.roster(id).await?;
        let is_there = roster.is_some();
        if let Some(roster) = roster {
            self.put(roster);
        }
        Ok(is_there)
    }

    /// Takes who is in a thread.
    pub(super) fn put(&self, roster: Roster) {
        let mut threads = self.threads();
        let live = threads.put(roster);
        let Some(shared) = &self.shared else { return };
        let (id, epoch) = (live.thread.id, live.thread.epoch);
        let mut followed = shared.followed();
        // Before it was known here again, other servers may have done what is to be told.
        let told = followed.told(id).filter(|told| told.epoch == epoch);
        live.delivered = live.delivered.or(told.map(|told| told.rev));
        let head = Reached {
            epoch,
            rev: live.head.last_rev,
        };
        for (who, row) in live.people.iter().filter(|(_, row)| row.is_active()) {
            // Somebody else came here while this person's coming into the thread was still to be told.
            if let Begin::Beside(told) = followed.follow(who, id, head)
                && told.rev >= row.joined_rev
            {
                self.tell_head_to(who, id, told.rev);
            }
        }
    }

    /// Notes that a thread was told up to a place.
    pub(super) fn note_told(&self, id: ThreadId, place: Reached) {
        if let Some(shared) = &self.shared {
            shared.followed().tell(id, place);
        }
    }

    /// Notes commits that nobody was there to be told: whoever comes asks.
    pub(super) fn note_untold(&self, news: &News) {
        let Some(shared) = &self.shared else { return };
        let mut followed = shared.followed();
        for (entry, _) in &news.entries {
            let place = Reached {
                epoch: entry.epoch,
                rev: entry.rev,
            };
            followed.tell(entry.thread_id, place);
        }
    }

    /// From now on nothing is told about a thread until it was loaded again, which is tried soon.
    pub(super) fn doubt(&self, id: ThreadId, pending: &mut Pending) {
        if let Some(live) = self.threads().get(id) {
            live.is_in_doubt = true;
        }
        pending.in_doubt.entry(id).or_insert(PAGE_ENTRIES_MAX);
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
                Some((connected.get(who)?, row))
                    .filter(|(_, row)| row.sees_rev(entry.rev) || is_on(Defect::NoMembership))
            });
            for (devices, row) in present {
                let sees_message = about.is_none_or(|message| row.sees_seq(message.seq))
                    || is_on(Defect::NoMembership);
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
