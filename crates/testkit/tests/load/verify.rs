//! The invariants, from what writers remember and what the server has.

use std::collections::HashMap;

use semel_client::Api;
use semel_protocol::{ClientId, Message, ThreadId, limits};

use super::{Line, Load, Report, writers::body};

/// Messages of one writer that are sent once more.
const REPEATS_PER_WRITER_MAX: usize = 200;

/// Panics unless every acknowledged message is there once and at its place, every other at most once, nothing that
/// nobody sent, and a repeat gets the same answer. Returns how many of those without an answer had arrived.
pub(crate) async fn verify(load: &Load, report: &Report) -> usize {
    let violations = load.memory.violations.lock().unwrap().clone();
    assert!(violations.is_empty(), "{violations:#?}");
    let lines = load.memory.lines.lock().unwrap().clone();
    assert_eq!(
        lines.iter().filter(|line| line.place.is_some()).count(),
        report.acknowledged
    );
    let arrived = compare(load, &lines).await;
    repeat(load, &lines).await;
    let after_repeats = compare(load, &lines).await;
    assert_eq!(
        after_repeats, report.unanswered,
        "every message has arrived now"
    );
    arrived
}

/// Returns how many of those whose fate was unknown are there.
async fn compare(load: &Load, lines: &[Line]) -> usize {
    let mut by_thread: HashMap<ThreadId, Vec<&Line>> = HashMap::new();
    for line in lines {
        by_thread.entry(line.thread).or_default().push(line);
    }
    let mut unknown_stored = 0;
    for (thread, lines) in by_thread {
        let mut stored = fetch(&load.writers[lines[0].writer].api(), thread).await;
        let mut last_seq: HashMap<usize, u64> = HashMap::new();
        for line in lines {
            let message = stored.remove(&line.client_id);
            let Some((id, seq)) = line.place else {
                unknown_stored += usize::from(message.is_some());
                continue;
            };
            let message = message.unwrap_or_else(|| panic!("acknowledged and lost: {line:?}"));
            assert_eq!((message.id, message.seq), (id, seq), "{line:?}");
            assert_eq!(message.content, line.content);
            let before = last_seq.insert(line.writer, seq).unwrap_or(0);
            assert!(before < seq, "out of its writer's order: {line:?}");
        }
        assert!(stored.is_empty(), "nobody remembers {stored:?}");
    }
    unknown_stored
}

/// A thread's messages by client id. They must be dense, and no client id among them twice. After the entry that made
/// the thread, every entry of these threads is a message.
async fn fetch(api: &Api, thread: ThreadId) -> HashMap<ClientId, Message> {
    let mut messages = HashMap::new();
    let mut last_seq = 0;
    loop {
        let page = api
            .messages_after(thread, last_seq, limits::PAGE_MESSAGES_MAX)
            .await
            .unwrap();
        for message in page.data.messages {
            assert_eq!((message.seq, message.rev), (last_seq + 1, last_seq + 2));
            last_seq += 1;
            let twice = messages.insert(message.client_id.unwrap(), message);
            assert!(twice.is_none(), "stored twice: {twice:?}");
        }
        if !page.data.has_more {
            assert_eq!(page.data.as_of_rev, last_seq + 1);
            return messages;
        }
    }
}

/// Sends messages once more: acknowledged ones, the newest, and all whose fate is unknown, twice.
async fn repeat(load: &Load, lines: &[Line]) {
    let apis: Vec<Api> = load.writers.iter().map(super::Writer::api).collect();
    for line in chosen(lines) {
        let api = &apis[line.writer];
        let body = body(line.client_id, &line.content);
        let first = api
            .send(line.thread, &body, line.key.as_deref())
            .await
            .unwrap();
        let message = &first.data.message;
        if let Some(place) = line.place {
            assert_eq!((message.id, message.seq), place, "{line:?}");
            assert!(first.data.duplicate || first.is_replay, "{line:?}");
        } else {
            let second = api.send(line.thread, &body, None).await.unwrap();
            assert!(second.data.duplicate);
            assert_eq!(second.data.message, *message);
        }
    }
}

fn chosen(lines: &[Line]) -> Vec<&Line> {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    let mut wanted = |line: &&Line| {
        let count = counts.entry(line.writer).or_default();
        *count += 1;
        line.place.is_none() || *count <= REPEATS_PER_WRITER_MAX
    };
    lines.iter().rev().filter(|line| wanted(line)).collect()
}
