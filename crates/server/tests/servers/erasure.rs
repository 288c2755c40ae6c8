//! A person who is erased on one server is gone on the others.

use std::{io::Cursor, time::Duration};

use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{
    database::Database,
    place::Server,
    redis::Redis,
    support::{Device, client_id},
};

/// How late a server may hear of it, at most.
const HEARD: Duration = Duration::from_secs(5);

/// The status and the body of a call.
async fn call(server: &Server, who: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", server.running.url());
    let request = reqwest::Client::new().request(method.parse().unwrap(), url);
    let request = request.bearer_auth(server.token(who));
    let request = match body {
        Value::Null => request,
        body => request.json(body),
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(server: &Server, who: &str, path: &str) -> Value {
    server.http(who, "GET", path, Value::Null).await
}

/// The address of a picture that somebody has from now on.
async fn take_picture(server: &Server, who: &str) -> String {
    let mut bytes = Cursor::new(Vec::new());
    let image = RgbImage::new(4, 4);
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let upload = reqwest::Client::new()
        .post(format!("{}/api/pictures", server.running.url()))
        .bearer_auth(server.token(who))
        .header("content-type", "image/png")
        .body(bytes.into_inner());
    let answer: Value = upload.send().await.unwrap().json().await.unwrap();
    let address = answer["data"]["picture"].as_str().unwrap().to_owned();
    let profile = json!({"display_name": "Ann Smith", "about": "walks", "picture": address});
    server.http(who, "PATCH", "/api/users/me", profile).await;
    address
}

/// Everything by which Bob sees Ann, on one server.
async fn sight_of_ann(server: &Server, direct: &str, group: &str) -> [Value; 4] {
    let contacts = get(server, "bob", "/api/contacts").await["contacts"].clone();
    let contacts = contacts.as_array().unwrap();
    let mut contact = contacts.iter().map(|contact| contact["user"].clone());
    let path = |id: &str| format!("/api/chat/threads/{id}");
    let in_group = get(server, "bob", &path(group)).await["thread"]["participants"].clone();
    let in_group = in_group.as_array().unwrap();
    let seat = in_group.iter().find(|seat| seat["user_id"] == "ann");
    [
        get(server, "bob", "/api/users/ann").await["user"].clone(),
        contact.find(|user| user["user_id"] == "ann").unwrap(),
        get(server, "bob", &path(direct)).await["thread"]["title"].clone(),
        seat.cloned().unwrap_or_default()["display_name"].clone(),
    ]
}

/// What follows reaches Bob: her words go, without a hole, and so does her seat.
async fn what_follows(bob: &mut Device, (direct, group): (&str, &str), head: u64) {
    let mut told = Vec::new();
    for _ in 0..3 {
        let entry = bob.event("entry", |entry| entry["type"] != "message").await;
        told.push((entry["thread_id"].clone(), entry["type"].clone()));
        if entry["thread_id"] == direct {
            assert_eq!(entry["rev"], head + 1);
        }
    }
    let expected = [
        (direct, "message_deleted"),
        (group, "participant_left"),
        (group, "role_changed"),
    ];
    for (thread, what) in expected {
        assert!(told.contains(&(json!(thread), json!(what))), "{told:?}");
    }
    let is_ann = |contact: &Value| contact["user"]["user_id"] == "ann";
    let contact = bob.event("contact", is_ann).await;
    assert_eq!(contact["user"]["display_name"], "Deleted account");
}

/// Erases Ann on one server while she and Bob are connected to the other one.
async fn erased_on_one_gone_on_the_other(database: &Database, redis: Option<&Redis>) {
    let url = redis.map(|redis| redis.url());
    let one = Server::start(&database.url, url.as_deref()).await;
    let two = Server::start(&database.url, url.as_deref()).await;
    let group = one.group(&["ann", "bob", "cem"]).await;
    let with_bob = json!({"participants": ["bob"]});
    let path = "/api/chat/create-or-get";
    let direct = one.http("ann", "POST", path, with_bob).await["thread"]["id"].clone();
    let direct = direct.as_str().unwrap().to_owned();
    let picture = take_picture(&one, "ann").await;
    let mut ann = two.device("ann").await;
    let mut bob = two.device("bob").await;
    ann.say(&direct, "secret words").await;
    let synced = bob.done("sync", &json!({})).await;
    assert!(synced.to_string().contains("secret words"), "{synced}");
    // Bob's server has seen all of Ann.
    let [profile, contact, title, seat] = sight_of_ann(&two, &direct, &group).await;
    assert_eq!((&profile, &profile["picture"]), (&contact, &json!(picture)));
    assert_eq!((&title, &seat), (&json!("Ann Smith"), &json!("Ann Smith")));
    let head = get(&two, "bob", &format!("/api/chat/threads/{direct}")).await;
    let head = head["thread"]["last_rev"].as_u64().unwrap();

    let erase = json!({"user_id": "ann"});
    one.http("ann", "POST", "/api/auth/erase", erase).await;
    let began = Instant::now();
    // From the acknowledgement on nothing of hers is accepted, and nobody is shown what she was, also where nobody was told yet.
    let messages = format!("/api/chat/threads/{direct}/messages");
    let more = json!({"client_id": client_id(), "content": "more"});
    let (status, problem) = call(&two, "ann", "POST", &messages, &more).await;
    assert_eq!((status, &problem["code"]), (403, &json!("erased")));
    let [profile, contact, title, _] = sight_of_ann(&two, &direct, &group).await;
    assert_eq!(profile["display_name"], "Deleted account");
    for gone in ["about", "picture", "handle"] {
        assert!(profile[gone].is_null(), "{profile}");
    }
    assert_eq!((&contact, title), (&profile, json!("Deleted account")));

    // Her device there is told why and put out, and neither comes back nor asks anything.
    let told = timeout(HEARD.saturating_sub(began.elapsed()), ann.closed());
    let told = told.await.expect("she is put out in time");
    let closing = told.iter().find(|(name, _)| name == "closing");
    assert_eq!(closing.unwrap().1["code"], "erased", "{told:?}");
    let (status, problem) = call(&two, "ann", "GET", "/api/users/me", &Value::Null).await;
    assert_eq!((status, &problem["code"]), (403, &json!("erased")));
    let auth = json!({"token": two.token("ann")});
    let again = Device::connect(two.running.address, &auth).await;
    assert_eq!(again.err().as_deref(), Some("erased"));

    what_follows(&mut bob, (&direct, &group), head).await;
    let [.., seat] = sight_of_ann(&two, &direct, &group).await;
    assert!(seat.is_null(), "{seat}");
    let page = get(&two, "bob", &messages).await;
    assert!(!page.to_string().contains("secret words"), "{page}");
    // Nobody has the picture any more, and what nobody has goes.
    let in_use = database.ask("SELECT count(*) FROM pictures WHERE uses > 0");
    assert_eq!(in_use.trim(), "0");
    bob.hang_up().await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_erase_1_whom_one_server_erases_is_gone_on_the_other_within_five_seconds() {
    let (Some(database), Some(redis)) = (Database::new(), Redis::start()) else {
        return;
    };
    Box::pin(erased_on_one_gone_on_the_other(&database, Some(&redis))).await;
}

/// No hint comes: what the database says is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_erase_1_without_redis_the_other_server_finds_in_the_store_that_somebody_was_erased() {
    let Some(database) = Database::new() else {
        return;
    };
    Box::pin(erased_on_one_gone_on_the_other(&database, None)).await;
}
