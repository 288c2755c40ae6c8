//! Devices that do not read.

use semel_protocol::limits::CONTENT_CHARACTERS_MAX;
use serde_json::json;
use tokio::net::TcpSocket;

use super::support::{Device, Server, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l3_a_device_that_does_not_read_is_cut_off_and_holds_up_nobody() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob", "cy"]).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let stream = socket.connect(server.address).await.unwrap();
    let mut slow = Device::over(stream, server.address, "").await;
    slow.send(&format!("40{}", json!({"token": server.token("bob")})))
        .await;
    assert!(slow.text().await.unwrap().starts_with("40"));
    let (mut ann, mut cy) = (server.device("ann").await, server.device("cy").await);
    assert_eq!(server.realtime.device_count(), 3);
    let words = "x".repeat(CONTENT_CHARACTERS_MAX);
    let mut last = 0;
    while server.realtime.device_count() == 3 {
        let message = ann.say(&thread, &words).await;
        last = message["seq"].as_u64().unwrap();
        assert!(last < 3_000, "48 MB wait for a device that does not read");
    }
    let seen = cy.entries(&thread, last + 1).await;
    assert_eq!(seen.len() as u64, last, "the others missed nothing");
    until("the slow one has gone", || {
        server.realtime.device_count() == 2
    })
    .await;
    // When it reads again it finds that the connection ended, comes back and syncs.
    slow.closed().await;
    assert!(!slow.is_put_out);
    let mut back = server.device("bob").await;
    let answer = back
        .done("sync", &json!({"threads": {&thread: {"rev": last}}}))
        .await;
    assert_eq!(answer["threads"][0]["head_rev"], last + 1);
}
