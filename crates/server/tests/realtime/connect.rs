//! Who comes in, and who stays.

use std::time::Duration;

use semel_protocol::limits::DEVICES_PER_USER_MAX;
use semel_server::realtime::Settings;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    client_async,
    tungstenite::{Error, client::IntoClientRequest},
};

use super::support::{Device, Server, client_id, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d2_without_a_valid_token_nobody_comes_in() {
    let server = Server::start().await;
    let expired = server.token_for("ann", -1_000);
    let foreign = format!("{}x", server.token("ann"));
    for auth in [
        json!({}),
        json!(null),
        json!({"token": ""}),
        json!({"token": 7}),
        json!({"token": "a.b.c"}),
        json!({"token": expired}),
        json!({"token": foreign}),
    ] {
        let refused = Device::connect(server.address, &auth).await;
        assert_eq!(refused.err().as_deref(), Some("unauthenticated"), "{auth}");
    }
    let long = json!({"token": server.token("ann"), "device_id": "x".repeat(65)});
    assert_eq!(
        Device::connect(server.address, &long)
            .await
            .err()
            .as_deref(),
        Some("invalid_request")
    );
    assert_eq!(server.realtime.device_count(), 0);
    let good = json!({"token": server.token("ann"), "device_id": "phone"});
    assert!(Device::connect(server.address, &good).await.is_ok());
    until("one device", || server.realtime.device_count() <= 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_client_may_try_again_on_the_same_connection() {
    let server = Server::start().await;
    let mut device = Device::open(server.address).await;
    device.send("40").await;
    assert_eq!(
        device.text().await.unwrap(),
        r#"44{"message":"unauthenticated"}"#
    );
    device
        .send(&format!("40{}", json!({"token": server.token("ann")})))
        .await;
    assert!(device.text().await.unwrap().starts_with(r#"40{"sid":""#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_main_namespace_is_there() {
    let server = Server::start().await;
    let mut device = Device::open(server.address).await;
    device.send("40/other,{}").await;
    assert_eq!(
        device.text().await.unwrap(),
        r#"44/other,{"message":"Invalid namespace"}"#
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_the_protocol_ends_the_connection() {
    let server = Server::start().await;
    for text in [
        r#"42["sync",{}]"#,
        "4",
        "49",
        "4é",
        "x",
        r#"451-["a",{"_placeholder":true}]"#,
    ] {
        let mut device = Device::open(server.address).await;
        device.send(text).await;
        if text.starts_with("45") {
            // The binary packet that follows is stepped over, another one is not.
            device.send("42[]").await;
        }
        assert_eq!(device.closed().await, [], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binary_events_are_refused_and_do_no_harm() {
    let server = Server::start().await;
    let mut ann = server.device("ann").await;
    ann.send(r#"451-9["message:send",{"_placeholder":true,"num":0}]"#)
        .await;
    let answer = ann.ack(9).await;
    assert_eq!(answer["error"]["code"], "malformed_body");
    ann.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_has_a_limited_number_of_devices() {
    let server = Server::start().await;
    let mut devices = Vec::new();
    for _ in 0..DEVICES_PER_USER_MAX {
        devices.push(server.device("ann").await);
    }
    let auth = json!({"token": server.token("ann")});
    let refused = Device::connect(server.address, &auth).await;
    assert_eq!(refused.err().as_deref(), Some("too_many_devices"));
    devices.pop().unwrap().hang_up().await;
    until("one device less", || {
        server.realtime.device_count() < DEVICES_PER_USER_MAX
    })
    .await;
    server.device("ann").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_put_out_when_its_token_ends() {
    let server = Server::start().await;
    let auth = json!({"token": server.token_for("ann", 2_500)});
    let mut ann = Device::connect(server.address, &auth).await.unwrap();
    let mut bob = server.device("bob").await;
    let events = ann.closed().await;
    let last = events.last().unwrap();
    assert_eq!(last.0, "closing");
    assert_eq!(
        last.1,
        json!({"code": "unauthenticated", "retry_after_ms": null})
    );
    assert!(ann.is_put_out);
    bob.settle().await;
    until("one device", || server.realtime.device_count() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_others_are_kept_out() {
    let origins = Some(vec!["https://chat.example".to_owned()]);
    let server = Server::with(Settings {
        origins,
        ..Settings::default()
    })
    .await;
    let own = format!("http://{}", server.address);
    for (origin, is_welcome) in [
        (own.as_str(), true),
        ("https://chat.example", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let url = format!(
            "ws://{}/socket.io/?EIO=4&transport=websocket",
            server.address
        );
        let mut request = url.into_client_request().unwrap();
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
        let stream = TcpStream::connect(server.address).await.unwrap();
        match client_async(request, stream).await {
            Ok(_) => assert!(is_welcome, "{origin}"),
            Err(Error::Http(response)) => {
                assert_eq!(
                    (response.status().as_u16(), is_welcome),
                    (403, false),
                    "{origin}"
                );
            }
            Err(error) => panic!("{origin}: {error}"),
        }
    }
    // Programs are not pages.
    server.device("ann").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_says_when_to_come_back() {
    let server = Server::start().await;
    let mut ann = server.device("ann").await;
    server.realtime.shutdown(Duration::from_secs(5)).await;
    let events = ann.closed().await;
    let (name, data) = events.last().unwrap();
    assert_eq!(name, "closing");
    assert_eq!(data["code"], "shutting_down");
    assert!(data["retry_after_ms"].as_u64().unwrap() >= 1_000);
    assert!(!ann.is_put_out, "it shall come back by itself");
    assert_eq!(server.realtime.device_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_conn_6_devices_of_a_server_that_stops_have_their_answers_and_go_one_after_the_other() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut devices = Vec::new();
    for _ in 0..20 {
        devices.push(server.device("ann").await);
    }
    let read = json!({"thread_id": thread, "seq": 1});
    let mut asked = Vec::new();
    for device in &mut devices {
        // Positions are written from time to time: each of these waits when the server stops.
        asked.push(device.emit("read", &read).await);
        device.settle().await;
    }
    let stop = server.realtime.shutdown(Duration::from_secs(10));
    let watch = async {
        let mut waits = Vec::new();
        for (device, ack) in devices.iter_mut().zip(asked) {
            assert_eq!(device.ack(ack).await["status"], "success");
            let closing = device.event("closing", |_| true).await;
            waits.push(closing["retry_after_ms"].as_u64().unwrap());
        }
        waits
    };
    let ((), mut waits) = tokio::join!(stop, watch);
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 20, "each its own moment: {waits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packet_that_is_too_large_is_told_before_the_connection_ends() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let message = json!({"client_id": client_id(), "content": "x".repeat(10_000)});
    let messages = vec![message; 110];
    ann.emit(
        "message:send",
        &json!({"thread_id": thread, "messages": messages}),
    )
    .await;
    let told = ann.event("closing", |_| true).await;
    assert_eq!(told["code"], "body_too_large");
    assert!(told["retry_after_ms"].is_number(), "it may come back");
}
