//! One thread into which everybody writes, from every server at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use semel_client::{
    Address, Api, Destination, IdMaker, NewThread, Note, Notes, Session, SessionOptions,
};
use semel_protocol::{
    DeviceId, ThreadId, ThreadType, UserId, entry::EntryBody, requests::CreateOrGet,
    socket::from_server, user::Contact,
};
use semel_services::or_skip;
use semel_testkit::{
    cluster::{Cluster, Plan},
    now, random, token,
};
use tokio::time::{Instant, sleep, timeout};

use crate::people::patience;

const SERVERS: usize = 2;
/// People with a device at each server; all of them together are one group, which makes each a contact of each.
const DEVICES: usize = 24;
/// What everybody writes, one after the other.
const MESSAGES: usize = 8;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(250);
/// From the acknowledgement of a message to the last device that shows it, on a machine that does much else.
const SHOWN_MAX: Duration = Duration::from_secs(3);

fn name(number: usize) -> UserId {
    UserId::parse(&format!("person-{number}")).unwrap()
}

async fn make_group(address: &Address) -> ThreadId {
    let others = (1..SERVERS * DEVICES).map(name);
    let api = Api::new(address.clone(), &token(name(0).as_str()));
    let body = CreateOrGet {
        participants: others.collect(),
        thread_type: Some(ThreadType::Group),
        title: None,
        distinct: None,
        client_id: None,
    };
    api.create_or_get(&body).await.unwrap().data.thread.id
}

/// When each of so many messages came, by what it says; each rev once and in order. Everybody else came as a contact.
async fn read(mut notes: Notes, messages: usize) -> BTreeMap<String, Instant> {
    let (mut shown, mut contacts, mut head) = (BTreeMap::new(), BTreeSet::new(), 0);
    while shown.len() < messages || contacts.len() < SERVERS * DEVICES - 1 {
        match notes.recv().await.expect("the session lives") {
            Note::Entry(entry) => {
                assert_eq!(entry.rev, head + 1, "once and in order");
                head = entry.rev;
                if let EntryBody::Message { message } = entry.body {
                    let before = shown.insert(message.content, Instant::now());
                    assert_eq!(before, None, "once");
                }
            }
            Note::Event(event) if event.name == from_server::CONTACT => {
                let contact = event.payload.parse::<Contact>().unwrap();
                contacts.insert(contact.user.user_id);
            }
            _ => {}
        }
    }
    shown
}

/// Writes one message after the other. When each was acknowledged.
async fn write(session: Arc<Session>, thread: ThreadId, number: usize) -> Vec<(String, Instant)> {
    let mut acknowledged = Vec::new();
    let mut ids = IdMaker::new(random());
    for message in 0..MESSAGES {
        let content = format!("{number}: {message}");
        let id = ids.next(now());
        let sent = session.send(Destination::Thread(thread), id, content.clone());
        sent.await.expect("it is stored");
        acknowledged.push((content, Instant::now()));
        sleep(PAUSE).await;
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_is_written_from_all_servers_is_shown_at_once_by_all_devices() {
    let plan = Plan {
        servers: SERVERS,
        ..Plan::default()
    };
    let Some(cluster) = or_skip(Cluster::start(plan).await) else {
        return;
    };
    let addresses = cluster.addresses();
    let (mut sessions, mut readers) = (Vec::new(), Vec::new());
    let all = SERVERS * DEVICES * MESSAGES;
    for number in 0..SERVERS * DEVICES {
        let (session, mut notes) = Session::start(SessionOptions::to(
            &addresses[number % SERVERS],
            token(name(number).as_str()),
            DeviceId("phone".to_owned()),
            NewThread::WholeLog,
            random() as u64,
        ));
        let connected = async { while !matches!(notes.recv().await, Some(Note::Connected)) {} };
        timeout(patience(), connected).await.expect("it connects");
        sessions.push(Arc::new(session));
        readers.push(tokio::spawn(timeout(patience(), read(notes, all))));
    }
    // Their contacts are told while they begin to write.
    let thread = make_group(&addresses[0]).await;
    let writers: Vec<_> = (0..)
        .zip(&sessions)
        .map(|(number, session)| tokio::spawn(write(Arc::clone(session), thread, number)))
        .collect();
    let mut acknowledged = BTreeMap::new();
    for writer in writers {
        let written = timeout(patience(), writer).await;
        acknowledged.extend(written.expect("everything is answered").unwrap());
    }
    assert_eq!(acknowledged.len(), all);
    let mut latest = Duration::ZERO;
    for reader in readers {
        let shown = reader.await.unwrap();
        let shown = shown.expect("every message and every contact arrives");
        for (content, at) in shown {
            latest = latest.max(at - acknowledged[&content]);
        }
    }
    assert!(
        latest <= SHOWN_MAX,
        "the last device showed one {latest:?} later"
    );
}
