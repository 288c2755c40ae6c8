//! How often a device may do something, and how often what is more than saying something may be done, and with whom.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    peers::Person,
    place::{Answer, Place, send},
    support::{Device, client_id},
};

const ANN: &str = "+49 30 12345678";
const BOB: &str = "+49 30 12345679";
/// With a rate of one a second.
const AT_ONCE: u32 = 10;
const NOBODY: &str = "018f0000-0000-7000-8000-000000000000";

/// Whether it was too often, and says so in full.
fn is_limited(answer: &Answer) -> bool {
    if answer.status != 429 {
        return false;
    }
    answer.problem("rate_limited");
    let wait: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wait >= 1, "{answer:?}");
    assert!(
        answer.json["retry_after_ms"].as_u64().unwrap() >= 1,
        "{answer:?}"
    );
    true
}

/// Does something until it is too often; how often it was not. One more each second is let through, which is not awaited here.
async fn until_limited<F: Future<Output = Answer>>(mut call: impl FnMut() -> F) -> u32 {
    let mut done = 0;
    while !is_limited(&call().await) {
        done += 1;
        assert!(done < 6 * AT_ONCE, "it has no end");
    }
    done
}

async fn device(place: &Place, token: &str) -> Device {
    let auth = json!({"token": token});
    Device::connect(place.server.address, &auth).await.unwrap()
}

/// An event is too often at once, or after the one that a second lets through.
async fn refused(device: &mut Device, event: &str, data: &Value) {
    let mut answer = device.call(event, data).await;
    for _ in 2..AT_ONCE {
        if answer["error"]["code"] == "rate_limited" {
            break;
        }
        answer = device.call(event, data).await;
    }
    assert_eq!(answer["error"]["code"], "rate_limited", "{answer}");
    let wait = answer["error"]["retry_after_ms"].as_u64();
    assert!(wait >= Some(1), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_conn_9_what_a_device_does_is_limited_and_its_persons_other_devices_go_on() {
    let place = Place::with(&[("device_per_second", "1")]).await;
    let phone = place.sign_in(ANN).await.text("access_token");
    let laptop = place.sign_in_at(ANN, "laptop").await.text("access_token");
    let change = |token: &str| {
        let call = place.call(Method::PATCH, "/api/users/me");
        send(call.bearer_auth(token).json(&json!({"about": "x"})))
    };
    assert!(until_limited(|| change(&phone)).await >= AT_ONCE);
    change(&laptop).await.data();
    // What it asks counts apart from what it changes.
    let ask = |token: &str| send(place.call(Method::GET, "/api/users/me").bearer_auth(token));
    assert!(until_limited(|| ask(&phone)).await >= AT_ONCE);
    ask(&laptop).await.data();
    // The next access token of the same sign-in is no other device.
    let again = place.sign_in_at(BOB, "tablet").await;
    let tablet = again.text("access_token");
    until_limited(|| ask(&tablet)).await;
    let next = place.refresh(&again.text("refresh_token"), "tablet").await;
    let tablet = next.text("access_token");
    assert!(until_limited(|| ask(&tablet)).await < AT_ONCE);
    // Tokens of a host application say nothing of devices.
    let carl = Person::new(&place, "carl").await;
    for _ in 0..6 * AT_ONCE {
        carl.get("/api/users/me").await.data();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_conn_9_a_device_is_limited_over_its_socket_as_well() {
    let place = Place::with(&[("device_per_second", "1")]).await;
    let token = place.sign_in(ANN).await.text("access_token");
    let mut device = device(&place, &token).await;
    let ask = || send(place.call(Method::GET, "/api/users/me").bearer_auth(&token));
    until_limited(ask).await;
    refused(&mut device, "sync", &json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p_conn_9_reaching_others_is_limited_apart_whatever_the_call() {
    let place = Place::with(&[("reaching_per_second", "1")]).await;
    let token = place.sign_in(ANN).await.text("access_token");
    let post = |path: &str, body: Value| place.post_as(&token, path, body);
    Person::new(&place, "bob").await;
    let group = json!({"participants": ["bob"], "thread_type": "group", "distinct": false});
    let made = post("/api/chat/create-or-get", group).await;
    let thread = made.json["data"]["thread"]["id"].as_str().unwrap();
    let thread = format!("/api/chat/threads/{thread}");
    let direct = json!({"participants": [NOBODY]});
    let said = json!({"participants": [NOBODY], "message_content": "x"});
    let added = json!({"new_participants": [NOBODY]});
    let link = json!({"token": "made up"});
    let calls = [
        ("/api/chat/create-or-get".to_owned(), direct),
        ("/api/chat/start-conversation".to_owned(), said),
        (format!("{thread}/expand"), added),
        (format!("{thread}/invites"), json!({})),
        ("/api/invites/look".to_owned(), link.clone()),
        ("/api/invites/join".to_owned(), link),
        (
            "/api/users/find".to_owned(),
            json!({"handle": "nobody_here"}),
        ),
        (
            format!("/api/users/{NOBODY}/report"),
            json!({"reason": "spam"}),
        ),
    ];
    // All of them share what there is, whatever comes of each.
    let mut next = calls.iter().cycle();
    let all = || {
        let (path, body) = next.next().unwrap();
        post(path, body.clone())
    };
    assert!(until_limited(all).await >= AT_ONCE - 1);
    for (path, body) in &calls {
        assert!(until_limited(|| post(path, body.clone())).await < AT_ONCE);
    }
    let handle = || {
        let call = place.call(Method::PUT, "/api/users/me/handle");
        send(call.bearer_auth(&token).json(&json!({"handle": "ann"})))
    };
    assert!(until_limited(handle).await < AT_ONCE);
    let look = format!("/api/users/{NOBODY}");
    let look = || send(place.call(Method::GET, &look).bearer_auth(&token));
    assert!(until_limited(look).await < AT_ONCE);
    // So does the event that begins a conversation.
    let mut device = device(&place, &token).await;
    let begin = json!({"participants": [NOBODY], "message_content": "x"});
    refused(&mut device, "message:send", &begin).await;
    // Saying something to whom one knows, and asking, go on.
    let words = json!({"client_id": client_id(), "content": "x"});
    let said = post(&format!("{thread}/messages"), words).await;
    assert_eq!(said.status, 201, "{said:?}");
    place.get_as(&token, &thread).await.data();
}

#[tokio::test(flavor = "multi_thread")]
async fn p_conn_9_uploads_and_exports_are_limited_together() {
    let place = Place::with(&[("heavy_per_second", "1")]).await;
    let token = place.sign_in(ANN).await.text("access_token");
    // No picture: it counts all the same.
    let upload = || {
        let call = place.call(Method::POST, "/api/pictures");
        send(call.bearer_auth(&token).body("no picture"))
    };
    assert!(until_limited(upload).await >= AT_ONCE);
    let export = || {
        let call = place.call(Method::GET, "/api/users/me/export");
        send(call.bearer_auth(&token))
    };
    assert!(until_limited(export).await < AT_ONCE);
    place.get_as(&token, "/api/users/me").await.data();
}

#[tokio::test(flavor = "multi_thread")]
async fn p_people_4_how_many_strangers_there_are_in_a_day_is_the_operators_to_say() {
    let look = async |ann: &Person<'_>, number: u32| {
        let answer = ann.get(&format!("/api/users/stranger-{number}")).await;
        let is_limited = is_limited(&answer);
        if !is_limited {
            answer.problem("not_found");
        }
        is_limited
    };
    let place = Place::with(&[("strangers_per_day", "3")]).await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    for number in 0..3 {
        assert!(!look(&ann, number).await, "{number}");
    }
    assert!(look(&ann, 3).await);
    let direct = json!({"participants": ["bob"]});
    let begun = ann.post("/api/chat/create-or-get", direct).await;
    assert!(is_limited(&begun), "{begun:?}");
    // Others have their own, and whom one knows is no stranger.
    bob.group(&[&ann]).await;
    ann.get("/api/users/bob").await.data();
    // 0 is no limit.
    let place = Place::with(&[("strangers_per_day", "0")]).await;
    let ann = Person::new(&place, "ann").await;
    for number in 0..10 {
        assert!(!look(&ann, number).await, "{number}");
    }
}
