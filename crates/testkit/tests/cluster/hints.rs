//! What servers tell each other over Redis: it brings everything at once, and what is told again changes nothing.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use rustix::process::Signal;
use semel_services::Redis;
use semel_testkit::cluster::Plan;
use serde_json::Value;
use tokio::task::block_in_place;

use crate::scene::Scene;

/// No look in the database helps: the next one comes when the test is over.
const BLIND: &str = "60";
const PATIENCE: Duration = Duration::from_secs(30);

async fn scene() -> Option<Arc<Scene>> {
    let look = ("SEMEL_LOOK_SECONDS".to_owned(), BLIND.to_owned());
    let plan = Plan {
        environment: vec![look],
        ..Plan::default()
    };
    Scene::as_planned(plan).await
}

/// With Redis each message is pushed to the devices at all servers, when it is said and not when somebody looks for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d8_what_is_said_at_one_server_is_pushed_at_the_others_and_nobody_fetches() {
    let Some(scene) = scene().await else { return };
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = bob.devices().await;
    for rev in 2..=31 {
        // Each waits for the one before: so there is never too much to push.
        ann.say(&thread, "words").await;
        for device in &mut devices {
            device.hears(&thread, rev..=rev).await;
        }
    }
    for device in &devices {
        assert_eq!(device.fetches(), 0);
    }
}

/// A hint of a server, as it went over Redis.
struct Hint {
    channel: String,
    text: String,
}

impl Hint {
    /// Up to where it says that a thread goes.
    fn rev(&self, thread: &str) -> Option<u64> {
        self.json()["hints"]["moved"][thread][1].as_u64()
    }

    /// The same from somebody whom nobody knows.
    fn of_another(&self) -> String {
        let mut json = self.json();
        json["from"] = "another".into();
        json.to_string()
    }

    fn json(&self) -> Value {
        self.text.parse().unwrap()
    }
}

/// Writes down what is said on all channels of servers.
fn listen(redis: &Redis) -> Receiver<Hint> {
    let channels = redis.command(&["PUBSUB", "SHARDCHANNELS"]).unwrap();
    let channels: Vec<&str> = channels.lines().collect();
    assert!(!channels.is_empty(), "servers listen");
    let (tell, said) = channel();
    let mut stream = subscribed(redis.address(), &channels).unwrap();
    // It ends with Redis.
    thread::spawn(move || {
        while let Ok(hint) = hint(&mut stream) {
            if tell.send(hint).is_err() {
                return;
            }
        }
    });
    said
}

fn subscribed(redis: SocketAddr, channels: &[&str]) -> io::Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(redis)?;
    stream.write_all(format!("SSUBSCRIBE {}\r\n", channels.join(" ")).as_bytes())?;
    let mut stream = BufReader::new(stream);
    // For each channel a list of three: the word and the name, each after its length, and a count.
    for _ in 0..channels.len() * 6 {
        line(&mut stream)?;
    }
    Ok(stream)
}

/// A list of three, each after its length: a word, the channel, and the message, which has no end of line in it.
fn hint(stream: &mut impl BufRead) -> io::Result<Hint> {
    let mut lines = Vec::new();
    for _ in 0..7 {
        lines.push(line(stream)?);
    }
    let [list, _, word, _, channel, _, text] = lines.try_into().unwrap();
    assert_eq!([&*list, &*word], ["*3", "smessage"]);
    Ok(Hint { channel, text })
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match stream.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}

/// A server that told the others and was killed may tell them again, so may a Redis that repeats what it has, and somebody
/// who listened. Devices hear each entry once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_o02_ec_o05_ec_o08_story_d18_hints_that_are_told_again_tell_devices_nothing_again() {
    let Some(scene) = scene().await else { return };
    let redis = scene.cluster.redis.as_ref().unwrap();
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let said = block_in_place(|| listen(redis));
    let mut devices = vec![bob.device_at(1).await, bob.device_at(2).await];
    let speaker = ann.device_at(0).await;
    for rev in 2..=21 {
        speaker.say(&thread, "words").await;
        for device in &mut devices {
            device.hears(&thread, rev..=rev).await;
        }
    }
    let mut hints: Vec<Hint> = Vec::new();
    while hints
        .last()
        .is_none_or(|hint| hint.rev(&thread) != Some(21))
    {
        let hint = block_in_place(|| said.recv_timeout(PATIENCE));
        hints.push(hint.expect("what was heard was told"));
    }
    hints.retain(|hint| hint.rev(&thread).is_some());
    assert!(hints.len() > 10, "{}", hints.len());
    scene.end(0, Signal::KILL);
    // In order, from the end, and in order: each by whoever told it, and by somebody else.
    for hint in hints.iter().chain(hints.iter().rev()).chain(&hints) {
        for text in [&hint.text, &hint.of_another()] {
            let tell = || redis.command(&["SPUBLISH", &hint.channel, text]);
            let heard: u32 = block_in_place(tell).unwrap().parse().unwrap();
            assert!(heard >= 2, "the servers hear it");
        }
    }
    // What comes next comes next: nothing was told before it.
    ann.say(&thread, "the end").await;
    for device in &mut devices {
        device.hears(&thread, 22..=22).await;
        assert_eq!(device.fetches(), 0);
    }
    assert_eq!(bob.log(&thread).await.len(), 22);
}
