//! What is there at the end: whether everything has come to rest, and what readers find.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use semel_core::{
    Key, Rows,
    ports::Question,
    row::{HeadRow, ParticipantRow, PositionRow, ThreadRow},
    rows::List,
};
use semel_load::record::DoctorCheck;
use semel_protocol::{Entry, ThreadId, UserId, entry::EntryPage, thread::ThreadType};
use semel_server::convert;

use crate::{calls::Caller, device::Device, world::World};

/// Entries of a thread that a run can make, and more.
const ENTRIES_MAX: usize = 10_000;

/// A thread as it is in the database.
struct Stored {
    thread: ThreadRow,
    head: HeadRow,
    people: Vec<(UserId, ParticipantRow, PositionRow)>,
    entries: Vec<Entry>,
}

impl Stored {
    fn id(&self) -> (ThreadId, u64) {
        (self.thread.id, self.thread.epoch)
    }
}

/// Asks the database itself.
fn ask<T: Send + 'static>(
    world: &World,
    mut question: impl FnMut(&Rows) -> Result<T, Key> + Send + 'static,
) -> Option<T> {
    let answer = Arc::new(Mutex::new(None));
    let place = answer.clone();
    let mut question: Question = Box::new(move |rows: &Rows| {
        let found = question(rows)?;
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(())
    });
    world.disk.answer(&mut question).ok()?;
    answer.lock().unwrap_or_else(PoisonError::into_inner).take()
}

type Roster = (
    ThreadRow,
    HeadRow,
    Vec<(UserId, ParticipantRow, PositionRow)>,
);

/// A thread and its people.
fn roster(world: &World, id: ThreadId) -> Option<Roster> {
    let found = ask(world, move |rows| {
        let (Some(thread), Some(head)) = (rows.threads.get(&id), rows.heads.get(&id)) else {
            return Err(Key::Thread(id));
        };
        let (Some(thread), Some(head)) = (thread, head) else {
            return Ok(None);
        };
        let Some(List::People(people)) = rows.lists.get(&Key::Roster(id)) else {
            return Err(Key::Roster(id));
        };
        let mut all = Vec::new();
        for who in people {
            let seat = (id, who.clone());
            let row = rows.participants.get(&seat).flatten().cloned();
            let position = rows.positions.get(&seat).flatten().copied();
            if let Some(row) = row {
                all.push((who.clone(), row, position.unwrap_or_default()));
            }
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Some((thread.clone(), head.clone(), all)))
    });
    found.flatten()
}

fn entries(world: &World, id: ThreadId) -> Vec<Entry> {
    let found = ask(world, move |rows| {
        let key = Key::Entries(id, 0, ENTRIES_MAX);
        let Some(List::Entries(page)) = rows.lists.get(&key) else {
            return Err(key);
        };
        let mut entries = Vec::new();
        for entry in page {
            let seq = entry.seq.or_else(|| entry.fact.message_seq());
            let about = match seq {
                None => None,
                Some(seq) => match rows.messages.get(&(id, seq)) {
                    Some(message) => message,
                    None => return Err(Key::Message(id, seq)),
                },
            };
            entries.push(convert::entry_row(entry, about));
        }
        Ok(entries)
    });
    found.unwrap_or_default()
}

/// Whether a person's devices hold the thread: they are in it, and have not hidden it as it is.
fn has(row: &ParticipantRow, head: &HeadRow) -> bool {
    row.is_active() && row.hidden_seq.is_none_or(|hidden| head.last_seq > hidden)
}

/// What is still to come; none when everything has come to rest.
pub(crate) fn missing(world: &Arc<World>, devices: &[Arc<Device>]) -> Option<String> {
    let open = world.shared().open;
    if open > 0 {
        return Some(format!("{open} requests are under way"));
    }
    if world.net.waiting() > 0 {
        return Some("packets are to come once more".to_owned());
    }
    if let Some(device) = devices.iter().find(|device| device.has_waiting()) {
        return Some(format!("{} has something to send", device.name));
    }
    let threads = world.shared().threads.clone();
    for id in threads {
        let Some((_, head, people)) = roster(world, id) else {
            continue;
        };
        for device in devices {
            let Some(record) = device.record() else {
                return Some(format!("{} is off", device.name));
            };
            let mut people = people.iter();
            let is_in = people.any(|(who, row, _)| *who == device.who && has(row, &head));
            if is_in && record.head(id) != head.last_rev {
                let (name, at) = (&device.name, record.head(id));
                return Some(format!(
                    "{name} is at rev {at} of thread {id}, which ends at {}",
                    head.last_rev
                ));
            }
        }
    }
    None
}

/// Reads and writes down everything that is there. What is wrong in the database itself.
pub(crate) async fn read(world: &Arc<World>, devices: &[Arc<Device>]) -> Vec<String> {
    let threads = world.shared().threads.clone();
    let stored = threads.into_iter().filter_map(|id| {
        let (thread, head, people) = roster(world, id)?;
        Some(Stored {
            entries: entries(world, id),
            thread,
            head,
            people,
        })
    });
    let stored: Vec<Stored> = stored.collect();
    let database = world.recorder.finals("database");
    for thread in &stored {
        database.entries(&thread.entries);
        database.head(thread.id(), thread.head.last_rev, thread.head.last_seq);
        tell_people(world, thread);
    }
    read_as_people(world, &stored).await;
    for device in devices {
        let Some(record) = device.record() else {
            continue;
        };
        for thread in &stored {
            let mut people = thread.people.iter();
            if people.any(|(who, row, _)| *who == device.who && has(row, &thread.head)) {
                record.cursor(thread.thread.id);
            }
        }
    }
    let findings = world.disk.with(semel_backends::sqlite::Memory::doctor);
    let findings = findings.map_or_else(
        |error| vec![error.chain()],
        |all| all.iter().map(ToString::to_string).collect(),
    );
    for check in DoctorCheck::ALL {
        let count = if check == DoctorCheck::Integrity {
            findings.len() as u64
        } else {
            0
        };
        world.recorder.doctor(0, check, count);
    }
    findings
}

fn tell_people(world: &World, thread: &Stored) {
    let recorder = &world.recorder;
    for (who, row, position) in &thread.people {
        for period in &row.periods {
            recorder.joined(who, thread.id(), period.from_rev, period.from_rev);
            if let Some(until) = period.until_rev {
                recorder.gone(who, thread.id(), until);
            }
        }
        recorder.final_position(who, thread.id(), position.read_seq);
    }
    if thread.thread.thread_type == ThreadType::Direct {
        let people: Vec<UserId> = thread
            .people
            .iter()
            .map(|(who, _, _)| who.clone())
            .collect();
        recorder.final_owner(thread.id(), &people);
    }
}

/// Somebody who sees all of a thread reads it over HTTP.
async fn read_as_people(world: &Arc<World>, stored: &[Stored]) {
    let mut readers = BTreeMap::new();
    for thread in stored {
        let sees_all = |row: &ParticipantRow| {
            row.periods.len() == 1 && row.is_active() && row.periods[0].from_rev == 1
        };
        let mut people = thread.people.iter();
        let Some((who, _, _)) = people.find(|(_, row, _)| sees_all(row)) else {
            continue;
        };
        let (caller, reader) = readers.entry(who.clone()).or_insert_with(|| {
            let reader = world.recorder.finals(&format!("{who} at the end"));
            (Caller::new(world, who), reader)
        });
        let mut after = 0;
        loop {
            let path = format!(
                "/api/chat/threads/{}/entries?after_rev={after}&limit=500",
                thread.thread.id
            );
            let Ok(page) = caller.get::<EntryPage>(&path).await else {
                break;
            };
            reader.entries(&page.entries);
            after = page.entries.last().map_or(after, |entry| entry.rev);
            if !page.more || page.entries.is_empty() {
                reader.head(thread.id(), page.head_rev, thread.head.last_seq);
                break;
            }
        }
    }
}
