//! The client against the built server.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::{collections::HashSet, path::Path, process::Command, sync::Arc, time::Duration};

use semel_client::{
    Address, Api, Client, ConnectError, Destination, IdMaker, MemoryStore, NewThread, Note, Notes,
    Session, SessionOptions,
};
use semel_protocol::{
    Code, DeviceId, Entry, ThreadId,
    entry::EntryBody,
    message::SendResult,
    requests::SendMessage,
    socket::{Ack, SendOne, from_client, from_server},
};
use semel_testkit::{Pair, binary, now, random, token};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server on which ann has written to bob.
async fn scene() -> Pair {
    let pair = Pair::start().await.unwrap();
    say(&pair, "hello").await;
    pair
}

/// Ann says something over HTTP.
async fn say(pair: &Pair, content: &str) {
    let body = SendMessage {
        client_id: IdMaker::new(random()).next(now()),
        content: content.to_owned(),
        kind: None,
        reply_to: None,
        attachments: vec![],
    };
    pair.ann.send(pair.thread, &body, None).await.unwrap();
}

fn session(address: &Address, user: &str, new_thread: NewThread) -> (Session, Notes) {
    Session::start(SessionOptions::to(
        address,
        token(user),
        DeviceId("phone".to_owned()),
        new_thread,
        random() as u64,
    ))
}

/// A session that goes on from what an earlier one kept.
fn session_on(store: &Arc<MemoryStore>, address: &Address) -> (Session, Notes) {
    let mut options = SessionOptions::to(
        address,
        token("ann"),
        DeviceId("phone".to_owned()),
        NewThread::WholeLog,
        random() as u64,
    );
    options.store = Arc::clone(store) as _;
    Session::start(options)
}

/// The words of a thread, without the hello.
async fn words(address: &Address, thread: ThreadId) -> Vec<String> {
    let bob = Api::new(address.clone(), &token("bob"));
    let page = bob.messages_after(thread, 1, 200).await.unwrap().data;
    let words = page.messages.into_iter().map(|message| message.content);
    words.collect()
}

fn send(thread_id: ThreadId, ids: &mut IdMaker, content: &str) -> SendOne {
    let (client_id, content) = (ids.next(now()), content.to_owned());
    SendOne {
        thread_id,
        client_id,
        content,
        kind: None,
        reply_to: None,
        attachments: vec![],
    }
}

async fn next_words(notes: &mut Notes) -> String {
    loop {
        let note = timeout(PATIENCE, notes.recv()).await.unwrap().unwrap();
        if let Note::Entry(entry) = note
            && let EntryBody::Message { message } = entry.body
        {
            return message.content;
        }
    }
}

#[tokio::test]
async fn a_token_that_does_not_count_is_refused_with_its_code() {
    let scene = scene().await;
    let refused = Client::connect(&scene.server.address, "x.y.z", None).await;
    let Err(ConnectError::Refused { code, .. }) = refused else {
        panic!("connected")
    };
    assert_eq!(code, Some(Code::Unauthenticated));

    let (_session, mut notes) = Session::start(SessionOptions::to(
        &scene.server.address,
        "x.y.z".to_owned(),
        DeviceId("phone".to_owned()),
        NewThread::Newest,
        1,
    ));
    let note = timeout(PATIENCE, notes.recv()).await.unwrap();
    assert!(matches!(note, Some(Note::Refused(reason)) if reason == "unauthenticated"));
}

#[tokio::test]
async fn many_calls_wait_at_once_and_the_other_side_sees_them_in_order() {
    let scene = scene().await;
    let (ann, _events) = Client::connect(&scene.server.address, &token("ann"), None)
        .await
        .unwrap();
    let (_bob, mut events) = Client::connect(&scene.server.address, &token("bob"), None)
        .await
        .unwrap();
    let mut ids = IdMaker::new(random());
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let (ann, line) = (
                ann.clone(),
                send(scene.thread, &mut ids, &number.to_string()),
            );
            tokio::spawn(async move {
                ann.emit_with_ack::<SendResult>(from_client::MESSAGE_SEND, &line)
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut places = HashSet::new();
    for call in calls {
        let Ack::Success { data } = call.await.unwrap() else {
            panic!("refused")
        };
        assert!(!data.duplicate && places.insert(data.message.seq));
    }
    let mut head = None;
    let mut seen = 0;
    while seen < 40 {
        let event = timeout(PATIENCE, events.next()).await.unwrap().unwrap();
        if event.name == from_server::ENTRY {
            let entry: Entry = event.payload.parse().unwrap();
            assert!(head.is_none_or(|head| entry.rev == head + 1));
            head = Some(entry.rev);
            seen += 1;
        }
    }
}

#[tokio::test]
async fn a_refused_event_has_a_problem() {
    let scene = scene().await;
    let (eve, _events) = Client::connect(&scene.server.address, &token("eve"), None)
        .await
        .unwrap();
    let line = send(scene.thread, &mut IdMaker::new(random()), "let me in");
    let answer = eve
        .emit_with_ack::<SendResult>(from_client::MESSAGE_SEND, &line)
        .await
        .unwrap();
    let Ack::Error { error } = answer else {
        panic!("stored")
    };
    assert_eq!((error.code, error.status), (Code::NotFound, 404));
}

/// Waits until a session has come back after so many cuts.
async fn connected(session: &Session, cuts: u64) {
    let back = async {
        while session.counts().connections <= cuts {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, back).await.unwrap();
}

#[tokio::test]
async fn b5_a_session_misses_nothing_while_it_is_away() {
    let mut scene = scene().await;
    let (ann, mut ann_notes) = session(&scene.server.address, "ann", NewThread::WholeLog);
    let (bob, mut notes) = session(&scene.server.address, "bob", NewThread::WholeLog);
    assert_eq!(next_words(&mut notes).await, "hello");
    let drain = tokio::spawn(async move { while ann_notes.recv().await.is_some() {} });

    let to = Destination::Thread(scene.thread);
    let mut ids = IdMaker::new(random());
    let mut cuts = 0;
    for round in 0..20 {
        if round == 10 {
            scene.server.kill().unwrap();
            scene.server.restart().unwrap();
        } else if round % 3 == 0 {
            connected(&bob, cuts).await;
            bob.cut().await;
            cuts += 1;
        }
        let words = format!("line {round}");
        let stored = ann
            .send(to.clone(), ids.next(now()), words.clone())
            .await
            .unwrap();
        assert_eq!(stored.message.content, words);
    }
    for round in 0..20 {
        assert_eq!(next_words(&mut notes).await, format!("line {round}"));
    }
    connected(&bob, cuts).await;
    ann.stop().await;
    drain.await.unwrap();
}

#[tokio::test]
async fn b7_an_answer_that_got_lost_is_asked_for_again() {
    let scene = scene().await;
    let (ann, mut notes) = session(&scene.server.address, "ann", NewThread::WholeLog);
    let drain = tokio::spawn(async move { while notes.recv().await.is_some() {} });
    let to = Destination::Thread(scene.thread);
    let mut ids = IdMaker::new(random());
    for round in 0..30_u64 {
        let answer = ann
            .enqueue(to.clone(), ids.next(now()), round.to_string())
            .await;
        ann.cut().await;
        let stored = timeout(PATIENCE, answer).await.unwrap().unwrap().unwrap();
        assert_eq!(stored.message.seq, round + 2, "once each, after the hello");
    }
    ann.stop().await;
    drain.await.unwrap();
}

#[tokio::test]
async fn a_new_device_begins_with_the_newest_messages() {
    let scene = scene().await;
    let (_bob, mut notes) = session(&scene.server.address, "bob", NewThread::Newest);
    let reset = loop {
        let note = timeout(PATIENCE, notes.recv()).await.unwrap().unwrap();
        if let Note::Reset {
            thread_id,
            head_rev,
            messages,
        } = note
        {
            break (thread_id, head_rev, messages);
        }
    };
    let (thread, head, messages) = reset;
    assert_eq!((thread, head), (scene.thread, 2));
    assert_eq!(messages[0].content, "hello");

    say(&scene, "again").await;
    assert_eq!(next_words(&mut notes).await, "again");
}

/// The device dies in the middle of what it says, again and again, while the server is killed now and then.
#[tokio::test]
async fn b7_a_device_that_crashes_goes_on_with_what_it_kept() {
    let mut scene = scene().await;
    let store = Arc::new(MemoryStore::new());
    let to = Destination::Thread(scene.thread);
    let mut ids = IdMaker::new(random());
    let mut said = vec![];
    for round in 0..30_u64 {
        let (ann, notes) = session_on(&store, &scene.server.address);
        let mut answers = vec![];
        for n in 0..=round % 4 {
            said.push(format!("{round}/{n}"));
            let content = said.last().unwrap().clone();
            answers.push(ann.enqueue(to.clone(), ids.next(now()), content).await);
        }
        if round % 10 == 5 {
            scene.server.kill().unwrap();
            scene.server.restart().unwrap();
        }
        match round % 3 {
            // At once, in the middle of connecting; or after the first answer, with others under way.
            0 => {}
            1 => tokio::time::sleep(Duration::from_millis(round)).await,
            _ => drop(timeout(PATIENCE, answers.remove(0)).await.unwrap().unwrap()),
        }
        ann.crash().await;
        drop(notes);
    }
    let (ann, notes) = session_on(&store, &scene.server.address);
    said.push("the end".to_owned());
    let end = ann.send(to, ids.next(now()), "the end".to_owned());
    timeout(PATIENCE, end).await.unwrap().unwrap();
    assert_eq!(words(&scene.server.address, scene.thread).await, said);
    assert!(store.kept().outgoing.is_empty());
    ann.stop().await;
    drop(notes);
}

fn run(data_dir: &Path, arguments: &[&str]) {
    let mut command = Command::new(binary());
    // It names the program for tests; the program itself knows no such setting.
    let command = command.env_remove("SEMEL_BINARY").args(arguments);
    let output = command.arg("--data-dir").arg(data_dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

/// What the server had acknowledged after the backup was made is there again when the device has come back.
#[tokio::test]
async fn p_sync_4_after_a_restore_the_device_brings_back_what_was_acknowledged() {
    let mut scene = scene().await;
    let data_dir = scene.server.data_dir().to_owned();
    let copy = data_dir.join("copy.db");
    let copy = copy.to_str().unwrap();
    let store = Arc::new(MemoryStore::new());
    let (ann, mut notes) = session_on(&store, &scene.server.address);
    let drain = tokio::spawn(async move { while notes.recv().await.is_some() {} });
    let to = Destination::Thread(scene.thread);
    let mut ids = IdMaker::new(random());
    let mut said = vec![];
    for n in 0..10 {
        if n == 4 {
            run(&data_dir, &["backup", copy]);
        }
        said.push(n.to_string());
        let sent = ann.send(to.clone(), ids.next(now()), n.to_string());
        timeout(PATIENCE, sent).await.unwrap().unwrap();
    }
    scene.server.stop().unwrap();
    run(&data_dir, &["restore", "--replace", copy]);
    said.push("newer".to_owned());
    let newer = ann.enqueue(to, ids.next(now()), "newer".to_owned()).await;
    scene.server.restart().unwrap();
    timeout(PATIENCE, newer).await.unwrap().unwrap().unwrap();
    assert_eq!(words(&scene.server.address, scene.thread).await, said);
    assert_eq!(ann.counts().offered_again, 10);
    ann.stop().await;
    drain.await.unwrap();
}
