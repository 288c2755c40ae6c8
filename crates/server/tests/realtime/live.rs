//! What devices are told.

use std::collections::BTreeMap;

use semel_core::ports::Listener;
use serde_json::{Value, json};

use super::support::{Device, Server, client_id, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s8_who_was_removed_hears_of_it_and_of_nothing_after() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob", "cy"]).await;
    let (mut ann, mut bob, mut cy) = (
        server.device("ann").await,
        server.device("bob").await,
        server.device("cy").await,
    );
    ann.say(&thread, "before").await;
    let path = format!("/api/chat/threads/{thread}/participants/bob");
    server.http("ann", "DELETE", &path, Value::Null).await;
    let after = ann.say(&thread, "after").await["rev"].as_u64().unwrap();
    let seen = cy.entries(&thread, after).await;
    assert_eq!(seen[seen.len() - 2]["type"], "participant_removed");
    let told: Vec<_> = bob
        .settle()
        .await
        .into_iter()
        .filter(|(name, _)| name == "entry")
        .collect();
    assert_eq!(told.last().unwrap().1["type"], "participant_removed");
    // A while later, lists and heads included.
    cy.event("heads", |heads| heads["heads"][&thread] == after)
        .await;
    let later = bob.settle().await;
    assert!(
        later
            .iter()
            .all(|(_, data)| !data.to_string().contains("after")),
        "{later:?}"
    );
    assert!(
        later
            .iter()
            .all(|(name, _)| name != "entry" && name != "conversation_updated")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_added_hears_from_then_on() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    server.people(&["cy"]).await;
    let mut ann = server.device("ann").await;
    let mut cy = server.device("cy").await;
    let early = ann.say(&thread, "early").await;
    let body = json!({"new_participants": ["cy"]});
    server
        .http(
            "ann",
            "POST",
            &format!("/api/chat/threads/{thread}/expand"),
            body,
        )
        .await;
    let last = ann.say(&thread, "hello cy").await["rev"].as_u64().unwrap();
    let entries = cy.entries(&thread, last).await;
    assert_eq!(entries[0]["type"], "participants_added");
    assert_eq!(entries[0]["rev"], early["rev"].as_u64().unwrap() + 1);
    assert_eq!(entries[1]["message"]["content"], "hello cy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b6_positions_come_to_everybody_and_never_go_back() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let mut tablet = server.device("bob").await;
    for n in 0..3 {
        ann.say(&thread, &n.to_string()).await;
    }
    let at = |seq: u64| json!({"thread_id": thread, "seq": seq});
    bob.done("delivered", &at(3)).await;
    let (low, high) = (
        bob.emit("read", &at(1)).await,
        bob.emit("read", &at(2)).await,
    );
    assert_eq!(bob.ack(high).await["data"]["read_seq"], 2);
    assert_eq!(bob.ack(low).await["data"]["read_seq"], 2);
    let of_bob =
        |seq: u64| move |receipt: &Value| receipt["user_id"] == "bob" && receipt["seq"] == seq;
    ann.event("read", of_bob(2)).await;
    tablet.event("read", of_bob(2)).await;
    let data = bob.done("read", &at(1)).await;
    assert_eq!(
        (&data["read_seq"], &data["unread_count"]),
        (&json!(2), &json!(1))
    );
    let view = server
        .http(
            "ann",
            "GET",
            &format!("/api/chat/threads/{thread}"),
            Value::Null,
        )
        .await;
    let people = view["thread"]["participants"].as_array().unwrap();
    let bob_row = people
        .iter()
        .find(|person| person["user_id"] == "bob")
        .unwrap();
    assert_eq!(
        (&bob_row["read_seq"], &bob_row["delivered_seq"]),
        (&json!(2), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivered_position_is_told() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    ann.say(&thread, "x").await;
    bob.done("delivered", &json!({"thread_id": thread, "seq": 1}))
        .await;
    ann.event("delivered", |receipt| {
        receipt["user_id"] == "bob" && receipt["seq"] == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d6_typing_comes_to_the_others() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob", "cy"]).await;
    server.people(&["eve"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let mut eve = server.device("eve").await;
    let notice = json!({"thread_id": thread, "typing": true});
    ann.done("typing", &notice).await;
    let told = bob.event("typing", |_| true).await;
    assert_eq!(
        told,
        json!({"thread_id": thread, "user_id": "ann", "typing": true})
    );
    for name in ["typing", "entry"] {
        assert!(ann.settle().await.iter().all(|(event, _)| event != name));
        assert!(eve.settle().await.iter().all(|(event, _)| event != name));
    }
    let mut codes = Vec::new();
    for _ in 0..20 {
        codes.push(ann.call("typing", &notice).await["error"]["code"].clone());
    }
    assert!(codes.contains(&json!("rate_limited")), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d6_presence_is_for_contacts() {
    let server = Server::start().await;
    server.group(&["ann", "bob"]).await;
    server.people(&["eve"]).await;
    let mut ann = server.device("ann").await;
    let ask = json!({"user_ids": ["bob", "eve", "nobody"]});
    let eve = server.device("eve").await;
    let told = ann.done("presence", &ask).await["presence"].clone();
    assert_eq!(
        told,
        json!([{"user_id": "bob", "online": false, "last_seen_at": null}])
    );
    let bob = server.device("bob").await;
    let second = server.device("bob").await;
    let online = ann.event("presence", |_| true).await;
    assert_eq!(
        (&online["user_id"], &online["online"]),
        (&json!("bob"), &json!(true))
    );
    bob.hang_up().await;
    eve.hang_up().await;
    until("two have gone", || server.realtime.device_count() == 2).await;
    assert!(
        ann.settle()
            .await
            .iter()
            .all(|(name, _)| name != "presence")
    );
    second.hang_up().await;
    let offline = ann.event("presence", |_| true).await;
    assert_eq!(
        (&offline["user_id"], &offline["online"]),
        (&json!("bob"), &json!(false))
    );
    assert!(offline["last_seen_at"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d3_a_new_contact_is_told_to_both() {
    let server = Server::start().await;
    server.people(&["bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let start = json!({"participants": ["bob"], "message_content": "hi", "client_id": client_id()});
    ann.done("message:send", &start).await;
    assert_eq!(
        ann.event("contact", |_| true).await["user"]["user_id"],
        "bob"
    );
    assert_eq!(
        bob.event("contact", |_| true).await["user"]["user_id"],
        "ann"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_tell_how_far_threads_are() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let rev = ann.say(&thread, "x").await["rev"].clone();
    let heads = bob.event("heads", |_| true).await;
    assert_eq!(heads["heads"], json!({thread: rev}));
}

/// Everything that happens to a thread, over HTTP and sockets; then what a device was told gives what a fresh device
/// is given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b4_state_and_events_are_the_new_state() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    server.people(&["cy"]).await;
    let mut bob = server.device("bob").await;
    let fresh = bob.done("sync", &json!({})).await;
    let mut copy = Copy::of(&fresh["threads"][0]);
    let mut ann = server.device("ann").await;
    let messages = [ann.say(&thread, "one").await, ann.say(&thread, "two").await];
    let at = |n: usize| json!({"thread_id": thread, "message_id": messages[n]["id"]});
    let mut edit = at(0);
    edit["content"] = json!("ONE");
    ann.done("message:edit", &edit).await;
    let mut react = at(0);
    react["emoji"] = json!("🎉");
    ann.done("reaction:add", &react).await;
    ann.done("message:delete", &at(1)).await;
    let path = format!("/api/chat/threads/{thread}");
    server
        .http(
            "ann",
            "POST",
            &format!("{path}/expand"),
            json!({"new_participants": ["cy"]}),
        )
        .await;
    server
        .http("ann", "PATCH", &path, json!({"title": "Our group"}))
        .await;
    let role = json!({"role": "admin"});
    server
        .http(
            "ann",
            "POST",
            &format!("{path}/participants/bob/role"),
            role,
        )
        .await;
    let settings = json!({"settings": {"posting": "admins"}});
    server.http("ann", "PATCH", &path, settings).await;
    server
        .http("cy", "POST", &format!("{path}/leave"), Value::Null)
        .await;
    ann.say(&thread, "end").await;
    let view = server.http("bob", "GET", &path, Value::Null).await["thread"].clone();
    for entry in bob
        .entries(&thread, view["last_rev"].as_u64().unwrap())
        .await
    {
        copy.apply(&entry);
    }
    let mut laptop = server.device("bob").await;
    let fresh = laptop.done("sync", &json!({})).await;
    assert_eq!(copy, Copy::of(&fresh["threads"][0]));
    let line = bob
        .event("conversation_updated", |line| {
            line["rev"] == view["last_rev"]
        })
        .await;
    for field in [
        "last_seq",
        "message_count",
        "participant_count",
        "last_message",
        "title",
    ] {
        assert_eq!(line[field], view[field], "{field}");
    }
}

/// A device's copy of a thread.
#[derive(Debug, PartialEq)]
struct Copy {
    rev: u64,
    chain: Value,
    title: Value,
    settings: Value,
    roles: BTreeMap<String, Value>,
    messages: BTreeMap<u64, Value>,
}

impl Copy {
    fn of(sync: &Value) -> Self {
        let thread = &sync["thread"];
        let people = thread["participants"].as_array().unwrap();
        let messages = sync["messages"].as_array().unwrap();
        Self {
            rev: sync["head_rev"].as_u64().unwrap(),
            chain: thread["chain"].clone(),
            title: thread["title"].clone(),
            settings: thread["settings"].clone(),
            roles: people
                .iter()
                .map(|person| {
                    (
                        person["user_id"].as_str().unwrap().into(),
                        person["role"].clone(),
                    )
                })
                .collect(),
            messages: messages
                .iter()
                .map(|message| (message["seq"].as_u64().unwrap(), message.clone()))
                .collect(),
        }
    }

    fn apply(&mut self, entry: &Value) {
        let rev = entry["rev"].as_u64().unwrap();
        assert_eq!(rev, self.rev + 1, "no repeat, no skip");
        self.rev = rev;
        self.chain = entry["chain"].clone();
        if let Some(seq) = entry["message"]["seq"].as_u64() {
            self.messages.insert(seq, entry["message"].clone());
        }
        let people = entry["user_ids"].as_array().cloned().unwrap_or_default();
        for person in people {
            let person = person.as_str().unwrap().to_owned();
            match entry["type"].as_str().unwrap() {
                "participants_added" => self.roles.insert(person, json!("participant")),
                "role_changed" => self.roles.insert(person, entry["role"].clone()),
                _ => self.roles.remove(&person),
            };
        }
        if let Some(title) = entry.get("title") {
            self.title = title.clone();
        }
        if let Some(settings) = entry.get("settings") {
            self.settings = settings.clone();
        }
    }
}

/// Large threads push to those who look; the others hear of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_threads_push_only_to_devices_that_have_them_open() {
    let server = Server::start().await;
    let names: Vec<String> = (0..1_001).map(|n| format!("user-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    server.people(&names).await;
    let thread = server.group(&names[..1_000]).await;
    let expand = json!({"new_participants": [names[1_000]]});
    server
        .http(
            names[0],
            "POST",
            &format!("/api/chat/threads/{thread}/expand"),
            expand,
        )
        .await;
    let mut writer = server.device(names[0]).await;
    let mut looks = server.device(names[1]).await;
    let mut away = server.device(names[1]).await;
    let open = json!({"thread_id": thread});
    looks.done("thread:open", &open).await;
    let rev = writer.say(&thread, "to those who look").await["rev"]
        .as_u64()
        .unwrap();
    looks.entries(&thread, rev).await;
    away.event("heads", |heads| heads["heads"][&thread] == rev)
        .await;
    assert!(is_quiet(&mut away).await);
    looks.done("thread:close", &open).await;
    looks.settle().await;
    let rev = writer.say(&thread, "to nobody").await["rev"]
        .as_u64()
        .unwrap();
    looks
        .event("heads", |heads| heads["heads"][&thread] == rev)
        .await;
    assert!(is_quiet(&mut looks).await);
}

async fn is_quiet(device: &mut Device) -> bool {
    device
        .settle()
        .await
        .iter()
        .all(|(name, _)| name != "entry" && name != "conversation_updated")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_entries_that_were_not_told_are_fetched_before_the_next() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let first = ann.say(&thread, "told").await["rev"].as_u64().unwrap();
    bob.entries(&thread, first).await;
    server.wire.cut();
    ann.say(&thread, "not told").await;
    ann.say(&thread, "neither").await;
    server.wire.mend();
    let last = ann.say(&thread, "told again").await["rev"]
        .as_u64()
        .unwrap();
    let revs: Vec<_> = bob
        .entries(&thread, last)
        .await
        .iter()
        .map(|entry| entry["rev"].clone())
        .collect();
    assert_eq!(revs, [first + 1, first + 2, first + 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_after_the_store_was_lost_what_is_missing_is_delivered() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let other = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let first = ann.say(&thread, "told").await["rev"].as_u64().unwrap();
    bob.entries(&thread, first).await;
    server.wire.cut();
    let last = ann.say(&thread, "not told").await["rev"].as_u64().unwrap();
    let unheard = ann.say(&other, "in a thread that is not known here").await["rev"].clone();
    server.wire.mend();
    let wire = server.wire.clone();
    std::thread::spawn(move || wire.recovered()).join().unwrap();
    let entries = bob.entries(&thread, last).await;
    assert_eq!(entries[0]["message"]["content"], "not told");
    bob.event("heads", |heads| heads["heads"][&other] == unheard)
        .await;
}
