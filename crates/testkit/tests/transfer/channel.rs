//! A channel of Ubuntu's, as its people wrote it in 2004, in one group.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use semel_client::{
    Address, Api, Client, Destination, IdMaker, NewThread, Note, Notes, Session, SessionOptions,
};
use semel_protocol::{
    ClientId, DeviceId, Entry, Message, ThreadId, ThreadType, UserId, entry::EntryBody, limits,
    requests::CreateOrGet,
};
use semel_testkit::{now, random, token};
use serde_json::{Value, json};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::PATIENCE;

const LOG: &str = "../cli/testdata/ubuntu-irc/2004-11-15_03.excerpt.txt";
/// How many of its people are there: those who say most.
const PEOPLE: usize = 8;
/// What one call sends at most.
const BATCH: usize = 100;

/// A group of people who have something to say.
pub(crate) struct Channel {
    address: Address,
    thread: ThreadId,
    /// What each says, in order.
    people: BTreeMap<String, Vec<String>>,
}

/// A message that somebody was told to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) who: String,
    pub(crate) client_id: ClientId,
    pub(crate) content: String,
    pub(crate) message: Message,
}

impl Channel {
    /// The group, with nothing in it.
    pub(crate) async fn open(address: &Address) -> Self {
        let people = people();
        for who in people.keys() {
            let api = Api::new(address.clone(), &token(who));
            api.get::<Value>("/api/users/me").await.unwrap();
        }
        let founder = people.keys().next().unwrap();
        let body = CreateOrGet {
            participants: people
                .keys()
                .map(|who| UserId::parse(who).unwrap())
                .collect(),
            thread_type: Some(ThreadType::Group),
            title: Some("#ubuntu".to_owned()),
            distinct: None,
            client_id: None,
        };
        let api = Api::new(address.clone(), &token(founder));
        let made = api.create_or_get(&body).await.unwrap();
        Self {
            address: address.clone(),
            thread: made.data.thread.id,
            people,
        }
    }

    /// Whoever made it.
    pub(crate) fn founder(&self) -> &str {
        self.people.keys().next().unwrap()
    }

    pub(crate) fn api(&self, who: &str) -> Api {
        Api::new(self.address.clone(), &token(who))
    }

    /// Where its messages are.
    pub(crate) fn path(&self) -> String {
        format!("/api/chat/threads/{}/messages", self.thread)
    }

    /// Its people say so much, over and over what they said.
    pub(crate) async fn fill(&self, count: usize) {
        let mut ids = IdMaker::new(random());
        let mut left = count;
        for (who, words) in self.people.iter().cycle() {
            let (client, _events) = Client::connect(&self.address, &token(who), None)
                .await
                .unwrap();
            let size = left.min(BATCH);
            let said = words.iter().cycle().take(size);
            let said =
                said.map(|content| json!({"client_id": ids.next(now()), "content": content}));
            let batch = json!({"thread_id": self.thread, "messages": said.collect::<Vec<_>>()});
            let answer = client.emit_with_ack::<Value>("message:send", &batch).await;
            let answer = serde_json::to_value(answer.unwrap()).unwrap();
            assert_eq!(answer["status"], "success", "{answer}");
            left -= size;
            if left == 0 {
                return;
            }
        }
    }

    /// The whole log.
    pub(crate) async fn log(&self) -> Vec<Entry> {
        let api = self.api(self.founder());
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry| entry.rev);
            let page = api.entries(self.thread, after, limits::PAGE_ENTRIES_MAX);
            let page = page.await.unwrap().data;
            entries.extend(page.entries);
            if !page.more {
                assert!((1..).zip(&entries).all(|(rev, entry)| entry.rev == rev));
                return entries;
            }
        }
    }

    fn session(&self, who: &str, new_thread: NewThread) -> (Session, Notes) {
        Session::start(SessionOptions::to(
            &self.address,
            token(who),
            DeviceId("phone".to_owned()),
            new_thread,
            random() as u64,
        ))
    }
}

/// Those who say most in the log, by names that everybody may have.
fn people() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(LOG);
    let text = fs::read_to_string(path).unwrap();
    let mut people: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let said = line
            .split_once("] <")
            .and_then(|(_, rest)| rest.split_once("> "));
        if let Some((nick, words)) = said {
            people.entry(nick).or_default().push(words.to_owned());
        }
    }
    let mut people: Vec<_> = people.into_values().collect();
    people.sort_by_key(|words| std::cmp::Reverse(words.len()));
    assert!(people.len() >= PEOPLE, "{}", people.len());
    let people = people.into_iter().take(PEOPLE).enumerate();
    people
        .map(|(n, words)| (format!("irc-{n}"), words))
        .collect()
}

/// The messages of a log.
pub(crate) fn messages(log: &[Entry]) -> impl Iterator<Item = &Message> {
    log.iter().filter_map(|entry| match &entry.body {
        EntryBody::Message { message } => Some(message),
        _ => None,
    })
}

/// Everybody writes, each a line after the other, and somebody listens, all with one session each.
pub(crate) struct Talk {
    speakers: JoinSet<()>,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
    is_over: Arc<AtomicBool>,
    people: Vec<String>,
    listener: Session,
    heard: Arc<Mutex<Vec<Entry>>>,
    listening: JoinHandle<()>,
}

impl Talk {
    pub(crate) fn begin(channel: &Channel) -> Self {
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let mut speakers = JoinSet::new();
        for (who, words) in &channel.people {
            let (session, mut notes) = channel.session(who, NewThread::Newest);
            tokio::spawn(async move { while notes.recv().await.is_some() {} });
            let to = Destination::Thread(channel.thread);
            let (who, words, list) = (who.clone(), words.clone(), Arc::clone(&acknowledged));
            let is_over = Arc::clone(&is_over);
            speakers.spawn(async move {
                let mut ids = IdMaker::new(random());
                for content in words.iter().cycle() {
                    if is_over.load(Relaxed) {
                        break;
                    }
                    let client_id = ids.next(now());
                    let stored = session.send(to.clone(), client_id, content.clone()).await;
                    list.lock().unwrap().push(Acknowledged {
                        who: who.clone(),
                        client_id,
                        content: content.clone(),
                        message: stored.expect("no send fails").message,
                    });
                    sleep(Duration::from_millis(100)).await;
                }
                session.stop().await;
            });
        }
        let (listener, notes) = channel.session(channel.founder(), NewThread::WholeLog);
        let heard = Arc::new(Mutex::new(Vec::new()));
        Self {
            speakers,
            acknowledged,
            is_over,
            people: channel.people.keys().cloned().collect(),
            listener,
            listening: tokio::spawn(listen(notes, Arc::clone(&heard))),
            heard,
        }
    }

    /// Waits until everybody got so much more acknowledged.
    pub(crate) async fn goes_on(&self, count: usize) {
        let before = self.acknowledged.lock().unwrap().len();
        let is_enough = || {
            let list = self.acknowledged.lock().unwrap();
            let of = |who: &String| list[before..].iter().filter(|one| one.who == *who).count();
            // What was on its way before may be told after: so one more.
            self.people.iter().all(|who| of(who) > count)
        };
        let enough = async {
            while !is_enough() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, enough).await.expect("everybody goes on");
    }

    /// Ends it: what the listener heard, and what was acknowledged.
    pub(crate) async fn end(mut self) -> (Vec<Entry>, Vec<Acknowledged>) {
        self.is_over.store(true, Relaxed);
        let speakers = std::mem::take(&mut self.speakers).join_all();
        timeout(PATIENCE, speakers).await.expect("everybody ends");
        let acknowledged = std::mem::take(&mut *self.acknowledged.lock().unwrap());
        let last = acknowledged
            .iter()
            .map(|one| one.message.rev)
            .max()
            .unwrap();
        let hear = async {
            while self
                .heard
                .lock()
                .unwrap()
                .last()
                .is_none_or(|entry| entry.rev < last)
            {
                assert!(!self.listening.is_finished(), "it is the same database");
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, hear).await.expect("everything is heard");
        self.listener.stop().await;
        self.listening.await.expect("it is the same database");
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        (heard, acknowledged)
    }
}

/// Writes down every entry. Nothing begins anew, and nobody is kept out.
async fn listen(mut notes: Notes, heard: Arc<Mutex<Vec<Entry>>>) {
    while let Some(note) = notes.recv().await {
        match note {
            Note::Entry(entry) => heard.lock().unwrap().push(*entry),
            Note::Reset { .. } => panic!("the log begins anew"),
            Note::Left(_) | Note::Refused(_) => panic!("{note:?}"),
            _ => {}
        }
    }
}
