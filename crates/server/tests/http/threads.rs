//! One thread per set of people, and who is in it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, TestServer, client_id, messages, text};

const CREATE: &str = "/api/chat/create-or-get";
const CHECK: &str = "/api/chat/check-existing-thread";
const START: &str = "/api/chat/start-conversation";

async fn get(who: &Client, thread: &str) -> Value {
    who.get(&format!("/api/chat/threads/{thread}"))
        .await
        .success()["thread"]
        .clone()
}

#[tokio::test]
async fn ec_v02_req_a4_order_repetition_and_the_caller_do_not_matter() {
    let server = TestServer::start().await;
    let upper = "6F9619FF-8B86-D011-B42D-00CF4FC964FF";
    let [ann, _] = server.people(["ann", upper]).await;
    let lower = upper.to_ascii_lowercase();
    let mut ids = Vec::new();
    for people in [
        vec![upper],
        vec![&lower, "ann"],
        vec!["ann", upper, &lower, "ann"],
    ] {
        let data = ann
            .post(CREATE, json!({"participants": people}))
            .await
            .success();
        assert_eq!(data["thread"]["thread_type"], "direct");
        ids.push(data["thread"]["id"].clone());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn ec_v04_story_c7_a_note_to_oneself_is_one_thread_with_one_person() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let note = json!({"participants": [], "thread_type": "self"});
    let first = ann
        .post(CREATE, note)
        .await
        .expect(StatusCode::CREATED)
        .success();
    let again = ann
        .post(CREATE, json!({"participants": ["ann"]}))
        .await
        .success();
    assert_eq!(first["thread"]["id"], again["thread"]["id"]);
    assert_eq!(again["thread"]["participant_count"], 1);
}

#[tokio::test]
async fn ec_v05_large_groups_are_found_again_and_their_people_are_paged() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let operator = server.operator();
    let others = (0..299).map(|n| format!("user-{n:03}")).collect::<Vec<_>>();
    for id in &others {
        operator
            .call(Method::PUT, &format!("/api/users/{id}"))
            .json(&json!({}))
            .send()
            .await;
    }
    for size in [74, 299] {
        let body = json!({"participants": others[..size]});
        let first = ann
            .post(CREATE, body.clone())
            .await
            .expect(StatusCode::CREATED)
            .success();
        let again = ann
            .post(CREATE, body)
            .await
            .expect(StatusCode::OK)
            .success();
        assert_eq!(first["thread"]["id"], again["thread"]["id"]);
        assert_eq!(again["thread"]["participant_count"], size + 1);
        let shown = again["thread"]["participants"].as_array().unwrap().len();
        assert_eq!(shown, (size + 1).min(100));
        let id = text(&again["thread"]["id"]);
        assert_eq!(all_people(&ann, &id).await.len(), size + 1);
    }
}

async fn all_people(who: &Client, thread: &str) -> std::collections::BTreeSet<String> {
    let mut people = std::collections::BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/chat/threads/{thread}/participants?limit=70{cursor}");
        let page = who.get(&path).await.success();
        for participant in page["participants"].as_array().unwrap() {
            assert!(people.insert(text(&participant["user_id"])));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return people,
        }
    }
}

#[tokio::test]
async fn ec_v10_a_hidden_direct_thread_comes_back_as_it_was() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    ann.say(&thread, "hi").await;
    let leave = format!("/api/chat/threads/{thread}/leave");
    bob.post(&leave, json!({})).await.expect(StatusCode::OK);
    let listed = async || {
        let page = bob.get("/api/chat/threads").await.success();
        page["threads"].as_array().unwrap().len()
    };
    assert_eq!(listed().await, 0);
    assert_eq!(bob.direct(&ann).await, thread);
    assert_eq!(listed().await, 1);
}

#[tokio::test]
async fn ec_v13_direct_and_group_of_the_same_two_are_two_threads() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    assert_ne!(ann.direct(&bob).await, ann.group(&[&bob]).await);
}

#[tokio::test]
async fn req_a5_the_number_of_people_fits_the_type() {
    let server = TestServer::start().await;
    let [ann, _, _] = server.people(["ann", "bob", "cem"]).await;
    for (people, kind) in [
        (json!([]), "direct"),
        (json!(["bob", "cem"]), "direct"),
        (json!([]), "group"),
        (json!(["bob"]), "self"),
    ] {
        let body = json!({"participants": people, "thread_type": kind});
        let answer = ann.post(CREATE, body).await;
        answer.problem("invalid_request");
    }
}

#[tokio::test]
async fn req_a7_checking_creates_nothing_and_reveals_nothing() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let check = |who: &Client, people: Value| {
        who.post(
            CHECK,
            json!({"participants": people, "thread_type": "direct"}),
        )
    };
    let none = json!({"exists": false, "thread": null});
    assert_eq!(
        check(&ann, json!(["bob"]))
            .await
            .expect(StatusCode::OK)
            .success(),
        none
    );
    let thread = ann.direct(&bob).await;
    ann.say(&thread, "hi").await;
    let found = check(&bob, json!(["ann"])).await.success();
    assert_eq!(found["exists"], true);
    assert_eq!(found["thread"]["message_count"], 1);
    assert_eq!(found["thread"]["title"], "ann");
    assert_eq!(found["thread"]["participants"].as_array().unwrap().len(), 2);
    // Cem asks about two others: the set with him has no thread, and nothing tells of theirs.
    let group = json!({"participants": ["ann", "bob"], "thread_type": "group"});
    assert_eq!(cem.post(CHECK, group).await.success(), none);
}

#[tokio::test]
async fn req_a8_a_conversation_starts_in_one_step_and_once() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["bob"], "message_content": "hi", "client_id": client_id()});
    let first = ann
        .post(START, body.clone())
        .await
        .expect(StatusCode::CREATED)
        .success();
    assert_eq!(first["is_existing_thread"], false);
    assert_eq!(first["message"]["seq"], 1);
    let again = ann.post(START, body).await.expect(StatusCode::OK).success();
    assert_eq!(again["message"]["id"], first["message"]["id"]);
    assert_eq!(again["thread"]["message_count"], 1);
    let answer = json!({"participants": ["ann"], "message_content": "hello"});
    let answer = bob
        .post(START, answer)
        .await
        .expect(StatusCode::OK)
        .success();
    assert_eq!(answer["is_existing_thread"], true);
    assert_eq!(answer["thread"]["id"], first["thread"]["id"]);
    assert_eq!(answer["message"]["seq"], 2);
}

#[tokio::test]
async fn req_a9_expanding_adds_people_keeps_history_and_retitles() {
    let server = TestServer::start().await;
    let [ann, bob, cem, dan] = server.people(["ann", "bob", "cem", "dan"]).await;
    let thread = ann.group(&[&bob]).await;
    ann.say(&thread, "before").await;
    let path = format!("/api/chat/threads/{thread}/expand");
    let body = json!({"new_participants": ["bob", "cem", "dan"], "message_content": "welcome"});
    let data = ann.post(&path, body).await.expect(StatusCode::OK).success();
    let added = data["added_participants"].as_array().unwrap();
    let added = added
        .iter()
        .map(|it| text(&it["user_id"]))
        .collect::<Vec<_>>();
    assert_eq!(added, ["cem", "dan"]);
    assert_eq!(data["new_title"], "ann, bob, cem and 1 other");
    assert_eq!(data["message"]["content"], "welcome");
    let page = cem.get(&messages(&thread)).await.success();
    assert_eq!(page["messages"][0]["content"], "before");
    assert_eq!(get(&dan, &thread).await["participant_count"], 4);
    let direct = ann.direct(&bob).await;
    let refused = ann.post(
        &format!("/api/chat/threads/{direct}/expand"),
        json!({"new_participants": ["cem"]}),
    );
    refused
        .await
        .expect(StatusCode::CONFLICT)
        .problem("wrong_thread_type");
}

#[tokio::test]
async fn req_a10_a_set_that_has_a_thread_is_named_or_kept_apart() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let (all, two) = (ann.group(&[&bob, &cem]).await, ann.group(&[&bob]).await);
    let path = format!("/api/chat/threads/{two}/expand");
    let refused = ann.post(&path, json!({"new_participants": ["cem"]})).await;
    let problem = refused
        .expect(StatusCode::CONFLICT)
        .problem("participants_key_taken");
    assert_eq!(problem["existing_thread_id"], *all);
    let body = json!({"new_participants": ["cem"], "on_conflict": "keep_separate"});
    ann.post(&path, body).await.expect(StatusCode::OK);
    assert_eq!(ann.group(&[&bob, &cem]).await, all);
    // The set of two is free again; taking Cem out of the first would claim it.
    let pair = ann.group(&[&bob]).await;
    assert_ne!(pair, two);
    let seat = format!("/api/chat/threads/{all}/participants/cem");
    let refused = ann
        .call(Method::DELETE, &seat)
        .send()
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(
        refused.problem("participants_key_taken")["existing_thread_id"],
        *pair
    );
    let leave = cem
        .post(&format!("/api/chat/threads/{all}/leave"), json!({}))
        .await;
    leave.expect(StatusCode::OK);
    assert_eq!(ann.group(&[&bob]).await, pair);
}

#[tokio::test]
async fn req_a11_only_admins_govern_and_the_last_one_hands_over() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let base = format!("/api/chat/threads/{thread}");
    let forbidden = [
        bob.call(Method::PATCH, &base).json(&json!({"title": "x"})),
        bob.call(Method::POST, &format!("{base}/expand"))
            .json(&json!({"new_participants": ["cem"]})),
        bob.call(Method::DELETE, &format!("{base}/participants/cem")),
        bob.call(Method::POST, &format!("{base}/participants/bob/role"))
            .json(&json!({"role": "admin"})),
    ];
    for call in forbidden {
        call.send()
            .await
            .expect(StatusCode::FORBIDDEN)
            .problem("forbidden");
    }
    ann.post(&format!("{base}/leave"), json!({}))
        .await
        .expect(StatusCode::OK);
    let roles = get(&bob, &thread).await["participants"].clone();
    assert_eq!(
        (&roles[0]["user_id"], &roles[0]["role"]),
        (&json!("bob"), &json!("admin"))
    );
    assert_eq!(roles[1]["role"], "participant");
    bob.call(Method::PATCH, &base)
        .json(&json!({"title": "x"}))
        .send()
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn req_a12_a_group_of_its_own_is_never_matched() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let own = |title: &str| json!({"participants": ["bob"], "thread_type": "group", "distinct": false, "title": title});
    let one = ann
        .post(CREATE, own("one"))
        .await
        .expect(StatusCode::CREATED)
        .success();
    let two = ann
        .post(CREATE, own("two"))
        .await
        .expect(StatusCode::CREATED)
        .success();
    assert_ne!(one["thread"]["id"], two["thread"]["id"]);
    let found = ann.group(&[&bob]).await;
    assert!(one["thread"]["id"] != found && two["thread"]["id"] != found);
}

#[tokio::test]
async fn lists_are_paged_most_recent_first() {
    let server = TestServer::start().await;
    let [ann, ..] = server.people(["ann", "b", "c", "d", "e", "f"]).await;
    let mut made = Vec::new();
    for other in ["b", "c", "d", "e", "f"] {
        server.clock.advance_ms(1_000);
        made.push(ann.direct(&server.user(other)).await);
    }
    server.clock.advance_ms(1_000);
    ann.say(&made[0], "up").await;
    made.rotate_left(1);
    made.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ann
            .get(&format!("/api/chat/threads?limit=2{cursor}"))
            .await
            .success();
        let ids = page["threads"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| text(&it["id"]));
        seen.extend(ids);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn who_goes_by_themselves_is_told_to_leave() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let (group, direct) = (ann.group(&[&bob]).await, ann.direct(&bob).await);
    let seat = |thread: &str| format!("/api/chat/threads/{thread}/participants/bob");
    for who in [&bob, &ann] {
        let answer = who.call(Method::DELETE, &seat(&direct)).send().await;
        answer
            .expect(StatusCode::CONFLICT)
            .problem("wrong_thread_type");
    }
    let refused = bob.call(Method::DELETE, &seat(&group)).send().await;
    refused.invalid("?user_id");
    let removed = ann.call(Method::DELETE, &seat(&group)).send().await;
    assert_eq!(removed.success()["thread"]["participant_count"], 1);
}
