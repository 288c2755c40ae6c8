//! What a device sees: what it is sent, and what it fetches because it was only told of it.

use std::time::Duration;

use semel_client::{Address, Network, Payload, Sockets, Step, Witness};
use semel_protocol::{Entry, Rev, ThreadId, entry::EntryBody, socket::Heads, sync::Cursor};
use serde::Deserialize;

use super::{Device, Timed};

/// What the words of a message begin with, before the instant at which it was due.
const STAMP: char = '@';

/// Where a device fetches what it was not sent, in its person's name.
pub(in crate::scenario) struct Source {
    network: Box<dyn Network>,
    token: String,
}

impl Source {
    pub(in crate::scenario) fn new(address: Address, token: String) -> Self {
        Self {
            network: Box::new(Sockets::new(address)),
            token,
        }
    }
}

/// Where an entry is.
#[derive(Deserialize)]
struct Place {
    thread_id: ThreadId,
    rev: Rev,
}

impl Device {
    /// An entry that was sent. One that does not follow what the device has is fetched, with what is before it.
    pub(super) async fn see(&mut self, payload: &Payload) {
        if self.interest.source.is_some() {
            let Ok(place) = payload.parse::<Place>() else {
                return self.shared.tally.note("unreadable entry");
            };
            let held = self.held.entry(place.thread_id).or_default();
            if place.rev <= *held {
                // It was fetched before it came.
                return;
            }
            if place.rev > *held + 1 {
                return self.fetch(&place).await;
            }
            *held = place.rev;
        }
        self.count(stamp(payload.as_str()));
        if self.interest.remembers.is_none() && self.interest.witness.is_none() {
            return;
        }
        match payload.parse::<Entry>() {
            Ok(entry) => self.take_in(&entry),
            Err(_) => self.shared.tally.note("unreadable entry"),
        }
    }

    /// Threads moved: what was not sent is fetched, as every device does.
    pub(super) async fn hear(&mut self, payload: &Payload) {
        if self.interest.source.is_none() {
            return;
        }
        let Ok(heads) = payload.parse::<Heads>() else {
            return self.shared.tally.note("unreadable heads");
        };
        for (thread_id, rev) in heads.heads {
            self.fetch(&Place { thread_id, rev }).await;
        }
    }

    /// Fetches up to a place what the device does not have. Whatever else comes waits that long.
    async fn fetch(&mut self, to: &Place) {
        let Some(source) = self.interest.source.clone() else {
            return;
        };
        let id = to.thread_id;
        loop {
            let held = self.held.get(&id).copied().unwrap_or(0);
            if held >= to.rev {
                return;
            }
            let after = Cursor {
                rev: held,
                chain: None,
                epoch: None,
            };
            let page = source.network.entries_after(&source.token, id, &after);
            let Ok(page) = page.await else {
                return self.shared.tally.note("fetch failed");
            };
            if page.entries.is_empty() {
                return self.shared.tally.note("nothing to fetch");
            }
            self.shared.tally.fetch(page.entries.len() as u64);
            for entry in page.entries {
                self.held.insert(id, entry.rev);
                self.count(stamp_of(&entry));
                self.take_in(&entry);
            }
        }
    }

    fn count(&self, stamp: Option<Duration>) {
        self.shared.tally.deliver(1);
        if let Some(stamp) = stamp.filter(|_| self.interest.times_screen) {
            let due = self.shared.zero + stamp;
            self.shared.tally.time(Timed::Screen, due.elapsed());
        }
    }

    fn take_in(&mut self, entry: &Entry) {
        if let Some(witness) = &self.interest.witness {
            witness.arrival(entry);
            let timeline = self.timelines.entry(entry.thread_id).or_default();
            if timeline.offer(entry) == Step::Apply {
                witness.apply(entry);
            } else {
                // This connection saw the thread from its beginning: what comes is next, or something is wrong.
                self.shared.tally.note("entry out of order");
            }
        }
        if let (EntryBody::Message { message }, Some(own)) = (&entry.body, &self.interest.remembers)
        {
            let known = self.known.entry(entry.thread_id).or_default();
            known.last_seq = known.last_seq.max(message.seq);
            if message.sender_id == *own {
                known.own = Some((message.id, message.seq));
            } else {
                known.others = Some((message.id, message.seq));
            }
        }
    }
}

/// When the message of an entry was due, counted from the beginning of the run. Other entries carry messages as well.
pub(super) fn stamp(entry: &str) -> Option<Duration> {
    if !entry.contains(r#""type":"message""#) {
        return None;
    }
    let (_, after) = entry.split_once(r#""content":"@"#)?;
    micros(after)
}

/// The same of one that was read.
fn stamp_of(entry: &Entry) -> Option<Duration> {
    let EntryBody::Message { message } = &entry.body else {
        return None;
    };
    micros(message.content.strip_prefix(STAMP)?)
}

fn micros(text: &str) -> Option<Duration> {
    let micros = text.split_once(' ')?.0.parse().ok()?;
    Some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests;
