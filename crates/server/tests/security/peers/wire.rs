//! What comes over the wire, however it was made.

use std::time::Duration;

use futures_util::{StreamExt, future::join_all};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::{client_async, tungstenite::client::IntoClientRequest};

use super::{Person, id_of, is_well, raw};
use crate::{
    place::{Answer, Place, send},
    support::{Device, client_id},
};

const MIB: usize = 1024 * 1024;
/// Levels of nesting that are more than any reader's stack has frames, in less than a body may have.
const DEEP: usize = 200_000;

/// Synapse CVE-2021-41281: a name from outside became a path.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_21_no_address_is_a_path_on_the_disk() {
    let place = Place::new().await;
    let ann = Person::new(&place, "ann").await;
    for path in [
        "/../../../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/%2e%2e%5c%2e%2e%5cetc%5cpasswd",
        "//etc/passwd",
        "/api/docs/../../semel.db",
        "/api/users/..",
        "/api/users/..%2f..%2fsecret",
        "/assets/%00",
        "file:///etc/passwd",
    ] {
        let token = &ann.token;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        let answer = raw(&place, request.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "400" | "404" | "422"), "{path}: {answer}");
    }
}

/// Synapse CVE-2024-52805: a body of many parts filled the memory.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_23_bodies_are_read_up_to_their_limit() {
    let place = Place::new().await;
    let ann = Person::new(&place, "ann").await;
    let parts = "--x\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n".repeat(10_000);
    let call = place
        .call(Method::PATCH, "/api/users/me")
        .bearer_auth(&ann.token);
    let call = call
        .header("content-type", "multipart/form-data; boundary=x")
        .body(parts);
    send(call).await.problem("unsupported_media_type");
    // One that never ends is not read on for ever: neither of a stranger, nor of somebody known.
    for token in [ann.token.as_str(), ""] {
        let mut stream = TcpStream::connect(place.server.address).await.unwrap();
        let head = format!(
            "POST /api/auth/verify HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
        let mut sent = 0;
        while stream.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
            assert!(sent < 64 * MIB, "the server reads on and on");
        }
    }
    is_well(&place).await;
}

/// Synapse CVE-2022-31052: what was nested deeply ended the process.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_24_what_is_nested_deeply_is_refused() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let thread = ann.group(&[&bob]).await;
    let nested = [
        "[".repeat(DEEP),
        "{\"a\":".repeat(DEEP / 2),
        format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP)),
        format!("{}1{}", "{\"a\":".repeat(DEEP / 2), "}".repeat(DEEP / 2)),
    ];
    for nested in &nested {
        for (method, path) in [
            (Method::POST, "/api/auth/verify"),
            (Method::PATCH, "/api/users/me"),
            (Method::PATCH, thread.as_str()),
        ] {
            for body in [nested.clone(), format!("{{\"display_name\":{nested}}}")] {
                let call = place.call(method.clone(), path).bearer_auth(&ann.token);
                let call = call.header("content-type", "application/json").body(body);
                let answer = send(call).await;
                assert!(answer.status.is_client_error(), "{path}: {answer:?}");
            }
        }
        for packet in [format!("40{nested}"), format!("40{{\"token\":{nested}}}")] {
            let mut outside = Device::open(place.server.address).await;
            outside.send(&packet).await;
            let answer = outside.text().await;
            assert!(answer.is_none_or(|text| text.starts_with("44")));
        }
        for packet in [
            format!("421[\"read\",{nested}]"),
            format!("421[\"message:send\",{{\"attachments\":{nested}}}]"),
        ] {
            ann.device().await.send(&packet).await;
        }
    }
    is_well(&place).await;
}

/// Synapse CVE-2024-31208: one sender cost everybody disk and time.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_27_what_one_person_may_cost_is_limited() {
    let place = Place::with(&[("actions_per_second", "1")]).await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let thread = ann.group(&[&bob]).await;
    let path = format!("{thread}/messages");
    let say = |_| ann.post(&path, json!({"client_id": client_id(), "content": "x"}));
    let answers = join_all((0..60).map(say)).await;
    let (taken, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.status.is_success());
    assert!(!taken.is_empty() && !refused.is_empty());
    for answer in &refused {
        answer.problem("rate_limited");
        assert!(answer.headers.contains_key("retry-after"));
    }
    // Another way in has the same budget.
    let mut device = ann.device().await;
    let send = json!({"thread_id": id_of(&thread), "client_id": client_id(), "content": "x"});
    let mut codes = Vec::new();
    for _ in 0..20 {
        let answer = device.call("message:send", &send).await;
        codes.push(answer["error"]["code"].clone());
    }
    assert!(codes.contains(&json!("rate_limited")), "{codes:?}");
    bob.say(&thread, "others go on").await;
}

/// What is text, and was the end of readers elsewhere.
const ODD_WORDS: &[&str] = &[
    "\u{202e}txt.exe",
    "\u{feff}\u{200b}\u{200d}",
    "\u{fffd}\u{fffe}\u{10ffff}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "</script><!--",
    "{\"type\":\"hidden\",\"rev\":1}",
    "constructor",
    "__proto__",
    "42[\"entry\",{}]",
    "\u{1e}2\u{1e}",
];

/// Synapse CVE-2024-52815 and CVE-2025-30355: what one sent broke the catching up of another.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_28_29_whatever_was_taken_comes_back_and_breaks_nobodys_catching_up() {
    let place = Place::new().await;
    let (ann, bob) = (
        Person::new(&place, "ann").await,
        Person::new(&place, "bob").await,
    );
    let thread = ann.group(&[&bob]).await;
    for words in ODD_WORDS {
        ann.say(&thread, words).await;
    }
    // Half of a surrogate pair is no text, neither over HTTP nor over a socket.
    let path = format!("{thread}/messages");
    let id = client_id();
    let half = format!(r#"{{"client_id":"{id}","content":"\ud800"}}"#);
    let call = place.call(Method::POST, &path).bearer_auth(&ann.token);
    let call = call
        .header("content-type", "application/json")
        .body(half.clone());
    assert!(send(call).await.status.is_client_error());
    let mut device = ann.device().await;
    let half = half.replacen('{', &format!(r#"{{"thread_id":"{}","#, id_of(&thread)), 1);
    device.send(&format!(r#"427["message:send",{half}]"#)).await;
    assert_eq!(device.ack(7).await["status"], "error");
    ann.say(&thread, "the last").await;

    let page = bob.get(&path).await;
    let messages = page.data()["messages"].as_array().unwrap().clone();
    let said: Vec<_> = messages
        .iter()
        .map(|message| message["content"].clone())
        .collect();
    let mut expected: Vec<_> = ODD_WORDS.iter().map(|words| json!(words)).collect();
    expected.push(json!("the last"));
    assert_eq!(said, expected);
    let mut device = bob.device().await;
    let cursor = json!({"threads": {id_of(&thread): {"rev": 1}}});
    let synced = device.done("sync", &cursor).await;
    let told = synced["threads"].to_string();
    for words in &expected {
        assert!(told.contains(&words.to_string()), "{words}");
    }
}

/// Packets that ended processes of others, among them those of the advisories.
const CRAFTED: &[&str] = &[
    // CVE-2024-38355: a reserved name.
    r#"42["error",{}]"#,
    r#"42["connect_error",{}]"#,
    r#"42["disconnect"]"#,
    r#"42["newListener","x"]"#,
    // CVE-2023-32695: a name that is no text.
    r#"42[{"toString":"foo"}]"#,
    r"42[null]",
    r"42[1e400]",
    r"42[]",
    // CVE-2022-2421: places of binary data that are none.
    r#"451-["a",{"_placeholder":true,"num":"splice"}]"#,
    r#"451-["a",{"_placeholder":true,"num":-1}]"#,
    r#"4599999999999-["a"]"#,
    "45-1-[]",
    // Acknowledgements that nobody asked for.
    r#"43999999999999999999999["x"]"#,
    r#"4299999999999999999999999["sync",{}]"#,
    "4",
    "",
    "9",
    "bAAAA",
    "40/other,{}",
    "40{\"token\":1}",
    "42/other,[\"sync\",{}]",
    "42[\"sync\",{\"threads\":{\"__proto__\":{}}}]",
    "\u{0}",
];

/// socket.io CVE-2024-38355, CVE-2023-32695, CVE-2022-2421, engine.io CVE-2022-21676: one packet ended the process.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_41_no_packet_ends_the_process() {
    let place = Place::new().await;
    let ann = Person::new(&place, "ann").await;
    let mut witness = ann.device().await;
    for packet in CRAFTED {
        for is_inside in [false, true] {
            let mut device = if is_inside {
                ann.device().await
            } else {
                Device::open(place.server.address).await
            };
            device.send(packet).await;
            // Whether it is closed for it or not, those beside it notice nothing.
            witness.done("sync", &json!({})).await;
            device.hang_up().await;
        }
    }
    for query in [
        "EIO=4&transport=websocket",
        "EIO=3&transport=websocket",
        "EIO=4&transport=polling&sid=toString",
        "EIO=4&transport=polling&sid[]=x",
        "EIO[]=4",
        "transport=%00",
        "",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let call = place.call(method, &format!("/socket.io/?{query}"));
            let answer = send(call.body("4")).await;
            assert!(!answer.status.is_server_error(), "{query}: {answer:?}");
        }
    }
    is_well(&place).await;
}

/// Prosody CVE-2026-43506, xmppbomb: memory was filled before anybody had shown who they are, by what was compressed.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_42_whoever_is_not_known_yet_takes_little() {
    let place = Place::with(&[("connecting_per_address_max", "5")]).await;
    let address = place.server.address;
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.clone().into_client_request().unwrap();
    let deflate = "permessage-deflate; client_max_window_bits";
    request
        .headers_mut()
        .insert("sec-websocket-extensions", deflate.parse().unwrap());
    let stream = TcpStream::connect(address).await.unwrap();
    let (one, answer) = client_async(request, stream).await.unwrap();
    assert!(!answer.headers().contains_key("sec-websocket-extensions"));
    let zeros = vec![0; 100];
    let call = place
        .call(Method::POST, "/api/auth/verify")
        .header("content-encoding", "gzip");
    send(call.body(zeros))
        .await
        .problem("unsupported_media_type");
    // So many at a time, and none beyond.
    let mut held = vec![one];
    for _ in 0..4 {
        let stream = TcpStream::connect(address).await.unwrap();
        held.push(client_async(url.as_str(), stream).await.unwrap().0);
    }
    let call = place.call(Method::GET, "/socket.io/?EIO=4&transport=polling");
    assert_eq!(send(call).await.status, StatusCode::SERVICE_UNAVAILABLE);
    // Who says nothing of themselves is closed.
    let mut silent = held.pop().unwrap();
    let ends = async {
        while let Some(Ok(message)) = silent.next().await {
            if message.is_close() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ends)
        .await
        .expect("it is closed");
    drop(held);
}

/// What is for signing in has no person yet: it counts by address.
#[tokio::test(flavor = "multi_thread")]
async fn p_conn_8_an_address_signs_in_so_often() {
    let place = Place::with(&[("handshakes_per_second", "1")]).await;
    let refresh = || {
        let call = place.call(Method::POST, "/api/auth/refresh");
        send(call.json(&json!({"refresh_token": "made up"})))
    };
    // Ten at once, and one more each second.
    let mut answered = 0;
    loop {
        let answer = refresh().await;
        if answer.status == 429 {
            answer.problem("rate_limited");
            assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
            break;
        }
        answered += 1;
        assert!(answered < 60, "it has no end");
    }
    assert!(answered >= 10, "{answered}");
}

/// What is asked counts by person, or by address where nobody says who asks.
#[tokio::test(flavor = "multi_thread")]
async fn p_conn_8_what_one_person_reads_is_limited_apart_from_what_they_change() {
    let place = Place::with(&[("reads_per_second", "1")]).await;
    let limited = |answer: &Answer| {
        let is_limited = answer.status == 429;
        if is_limited {
            answer.problem("rate_limited");
            assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
        }
        is_limited
    };
    let ann = Person::new(&place, "ann").await;
    // Ten at once, and one more each second.
    let mut answered = 1;
    while !limited(&ann.get("/api/users/me").await) {
        answered += 1;
        assert!(answered < 60, "it has no end");
    }
    assert!(answered >= 10, "{answered}");
    assert!(limited(&ann.get("/api/users/bob").await));
    assert!(limited(&ann.get("/api/users/me/export").await));
    let refused = ann.device().await.call("sync", &json!({})).await;
    assert_eq!(refused["error"]["code"], "rate_limited", "{refused}");
    assert!(refused["error"]["retry_after_ms"].as_u64() >= Some(1));
    ann.patch("/api/users/me", json!({"about": "x"}))
        .await
        .data();
    let bob = Person::new(&place, "bob").await;
    bob.get("/api/users/me").await.data();
    let picture = "/api/pictures/0190b5c8-0000-7000-8000-000000000001";
    let mut absent = 0;
    while !limited(&send(place.call(Method::GET, picture)).await) {
        absent += 1;
        assert!(absent < 60, "it has no end");
    }
    assert!(absent >= 10, "{absent}");
    bob.get("/api/users/me").await.data();
}
