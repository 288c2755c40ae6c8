//! Before the real server: what arrives twice takes effect once, and an answer that is lost belongs to something done.

use std::time::Duration;

use semel_client::{Api, ApiError, Client, IdMaker};
use semel_protocol::{
    Message, ThreadId, limits,
    message::SendResult,
    requests::SendMessage,
    socket::{Ack, SendOne, from_client},
};
use semel_testkit::{
    Pair,
    faults::until,
    now,
    proxy::{Again, Proxy, Repeat, Rules},
    random, token,
};

use crate::{PATIENCE, QUIET};

struct Scene {
    proxy: Proxy,
    thread: ThreadId,
    ids: IdMaker,
    pair: Pair,
}

/// A real server on which ann can write to bob, through the proxy.
async fn scene() -> Scene {
    let pair = Pair::start().await.unwrap();
    Scene {
        proxy: Proxy::start(&pair.server.address, 9).await.unwrap(),
        thread: pair.thread,
        ids: IdMaker::new(random()),
        pair,
    }
}

impl Scene {
    fn body(&mut self, content: &str) -> SendMessage {
        SendMessage {
            client_id: self.ids.next(now()),
            content: content.to_owned(),
            kind: None,
            reply_to: None,
            attachments: vec![],
        }
    }

    fn event(&mut self, content: &str) -> SendOne {
        let SendMessage {
            client_id,
            content,
            kind,
            reply_to,
            attachments,
        } = self.body(content);
        SendOne {
            thread_id: self.thread,
            client_id,
            content,
            kind,
            reply_to,
            attachments,
        }
    }

    async fn messages(&self) -> Vec<Message> {
        let page = self
            .pair
            .ann
            .messages_after(self.thread, 0, limits::PAGE_MESSAGES_MAX);
        page.await.unwrap().data.messages
    }

    async fn contents(&self) -> Vec<String> {
        let messages = self.messages().await;
        messages
            .into_iter()
            .map(|message| message.content)
            .collect()
    }
}

fn every(when: Vec<Again>) -> Rules {
    Rules {
        repeat: Some(Repeat {
            per_mille: 1_000,
            when,
        }),
        ..Rules::default()
    }
}

fn all_times() -> Vec<Again> {
    let soon = Duration::ZERO..=Duration::from_millis(50);
    vec![Again::AtOnce, Again::AfterAnswer, Again::After(soon)]
}

#[tokio::test]
async fn fault_n4_requests_that_arrive_twice_at_a_real_server_take_effect_once() {
    let mut scene = scene().await;
    scene.proxy.set(every(all_times()));
    let ann = Api::new(scene.proxy.address.clone(), &token("ann"));
    let mut expected = vec![];
    for number in 0..20 {
        let body = scene.body(&format!("line {number}"));
        let key = (number % 2 == 0).then(|| format!("key-{number}"));
        let sent = ann.send(scene.thread, &body, key.as_deref()).await.unwrap();
        assert_eq!(sent.data.message.content, body.content);
        expected.push(body.content);
    }
    scene.proxy.settle().await;
    let counts = scene.proxy.counts();
    assert_eq!((counts.requests, counts.requests_repeated), (20, 20));
    assert_eq!(scene.contents().await, expected);
}

#[tokio::test]
async fn fault_n4_events_that_arrive_twice_at_a_real_server_take_effect_once() {
    let mut scene = scene().await;
    scene.proxy.set(every(all_times()));
    let connected = Client::connect(&scene.proxy.address, &token("ann"), None).await;
    let (ann, mut events) = connected.unwrap();
    tokio::spawn(async move { while events.next().await.is_some() {} });
    let mut expected = vec![];
    for number in 0..20 {
        let event = scene.event(&format!("line {number}"));
        let answer = ann.emit_with_ack::<SendResult>(from_client::MESSAGE_SEND, &event);
        let Ack::Success { data } = answer.await.unwrap() else {
            panic!("refused")
        };
        assert_eq!(data.message.content, event.content);
        expected.push(event.content);
    }
    // The last ones are still to be repeated: what comes behind them shows that they came.
    let again = async || scene.proxy.counts().events_repeated == 20;
    until("all were repeated", PATIENCE, again).await.unwrap();
    assert_eq!(scene.contents().await, expected);
    tokio::time::sleep(QUIET).await;
    assert_eq!(scene.contents().await, expected);
    assert_eq!(scene.proxy.counts().events, 20);
}

#[tokio::test]
async fn fault_n5_an_answer_that_is_swallowed_belongs_to_something_that_was_done() {
    let mut scene = scene().await;
    let address = scene.proxy.address.clone();
    scene.proxy.set(Rules {
        swallow_per_mille: 1_000,
        ..Rules::default()
    });
    let ann = Api::new(address.clone(), &token("ann"));
    let body = scene.body("over HTTP");
    let lost = ann.send(scene.thread, &body, Some("a-key")).await;
    assert!(matches!(lost, Err(ApiError::Connection(_))), "{lost:?}");
    let (client, mut events) = Client::connect(&address, &token("ann"), None)
        .await
        .unwrap();
    tokio::spawn(async move { while events.next().await.is_some() {} });
    let event = scene.event("over Socket.IO");
    let lost = client
        .emit_with_ack::<SendResult>(from_client::MESSAGE_SEND, &event)
        .await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(scene.proxy.counts().swallowed, 2);

    let stored = scene.messages().await;
    assert_eq!(stored.len(), 2);
    scene.proxy.set(Rules::default());
    let again = ann.send(scene.thread, &body, Some("a-key")).await.unwrap();
    assert!(again.is_replay && again.data.message == stored[0]);
    let (client, _events) = Client::connect(&address, &token("ann"), None)
        .await
        .unwrap();
    let again = client
        .emit_with_ack::<SendResult>(from_client::MESSAGE_SEND, &event)
        .await;
    let Ack::Success { data } = again.unwrap() else {
        panic!("refused")
    };
    assert!(data.duplicate && data.message == stored[1]);
}
