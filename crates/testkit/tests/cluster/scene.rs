//! Where the tests take place: three servers, the weather at Redis, and people who never call the same server twice in a row.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use rustix::process::Signal;
use semel_client::{Answer, Api, Method};
use semel_services::or_skip;
use semel_testkit::{
    cluster::{Cluster, Plan},
    random, token,
};
use serde_json::{Value, json};
use tokio::task::{JoinSet, block_in_place};

use crate::device::Device;

/// How Redis does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weather {
    /// It works.
    Fair,
    /// In the middle of everything it forgets what it has, and throws out those who listen.
    Forgetful,
    /// It is not there.
    Gone,
}

/// A cluster in some weather.
pub(crate) struct Scene {
    pub(crate) cluster: Arc<Cluster>,
    weather: Weather,
    /// Comes before the names of its people: those of other cases are others.
    case: String,
    turn: AtomicUsize,
    /// The server that is not called in its turn: it was ended.
    ended: AtomicUsize,
}

/// Somebody who calls.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    scene: Arc<Scene>,
}

impl Scene {
    /// Servers of its own; none, with a line that says so, where something is missing.
    pub(crate) async fn new(plan: Plan) -> Option<Arc<Self>> {
        let mut plan = plan;
        plan.environment.push(look());
        Self::as_planned(plan).await
    }

    /// The same without looks that come early.
    pub(crate) async fn as_planned(plan: Plan) -> Option<Arc<Self>> {
        let cluster = Arc::new(or_skip(Cluster::start(plan).await)?);
        Some(Arc::new(Self::of(cluster, Weather::Fair, "own".to_owned())))
    }

    /// One of several on the same servers.
    pub(crate) fn of(cluster: Arc<Cluster>, weather: Weather, case: String) -> Self {
        Self {
            cluster,
            weather,
            case,
            turn: AtomicUsize::new(0),
            ended: AtomicUsize::new(usize::MAX),
        }
    }

    /// People of this case, who are known.
    pub(crate) async fn people<const N: usize>(self: &Arc<Self>, names: [&str; N]) -> [Person; N] {
        let people = names.map(|name| self.person(name));
        for person in &people {
            person.get("/api/users/me").await;
        }
        people
    }

    /// Somebody of this case.
    pub(crate) fn person(self: &Arc<Self>, name: &str) -> Person {
        Person {
            id: format!("{}-{name}", self.case),
            scene: Arc::clone(self),
        }
    }

    /// What the weather brings in the middle of a test.
    pub(crate) fn disturb(&self) {
        if self.weather == Weather::Forgetful {
            let redis = self.cluster.redis.as_ref().unwrap();
            block_in_place(|| {
                redis.command(&["FLUSHALL"]).unwrap();
                redis
                    .command(&["CLIENT", "KILL", "TYPE", "pubsub"])
                    .unwrap();
            });
        }
    }

    /// Does everything at once, in the weather; what came of it, in the same order.
    pub(crate) async fn all_at_once<T: Send + 'static>(
        &self,
        calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
    ) -> Vec<T> {
        let mut under_way = JoinSet::new();
        for (n, call) in calls.into_iter().enumerate() {
            under_way.spawn(async move { (n, call.await) });
        }
        let half = under_way.len() / 2;
        let mut done = Vec::new();
        while let Some(one) = under_way.join_next().await {
            done.push(one.unwrap());
            if done.len() == half {
                self.disturb();
            }
        }
        done.sort_by_key(|(n, _)| *n);
        done.into_iter().map(|(_, it)| it).collect()
    }

    /// Ends a server; from now on only the others have their turns.
    pub(crate) fn end(&self, server: usize, how: Signal) {
        self.ended.store(server, Relaxed);
        block_in_place(|| self.cluster.servers[server].signal(how)).unwrap();
    }

    /// The number of the server whose turn it is.
    fn next(&self) -> usize {
        let ended = self.ended.load(Relaxed);
        let turn = || self.turn.fetch_add(1, Relaxed) % self.cluster.servers.len();
        std::iter::repeat_with(turn)
            .find(|server| *server != ended)
            .unwrap()
    }
}

/// Without hints everything waits for a look, so servers look often.
pub(crate) fn look() -> (String, String) {
    ("SEMEL_LOOK_SECONDS".to_owned(), "1".to_owned())
}

impl Person {
    /// Calls a server by its number, over a connection of its own.
    pub(crate) async fn ask_at(
        &self,
        server: usize,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Answer {
        self.try_at(server, method, path, body, key).await.unwrap()
    }

    /// The same where the server may not answer.
    pub(crate) async fn try_at(
        &self,
        server: usize,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Answer, semel_client::ApiError> {
        let address = self.scene.cluster.servers[server].address.clone();
        let api = Api::new(address, &token(&self.id));
        api.ask(method, path, body, key).await
    }

    /// Calls the server whose turn it is.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Answer {
        let server = self.scene.next();
        self.ask_at(server, method, path, body, key).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        success(&self.ask(Method::GET, path, None, None).await)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(&body), None).await
    }

    /// The direct thread with somebody.
    pub(crate) async fn direct(&self, other: &Self) -> String {
        let body = json!({"participants": [other.id]});
        let answer = self.post("/api/chat/create-or-get", body).await;
        text(&success(&answer)["thread"]["id"])
    }

    /// A group with others, which is never found by its people.
    pub(crate) async fn group(&self, others: &[&Self]) -> String {
        let others: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
        let body = json!({"participants": others, "thread_type": "group", "distinct": false});
        let answer = self.post("/api/chat/create-or-get", body).await;
        text(&success(&answer)["thread"]["id"])
    }

    /// Says something once.
    pub(crate) async fn say(&self, thread: &str, content: &str) -> Value {
        let body = json!({"client_id": client_id(), "content": content});
        success(&self.post(&messages(thread), body).await)["message"].clone()
    }

    /// The whole log of a thread, as some server has it.
    pub(crate) async fn log(&self, thread: &str) -> Vec<Value> {
        let mut entries: Vec<Value> = Vec::new();
        loop {
            let after = entries.len();
            let path = format!("/api/chat/threads/{thread}/entries?after_rev={after}&limit=200");
            let page = self.get(&path).await;
            entries.extend(page["entries"].as_array().unwrap().iter().cloned());
            if page["more"] == false {
                for (rev, entry) in (1..).zip(&entries) {
                    assert_eq!(entry["rev"], rev, "no number is missing");
                }
                return entries;
            }
        }
    }

    /// The words of a thread whose people stay the same, by their places.
    pub(crate) async fn words(&self, thread: &str) -> Vec<String> {
        let log = self.log(thread).await;
        let said = log.iter().filter(|entry| entry["type"] == "message");
        let said = (1..).zip(said).map(|(seq, entry)| {
            assert_eq!(entry["message"]["seq"], seq, "{log:#?}");
            text(&entry["message"]["content"])
        });
        said.collect()
    }

    /// A device that is connected to a server.
    pub(crate) async fn device_at(&self, server: usize) -> Device {
        Device::connect(&self.scene.cluster.servers[server].address, &self.id).await
    }

    /// A device on each server.
    pub(crate) async fn devices(&self) -> Vec<Device> {
        let mut devices = Vec::new();
        for server in 0..self.scene.cluster.servers.len() {
            devices.push(self.device_at(server).await);
        }
        devices
    }
}

/// Where the messages of a thread are.
pub(crate) fn messages(thread: &str) -> String {
    format!("/api/chat/threads/{thread}/messages")
}

/// What a successful answer says.
pub(crate) fn success(answer: &Answer) -> Value {
    assert!((200..300).contains(&answer.status), "{}", body(answer));
    body(answer)["data"].clone()
}

/// The status and the code of a refusal.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, text(&body(answer)["code"]))
}

/// The whole body.
pub(crate) fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// A JSON text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A fresh one.
pub(crate) fn client_id() -> String {
    let bytes = random().to_be_bytes();
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    id.to_string()
}
