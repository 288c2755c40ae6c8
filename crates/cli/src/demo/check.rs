//! Whether everything that was said is there once, in order, and everybody saw the same.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use semel_client::{Api, ApiError};
use semel_protocol::{ClientId, Message, Rev, ThreadId, limits, message::MessageKind};
use tokio::time::{Instant, timeout_at};

use super::{
    person::{Person, Seen, digest},
    play::Played,
    script::Who,
    tally::{Acknowledged, Tally},
};

/// Time in which everybody must have seen everything, in seconds.
const CATCH_UP_SECONDS_MAX: u64 = 60;
/// Complaints that are printed of one kind before the rest is counted.
const COMPLAINTS_SHOWN_MAX: usize = 20;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Messages that the server has, system messages left out.
    pub(super) stored: usize,
    /// Threads, the channel and those of two.
    pub(super) threads: usize,
    /// Entries that devices applied.
    pub(super) delivered: usize,
    /// People whose logs were compared.
    pub(super) devices: usize,
    /// What is not as it should be.
    pub(super) complaints: Vec<String>,
}

/// A thread as the server has it, and who is in it.
struct Reference {
    log: Vec<(Rev, u64)>,
    messages: Vec<Message>,
    people: HashSet<Who>,
}

/// Compares what was acknowledged, what the server has, and what devices saw.
pub(super) async fn check(played: &Played, tally: &Tally) -> Result<Findings, ApiError> {
    let acknowledged = tally.acknowledged();
    let mut findings = Findings {
        complaints: tally.complaints(),
        ..Findings::default()
    };
    let references = fetch_references(played, &acknowledged).await?;
    findings.threads = references.len();
    for (thread, reference) in &references {
        findings.stored += reference.messages.len();
        let said: Vec<_> = acknowledged
            .iter()
            .filter(|one| one.thread_id == *thread)
            .collect();
        compare_messages(played, reference, &said, &mut findings.complaints);
    }
    await_everybody(played, &references, &mut findings.complaints).await;
    for (who, person) in &played.people {
        let seen = person.seen.borrow();
        findings.devices += 1;
        findings.delivered += seen.entries();
        compare_seen(*who, person, &seen, &references, &mut findings.complaints);
    }
    let more = findings
        .complaints
        .len()
        .saturating_sub(COMPLAINTS_SHOWN_MAX);
    if more > 0 {
        findings.complaints.truncate(COMPLAINTS_SHOWN_MAX);
        findings.complaints.push(format!("… and {more} more"));
    }
    Ok(findings)
}

async fn fetch_references(
    played: &Played,
    acknowledged: &[Acknowledged],
) -> Result<BTreeMap<ThreadId, Reference>, ApiError> {
    let mut members: BTreeMap<ThreadId, (Arc<Person>, HashSet<Who>)> = BTreeMap::new();
    let everybody = played.people.keys().copied().collect();
    members.insert(played.channel, (Arc::clone(&played.admin), everybody));
    for one in acknowledged {
        let speaker = || (Arc::clone(&played.people[&one.who]), HashSet::new());
        members.entry(one.thread_id).or_insert_with(speaker);
    }
    let by_id: HashMap<_, _> = played
        .people
        .iter()
        .map(|(who, one)| (&one.user_id, *who))
        .collect();
    let mut references = BTreeMap::new();
    for (thread, (reader, mut people)) in members {
        if people.is_empty() {
            let shown = reader.api.thread(thread).await?.data.thread.participants;
            people.extend(shown.iter().filter_map(|one| by_id.get(&one.user_id)));
        }
        let log = fetch_log(&reader.api, thread).await?;
        let messages = fetch_messages(&reader.api, thread).await?;
        references.insert(
            thread,
            Reference {
                log,
                messages,
                people,
            },
        );
    }
    Ok(references)
}

/// Rev and digest of each entry. Of a very long log the server gives the end; the messages are fetched whole beside it.
async fn fetch_log(api: &Api, thread: ThreadId) -> Result<Vec<(Rev, u64)>, ApiError> {
    let mut log: Vec<(Rev, u64)> = Vec::new();
    let mut after = 0;
    loop {
        let page = api
            .entries(thread, after, limits::PAGE_ENTRIES_MAX)
            .await?
            .data;
        if page.too_old {
            after = page
                .head_rev
                .saturating_sub(limits::SYNC_BEHIND_ENTRIES_MAX);
            continue;
        }
        let is_last = !page.more || page.entries.is_empty();
        log.extend(page.entries.iter().map(|entry| (entry.rev, digest(entry))));
        if is_last {
            return Ok(log);
        }
        after = log.last().map_or(after, |(rev, _)| *rev);
    }
}

/// What people said, from the first to the last.
async fn fetch_messages(api: &Api, thread: ThreadId) -> Result<Vec<Message>, ApiError> {
    let mut messages: Vec<Message> = Vec::new();
    let mut after = 0;
    loop {
        let page = api
            .messages_after(thread, after, limits::PAGE_MESSAGES_MAX)
            .await?
            .data;
        let is_last = !page.has_more;
        after = page.to_seq.max(after);
        messages.extend(
            page.messages
                .into_iter()
                .filter(|one| one.kind == MessageKind::Text),
        );
        if is_last {
            return Ok(messages);
        }
    }
}

fn compare_messages(
    played: &Played,
    reference: &Reference,
    said: &[&Acknowledged],
    complaints: &mut Vec<String>,
) {
    let mut stored: HashMap<ClientId, &Message> = HashMap::new();
    for message in &reference.messages {
        let known = message.client_id.and_then(|id| stored.insert(id, message));
        if known.is_some() {
            complaints.push(format!("message {} is stored twice", message.id));
        }
    }
    let mut last_seq: HashMap<Who, u64> = HashMap::new();
    for one in said {
        let Some(message) = stored.remove(&one.client_id) else {
            complaints.push(format!(
                "acknowledged message {} is not there",
                one.client_id
            ));
            continue;
        };
        let sender = &played.people[&one.who].user_id;
        if message.content != one.content || message.sender_id != *sender {
            complaints.push(format!("message {} is not what was sent", message.id));
        }
        if message.seq != one.seq {
            complaints.push(format!("message {} is not at its place", message.id));
        }
        let before = last_seq.insert(one.who, message.seq).unwrap_or(0);
        if message.seq <= before {
            complaints.push(format!(
                "message {} is out of its sender's order",
                message.id
            ));
        }
    }
    let nobodys = stored
        .values()
        .map(|message| format!("nobody sent message {}", message.id));
    complaints.extend(nobodys);
    if reference
        .log
        .windows(2)
        .any(|pair| pair[0].0 + 1 != pair[1].0)
    {
        complaints.push("a thread's log has holes".to_owned());
    }
}

/// Waits until every device has every thread whole, or the time is over.
async fn await_everybody(
    played: &Played,
    references: &BTreeMap<ThreadId, Reference>,
    complaints: &mut Vec<String>,
) {
    let end = Instant::now() + Duration::from_secs(CATCH_UP_SECONDS_MAX);
    for (who, person) in &played.people {
        let whole = |seen: &Seen| {
            let mut mine = references
                .iter()
                .filter(|(_, one)| one.people.contains(who));
            let is_whole = mine.all(|(thread, one)| {
                let head = one.log.last().map_or(0, |(rev, _)| *rev);
                seen.head(*thread) >= head
            });
            is_whole || seen.refused.is_some()
        };
        let mut seen = person.seen.clone();
        if timeout_at(end, seen.wait_for(whole)).await.is_err() {
            complaints.push(format!("{} did not catch up in time", person.user_id));
        }
    }
}

fn compare_seen(
    who: Who,
    person: &Person,
    seen: &Seen,
    references: &BTreeMap<ThreadId, Reference>,
    complaints: &mut Vec<String>,
) {
    let name = &person.user_id;
    if let Some(reason) = &seen.refused {
        complaints.push(format!("{name} was kept out: {reason}"));
    }
    if seen.resets > 0 {
        complaints.push(format!("{name} had to begin {} logs anew", seen.resets));
    }
    for (thread, reference) in references {
        let log = seen.threads.get(thread).map_or(&[][..], Vec::as_slice);
        let first = reference.log.first().map_or(0, |(rev, _)| *rev);
        let log = &log[log.partition_point(|(rev, _)| *rev < first)..];
        if reference.people.contains(&who) && log != reference.log {
            let (there, here) = (reference.log.len(), log.len());
            let differs = log
                .iter()
                .zip(&reference.log)
                .find(|(here, there)| here != there);
            let place = differs.map_or(there.min(here) as Rev, |(_, (rev, _))| *rev);
            complaints.push(format!(
                "{name} saw another log of {thread}: {here} entries instead of {there}, from rev {place}"
            ));
        }
        if !reference.people.contains(&who) && !log.is_empty() {
            complaints.push(format!("{name} saw a thread of others: {thread}"));
        }
    }
}
