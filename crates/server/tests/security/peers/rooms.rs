//! What is told of threads, and to whom.

use serde_json::{Value, json};

use super::{Person, id_of};
use crate::{
    place::{Answer, Place},
    support::client_id,
};

/// An answer without what differs from one to the next.
fn shape(answer: &Answer) -> Value {
    let mut json = answer.json.clone();
    json["request_id"] = Value::Null;
    json
}

/// Mattermost CVE-2020-14458: a private channel was found by its name.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_13_a_group_is_not_found_by_its_people_from_outside() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let eve = Person::new(&place, "eve").await;
    let body = json!({"participants": ["bob"], "thread_type": "group", "title": "Surprise"});
    let made = ann.done("/api/chat/create-or-get", body).await;
    let ask = "/api/chat/check-existing-thread";
    let all = json!({"participants": ["ann", "bob"], "thread_type": "group"});
    assert_eq!(bob.done(ask, all.clone()).await["exists"], true);
    let found = eve.post(ask, all.clone()).await;
    let nobody = json!({"participants": ["ann", "bob", "eve"], "thread_type": "group"});
    assert_eq!(shape(&found), shape(&eve.post(ask, nobody).await));
    assert_eq!(found.data()["exists"], false);
    // The same title makes another group.
    let other = json!({"participants": ["bob"], "thread_type": "group", "title": "Surprise"});
    let theirs = eve.done("/api/chat/create-or-get", other).await;
    assert_ne!(theirs["thread"]["id"], made["thread"]["id"]);
    let list = eve.get("/api/chat/threads").await;
    assert_eq!(list.data()["threads"].as_array().unwrap().len(), 1);
}

/// Mattermost CVE-2020-14459: a channel was renamed to what a direct chat is called by.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_14_no_name_makes_a_group_of_a_direct_thread_or_the_other_way() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let odd = Person::new(&place, "ann,bob").await;
    let direct = json!({"participants": ["bob"]});
    let direct = ann.done("/api/chat/create-or-get", direct).await["thread"]["id"].clone();
    for title in [
        "ann__bob",
        "ann,bob",
        "direct:ann:bob",
        direct.as_str().unwrap(),
    ] {
        let group = ann.group(&[&bob]).await;
        ann.patch(&group, json!({"title": title})).await.data();
        let again = bob
            .done("/api/chat/create-or-get", json!({"participants": ["ann"]}))
            .await;
        assert_eq!(again["thread"]["id"], direct, "{title}");
    }
    // An id with a separator in it stands for nobody else.
    let with_odd = bob
        .done("/api/chat/create-or-get", json!({"participants": [odd.id]}))
        .await;
    assert_ne!(with_odd["thread"]["id"], direct);
    let own = odd
        .done("/api/chat/create-or-get", json!({"participants": []}))
        .await;
    assert_ne!(own["thread"]["id"], direct);
}

/// Synapse CVE-2021-39164: members and names of private rooms were told to others.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_15_what_a_group_is_called_and_who_is_in_it_is_told_like_what_is_said() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let eve = Person::new(&place, "eve").await;
    let thread = ann.group(&[&bob]).await;
    let nowhere = "/api/chat/threads/018f0000-0000-7000-8000-000000000000";
    for tail in [
        "",
        "/participants",
        "/participants?limit=1",
        "/messages",
        "/entries",
    ] {
        let theirs = eve.get(&format!("{thread}{tail}")).await;
        theirs.problem("not_found");
        let absent = eve.get(&format!("{nowhere}{tail}")).await;
        assert_eq!(shape(&theirs), shape(&absent), "{tail}");
    }
    // A cursor that names it does not help.
    let asked = json!({"threads": {id_of(&thread): {"rev": 0}}});
    let synced = eve.device().await.done("sync", &asked).await;
    assert!(
        !synced["threads"].to_string().contains(id_of(&thread)),
        "{synced}"
    );
}

/// Synapse CVE-2024-53867: a newer way of catching up told former members what happened later.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_16_who_left_catches_up_with_nothing_that_came_later() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let thread = ann.group(&[&bob]).await;
    ann.say(&thread, "before").await;
    let mut device = bob.device().await;
    let first = device.done("sync", &json!({})).await;
    bob.done(&format!("{thread}/leave"), json!({})).await;
    ann.say(&thread, "after").await;
    ann.patch(&thread, json!({"title": "after too"}))
        .await
        .data();
    let cursors = [
        json!({}),
        json!({"threads": {id_of(&thread): {"rev": 1}}}),
        json!({"since": first["since"]}),
        json!({"threads": {id_of(&thread): {"rev": 1}}, "since": first["since"]}),
    ];
    for cursor in cursors {
        let mut again = bob.device().await;
        let synced = again.done("sync", &cursor).await;
        let told = again.settle().await;
        for text in [synced.to_string(), json!(told).to_string()] {
            assert!(!text.contains("after"), "{cursor}: {text}");
        }
    }
}

/// Synapse CVE-2023-42453: receipts were forged.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_17_positions_are_ones_own_and_of_ones_own_threads() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let eve = Person::new(&place, "eve").await;
    let thread = ann.group(&[&bob]).await;
    ann.say(&thread, "x").await;
    let read = format!("{thread}/read");
    eve.post(&read, json!({"seq": 1}))
        .await
        .problem("not_found");
    for member in ["user_id", "participant", "delivered_seq"] {
        let forged = json!({"seq": 1, member: "bob"});
        ann.post(&read, forged).await.problem("invalid_request");
    }
    let mut device = eve.device().await;
    device
        .call("delivered", &json!({"thread_id": id_of(&thread), "seq": 1}))
        .await;
    device
        .call("read", &json!({"thread_id": id_of(&thread), "seq": 1}))
        .await;
    let page = ann.get(&format!("{thread}/participants")).await;
    let people = page.data()["participants"].as_array().unwrap();
    assert_eq!(people.len(), 2);
    let of_bob = people
        .iter()
        .find(|person| person["user_id"] == "bob")
        .unwrap();
    assert_eq!(
        (&of_bob["read_seq"], &of_bob["delivered_seq"]),
        (&json!(0), &json!(0))
    );
}

/// Synapse CVE-2023-43796: it was told who is known.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_18_presence_tells_nothing_of_people_who_are_no_contacts() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let _online = bob.device().await;
    let mut device = ann.device().await;
    let ask = json!({"user_ids": ["bob", "nobody-of-this-name"]});
    assert_eq!(device.done("presence", &ask).await["presence"], json!([]));
    // A contact is told of, so that the answer above says something.
    let start = json!({"participants": ["bob"], "message_content": "x"});
    ann.done("/api/chat/start-conversation", start).await;
    let mut device = ann.device().await;
    let told = device.done("presence", &ask).await;
    assert_eq!(told["presence"][0]["user_id"], "bob");
    assert_eq!(told["presence"].as_array().unwrap().len(), 1);
}

/// Synapse CVE-2026-45076: a page full of what the reader may not see looked like the end.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_30_pages_of_what_is_hidden_are_not_the_end() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let cem = Person::new(&place, "cem").await;
    let thread = ann.group(&[&cem]).await;
    ann.patch(&thread, json!({"settings": {"history": "joined"}}))
        .await
        .data();
    let expand = json!({"new_participants": ["bob"]});
    ann.done(&format!("{thread}/expand"), expand.clone()).await;
    bob.done(&format!("{thread}/leave"), json!({})).await;
    for n in 0..20 {
        ann.say(&thread, &format!("hidden {n}")).await;
    }
    ann.done(&format!("{thread}/expand"), expand).await;
    ann.say(&thread, "shown").await;
    let (mut after, mut seen) = (0, String::new());
    loop {
        let page = bob
            .get(&format!("{thread}/entries?after_rev={after}&limit=3"))
            .await;
        let data = page.data();
        for entry in data["entries"].as_array().unwrap() {
            assert!(after == 0 || entry["rev"] == after + 1, "{entry}");
            after = entry["rev"].as_u64().unwrap();
            seen += &entry.to_string();
        }
        if data["more"] == false {
            assert_eq!(data["head_rev"], after);
            break;
        }
    }
    let is_whole = seen.contains("shown") && seen.matches(r#""type":"hidden""#).count() >= 20;
    assert!(is_whole && !seen.contains("hidden 1"), "{seen}");
    let page = bob.get(&format!("{thread}/messages?limit=1")).await;
    assert_eq!(page.data()["messages"][0]["content"], "shown");
}

/// Zulip CVE-2022-31017: who came later was told of a change of what they may not read.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_32_a_change_of_what_came_before_is_not_told_to_who_came_later() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let cem = Person::new(&place, "cem").await;
    let thread = ann.group(&[&cem]).await;
    ann.patch(&thread, json!({"settings": {"history": "joined"}}))
        .await
        .data();
    let old = ann.say(&thread, "protected one").await;
    let expand = json!({"new_participants": ["bob"]});
    ann.done(&format!("{thread}/expand"), expand).await;
    let mut device = bob.device().await;
    device.done("sync", &json!({})).await;
    let message = format!("{thread}/messages/{}", old["id"].as_str().unwrap());
    ann.patch(&message, json!({"content": "protected two"}))
        .await
        .data();
    let react = reqwest::Method::PUT;
    let react = place.call(react, &format!("{message}/reactions/👍"));
    crate::place::send(react.bearer_auth(&ann.token))
        .await
        .data();
    let answer = json!({"client_id": client_id(), "content": "an answer", "reply_to": old["id"]});
    let answer = ann.done(&format!("{thread}/messages"), answer).await;
    let last = answer["message"]["rev"].as_u64().unwrap();
    let mut told = Vec::new();
    while told.last().is_none_or(|entry: &Value| entry["rev"] != last) {
        told.push(device.event("entry", |_| true).await);
    }
    let mut again = bob.device().await;
    let synced = again.done("sync", &json!({})).await;
    let entries = bob.get(&format!("{thread}/entries")).await.json;
    let page = bob.get(&format!("{thread}/messages")).await.json;
    for text in [json!(told), synced, entries, page] {
        assert!(!text.to_string().contains("protected"), "{text}");
    }
    assert!(json!(told).to_string().contains("an answer"));
}

/// Zulip CVE-2026-100404: who could not read a channel's past was told live what was said in it.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_38_what_is_told_live_is_what_may_be_read() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let (eve, left) = (
        Person::new(&place, "eve").await,
        Person::new(&place, "left").await,
    );
    let thread = ann.group(&[&bob, &left]).await;
    left.done(&format!("{thread}/leave"), json!({})).await;
    let mut inside = bob.device().await;
    let mut outside = [eve.device().await, left.device().await];
    let open = json!({"thread_id": id_of(&thread)});
    inside.done("thread:open", &open).await;
    for device in &mut outside {
        // An open thread grants nothing.
        device.done("thread:open", &open).await;
        device.done("sync", &json!({})).await;
    }
    ann.say(&thread, "a secret of this group").await;
    ann.patch(&thread, json!({"title": "a secret title"}))
        .await
        .data();
    inside
        .event("entry", |entry| {
            entry.to_string().contains("a secret of this group")
        })
        .await;
    for (device, who) in outside.iter_mut().zip([&eve, &left]) {
        let told = device.settle().await;
        assert!(!format!("{told:?}").contains("a secret"), "{told:?}");
        let seen = who.get(&format!("{thread}/messages")).await;
        assert!(!seen.json.to_string().contains("a secret"), "{seen:?}");
        let seen = who.get(&format!("{thread}/entries")).await;
        assert!(!seen.json.to_string().contains("a secret"), "{seen:?}");
    }
}

/// Zulip CVE-2026-24050, Element CVE-2023-30609 and CVE-2021-21320: what people wrote became part of a page. No answer here is a
/// page: words are members of JSON, letter by letter, and browsers are told to guess nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_38_40_words_with_markup_stay_words_in_every_answer() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    for words in [
        "<img src=x onerror=alert(1)>",
        "\"><script>alert(1)</script>",
        "{{constructor.constructor('alert(1)')()}}",
        "&lt;b&gt; [x](javascript:alert(1))",
    ] {
        let profile = json!({"display_name": words, "about": words});
        ann.patch("/api/users/me", profile).await.data();
        let thread = ann.group(&[&bob]).await;
        ann.patch(&thread, json!({"title": words, "description": words}))
            .await
            .data();
        ann.say(&thread, words).await;
        for (path, pointer) in [
            ("/api/users/ann", "/data/user/display_name"),
            ("/api/users/ann", "/data/user/about"),
            ("/api/contacts", "/data/contacts/0/user/display_name"),
            ("/api/chat/threads", "/data/threads/0/title"),
            (thread.as_str(), "/data/thread/description"),
            (
                &format!("{thread}/participants"),
                "/data/participants/0/display_name",
            ),
        ] {
            let answer = bob.get(path).await;
            assert_eq!(answer.json.pointer(pointer), Some(&json!(words)), "{path}");
            let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
            assert_eq!(header("content-type"), "application/json", "{path}");
            assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
            assert!(header("content-security-policy").contains("default-src 'none'"));
        }
        let said = bob.get(&format!("{thread}/messages")).await;
        let said = said.json["data"]["messages"].as_array().unwrap();
        assert!(said.iter().any(|message| message["content"] == words));
        // What is refused is told back as words, too.
        let odd = bob.get(&format!("/api/users/me?{words}=1")).await;
        assert_eq!(odd.headers["content-type"], "application/problem+json");
    }
}
