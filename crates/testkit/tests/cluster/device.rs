//! A device that takes no gap and no repeat: what a server pushes has to be right by itself. Where a server was too busy to push
//! and tells the head of a thread instead, the device fetches what is before it, as P-SYNC-6 has it.

use std::{
    collections::{HashMap, VecDeque},
    ops::RangeInclusive,
    time::Duration,
};

use semel_client::{Address, Api, Client, Event, Events};
use semel_testkit::token;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::scene::client_id;

/// Time in which everything must have arrived.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connected device.
pub(crate) struct Device {
    api: Api,
    client: Client,
    events: Events,
    threads: HashMap<String, Known>,
    fetches: usize,
}

/// What a device has of a thread.
struct Known {
    last: u64,
    /// Up to here it fetched by itself; that may be pushed as well.
    fetched: u64,
    /// What nobody has looked at.
    waiting: VecDeque<Value>,
}

impl Device {
    pub(crate) async fn connect(address: &Address, user: &str) -> Self {
        let connected = Client::connect(address, &token(user), None).await;
        let (client, events) = connected.unwrap();
        Self {
            api: Api::new(address.clone(), &token(user)),
            client,
            events,
            threads: HashMap::new(),
            fetches: 0,
        }
    }

    /// How often it fetched because it was told a head that it had not got to: nothing of what it heard came that way when
    /// there are none.
    pub(crate) fn fetches(&self) -> usize {
        self.fetches
    }

    /// Emits something; the acknowledgement.
    pub(crate) async fn emit(&self, name: &str, argument: &Value) -> Value {
        let answer = self.client.emit_with_ack::<Value>(name, argument);
        let answer = timeout(PATIENCE, answer).await.expect("an answer in time");
        serde_json::to_value(answer.unwrap()).unwrap()
    }

    /// Sends a message with a client id of its own; it as it is stored.
    pub(crate) async fn say(&self, thread: &str, content: &str) -> Value {
        let message = json!({"thread_id": thread, "client_id": client_id(), "content": content});
        let answer = self.emit("message:send", &message).await;
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"]["message"].clone()
    }

    /// The next entries of a thread: these, each once, in order.
    pub(crate) async fn hears(&mut self, thread: &str, revs: RangeInclusive<u64>) -> Vec<Value> {
        let mut heard = Vec::new();
        for rev in revs {
            let entry = timeout(PATIENCE, self.next(thread)).await;
            let entry = entry.unwrap_or_else(|_| panic!("rev {rev} of {thread} does not come"));
            assert_eq!(entry["rev"], rev, "each once, in order");
            heard.push(entry);
        }
        heard
    }

    /// Waits until a thread that is new to it goes up to a rev. A device that is told of a new thread from its middle on
    /// fetches what is before; what is pushed has no gap from there.
    pub(crate) async fn reaches(&mut self, thread: &str, rev: u64) {
        let reached = async { while self.next(thread).await["rev"] != rev {} };
        timeout(PATIENCE, reached).await.expect("it gets there");
    }

    /// What comes next with a name, past everything else.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let event = self.events.next().await.expect("the connection lasts");
            if event.name == name {
                return event.payload.parse().unwrap();
            }
        }
    }

    async fn next(&mut self, thread: &str) -> Value {
        loop {
            if let Some(known) = self.threads.get_mut(thread)
                && let Some(entry) = known.waiting.pop_front()
            {
                return entry;
            }
            let event = self.events.next().await.expect("the connection lasts");
            match event.name.as_str() {
                "entry" => self.note(&event),
                "heads" => self.fetch(&event).await,
                _ => {}
            }
        }
    }

    fn note(&mut self, event: &Event) {
        let entry: Value = event.payload.parse().unwrap();
        let rev = entry["rev"].as_u64().unwrap();
        let thread = entry["thread_id"].as_str().unwrap().to_owned();
        let known = self.threads.entry(thread).or_insert(Known {
            last: rev - 1,
            fetched: 0,
            waiting: VecDeque::new(),
        });
        if rev > known.fetched {
            assert_eq!(rev, known.last + 1, "no gap and no repeat: {entry}");
            known.last = rev;
            known.waiting.push_back(entry);
        }
    }

    /// Fetches what it lacks of the threads that it knows, up to the heads that it is told.
    async fn fetch(&mut self, event: &Event) {
        let told: Value = event.payload.parse().unwrap();
        for (thread, known) in &mut self.threads {
            let head = told["heads"][thread].as_u64().unwrap_or(0);
            if head <= known.last {
                continue;
            }
            let path = format!(
                "/api/chat/threads/{thread}/entries?after_rev={}&limit=200",
                known.last
            );
            self.fetches += 1;
            // Who was taken out of it meanwhile gets nothing; whoever waits in vain is told by its deadline.
            let Ok(page) = self.api.get::<Value>(&path).await else {
                continue;
            };
            for entry in page.data["entries"].as_array().unwrap() {
                assert_eq!(entry["rev"], known.last + 1, "no gap and no repeat");
                known.last += 1;
                known.waiting.push_back(entry.clone());
            }
            known.fetched = known.last;
        }
    }
}
