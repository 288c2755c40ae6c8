//! HTTP polling, and the upgrade from it, as official clients begin.

use std::time::Duration;

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

    /// Lets somebody in.
    async fn enter(&self, token: &str) {
        self.post(format!("40{}", json!({"token": token}))).await;
        let welcome = self.get().await;
        assert!(welcome[0].starts_with("40{"), "{welcome:?}");
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

    /// Whether a poll is answered in this time.
    async fn waits_less_than(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.client.get(&self.url).send())
            .await
            .is_ok()
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
    poller.enter(&server.token("ann")).await;
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
    poller.enter(&server.token("ann")).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_those_of_the_protocol() {
    let server = Server::start().await;
    let (poller, _) = Poller::open(&server).await;
    let sid = poller.url.split_once("&sid=").unwrap().1;
    let client = reqwest::Client::new();
    for (method, query, code) in [
        ("GET", "EIO=4&transport=pigeon".to_owned(), 0),
        ("GET", "EIO=4".to_owned(), 0),
        ("GET", "EIO=4&transport=polling&sid=nobody".to_owned(), 1),
        ("POST", "EIO=4&transport=polling".to_owned(), 2),
        ("GET", "EIO=4&transport=websocket".to_owned(), 3),
        ("PUT", format!("EIO=4&transport=polling&sid={sid}"), 3),
        ("GET", "EIO=3&transport=polling".to_owned(), 5),
    ] {
        let url = format!("http://{}/socket.io/?{query}", server.address);
        let answer = client.request(method.parse().unwrap(), url).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 400, "{query}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code, "{query}");
        assert!(problem["message"].is_string());
    }
    // None of this has harmed the session.
    poller.enter(&server.token("ann")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_was_given_up_makes_room_for_the_next() {
    let server = Server::start().await;
    let (poller, _) = Poller::open(&server).await;
    poller.enter(&server.token("ann")).await;
    let impatient = reqwest::Client::builder().timeout(Duration::from_millis(100));
    let given_up = impatient.build().unwrap().get(&poller.url).send().await;
    assert!(given_up.unwrap_err().is_timeout());
    let ask = json!(["thread:close", {"thread_id": "00000000-0000-7000-8000-000000000001"}]);
    // Until the server has seen that nobody waits for it any more, a poll that was given up takes what comes with it.
    let limit = Duration::from_secs(1);
    for number in 1..=20 {
        poller.post(format!("42{number}{ask}")).await;
        if let Ok(packets) = tokio::time::timeout(limit, poller.get()).await {
            assert!(packets[0].starts_with("43"), "{packets:?}");
            return;
        }
    }
    panic!("a poll that was given up stands in the way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_that_is_given_up_after_the_probe_leaves_polling() {
    let server = Server::start().await;
    let (poller, open) = Poller::open(&server).await;
    let query = format!("&sid={}", open["sid"].as_str().unwrap());
    for _ in 0..2 {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let mut device = Device::over(stream, server.address, &query).await;
        device.send("2probe").await;
        assert_eq!(device.text().await.unwrap(), "3probe");
        assert_eq!(poller.get().await, ["6"]);
        device.hang_up().await;
        // Polls are answered at once as long as the upgrade is tried.
        let settled = async { while poller.waits_less_than(Duration::from_millis(200)).await {} };
        let settled = tokio::time::timeout(Duration::from_secs(5), settled).await;
        settled.expect("polling goes on");
    }
    poller.enter(&server.token("ann")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_polls_hears_why_it_is_put_out() {
    let server = Server::start().await;
    let (poller, _) = Poller::open(&server).await;
    poller.enter(&server.token_for("ann", 2_500)).await;
    let mut packets = Vec::new();
    while !packets.iter().any(|packet| packet == "41") {
        packets.extend(poller.get().await);
    }
    assert!(packets[0].starts_with(r#"42["closing""#), "{packets:?}");
    // A poll that came before the end is released with nothing.
    let mut answer = poller.client.get(&poller.url).send().await.unwrap();
    if answer.status() == 200 {
        answer = poller.client.get(&poller.url).send().await.unwrap();
    }
    assert_eq!(answer.status(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_before_they_are_in_is_not_let_in_as_somebody_else() {
    let server = Server::start().await;
    let (poller, _) = Poller::open(&server).await;
    let connect = |who: &str| format!("40{}", json!({"token": server.token(who)}));
    let body = [connect("ann"), "41".to_owned(), connect("bob")].join("\u{1e}");
    poller
        .client
        .post(&poller.url)
        .body(body)
        .send()
        .await
        .unwrap();
    let answer = poller.client.get(&poller.url).send().await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(!text.contains("40{"), "nobody was let in: {text}");
}
