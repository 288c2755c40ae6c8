//! The store fails under a running server. Meanwhile nothing is acknowledged and nothing is delivered, and the server
//! says so; when the store heals, it goes on by itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod faults;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use faults::{
    Crowd, Line, PATIENCE, Room, Said, assert_sound, attach, disk, or_skip, ready, until,
};
use rustix::process::Signal;
use semel_client::{Api, Client};
use semel_protocol::{
    Code, ThreadId,
    message::SendResult,
    requests::SendMessage,
    socket::{Ack, SendOne, from_client},
};
use semel_testkit::{
    Semel, binary,
    faults::{SYNCS, Strace, Whom},
    token,
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};

/// Characters of a large message.
const LARGE: usize = 15_000;
/// The store is well, as far as the server tells.
async fn wait_until_ready(server: &Semel) {
    let is_ready = async || ready(&server.address).await.0 == 200;
    until("the server says that it is ready", is_ready).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_d5_a_full_disk_acknowledges_and_delivers_nothing_and_heals() {
    let Some(disk) = disk(24) else { return };
    let mut server = Semel::start(binary(), &disk.path()).unwrap();
    let mut room = Room::open(&server.address).await;
    room.listen();
    assert_eq!(room.say("before").await, Said::Acknowledged);
    disk.fill().unwrap();
    let large = "x".repeat(LARGE);
    // What the files still have room for is used up first.
    let mut refusals = 0;
    while refusals < 3 {
        assert!(room.lines.len() < 2_000, "the disk is not full");
        match room.say(&large).await {
            Said::Acknowledged => refusals = 0,
            Said::Refused(Code::StoreUnavailable) => refusals += 1,
            other => panic!("{other:?}"),
        }
    }
    let acknowledged = room.acknowledged();
    until("all of that is heard", async || {
        room.heard() == acknowledged
    })
    .await;
    for _ in 0..20 {
        let said = room.say(&large).await;
        assert_eq!(said, Said::Refused(Code::StoreUnavailable));
        let (status, body) = ready(&server.address).await;
        assert_eq!(status, 503);
        assert!(body.contains("full"), "{body}");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(room.log().await.len(), acknowledged, "reads still work");
    assert_eq!(room.heard(), acknowledged);

    disk.relieve().unwrap();
    wait_until_ready(&server).await;
    assert_eq!(room.say(&large).await, Said::Acknowledged);
    room.verify().await;
    server.kill().unwrap();
    assert_sound(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_d4_failing_syncs_acknowledge_nothing_and_heal() {
    if or_skip(Strace::look()).is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut server = Semel::start(binary(), directory.path()).unwrap();
    let mut room = Room::open(&server.address).await;
    room.listen();

    // Once, with nobody else there.
    let strace = attach(&server, Whom::Lane, SYNCS, "error=EIO").await;
    assert_eq!(room.say("once").await, Said::Refused(Code::OutcomeUnknown));
    assert_eq!(room.heard(), 0);
    drop(strace);
    wait_until_ready(&server).await;
    let crowd = Crowd::gather(&server.address).await;

    // Now and then.
    let how = "error=EIO:when=4+9";
    let strace = attach(&server, Whom::Lane, SYNCS, how).await;
    let mut told = HashSet::new();
    for number in 0..60 {
        told.insert(room.say(&format!("now and then {number}")).await);
        sleep(Duration::from_millis(10)).await;
    }
    drop(strace);
    let is_refused = |said: &Said| matches!(said, Said::Refused(_));
    assert!(told.iter().any(is_refused), "{told:?}");
    wait_until_ready(&server).await;
    assert_eq!(room.say("between").await, Said::Acknowledged);

    // Always.
    let strace = attach(&server, Whom::Lane, SYNCS, "error=EIO").await;
    let acknowledged = room.acknowledged();
    for number in 0..60 {
        let said = room.say(&format!("never {number}")).await;
        let expected = [Code::OutcomeUnknown, Code::StoreUnavailable].map(Said::Refused);
        assert!(expected.contains(&said), "{said:?}");
        assert_eq!(ready(&server.address).await.0, 503);
        sleep(Duration::from_millis(20)).await;
    }
    let heard = room.heard();
    drop(strace);
    assert_eq!(room.acknowledged(), acknowledged);
    assert!(heard <= room.log().await.len());
    wait_until_ready(&server).await;
    crowd.disperse().await;
    room.verify().await;
    server.kill().unwrap();
    assert_sound(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_d6_a_slow_disk_is_overload_and_not_memory() {
    const ROOMS: usize = 10;
    /// More than may wait for one device.
    const CALLS: usize = 200;
    const BYTES_MORE_MAX: u64 = 200 * 1024 * 1024;
    if or_skip(Strace::look()).is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut server = Semel::start(binary(), directory.path()).unwrap();
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let room = Room::open_for(&server.address, &format!("speaker-{number}")).await;
        let token = token(&format!("speaker-{number}"));
        let connected = Client::connect(&server.address, &token, None).await;
        let (client, mut events) = connected.unwrap();
        tokio::spawn(async move { while events.next().await.is_some() {} });
        rooms.push((room, client));
    }
    let before = server.resident_bytes().unwrap();
    let how = "delay_exit=200000";
    let strace = attach(&server, Whom::Lane, SYNCS, how).await;
    let content = "x".repeat(1_000);
    let refused = Arc::new(AtomicUsize::new(0));
    let mut calls = Vec::new();
    for (at, (room, client)) in rooms.iter_mut().enumerate() {
        for _ in 0..CALLS {
            let body = room.next_line(&content);
            let call = emit(client.clone(), room.thread, body.clone());
            let refused = Arc::clone(&refused);
            let answer = tokio::spawn(async move {
                let answer = call.await;
                if matches!(answer, Some(Ack::Error { .. })) {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
                answer
            });
            calls.push((at, body, answer));
        }
    }
    until("it says that it has too much to do", async || {
        refused.load(Ordering::Relaxed) > 0
    })
    .await;
    let more = server.resident_bytes().unwrap().saturating_sub(before);
    drop(strace);
    let mut unanswered = [0; ROOMS];
    for (at, body, answer) in calls {
        let place = match timeout(PATIENCE, answer).await.unwrap().unwrap() {
            // A device that reads too slowly is cut off.
            None => {
                unanswered[at] += 1;
                None
            }
            Some(Ack::Success { data }) => Some((data.message.id, data.message.seq)),
            Some(Ack::Error { error }) => {
                let expected = [Code::Overloaded, Code::RateLimited];
                assert!(expected.contains(&error.code), "{error:?}");
                None
            }
        };
        rooms[at].0.lines.push(Line { body, place });
    }
    assert!(more < BYTES_MORE_MAX, "{more} bytes more");
    for ((room, _), unanswered) in rooms.iter().zip(unanswered) {
        // What is refused as overload is not done.
        let acknowledged = room.acknowledged();
        let stored = room.log().await.len();
        assert!((acknowledged..=acknowledged + unanswered).contains(&stored));
    }
    let first = &mut rooms[0].0;
    first.verify().await;
    server.kill().unwrap();
    assert_sound(&server);
}

async fn emit(client: Client, thread_id: ThreadId, body: SendMessage) -> Option<Ack<SendResult>> {
    let send = SendOne {
        thread_id,
        client_id: body.client_id,
        content: body.content,
        kind: None,
        reply_to: None,
        attachments: vec![],
    };
    client
        .emit_with_ack(from_client::MESSAGE_SEND, &send)
        .await
        .ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p3_a_server_that_stood_still_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Semel::start(binary(), directory.path()).unwrap();
    let crowd = Crowd::gather(&server.address).await;
    let mut room = Room::open(&server.address).await;
    room.listen();
    assert_eq!(room.say("before").await, Said::Acknowledged);
    server.signal(Signal::STOP).unwrap();
    sleep(Duration::from_secs(3)).await;
    server.signal(Signal::CONT).unwrap();
    assert_eq!(room.say("after").await, Said::Acknowledged);
    crowd.disperse().await;
    room.verify().await;
    server.kill().unwrap();
    assert_sound(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_c1_a_client_that_dies_before_the_answer_finds_its_message() {
    let directory = tempfile::tempdir().unwrap();
    let server = Semel::start(binary(), directory.path()).unwrap();
    let mut room = Room::open(&server.address).await;
    room.listen();
    for round in 0..100_u64 {
        let body = room.next_line(&format!("round {round}"));
        let json = serde_json::to_string(&body).unwrap();
        let mut stream = TcpStream::connect(&room.address.authority).await.unwrap();
        let request = format!(
            "POST /api/chat/threads/{}/messages HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            room.thread,
            room.address.authority,
            token("ann"),
            json.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        sleep(Duration::from_micros(round * 20)).await;
        drop(stream);
        // The next client of the same person begins with what was in the outbox.
        let next = Api::new(room.address.clone(), &token("ann"));
        let first = next.send(room.thread, &body, None).await.unwrap().data;
        let second = next.send(room.thread, &body, None).await.unwrap().data;
        assert!(second.duplicate && first.message == second.message);
        let place = Some((first.message.id, first.message.seq));
        room.lines.push(Line { body, place });
    }
    room.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p2_a_kill_between_commit_and_acknowledgement_keeps_the_place() {
    if or_skip(Strace::look()).is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut server = Semel::start(binary(), directory.path()).unwrap();
    let mut room = Room::open(&server.address).await;
    assert_eq!(room.say("before").await, Said::Acknowledged);
    for round in 0..6 {
        // The first thing that is written to any socket, be it the delivery or the acknowledgement, kills it.
        let answers = "sendto,sendmsg,writev";
        let how = "signal=SIGKILL";
        let strace = attach(&server, Whom::Everybody, answers, how).await;
        let key = (round % 2 == 0).then(|| format!("key-{round}"));
        let body = room.next_line(&format!("round {round}"));
        let lost = Api::new(server.address.clone(), &token("ann"));
        let lost = timeout(PATIENCE, lost.send(room.thread, &body, key.as_deref())).await;
        assert!(lost.unwrap().is_err(), "it was acknowledged");
        drop(strace);
        server.kill().unwrap();
        server.restart().unwrap();

        let again = Api::new(server.address.clone(), &token("ann"));
        let log = room.log_of(&again).await;
        let stored = log.last().unwrap();
        assert_eq!(stored.client_id, Some(body.client_id), "it was committed");
        let retried = again
            .send(room.thread, &body, key.as_deref())
            .await
            .unwrap();
        assert_eq!(retried.is_replay, key.is_some());
        assert_eq!(retried.data.message, *stored);
        let place = Some((stored.id, stored.seq));
        room.lines.push(Line { body, place });
    }
    room.verify().await;
    server.kill().unwrap();
    assert_sound(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p2_a_kill_in_the_middle_of_a_commit_doubles_nothing() {
    if or_skip(Strace::look()).is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut server = Semel::start(binary(), directory.path()).unwrap();
    let crowd = Crowd::gather(&server.address).await;
    let mut room = Room::open(&server.address).await;
    room.listen();
    for round in 1..=4 {
        let how = format!("signal=SIGKILL:when={}", round * 3);
        let strace = attach(&server, Whom::Lane, SYNCS, &how).await;
        let mut said = Said::Acknowledged;
        while said == Said::Acknowledged {
            said = room.say(&format!("round {round}")).await;
        }
        assert_eq!(said, Said::Unanswered);
        drop(strace);
        server.kill().unwrap();
        server.restart().unwrap();
    }
    crowd.disperse().await;
    room.verify().await;
    server.kill().unwrap();
    assert_sound(&server);
}
