//! Messages: once, in order, whatever is repeated.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Client, TestServer, client_id, messages, text};

async fn send(who: &Client, thread: &str, body: &Value) -> Value {
    who.post(&messages(thread), body.clone()).await.success()
}

async fn log(who: &Client, thread: &str) -> Vec<Value> {
    let path = format!("/api/chat/threads/{thread}/entries?limit=500");
    let page = who.get(&path).await.success();
    let entries = page["entries"].as_array().unwrap().clone();
    let revs = entries.iter().map(|entry| entry["rev"].as_u64().unwrap());
    assert!(revs.eq(1..=entries.len() as u64), "{entries:?}");
    entries
}

#[tokio::test]
async fn ec_m01_ec_m11_req_b1_the_same_client_id_is_the_same_message_for_ever() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let body = json!({"client_id": client_id(), "content": "once"});
    let first = ann
        .post(&messages(&thread), body.clone())
        .await
        .expect(StatusCode::CREATED);
    let first = first.success();
    assert_eq!(first["duplicate"], false);
    let revs = log(&ann, &thread).await.len();
    for hours in [0, 1, 25, 24 * 30] {
        server.clock.advance_ms(hours * 3_600_000 + 31_000);
        let ann = server.user("ann");
        let again = ann
            .post(&messages(&thread), body.clone())
            .await
            .expect(StatusCode::OK);
        let again = again.success();
        assert_eq!(again["message"], first["message"]);
        assert_eq!(again["duplicate"], true);
        assert_eq!(log(&ann, &thread).await.len(), revs);
    }
    let server = server.restart().await;
    assert_eq!(
        send(&server.user("ann"), &thread, &body).await["message"],
        first["message"]
    );
}

#[tokio::test]
async fn ec_m02_the_same_client_id_with_other_words_is_refused() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let id = client_id();
    send(&ann, &thread, &json!({"client_id": id, "content": "one"})).await;
    let other = json!({"client_id": id, "content": "two"});
    let answer = ann
        .post(&messages(&thread), other)
        .await
        .expect(StatusCode::CONFLICT);
    answer.problem("client_id_reused");
    let page = bob.get(&messages(&thread)).await.success();
    assert_eq!(page["messages"][0]["content"], "one");
}

#[tokio::test]
async fn ec_m04_a_retry_after_an_edit_or_a_deletion_shows_the_message_as_it_is() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let body = json!({"client_id": client_id(), "content": "one"});
    let sent = send(&ann, &thread, &body).await["message"].clone();
    let path = format!("{}/{}", messages(&thread), text(&sent["id"]));
    let edit = json!({"content": "two"});
    ann.call(Method::PATCH, &path)
        .json(&edit)
        .send()
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        send(&ann, &thread, &body).await["message"]["content"],
        "two"
    );
    ann.call(Method::DELETE, &path)
        .send()
        .await
        .expect(StatusCode::OK);
    let again = send(&ann, &thread, &body).await["message"].clone();
    assert_eq!((&again["id"], &again["seq"]), (&sent["id"], &sent["seq"]));
    assert_eq!(again["content"], "");
    assert!(again["deleted_at"].is_string());
    let late = ann.call(Method::PATCH, &path).json(&edit).send().await;
    late.expect(StatusCode::CONFLICT).problem("message_deleted");
}

#[tokio::test]
async fn ec_m05_the_same_words_twice_are_two_messages() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    ann.say(&thread, "ok").await;
    ann.say(&thread, "ok").await;
    let page = ann.get(&messages(&thread)).await.success();
    assert_eq!(page["messages"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn ec_m07_nobody_can_burn_the_client_id_of_another() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let body = json!({"client_id": client_id(), "content": "mine"});
    let of_ann = send(&ann, &thread, &body).await;
    let of_bob = send(&bob, &thread, &body).await;
    assert_eq!(of_bob["duplicate"], false);
    assert_ne!(of_ann["message"]["id"], of_bob["message"]["id"]);
}

#[tokio::test]
async fn ec_m08_ec_m13_ec_m14_req_b7_a_hundred_at_once_are_one_message_at_one_place() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let body = json!({"client_id": client_id(), "content": "once"});
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let (ann, thread, body) = (ann.clone(), thread.clone(), body.clone());
        calls.spawn(async move { send(&ann, &thread, &body).await });
    }
    let answers = calls.join_all().await;
    assert!(
        answers
            .iter()
            .all(|answer| answer["message"] == answers[0]["message"])
    );
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer["duplicate"] == false)
            .count(),
        1
    );
    assert_eq!(ann.say(&thread, "next").await["seq"], 2);
}

#[tokio::test]
async fn ec_m10_a_retry_with_a_new_token_is_the_same_message() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let body = json!({"client_id": client_id(), "content": "once"});
    let first = send(&ann, &thread, &body).await;
    server.clock.advance_ms(7_200_000);
    ann.get("/api/users/me")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let again = send(&server.user("ann"), &thread, &body).await;
    assert_eq!(again["message"], first["message"]);
}

#[tokio::test]
async fn ec_m16_a_refused_message_takes_no_seq() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let long = json!({"client_id": client_id(), "content": "x".repeat(16_001)});
    ann.post(&messages(&thread), long).await.invalid("/content");
    assert_eq!(ann.say(&thread, "shorter").await["seq"], 1);
}

#[tokio::test]
async fn ec_m19_a_reaction_is_there_once_and_gone_once() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let message = text(&ann.say(&thread, "hi").await["id"]);
    let path = format!("{}/{message}/reactions/👍", messages(&thread));
    let before = log(&ann, &thread).await.len();
    for _ in 0..2 {
        let answer = bob
            .call(Method::PUT, &path)
            .send()
            .await
            .expect(StatusCode::OK)
            .success();
        let expected = json!([{"emoji": "👍", "count": 1, "user_ids": ["bob"]}]);
        assert_eq!(answer["message"]["reactions"], expected);
    }
    for _ in 0..2 {
        let answer = bob
            .call(Method::DELETE, &path)
            .send()
            .await
            .expect(StatusCode::OK)
            .success();
        assert_eq!(answer["message"]["reactions"], json!([]));
    }
    let entries = log(&ann, &thread).await;
    let types = entries[before..]
        .iter()
        .map(|entry| entry["type"].clone())
        .collect::<Vec<_>>();
    assert_eq!(types, ["reaction_added", "reaction_removed"]);
}

#[tokio::test]
async fn req_b2_every_change_is_an_entry_and_every_message_has_its_place() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob]).await;
    let message = text(&ann.say(&thread, "one").await["id"]);
    let path = format!("{}/{message}", messages(&thread));
    let edit = json!({"content": "two"});
    ann.call(Method::PATCH, &path)
        .json(&edit)
        .send()
        .await
        .expect(StatusCode::OK);
    let base = format!("/api/chat/threads/{thread}");
    let expand = json!({"new_participants": [cem.id]});
    ann.post(&format!("{base}/expand"), expand)
        .await
        .expect(StatusCode::OK);
    let role = json!({"role": "admin"});
    ann.post(&format!("{base}/participants/bob/role"), role)
        .await
        .expect(StatusCode::OK);
    let title = json!({"title": "T", "settings": {"posting": "admins"}});
    ann.call(Method::PATCH, &base)
        .json(&title)
        .send()
        .await
        .expect(StatusCode::OK);
    cem.post(&format!("{base}/leave"), json!({}))
        .await
        .expect(StatusCode::OK);
    ann.call(Method::DELETE, &path)
        .send()
        .await
        .expect(StatusCode::OK);
    let entries = log(&ann, &thread).await;
    let types = entries
        .iter()
        .map(|entry| text(&entry["type"]))
        .collect::<Vec<_>>();
    let expected = [
        "thread_created",
        "message",
        "message_edited",
        "participants_added",
        "role_changed",
        "title_changed",
        "settings_changed",
        "participant_left",
        "message_deleted",
    ];
    assert_eq!(types, expected);
    let page = ann.get(&messages(&thread)).await.success();
    let seqs = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["seq"].as_u64().unwrap());
    assert_eq!(seqs.collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!((&page["from_seq"], &page["to_seq"]), (&json!(1), &json!(4)));
    assert_eq!(page["as_of_rev"], 9);
}

#[tokio::test]
async fn req_b6_unread_and_read_positions() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    for n in 1..=5 {
        ann.say(&thread, &format!("{n}")).await;
    }
    let path = format!("/api/chat/threads/{thread}");
    let seen = bob.get(&path).await.success()["thread"].clone();
    assert_eq!(
        (&seen["unread_count"], &seen["last_seq"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(seen["last_message"]["content"], "5");
    let read = |seq: u64| bob.post(&format!("{path}/read"), json!({"seq": seq}));
    assert_eq!(read(3).await.success()["unread_count"], 2);
    assert_eq!(read(1).await.success()["read_seq"], 3);
    assert_eq!(
        read(1_000).await.success(),
        json!({"thread_id": thread, "read_seq": 5, "unread_count": 0})
    );
    assert_eq!(ann.get(&path).await.success()["thread"]["unread_count"], 0);
}

#[tokio::test]
async fn pages_of_messages_and_entries_are_complete() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    for n in 1..=12 {
        ann.say(&thread, &format!("{n}")).await;
    }
    let page = async |query: &str| {
        let page = bob
            .get(&format!("{}?{query}", messages(&thread)))
            .await
            .success();
        let seqs = page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["seq"].as_u64().unwrap());
        (seqs.collect::<Vec<_>>(), page["has_more"] == true)
    };
    assert_eq!(page("limit=3").await, (vec![10, 11, 12], true));
    assert_eq!(page("before_seq=4&limit=3").await, (vec![1, 2, 3], false));
    assert_eq!(page("after_seq=10&limit=3").await, (vec![11, 12], false));
    assert_eq!(page("after_seq=2&limit=3").await, (vec![3, 4, 5], true));
    assert_eq!(page("around_seq=6&limit=1").await.0, [6]);
    let sixth = bob.get(&format!("{}?around_seq=6&limit=1", messages(&thread)));
    let sixth = sixth.await.success();
    let id = sixth["messages"][0]["id"].as_str().unwrap();
    assert_eq!(page(&format!("around_id={id}&limit=3")).await.0, [5, 6, 7]);
    assert_eq!(page("after_seq=99").await.0, [0_u64; 0]);
    let entries = format!("/api/chat/threads/{thread}/entries");
    let first = bob
        .get(&format!("{entries}?after_rev=0&limit=5"))
        .await
        .success();
    assert_eq!(
        (&first["more"], &first["head_rev"]),
        (&json!(true), &json!(13))
    );
    let end = bob.get(&format!("{entries}?after_rev=13")).await.success();
    assert_eq!(
        (&end["entries"], &end["too_old"]),
        (&json!([]), &json!(false))
    );
    let ahead = bob.get(&format!("{entries}?after_rev=99")).await.success();
    assert_eq!(ahead["too_old"], true);
}

#[tokio::test]
async fn p_page_1_a_message_is_found_by_its_id_where_it_is_the_callers_to_see() {
    let server = TestServer::start().await;
    let [ann, bob, cat] = server.people(["ann", "bob", "cat"]).await;
    let group = ann.group(&[&bob]).await;
    let joined = json!({"settings": {"history": "joined"}});
    ann.call(Method::PATCH, &format!("/api/chat/threads/{group}"))
        .json(&joined)
        .send()
        .await
        .success();
    let before = ann.say(&group, "before cat").await;
    let other = ann.direct(&bob).await;
    let elsewhere = ann.say(&other, "elsewhere").await;
    let expand = format!("/api/chat/threads/{group}/expand");
    ann.post(&expand, json!({"new_participants": ["cat"]}))
        .await
        .success();
    let at = |message: &Value| {
        let id = message["id"].as_str().unwrap();
        format!("{}?around_id={id}&limit=1", messages(&group))
    };
    let found = bob.get(&at(&before)).await.success();
    assert_eq!(found["messages"][0]["content"], "before cat");
    // From before they came, of another thread, of nobody, and asked by a stranger: all the same.
    cat.get(&at(&before)).await.problem("not_found");
    bob.get(&at(&elsewhere)).await.problem("not_found");
    let nobodys = json!({"id": "00000000-0000-4000-8000-000000000000"});
    bob.get(&at(&nobodys)).await.problem("not_found");
    ann.get(&format!("{}?around_id=six", messages(&group)))
        .await
        .invalid("?around_id");
}

#[tokio::test]
async fn a_reply_names_a_message_of_the_thread() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let (here, there) = (ann.direct(&bob).await, ann.direct(&cem).await);
    let answered = ann.say(&here, "question").await["id"].clone();
    let body = json!({"client_id": client_id(), "content": "answer", "reply_to": answered});
    assert_eq!(
        send(&bob, &here, &body).await["message"]["reply_to"],
        answered
    );
    let elsewhere = json!({"client_id": client_id(), "content": "answer", "reply_to": answered});
    cem.post(&messages(&there), elsewhere)
        .await
        .invalid("/reply_to");
}

#[tokio::test]
async fn a_place_of_another_log_is_too_old() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    ann.say(&thread, "one").await;
    let entries = log(&ann, &thread).await;
    let (rev, epoch) = (entries.len(), &entries[0]["epoch"]);
    let chain = entries[rev - 1]["chain"].as_str().unwrap();
    let path = format!("/api/chat/threads/{thread}/entries");
    for (query, too_old) in [
        (
            format!("after_rev={rev}&epoch={epoch}&chain={chain}"),
            false,
        ),
        (format!("after_rev={rev}&epoch=7"), true),
        (format!("after_rev={rev}&chain=0123456789abcdef"), true),
        (format!("after_rev={}", rev + 1), true),
    ] {
        let page = ann.get(&format!("{path}?{query}")).await.success();
        assert_eq!(page["too_old"], too_old, "{query}: {page}");
    }
    for query in ["chain=x", "epoch=-1"] {
        let answer = ann.get(&format!("{path}?{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
    }
}

#[tokio::test]
async fn after_a_restore_no_cursor_of_before_is_continued() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    ann.say(&thread, "in the backup").await;
    let backup = server.back_up("copy.db");
    ann.say(&thread, "lost").await;
    let known = log(&bob, &thread).await;
    let (rev, epoch) = (known.len(), known[0]["epoch"].clone());
    let server = server.restore(&backup).await;
    let (ann, bob) = (server.user("ann"), server.user("bob"));
    // The numbers are given again, to other words.
    ann.say(&thread, "other").await;
    ann.say(&thread, "words").await;
    let after = format!("/api/chat/threads/{thread}/entries?after_rev={rev}");
    let page = bob.get(&format!("{after}&epoch={epoch}")).await.success();
    assert_eq!(page["too_old"], true);
    let now = log(&bob, &thread).await;
    let epochs = now.iter().map(|entry| entry["epoch"].clone());
    assert!(
        epochs
            .clone()
            .all(|now| now == page["epoch"] && now != epoch)
    );
    let page = bob
        .get(&format!("{after}&epoch={}", page["epoch"]))
        .await
        .success();
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
}
