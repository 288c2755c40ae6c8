//! What recording costs: two threads, each the witness of many sessions that apply entries, as fast as they can.
//!
//! `cargo run --release -p semel-load --example recorder [EVENTS]`

use std::{
    io::{Write, stdout},
    sync::Arc,
    thread,
    time::Instant,
};

use semel_check::history::Header;
use semel_client::Witness;
use semel_load::record::{Recorder, SessionRecord};
use semel_protocol::{
    ClientId, Entry, Message, MessageId, ThreadId, Timestamp, UserId, entry::EntryBody,
    message::MessageKind,
};
use uuid::Uuid;

const THREADS: usize = 2;
const SESSIONS: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted = std::env::args()
        .nth(1)
        .map_or(Ok(10_000_000), |text| text.parse::<usize>())?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("history");
    let recorder = Recorder::start(&path, Header::default())?;
    let user = UserId::parse("ann").map_err(|error| error.to_string())?;
    let begin = Instant::now();
    let per_thread = wanted / THREADS;
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (recorder, user) = (recorder.clone(), user.clone());
            thread::spawn(move || apply(&recorder, &user, number, per_thread))
        })
        .collect();
    for one in threads {
        one.join().map_err(|_| "a thread panicked")?;
    }
    let took = begin.elapsed();
    let begin = Instant::now();
    recorder.finish()?;
    let merged = begin.elapsed();
    let nanos = took.as_nanos() * THREADS as u128 / wanted as u128;
    let per_second = wanted as u128 * 1_000 / took.as_millis().max(1);
    writeln!(
        stdout(),
        "{wanted} events: {nanos} ns each on {THREADS} threads, {per_second} per second; merged in {merged:.2?}"
    )?;
    Ok(())
}

fn apply(recorder: &Recorder, user: &UserId, number: usize, events: usize) {
    let sessions: Vec<Arc<SessionRecord>> = (0..SESSIONS)
        .map(|session| recorder.session(user, &format!("device-{number}-{session}")))
        .collect();
    let thread = ThreadId(Uuid::from_u128(number as u128 + 1));
    let mut entry = entry(thread, user);
    for rev in 1..=events / SESSIONS {
        entry.rev = rev as u64;
        if let EntryBody::Message { message } = &mut entry.body {
            (message.rev, message.seq) = (rev as u64, rev as u64);
            message.client_id = Some(ClientId(Uuid::from_u128(rev as u128)));
        }
        for session in &sessions {
            session.apply(&entry);
        }
    }
}

fn entry(thread_id: ThreadId, user: &UserId) -> Entry {
    let message = Message {
        id: MessageId(Uuid::from_u128(1)),
        thread_id,
        seq: 1,
        rev: 1,
        sender_id: user.clone(),
        client_id: None,
        kind: MessageKind::Text,
        content: "what people usually say to each other in one line".to_owned(),
        reply_to: None,
        attachments: vec![],
        reactions: vec![],
        created_at: Timestamp(0),
        edited_at: None,
        deleted_at: None,
        removed: false,
    };
    Entry {
        thread_id,
        rev: 1,
        epoch: 1,
        chain: None,
        actor_id: Some(user.clone()),
        created_at: Some(Timestamp(0)),
        body: EntryBody::Message { message },
    }
}
