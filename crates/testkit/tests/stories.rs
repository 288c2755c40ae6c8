//! What went wrong elsewhere, told again with the built program and the client: it starts, stops and breaks off.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::{collections::HashMap, process::Command, sync::Arc, time::Duration};

use semel_client::{
    Address, Api, Destination, IdMaker, NewThread, Note, Notes, Session, SessionOptions,
};
use semel_protocol::{
    ClientId, DeviceId, Entry, ThreadId, entry::EntryBody, limits, requests::SendMessage,
};
use semel_testkit::{Pair, now, random, token};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(30);

async fn scene() -> Pair {
    Pair::start().await.unwrap()
}

fn session(address: &Address, user: &str) -> (Session, Notes) {
    Session::start(SessionOptions::to(
        address,
        token(user),
        DeviceId("phone".to_owned()),
        NewThread::WholeLog,
        random() as u64,
    ))
}

/// A session whose notes nobody wants.
fn deaf_session(address: &Address, user: &str) -> Session {
    let (session, mut notes) = session(address, user);
    tokio::spawn(async move { while notes.recv().await.is_some() {} });
    session
}

fn message(client_id: ClientId, content: &str) -> SendMessage {
    SendMessage {
        client_id,
        content: content.to_owned(),
        kind: None,
        reply_to: None,
        attachments: vec![],
    }
}

async fn log(api: &Api, thread: ThreadId) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.rev);
        let page = api.entries(thread, after, limits::PAGE_ENTRIES_MAX).await;
        let page = page.unwrap().data;
        entries.extend(page.entries);
        if !page.more {
            assert!((1..).zip(&entries).all(|(rev, entry)| entry.rev == rev));
            return entries;
        }
    }
}

/// The messages of a log, in order: whose id, and what.
fn said(log: &[Entry]) -> Vec<(ClientId, String)> {
    let messages = log.iter().filter_map(|entry| match &entry.body {
        EntryBody::Message { message } => {
            Some((message.client_id.unwrap(), message.content.clone()))
        }
        _ => None,
    });
    messages.collect()
}

/// The app dies after it has sent, is started again, and sends what its outbox still has.
#[tokio::test]
async fn ec_m22_req_b7_story_d1_story_d3_a_draft_that_is_sent_again_by_a_new_session_is_one_message()
 {
    let scene = scene().await;
    let mut ids = IdMaker::new(random());
    let to = Destination::Thread(scene.thread);
    let mut sent = Vec::new();
    for round in 0..10_u64 {
        let (id, words) = (ids.next(now()), format!("draft {round}"));
        let app = deaf_session(&scene.server.address, "ann");
        let answer = app.enqueue(to.clone(), id, words.clone()).await;
        // Sometimes it dies before it has the answer, sometimes before it has written it down.
        match round % 3 {
            0 => app.cut().await,
            1 => drop(answer.await),
            _ => {}
        }
        drop(app);
        let app = deaf_session(&scene.server.address, "ann");
        let stored = timeout(PATIENCE, app.send(to.clone(), id, words.clone())).await;
        assert_eq!(stored.unwrap().unwrap().message.seq, round + 1);
        app.stop().await;
        sent.push((id, words));
    }
    assert_eq!(said(&log(&scene.ann, scene.thread).await), sent);
}

/// Several tabs share one outbox: each sends everything.
#[tokio::test]
async fn req_b7_several_tabs_that_send_the_same_outbox_send_it_once() {
    let scene = scene().await;
    let mut ids = IdMaker::new(random());
    let drafts: Vec<(ClientId, String)> = (0..20)
        .map(|n| (ids.next(now()), format!("draft {n}")))
        .collect();
    let mut tabs = Vec::new();
    for _ in 0..5 {
        let (tab, drafts) = (deaf_session(&scene.server.address, "ann"), drafts.clone());
        let to = Destination::Thread(scene.thread);
        tabs.push(tokio::spawn(async move {
            let mut places = Vec::new();
            for (id, words) in drafts {
                let stored = timeout(PATIENCE, tab.send(to.clone(), id, words)).await;
                places.push(stored.unwrap().unwrap().message.seq);
            }
            tab.stop().await;
            places
        }));
    }
    for tab in tabs {
        assert_eq!(tab.await.unwrap(), (1..=20).collect::<Vec<_>>());
    }
    assert_eq!(said(&log(&scene.ann, scene.thread).await), drafts);
}

/// What was written without a connection goes in the order in which it was written, whatever its size.
#[tokio::test]
async fn req_b8_story_o6_messages_of_different_size_do_not_overtake_each_other() {
    let mut scene = scene().await;
    let mut ids = IdMaker::new(random());
    let to = Destination::Thread(scene.thread);
    let ann = deaf_session(&scene.server.address, "ann");
    let first = ann.send(to.clone(), ids.next(now()), "0".to_owned()).await;
    assert_eq!(first.unwrap().message.seq, 1);
    scene.server.kill().unwrap();
    let mut answers = Vec::new();
    for n in 1..60 {
        let size = if n % 2 == 0 { 15_000 } else { 1 };
        let words = format!("{n:x<size$}");
        answers.push(ann.enqueue(to.clone(), ids.next(now()), words).await);
    }
    scene.server.restart().unwrap();
    for (answer, seq) in answers.into_iter().zip(2..) {
        if seq % 7 == 0 {
            ann.cut().await;
        }
        let stored = timeout(PATIENCE, answer).await.unwrap().unwrap().unwrap();
        assert_eq!(stored.message.seq, seq);
    }
    ann.stop().await;
}

/// Everything arrives in the order of the log, although half of the answers overtake it.
#[tokio::test]
async fn req_b4_story_o4_own_and_others_messages_come_in_the_order_of_the_log() {
    let scene = scene().await;
    let (ann, mut notes) = session(&scene.server.address, "ann");
    let bob = deaf_session(&scene.server.address, "bob");
    let to = Destination::Thread(scene.thread);
    let (mut of_ann, mut of_bob) = (IdMaker::new(random()), IdMaker::new(random()));
    let mut answers = Vec::new();
    for n in 0..100 {
        answers.push(
            ann.enqueue(to.clone(), of_ann.next(now()), format!("a{n}"))
                .await,
        );
        answers.push(
            bob.enqueue(to.clone(), of_bob.next(now()), format!("b{n}"))
                .await,
        );
        if n % 30 == 0 {
            ann.cut().await;
        }
    }
    let mut seqs = Vec::new();
    while seqs.len() < 200 {
        let note = timeout(PATIENCE, notes.recv()).await.unwrap().unwrap();
        if let Note::Entry(entry) = note
            && let EntryBody::Message { message } = entry.body
        {
            seqs.push(message.seq);
        }
    }
    assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
    for answer in answers {
        timeout(PATIENCE, answer).await.unwrap().unwrap().unwrap();
    }
}

/// What somebody wrote until the server stopped.
struct Written {
    acknowledged: HashMap<ClientId, u64>,
    unanswered: (ClientId, String),
}

async fn write_until_it_stops(
    api: Api,
    thread: ThreadId,
    count: Arc<watch::Sender<usize>>,
) -> Written {
    let mut ids = IdMaker::new(random());
    let mut acknowledged = HashMap::new();
    loop {
        let (id, words) = (ids.next(now()), format!("words {}", acknowledged.len()));
        let body = message(id, &words);
        match api.send(thread, &body, Some(&id.to_string())).await {
            Ok(reply) => {
                acknowledged.insert(id, reply.data.message.seq);
                count.send_modify(|count| *count += 1);
            }
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                return Written {
                    acknowledged,
                    unanswered: (id, words),
                };
            }
        }
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_f14_a_graceful_stop_finishes_requests_or_leaves_nothing_of_them() {
    let mut scene = scene().await;
    let count = Arc::new(watch::Sender::new(0));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let api = Api::new(scene.server.address.clone(), &token("ann"));
            tokio::spawn(write_until_it_stops(api, scene.thread, Arc::clone(&count)))
        })
        .collect();
    let device = deaf_session(&scene.server.address, "bob");
    count
        .subscribe()
        .wait_for(|count| *count > 200)
        .await
        .unwrap();
    let pid = scene.server.pid().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    // The note goes when everything is stored and closed.
    let note = scene.directory.path().join("server.json");
    let stopped = async {
        while note.exists() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, stopped).await.expect("it stops in time");
    let mut written = Vec::new();
    for writer in writers {
        written.push(timeout(PATIENCE, writer).await.unwrap().unwrap());
    }
    scene.server.kill().unwrap();
    scene.server.restart().unwrap();

    let ann = Api::new(scene.server.address.clone(), &token("ann"));
    let before = said(&log(&ann, scene.thread).await);
    for (id, seq) in written.iter().flat_map(|written| &written.acknowledged) {
        assert_eq!(
            before[*seq as usize - 1].0,
            *id,
            "acknowledged and at its place"
        );
    }
    let acknowledged: usize = written
        .iter()
        .map(|written| written.acknowledged.len())
        .sum();
    assert!(before.len() <= acknowledged + written.len());
    for Written {
        unanswered: (id, words),
        ..
    } in &written
    {
        for _ in 0..2 {
            let (body, key) = (message(*id, words), id.to_string());
            let again = ann.send(scene.thread, &body, Some(&key));
            assert_eq!(again.await.unwrap().data.message.content, *words);
        }
    }
    let after = said(&log(&ann, scene.thread).await);
    assert_eq!(
        after.len(),
        acknowledged + written.len(),
        "each of them once"
    );
    device.stop().await;
}

/// A thread has no owner that could die: whoever was in the middle of a send, the others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_o7_a_thread_goes_on_after_a_kill_in_the_middle_of_sends() {
    let mut scene = scene().await;
    let to = Destination::Thread(scene.thread);
    let ann = deaf_session(&scene.server.address, "ann");
    let bob = deaf_session(&scene.server.address, "bob");
    let (mut of_ann, mut of_bob) = (IdMaker::new(random()), IdMaker::new(random()));
    for round in 0..3 {
        let mut answers = Vec::new();
        for n in 0..50 {
            let words = format!("{round} {n}");
            answers.push(
                ann.enqueue(to.clone(), of_ann.next(now()), words.clone())
                    .await,
            );
            answers.push(bob.enqueue(to.clone(), of_bob.next(now()), words).await);
        }
        scene.server.kill().unwrap();
        scene.server.restart().unwrap();
        for answer in answers {
            timeout(PATIENCE, answer).await.unwrap().unwrap().unwrap();
        }
    }
    let reader = Api::new(scene.server.address.clone(), &token("bob"));
    assert_eq!(said(&log(&reader, scene.thread).await).len(), 300);
}
