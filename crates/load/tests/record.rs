//! What a recorder writes is a history that the checker can read, in order, with names.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::{path::Path, sync::Arc, thread};

use semel_check::{
    Action, CRASHED, Event, Kind, Options, Verdict, check_file,
    history::{Header, Reader},
};
use semel_client::Witness;
use semel_load::record::{Change, RecordError, Recorder};
use semel_protocol::{
    ClientId, Entry, Message, MessageId, ThreadId, Timestamp, UserId, entry::EntryBody,
    message::MessageKind,
};
use uuid::Uuid;

fn thread_id(number: u128) -> ThreadId {
    ThreadId(Uuid::from_u128(number))
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn message(thread: u128, rev: u64, sender: &UserId) -> Message {
    Message {
        id: MessageId(Uuid::from_u128(u128::from(rev))),
        thread_id: thread_id(thread),
        seq: rev,
        rev,
        sender_id: sender.clone(),
        client_id: Some(ClientId(Uuid::from_u128(u128::from(rev)))),
        kind: MessageKind::Text,
        content: format!("words {rev}"),
        reply_to: None,
        attachments: vec![],
        reactions: vec![],
        created_at: Timestamp(0),
        edited_at: None,
        deleted_at: None,
        removed: false,
    }
}

fn entry(thread: u128, rev: u64, sender: &UserId) -> Entry {
    let message = message(thread, rev, sender);
    Entry {
        thread_id: message.thread_id,
        rev,
        epoch: 1,
        chain: None,
        actor_id: Some(sender.clone()),
        created_at: Some(Timestamp(0)),
        body: EntryBody::Message { message },
    }
}

fn events(path: &Path) -> Vec<Event> {
    Reader::open(path).unwrap().map(Result::unwrap).collect()
}

/// More events than buffers hold, from more threads than there are buffers.
#[test]
fn what_many_threads_record_is_there_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let recorder = Recorder::start(&path, Header::default()).unwrap();
    let ann = user("ann");
    let record = |number: u128| {
        let session = recorder.session(&user("ann"), &format!("device-{number}"));
        for rev in 1..=5_000 {
            session.apply(&entry(number, rev, &user("ann")));
        }
        let calls = recorder.calls(&user("ann"));
        for rev in 1..=500 {
            let sent = message(number, rev, &user("ann"));
            let open = calls.begin(&Change {
                action: Action::Send,
                thread: Some(sent.thread_id),
                client_id: sent.client_id,
                content: Some(&sent.content),
                ..Change::default()
            });
            open.sent(&sent, false, 0);
        }
    };
    thread::scope(|scope| {
        for number in 1..=20 {
            scope.spawn(move || record(number));
        }
    });
    assert_eq!(recorder.finish().unwrap(), path);
    recorder.session(&ann, "late").apply(&entry(1, 1, &ann));
    assert!(matches!(recorder.finish(), Err(RecordError::Finished)));

    let events = events(&path);
    assert!(events.is_sorted_by_key(|event| event.time));
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!(count(Kind::Apply), 20 * 5_000);
    assert_eq!((count(Kind::Invoke), count(Kind::Ok)), (20 * 500, 20 * 500));
    assert_eq!(count(Kind::Session), 2 * 20);
    let mut calls: Vec<u32> = events
        .iter()
        .filter(|event| event.kind == Kind::Invoke)
        .map(|event| event.call)
        .collect();
    calls.sort_unstable();
    assert!(calls.into_iter().eq(1..=20 * 500), "call numbers are dense");
    for thread in 1..=20 {
        let applied = events.iter().filter(|event| event.kind == Kind::Apply);
        let revs = applied.filter(|event| event.thread == thread);
        assert!(revs.map(|event| event.rev).eq(1..=5_000));
    }
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 1, "nothing lies beside the history");
}

/// A device forgets a thread that its person left, and shows it from the beginning when they are back: two lives, not a
/// repeat.
#[test]
fn a_device_that_left_a_thread_begins_another_life() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let recorder = Recorder::start(&path, Header::default()).unwrap();
    let ann = user("ann");
    let session = recorder.session(&ann, "phone");
    for thread in [1, 2] {
        (1..=3).for_each(|rev| session.apply(&entry(thread, rev, &ann)));
    }
    session.left(thread_id(1));
    assert_eq!(
        (session.head(thread_id(1)), session.head(thread_id(2))),
        (0, 3)
    );
    (1..=4).for_each(|rev| session.apply(&entry(1, rev, &ann)));
    session.apply(&entry(2, 4, &ann));
    recorder.finish().unwrap();

    let report = check_file(&path, Options::expecting(vec![])).unwrap();
    let delivery = report
        .violations
        .iter()
        .filter(|one| format!("{:?}", one.invariant) == "S7");
    assert_eq!(delivery.count(), 0, "{report}");
}

#[test]
fn what_was_under_way_in_a_client_that_is_stopped_is_of_unknown_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let recorder = Recorder::start(&path, Header::default()).unwrap();
    let calls = recorder.calls(&user("ann"));
    let change = Change {
        action: Action::Title,
        thread: Some(thread_id(1)),
        ..Change::default()
    };
    drop(calls.begin(&change));
    recorder.finish().unwrap();
    let last = *events(&path).last().unwrap();
    assert_eq!((last.kind, last.code), (Kind::Info, CRASHED));
}

/// A request that found nothing to do is answered with the entry that another one made.
#[test]
fn an_entry_belongs_to_the_request_that_was_answered_with_it_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let recorder = Recorder::start(&path, Header::default()).unwrap();
    let calls = Arc::new(recorder.calls(&user("ann")));
    let ask = |key: &'static str| {
        let change = Change {
            action: Action::Delete,
            thread: Some(thread_id(1)),
            seq: 1,
            idempotency_key: Some(key),
            ..Change::default()
        };
        calls.begin(&change).changed(thread_id(1), Some(7), 1);
    };
    ["first", "first", "second"].into_iter().for_each(ask);
    recorder.finish().unwrap();
    let events = events(&path);
    let answers = events.iter().filter(|event| event.kind == Kind::Ok);
    assert!(answers.map(|event| event.rev).eq([7, 7, 0]));
    let report = check_file(&path, Options::expecting(vec![])).unwrap();
    assert_ne!(report.verdict(), Verdict::Passed, "nobody read the log");
}
