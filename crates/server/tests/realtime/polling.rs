//! HTTP polling, and the upgrade from it, as official clients begin.

use semel_server::realtime::Settings;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::support::{Device, Server, client_id};

struct Poller {
    client: reqwest::Client,
    url: String,
}

impl Poller {
    async fn open(server: &Server) -> (Self, Value) {
        let client = reqwest::Client::new();
        let url = format!(
            "http://{}/socket.io/?EIO=4&transport=polling",
            server.address
        );
        let open = client.get(&url).send().await.unwrap().text().await.unwrap();
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        let url = format!("{url}&sid={}", open["sid"].as_str().unwrap());
        (Self { client, url }, open)
    }

    async fn post(&self, packet: String) {
        let answer = self
            .client
            .post(&self.url)
            .body(packet)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), "ok");
    }

    /// The packets that wait, at least one; heartbeats are answered.
    async fn get(&self) -> Vec<String> {
        loop {
            let answer = self.client.get(&self.url).send().await.unwrap();
            let packets = answer.text().await.unwrap();
            let (pings, packets): (Vec<_>, Vec<_>) = packets
                .split('\u{1e}')
                .map(str::to_owned)
                .partition(|packet| packet == "2");
            for _ in pings {
                self.post("3".to_owned()).await;
            }
            if !packets.is_empty() {
                return packets;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d1_a_client_that_only_polls_sends_and_hears() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (poller, open) = Poller::open(&server).await;
    assert_eq!(open["upgrades"], json!(["websocket"]));
    assert_eq!(
        (&open["pingInterval"], &open["pingTimeout"]),
        (&json!(10_000), &json!(10_000))
    );
    poller
        .post(format!("40{}", json!({"token": server.token("ann")})))
        .await;
    let welcome = poller.get().await;
    assert!(welcome[0].starts_with("40{"), "{welcome:?}");
    let send = json!({"thread_id": thread, "client_id": client_id(), "content": "hello"});
    poller
        .post(format!("42{}{}", 5, json!(["message:send", send])))
        .await;
    let mut packets = Vec::new();
    while !(packets
        .iter()
        .any(|packet: &String| packet.starts_with("435["))
        && packets
            .iter()
            .any(|packet| packet.starts_with(r#"42["entry""#)))
    {
        packets.extend(poller.get().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d1_a_client_upgrades_from_polling_to_websocket() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (poller, open) = Poller::open(&server).await;
    poller
        .post(format!("40{}", json!({"token": server.token("ann")})))
        .await;
    let welcome = poller.get().await;
    assert!(welcome[0].starts_with("40{"), "{welcome:?}");
    let stream = TcpStream::connect(server.address).await.unwrap();
    let query = format!("&sid={}", open["sid"].as_str().unwrap());
    let mut device = Device::over(stream, server.address, &query).await;
    device.send("2probe").await;
    assert_eq!(device.text().await.unwrap(), "3probe");
    device.send("5").await;
    let message = device.say(&thread, "over the new way").await;
    let entries = device
        .entries(&thread, message["rev"].as_u64().unwrap())
        .await;
    assert_eq!(
        entries.last().unwrap()["message"]["content"],
        "over the new way"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polling_can_be_turned_off() {
    let server = Server::with(Settings {
        polling: false,
        ..Settings::default()
    })
    .await;
    let url = format!(
        "http://{}/socket.io/?EIO=4&transport=polling",
        server.address
    );
    assert_eq!(reqwest::get(url).await.unwrap().status(), 400);
    server.device("ann").await.settle().await;
}
