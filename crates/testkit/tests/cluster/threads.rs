//! Who is in a thread, when the calls that say so go to several servers.

use std::{collections::BTreeSet, sync::Arc};

use semel_client::Method;
use serde_json::json;

use crate::scene::{Scene, client_id, refusal, success, text};

const CREATE: &str = "/api/chat/create-or-get";

pub(crate) async fn ec_v02_ec_v04_ec_v10_story_c7_the_same_people_have_their_thread_at_every_server(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let find = async |who: &crate::scene::Person, body: serde_json::Value| {
        text(&success(&who.post(CREATE, body).await)["thread"]["id"])
    };
    let mut direct = BTreeSet::new();
    for people in [
        vec![&ann, &bob],
        vec![&bob, &ann],
        vec![&ann, &bob, &ann],
        vec![&bob],
    ] {
        let ids: Vec<&str> = people.iter().map(|it| it.id.as_str()).collect();
        direct.insert(find(&ann, json!({"participants": ids, "thread_type": "direct"})).await);
        direct.insert(bob.direct(&ann).await);
    }
    assert_eq!(direct.len(), 1);
    let thread = direct.first().unwrap();
    scene.disturb();
    // Hidden, and there again.
    let leave = format!("/api/chat/threads/{thread}/leave");
    success(&ann.post(&leave, json!({})).await);
    assert_eq!(&bob.direct(&ann).await, thread);
    assert_eq!(&ann.direct(&bob).await, thread);
    let mut notes = BTreeSet::new();
    for _ in 0..4 {
        notes.insert(find(&ann, json!({"participants": [], "thread_type": "self"})).await);
    }
    assert_eq!(notes.len(), 1);
}

pub(crate) async fn ec_k05_ec_k06_story_c10_whoever_is_added_by_many_comes_in_once(
    scene: Arc<Scene>,
) {
    let [ann, bob, cem] = scene.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob]).await;
    let mut devices = bob.devices().await;
    let path = format!("/api/chat/threads/{thread}/expand");
    let (key, body) = (client_id(), json!({"new_participants": [cem.id]}));
    let calls = (0..12).map(|n| {
        let (ann, path, body, key) = (ann.clone(), path.clone(), body.clone(), key.clone());
        async move {
            let key = (n % 2 == 0).then_some(key);
            let answer = ann
                .ask(Method::POST, &path, Some(&body), key.as_deref())
                .await;
            success(&answer)["thread"]["participant_count"].clone()
        }
    });
    let counts = scene.all_at_once(calls).await;
    assert!(counts.iter().all(|count| *count == 3), "{counts:?}");
    for device in &mut devices {
        device.hears(&thread, 2..=2).await;
    }
    // Out again, twice at once, and a late repeat with the old key.
    let leave = format!("/api/chat/threads/{thread}/leave");
    let calls = (0..6).map(|_| {
        let (cem, leave) = (cem.clone(), leave.clone());
        async move { cem.post(&leave, json!({})).await }
    });
    for answer in scene.all_at_once(calls).await {
        assert!(answer.status < 500, "{answer:?}");
    }
    let late = ann.ask(Method::POST, &path, Some(&body), Some(&key)).await;
    assert!(late.is_replay);
    let view = ann.get(&format!("/api/chat/threads/{thread}")).await;
    assert_eq!(view["thread"]["participant_count"], 2);
    for device in &mut devices {
        device.hears(&thread, 3..=3).await;
    }
    assert_eq!(ann.log(&thread).await.len(), 3);
}

pub(crate) async fn req_a10_two_groups_that_become_the_same_people_at_once_are_not_both_found(
    scene: Arc<Scene>,
) {
    let [ann, bob, cem] = scene.people(["ann", "bob", "cem"]).await;
    let mut groups = Vec::new();
    for other in [&bob, &cem] {
        let body = json!({"participants": [other.id], "thread_type": "group"});
        let made = success(&ann.post(CREATE, body).await);
        groups.push(text(&made["thread"]["id"]));
    }
    let calls = (0..2).map(|n| {
        let path = format!("/api/chat/threads/{}/expand", groups[n]);
        let (ann, newcomer) = (ann.clone(), [&cem.id, &bob.id][n].clone());
        async move {
            ann.post(&path, json!({"new_participants": [newcomer]}))
                .await
        }
    });
    let answers = scene.all_at_once(calls).await;
    let refused: Vec<_> = answers.iter().filter(|it| it.status != 200).collect();
    assert_eq!(refused.len(), 1, "{answers:?}");
    assert_eq!(
        refusal(refused[0]),
        (409, "participants_key_taken".to_owned())
    );
    let body = json!({"participants": [bob.id, cem.id], "thread_type": "group"});
    let found = success(&ann.post(CREATE, body).await);
    assert_eq!(found["created"], false);
}

/// Who was taken out reads nothing of what comes after, at whichever server.
pub(crate) async fn ec_x04_req_a11_who_was_removed_gets_their_own_answer_again_and_nothing_new(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.group(&[&bob]).await;
    let (path, key) = (crate::scene::messages(&thread), client_id());
    let words = json!({"client_id": client_id(), "content": "before"});
    let sent = bob.ask(Method::POST, &path, Some(&words), Some(&key)).await;
    success(&sent);
    let mut devices = bob.devices().await;
    for device in &mut devices {
        // So that it is followed where the device is.
        device.say(&thread, "here").await;
    }
    let remove = format!("/api/chat/threads/{thread}/participants/{}", bob.id);
    success(&ann.ask(Method::DELETE, &remove, None, None).await);
    scene.disturb();
    ann.say(&thread, "after").await;
    for server in 0..3 {
        let again = bob
            .ask_at(server, Method::POST, &path, Some(&words), Some(&key))
            .await;
        assert!(again.status == 403 || again.status == 404 || again.is_replay);
        let fresh = json!({"client_id": client_id(), "content": "still here"});
        let refused = bob
            .ask_at(server, Method::POST, &path, Some(&fresh), None)
            .await;
        assert!((403..=404).contains(&refused.status), "{refused:?}");
    }
    for device in &mut devices {
        let heard = device.hears(&thread, 3..=6).await;
        assert_eq!(heard.last().unwrap()["type"], "participant_removed");
    }
    assert_eq!(
        ann.log(&thread).await.len(),
        7,
        "nothing of what was refused"
    );
}

/// Sets of 75 and of 300, and two people who have a direct thread and a group.
pub(crate) async fn ec_v05_ec_v13_large_sets_and_two_kinds_of_two_have_one_thread_each(
    scene: Arc<Scene>,
) {
    let names: Vec<String> = (0..300).map(|n| format!("person-{n}")).collect();
    let people: Vec<_> = names.iter().map(|name| scene.person(name)).collect();
    let calls = people.iter().cloned().map(|person| async move {
        person.get("/api/users/me").await;
    });
    scene.all_at_once(calls.collect::<Vec<_>>()).await;
    let mut found = BTreeSet::new();
    for (size, kind) in [(2, "direct"), (2, "group"), (75, "group"), (300, "group")] {
        let calls = (0..9).map(|n| {
            let who = people[n % size].clone();
            let mut ids: Vec<String> = people[..size].iter().map(|it| it.id.clone()).collect();
            ids.rotate_left(n * 7 % size);
            async move {
                let body = json!({"participants": ids, "thread_type": kind});
                let answer = success(&who.post(CREATE, body).await);
                assert_eq!(answer["thread"]["participant_count"], size);
                (text(&answer["thread"]["id"]), answer["created"] == true)
            }
        });
        let told = scene.all_at_once(calls).await;
        assert_eq!(told.iter().filter(|(_, created)| *created).count(), 1);
        assert!(told.iter().all(|(thread, _)| *thread == told[0].0));
        found.insert(told[0].0.clone());
    }
    assert_eq!(found.len(), 4);
}
