//! The end of a run: what is there is read by several people, recorded, and judged (HI-30 to HI-34).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use semel_check::{Options, Report, check_file, history::HistoryError};
use semel_client::{Address, Api, ApiError};
use semel_protocol::{
    Entry, Rev, ThreadId, UserId,
    entry::EntryBody,
    limits,
    thread::{History, ParticipantPage},
};
use tokio::task::{JoinError, JoinSet};

use crate::{
    Sign,
    record::{FinalReader, Recorder},
    workload::{Rest, RestThread},
};

/// Readers of each log, if so many see all of it; more if there are more servers.
const READERS: usize = 2;
/// Threads that are read at the same time.
const THREADS_AT_A_TIME: usize = 8;

/// Why the end cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FinaleError {
    /// No server was named.
    #[error("read the final logs: no address was given")]
    NoAddress,
    /// A reader panicked.
    #[error("wait for a reader of the final logs")]
    Task(#[source] JoinError),
    /// A server does not answer, or refuses.
    #[error("read the final log of thread {thread} as {user}")]
    Server {
        /// Which.
        thread: ThreadId,
        /// Who read.
        user: UserId,
        /// Why not.
        #[source]
        source: Box<ApiError>,
    },
    /// A log was replaced by a shorter one.
    #[error("read the final log of thread {0}: it is another one now")]
    TooOld(ThreadId),
    /// Nobody is left who sees all of it.
    #[error("read the final log of thread {0}: nobody sees all of it")]
    NoReader(ThreadId),
    /// The log and the list of participants tell different things.
    #[error("compare the participants of thread {thread} with its log: {text}")]
    Participants {
        /// Which.
        thread: ThreadId,
        /// How they differ.
        text: String,
    },
}

/// Reads and records what is there at the end: each thread's log, as at least two people who see all of it are told, from
/// every server; who was in when; read positions; threads of sets of people; how far the devices have come.
pub async fn read(
    rest: &Rest,
    addresses: &[Address],
    recorder: &Recorder,
) -> Result<(), FinaleError> {
    if addresses.is_empty() {
        return Err(FinaleError::NoAddress);
    }
    let people = Arc::new(People {
        sign: Arc::clone(&rest.sign),
        addresses: addresses.to_vec(),
    });
    let mut reading = JoinSet::new();
    for thread in &rest.threads {
        if reading.len() >= THREADS_AT_A_TIME {
            joined(reading.join_next().await)?;
        }
        let (people, thread) = (Arc::clone(&people), thread.clone());
        let recorder = recorder.clone();
        reading.spawn(async move { read_thread(&people, &thread, &recorder).await });
    }
    while let Some(one) = reading.join_next().await {
        joined(Some(one))?;
    }
    for device in &rest.devices {
        for thread in &rest.threads {
            if thread.present.contains(device.user()) {
                device.cursor(thread.thread);
            }
        }
    }
    Ok(())
}

/// Judges a finished recording.
pub fn judge(path: &Path, options: Options) -> Result<Report, HistoryError> {
    check_file(path, options)
}

fn joined(one: Option<Result<Result<(), FinaleError>, JoinError>>) -> Result<(), FinaleError> {
    one.map_or(Ok(()), |one| one.map_err(FinaleError::Task)?)
}

/// Who reads, and where.
struct People {
    sign: Sign,
    addresses: Vec<Address>,
}

impl People {
    fn api(&self, user: &UserId, server: usize) -> Api {
        let address = self.addresses[server].clone();
        Api::new(address, &(self.sign)(user))
    }
}

async fn read_thread(
    people: &People,
    thread: &RestThread,
    recorder: &Recorder,
) -> Result<(), FinaleError> {
    let id = thread.thread;
    let Some(first) = thread.members.first() else {
        return Err(FinaleError::NoReader(id));
    };
    let servers = people.addresses.len();
    let readers = READERS.min(thread.members.len()).max(servers);
    let mut memberships = Memberships::new();
    for number in 0..readers {
        let user = &thread.members[number % thread.members.len()];
        let server = number % servers;
        let reader = recorder.finals(&format!("{user} reads at the end from server {server}"));
        let api = people.api(user, server);
        let take = |entries: &[Entry]| {
            if number == 0 {
                for entry in entries {
                    memberships.take(entry);
                }
            }
        };
        read_log(&api, thread, user, &reader, take).await?;
    }
    let api = people.api(first, 0);
    let positions = participants(&api, id)
        .await
        .map_err(|source| server_error(id, first, source))?;
    memberships.record(thread, recorder);
    let present: BTreeSet<UserId> = positions.keys().cloned().collect();
    if present != memberships.present() {
        let text = format!(
            "{present:?} are in, the log says {:?}",
            memberships.present()
        );
        return Err(FinaleError::Participants { thread: id, text });
    }
    let place = (id, thread.epoch);
    for (user, seq) in &positions {
        recorder.final_position(user, place, *seq);
    }
    if thread.is_fixed {
        let people: Vec<UserId> = present.into_iter().collect();
        recorder.final_owner(place, &people);
    }
    Ok(())
}

/// Reads a whole log and its end.
async fn read_log(
    api: &Api,
    thread: &RestThread,
    user: &UserId,
    reader: &FinalReader,
    mut take: impl FnMut(&[Entry]),
) -> Result<(), FinaleError> {
    let id = thread.thread;
    let failed = |source| server_error(id, user, source);
    let mut after = 0;
    loop {
        // A server tells of the beginning of a long log only when it is asked for a part of it.
        let until = after + limits::PAGE_ENTRIES_MAX as Rev;
        let page = api
            .entries_between(id, (after, until), limits::PAGE_ENTRIES_MAX)
            .await
            .map_err(failed)?
            .data;
        if page.too_old {
            return Err(FinaleError::TooOld(id));
        }
        reader.entries(&page.entries);
        take(&page.entries);
        let Some(last) = page.entries.last().filter(|last| last.rev < page.head_rev) else {
            break;
        };
        after = last.rev;
    }
    let end = api.thread(id).await.map_err(failed)?.data.thread;
    reader.head((id, end.epoch), end.last_rev, end.last_seq);
    Ok(())
}

fn server_error(thread: ThreadId, user: &UserId, source: ApiError) -> FinaleError {
    FinaleError::Server {
        thread,
        user: user.clone(),
        source: Box::new(source),
    }
}

/// Everybody who is in, and what they have read.
async fn participants(api: &Api, thread: ThreadId) -> Result<BTreeMap<UserId, u64>, ApiError> {
    let mut positions = BTreeMap::new();
    let mut cursor: Option<String> = None;
    loop {
        let query = cursor.map(|cursor| format!("?cursor={cursor}"));
        let query = query.unwrap_or_default();
        let path = format!("/api/chat/threads/{thread}/participants{query}");
        let page = api.get::<ParticipantPage>(&path).await?.data;
        let people = page.participants.into_iter();
        positions.extend(people.map(|one| (one.user_id, one.read_seq)));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(positions);
        }
    }
}

/// Who came and went, as the log tells it.
struct Memberships {
    /// Whether newcomers see everything; so it is until settings say otherwise.
    is_history_open: bool,
    changes: Vec<(UserId, Change)>,
    /// Last entry that those who went may see.
    gone: BTreeMap<UserId, Rev>,
}

#[derive(Clone, Copy)]
enum Change {
    /// By this entry, and sees from that one on.
    Joined(Rev, Rev),
    Gone(Rev),
}

impl Memberships {
    fn new() -> Self {
        Self {
            is_history_open: true,
            changes: Vec::new(),
            gone: BTreeMap::new(),
        }
    }

    /// Whoever comes back to a thread with open history sees what they missed as well: their time goes on where it ended.
    fn joined(&self, user: &UserId, rev: Rev) -> Change {
        let first = self.gone.get(user).map_or(1, |gone| gone + 1);
        Change::Joined(rev, if self.is_history_open { first } else { rev })
    }

    fn take(&mut self, entry: &Entry) {
        let rev = entry.rev;
        match &entry.body {
            EntryBody::ThreadCreated { user_ids, .. }
            | EntryBody::ParticipantsAdded { user_ids, .. } => {
                for user in user_ids {
                    self.changes.push((user.clone(), self.joined(user, rev)));
                }
            }
            EntryBody::ParticipantRemoved { user_ids, .. }
            | EntryBody::ParticipantLeft { user_ids, .. } => {
                for user in user_ids {
                    self.changes.push((user.clone(), Change::Gone(rev)));
                    self.gone.insert(user.clone(), rev);
                }
            }
            EntryBody::SettingsChanged { settings, .. } => {
                self.is_history_open = settings.history == History::All;
            }
            _ => {}
        }
    }

    fn record(&self, thread: &RestThread, recorder: &Recorder) {
        let place = (thread.thread, thread.epoch);
        for (user, change) in &self.changes {
            match change {
                Change::Joined(rev, from) => recorder.joined(user, place, *rev, *from),
                Change::Gone(rev) => recorder.gone(user, place, *rev),
            }
        }
    }

    fn present(&self) -> BTreeSet<UserId> {
        let mut present = BTreeSet::new();
        for (user, change) in &self.changes {
            match change {
                Change::Joined(..) => present.insert(user.clone()),
                Change::Gone(_) => present.remove(user),
            };
        }
        present
    }
}
