//! A team moves to `PostgreSQL` and back, with the built program: devices stay, people go on writing, and each move is killed
//! on its way. What was acknowledged is there once, under the ids and numbers that it had.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod channel;
mod moves;

use std::{collections::HashMap, path::Path, time::Duration};

use semel_client::{Answer, IdMaker, Method};
use semel_protocol::{ClientId, Entry};
use semel_services::{Postgres, or_skip};
use semel_testkit::{Launch, Semel, binary, now, random};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use self::{
    channel::{Acknowledged, Channel, Talk, messages},
    moves::Move,
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// Messages that are there before, so that a move takes a while; no more than a new device is given one by one.
const BEFORE: usize = 5_000;
/// What everybody gets acknowledged on each database.
const EACH: usize = 2;

/// The server's settings when its database is there.
fn on(url: &str) -> Launch {
    Launch {
        environment: vec![("DATABASE_URL".into(), url.into())],
        ..Launch::default()
    }
}

fn stop(server: &mut Semel) {
    let status = block_in_place(|| server.stop()).unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_go_on_over_a_move_to_postgresql_and_back_that_are_killed_on_their_way() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let Some(postgres) = or_skip(block_in_place(|| Postgres::start(&at("postgres"), &[]))) else {
        return;
    };
    let url = block_in_place(|| postgres.database("semel")).unwrap();
    let (here, back) = (sqlite(&at("here")), sqlite(&at("back")));
    let mut server = block_in_place(|| {
        let launch = on(&format!("{here}/semel.db"));
        Semel::start_with(binary(), &at("server"), launch)
    })
    .unwrap();
    let channel = Channel::open(&server.address).await;
    channel.fill(BEFORE).await;
    let key = Keyed::send(&channel).await;
    let talk = Talk::begin(&channel);
    talk.goes_on(EACH).await;

    stop(&mut server);
    let has_begun = || {
        let rows = postgres.sql_in("semel", "SELECT count(*) FROM log");
        rows.is_ok_and(|rows| rows.parse::<usize>().unwrap() > 0)
    };
    let there = Move::new(directory.path(), &here, &url);
    block_in_place(|| there.killed_when(has_begun));
    there.is_refused_to(&url);
    block_in_place(|| there.goes_on());
    block_in_place(|| server.restart_with(on(&url))).unwrap();
    talk.goes_on(EACH).await;
    key.is_replayed(&channel).await;
    let between = channel.log().await;

    stop(&mut server);
    let has_begun = || {
        let files = ["back/semel.db", "back/semel.db-wal"].map(|name| at(name).metadata());
        let bytes = files.into_iter().flatten().map(|file| file.len());
        bytes.sum::<u64>() > 1024 * 1024
    };
    let home = Move::new(directory.path(), &url, &back);
    block_in_place(|| home.killed_when(has_begun));
    home.is_refused_to(&format!("{back}/semel.db"));
    block_in_place(|| home.goes_on());
    let launch = on(&format!("{back}/semel.db"));
    block_in_place(|| server.restart_with(launch)).unwrap();
    talk.goes_on(EACH).await;
    key.is_replayed(&channel).await;

    let (heard, acknowledged) = talk.end().await;
    let log = channel.log().await;
    assert_eq!(log[..between.len()], between, "what was there is as it was");
    assert!((1..).zip(&heard).all(|(rev, entry)| entry.rev == rev));
    assert_eq!(
        heard,
        log[..heard.len()],
        "the device that stayed has the same"
    );
    assert_eq!(heard.len(), log.len());
    each_is_there_once(&log, &acknowledged);
    repeats_are_duplicates(&channel, &acknowledged).await;
    assert_eq!(channel.log().await.len(), log.len());
    stop(&mut server);
    moves::is_sound(directory.path(), &format!("{back}/semel.db"));
}

/// As `--from` and `--to` have it.
fn sqlite(directory: &Path) -> String {
    format!("sqlite:{}", directory.display())
}

fn each_is_there_once(log: &[Entry], acknowledged: &[Acknowledged]) {
    let mut stored: HashMap<ClientId, Vec<_>> = HashMap::new();
    for message in messages(log) {
        let id = message.client_id.unwrap();
        stored.entry(id).or_default().push(message);
    }
    for (seq, message) in (1..).zip(messages(log)) {
        assert_eq!(message.seq, seq, "no number is missing");
    }
    for told in acknowledged {
        let [message] = &stored[&told.client_id][..] else {
            panic!("{told:?} is there more than once");
        };
        assert_eq!(
            (message.id, message.seq, &message.content),
            (told.message.id, told.message.seq, &told.content)
        );
    }
}

/// Whatever was sent on whichever database is known on the last one.
async fn repeats_are_duplicates(channel: &Channel, acknowledged: &[Acknowledged]) {
    for told in acknowledged {
        let (api, path) = (channel.api(&told.who), channel.path());
        let body = json!({"client_id": told.client_id, "content": told.content});
        let answer = api.ask(Method::POST, &path, Some(&body), None);
        let answer = answer.await.unwrap();
        let data: Value = serde_json::from_slice(&answer.body).unwrap();
        let (data, status) = (&data["data"], answer.status);
        assert_eq!((status, &data["duplicate"]), (200, &json!(true)), "{data}");
        assert_eq!(data["message"]["id"], json!(told.message.id));
        assert_eq!(data["message"]["seq"], told.message.seq);
    }
}

/// Something that was sent under a key.
struct Keyed {
    body: Value,
    answer: Answer,
}

impl Keyed {
    async fn send(channel: &Channel) -> Self {
        let id = IdMaker::new(random()).next(now());
        let body = json!({"client_id": id, "content": "under a key"});
        let answer = Self::ask(channel, &body).await;
        assert_eq!((answer.status, answer.is_replay), (201, false));
        Self { body, answer }
    }

    async fn is_replayed(&self, channel: &Channel) {
        let answer = Self::ask(channel, &self.body).await;
        assert!(answer.is_replay);
        assert_eq!(
            (answer.status, &answer.body),
            (self.answer.status, &self.answer.body)
        );
    }

    async fn ask(channel: &Channel, body: &Value) -> Answer {
        let (api, path) = (channel.api(channel.founder()), channel.path());
        let answer = api.ask(Method::POST, &path, Some(body), Some("key"));
        answer.await.unwrap()
    }
}
